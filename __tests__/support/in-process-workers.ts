import { deserialize, serialize } from 'node:v8';
import { type OpenStore, SegmentServer } from '../../lib/workers/segment-server';
import type { FromWorker, ToWorker } from '../../lib/workers/worker-messages';
import { WorkerPool } from '../../lib/workers/worker-pool';
import type { StartWorker, WorkerProcess } from '../../lib/workers/worker-process';
import type { Patience } from '../../lib/workers/worker-progress';

export const WORKER_SETTINGS = {
  file: 'rotation.yaml',
  name: 'r',
  region: 'ap-northeast-1',
  account: '123456789012',
  aws: undefined,
};

/** Instead of an answer: the process is killed before it sends it. */
export const DIES = Symbol('dies');
/** Instead of an answer: it is never sent, and nothing after it. */
export const HANGS = Symbol('hangs');

export interface InProcess {
  /** What becomes of an answer on its way: another message, several in an array, {@link DIES} or {@link HANGS}. Default: nothing. */
  readonly spoil?: (message: FromWorker, pid: number) => unknown;
  /** Whether the process is killed by what it is told. Default: never. */
  readonly diesOf?: (message: ToWorker, pid: number) => boolean;
  readonly patience?: Patience;
  readonly aliveEveryMs?: number;
}

/** What a message is on the other side of the channel. */
const sent = <T>(message: T): T => deserialize(serialize(message)) as T;

/**
 * Two processes that are none, behind the messages of real ones. One that is killed is not heard any more; what it had begun may still reach
 * S3, as requests in progress do.
 */
export function inProcessWorkers(open: OpenStore, options: InProcess = {}): WorkerPool {
  const { spoil = (message) => message, diesOf = () => false, patience, aliveEveryMs } = options;
  let started = 0;
  const start: StartWorker = ({ onMessage, onEnd }) => {
    started += 1;
    const pid = started;
    let [isAlive, isMute] = [true, false];
    const die = () => {
      if (!isAlive) return;
      isAlive = false;
      onEnd('ended by SIGKILL');
    };
    const answered = (message: FromWorker) => {
      if (!isAlive || isMute) return;
      const answer = spoil(sent(message), pid);
      if (answer === DIES) die();
      else if (answer === HANGS) isMute = true;
      else for (const one of Array.isArray(answer) ? answer : [answer]) setImmediate(onMessage, one);
    };
    const server = new SegmentServer(open, answered, aliveEveryMs);
    const send: WorkerProcess['send'] = (message) => {
      if (!isAlive) return;
      if (diesOf(message, pid)) setImmediate(die);
      else void server.receive(sent(message));
    };
    const kill = () => {
      isAlive = false;
    };
    return { pid, send, kill };
  };
  return new WorkerPool({ processes: 2, settings: WORKER_SETTINGS, start, patience });
}
