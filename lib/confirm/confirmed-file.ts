import type { Answered } from './run-probes';

/** What `--out` writes: the settings for the embedded endpoint, and what each probe saw. It names no account. */
export interface ConfirmedFile {
  readonly format: 'keyturn-confirmed/1';
  /** When the probes were asked, ISO 8601. */
  readonly confirmedAt: string;
  readonly region: string;
  /** Where the services were reached if that is not AWS; null: AWS itself. Only then does the file confirm anything of AWS. */
  readonly endpoint: string | null;
  /** Version of Keyturn. */
  readonly keyturn: string;
  /** The value of each setting that is settled. */
  readonly settings: Readonly<Record<string, string>>;
  readonly probes: readonly Readonly<Record<string, string>>[];
}

type Circumstances = Pick<ConfirmedFile, 'confirmedAt' | 'region' | 'endpoint' | 'keyturn'> & {
  readonly account: string;
};

export function confirmedFile(
  answered: readonly Answered[],
  { account, ...circumstances }: Circumstances,
): ConfirmedFile {
  const nameless = (text: string) => text.replaceAll(account, '<account>');
  const settings = answered.flatMap(({ probe, answer }) =>
    answer.standing === 'settled' ? [[probe.setting, answer.value]] : [],
  );
  return {
    format: 'keyturn-confirmed/1',
    ...circumstances,
    settings: Object.fromEntries(settings),
    probes: answered.map(({ probe, answer }) => ({
      setting: probe.setting,
      ...Object.fromEntries(Object.entries(answer).map(([name, value]) => [name, nameless(value)])),
    })),
  };
}
