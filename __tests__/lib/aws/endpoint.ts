import { type AwsClients, createClients } from '../../../lib/aws/clients';
import type { FaultAction, FaultMatch, LocalAws, LocalAwsOptions } from '../../../local-aws';
import { startTestAws } from '../../support/embedded-aws';

export interface TestEndpoint {
  readonly aws: LocalAws;
  readonly clients: AwsClients;
  /** Clients that sign with another key or for another Region, or that carry a signal; closed with the endpoint. */
  connect(options?: { region?: string; signal?: AbortSignal }): AwsClients;
  /** Makes the requests that match fail, until the faults are cleared. */
  strike(match: FaultMatch, action: FaultAction): void;
  /** The same, with an error of AWS. */
  refuse(match: FaultMatch, code: string, message?: string, status?: number): void;
  close(): Promise<void>;
}

/** An endpoint of the test's own, with the standard variables pointing at it until it is closed. */
export async function startEndpoint(options: LocalAwsOptions = {}): Promise<TestEndpoint> {
  const aws = await startTestAws(options);
  const before = { ...process.env };
  Object.assign(process.env, aws.environment(), { AWS_MAX_ATTEMPTS: '2' });
  const opened: AwsClients[] = [];
  const connect: TestEndpoint['connect'] = ({ region = aws.region, signal } = {}) => {
    const clients = createClients({ region, signal, env: process.env });
    opened.push(clients);
    return clients;
  };
  const strike: TestEndpoint['strike'] = (match, action) => {
    // biome-ignore lint/suspicious/noThenProperty: the fault rule's own word; nobody awaits it
    aws.faults.inject({ match, then: action });
  };
  return {
    aws,
    strike,
    refuse: (match, code, message = 'refused by a test', status = 400) =>
      strike(match, { kind: 'answer', status, code, message }),
    clients: connect(),
    connect,
    async close() {
      for (const clients of opened) clients.destroy();
      process.env = before;
      await aws.close();
    },
  };
}
