import { fork } from 'node:child_process';
import type { ToWorker } from './worker-messages';

/** A process that moves segments, as seen by the one that started it. */
export interface WorkerProcess {
  readonly pid: number | undefined;
  send(message: ToWorker): void;
  /** Ends it at once, whatever it does. */
  kill(): void;
}

/** What a process says, and that it ended. */
export interface WorkerEvents {
  readonly onMessage: (message: unknown) => void;
  /** Once. `how`: for people, as in `ended by SIGKILL`. */
  readonly onEnd: (how: string) => void;
}

export type StartWorker = (events: WorkerEvents) => WorkerProcess;

/** The file that a process begins with. */
export interface WorkerEntry {
  readonly file: string;
  /** Options of Node, such as those that load TypeScript. */
  readonly nodeOptions: readonly string[];
}

/** Milliseconds after its end in which the last lines of a process may still come. */
const LAST_LINES = 200;
/** Characters of its stderr that are kept, to say how it died. */
const LONGEST_STDERR = 2_000;

/**
 * Starts processes with the environment of the command, and with it its endpoint, proxies and credentials, but without the PIN of a
 * hardware module. They have a process group of their own: a Ctrl-C at the terminal reaches the command alone, which tells them.
 */
export function startWorkers(entry: WorkerEntry, environment: NodeJS.ProcessEnv): StartWorker {
  const { KEYTURN_PKCS11_PIN: _pin, ...env } = environment;
  return ({ onMessage, onEnd }) => {
    const child = fork(entry.file, [], {
      env,
      execArgv: [...entry.nodeOptions],
      serialization: 'advanced',
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let [stderr, hasEnded] = ['', false];
    const ended = (how: string) => {
      if (hasEnded) return;
      hasEnded = true;
      onEnd(how);
    };
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString('utf8')).slice(-LONGEST_STDERR);
    });
    child.on('message', (message) => {
      if (!hasEnded) onMessage(message);
    });
    child.on('error', (error) => ended(`could not be started: ${error.message}`));
    // Whoever cannot be heard any more is as good as dead.
    child.on('disconnect', () => child.kill('SIGKILL'));
    const exited = (code: number | null, signal: NodeJS.Signals | null) =>
      ended(`${signal ? `ended by ${signal}` : `exit code ${code}`}${reasonIn(stderr)}`);
    child.on('close', exited);
    // Whatever it started may hold its stderr open.
    child.on('exit', (code, signal) => setTimeout(() => exited(code, signal), LAST_LINES));
    return {
      pid: child.pid,
      send: (message) => void (child.connected && child.send(message, () => undefined)),
      kill: () => void child.kill('SIGKILL'),
    };
  };
}

/** The line of an error report that says what happened, where there is one. */
function reasonIn(stderr: string): string {
  const line = stderr.split('\n').find((one) => /error/i.test(one));
  return line === undefined ? '' : `: ${line.trim()}`;
}
