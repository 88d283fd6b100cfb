import type { AwsClients } from './clients';

/** What a client of the SDK is asked by. */
interface Sending {
  send(...given: never[]): unknown;
}

/** Commands whose answers hold no stream. */
const READS = /^(Describe|List|GetBucket)\w*Command$/;

/**
 * A client that asks AWS once for each thing: all that a report says is then of one moment, and a report over many versions takes few
 * requests. Only for what changes nothing and waits for nothing. A request that failed is asked again.
 */
function readOnce<Client extends Sending>(client: Client): Client {
  const answers = new Map<string, unknown>();
  const send = (command: { readonly input: unknown }, ...rest: never[]): unknown => {
    const ask = () => Reflect.apply(client.send, client, [command, ...rest]);
    const { name } = command.constructor;
    if (!READS.test(name) || rest.length > 0) return ask();
    const question = `${name} ${JSON.stringify(command.input)}`;
    const known = answers.get(question);
    if (known) return known;
    const answer: Promise<unknown> = Promise.resolve(ask());
    answers.set(question, answer);
    answer.catch(() => answers.delete(question));
    return answer;
  };
  return Object.assign(Object.create(client), { send });
}

/** The same run, with clients that ask once. */
export function readingOnce<Run extends { readonly clients: AwsClients }>(run: Run): Run {
  const { clients } = run;
  return { ...run, clients: { ...clients, kms: readOnce(clients.kms), s3: readOnce(clients.s3) } };
}
