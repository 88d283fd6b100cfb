import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { startLocalAws } from '../local-aws';
import { type ObjectRequest, signObjectRequest } from './signed-request';

/**
 * Requests a second of the embedded endpoint: one server process, one client process, keep-alive connections.
 * The client signs everything before the clock starts and reads no more of an answer than its length, so that what is
 * measured is the server.
 */
const targets = [
  { name: 'HeadObject', method: 'HEAD', body: Buffer.alloc(0), target: 2_000 },
  { name: 'PutObject 1 KiB', method: 'PUT', body: Buffer.alloc(1024, 'k'), target: 1_000 },
] as const;

const connections = 16;
const warmUp = 2_000;
const measured = 10_000;
const objects = 1_000;

const createBucket =
  '<CreateBucketConfiguration><LocationConstraint>ap-northeast-1</LocationConstraint></CreateBucketConfiguration>';

interface Row {
  readonly operation: string;
  readonly rate: number;
  readonly target: number;
}

async function main(): Promise<void> {
  const server = fork(__filename, ['serve'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  try {
    const [port] = (await once(server, 'message')) as [number];
    await send(port, [signObjectRequest(port, { method: 'PUT', path: '/bench', body: Buffer.from(createBucket) })]);
    await send(port, spread(port, { method: 'PUT', body: targets[1].body }, objects));
    const rows: Row[] = [];
    for (const { name, method, body, target } of targets) {
      await send(port, spread(port, { method, body }, warmUp));
      const rate = Math.round(await send(port, spread(port, { method, body }, measured)));
      rows.push({ operation: name, rate, target });
    }
    process.stdout.write(table(rows));
    process.exitCode = rows.every((row) => row.rate >= row.target) ? 0 : 1;
  } finally {
    server.kill();
  }
}

function table(rows: readonly Row[]): string {
  const line = (...[operation = '', rate = '', target = '']: readonly string[]): string =>
    `${operation.padEnd(16)} ${rate.padStart(12)} ${target.padStart(8)}\n`;
  const lines = rows.map(({ operation, rate, target }) => line(operation, String(rate), String(target)));
  return line('operation', 'requests/s', 'target') + lines.join('');
}

function spread(port: number, request: Omit<ObjectRequest, 'path'>, count: number): Buffer[] {
  return Array.from({ length: count }, (_, index) =>
    signObjectRequest(port, { ...request, path: `/bench/object-${index % objects}` }),
  );
}

/** Sends the requests over all connections and returns how many a second were answered. Throws for any answer but 200. */
async function send(port: number, requests: readonly Buffer[]): Promise<number> {
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(port)));
  const queue = requests.values();
  const began = performance.now();
  await Promise.all(sockets.map((socket) => drain(socket, queue)));
  const took = performance.now() - began;
  for (const socket of sockets) socket.destroy();
  return (requests.length / took) * 1_000;
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return socket;
}

/** One request after another on one connection. Neither HeadObject nor PutObject has a body in its answer. */
function drain(socket: Socket, queue: Iterator<Buffer>): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = '';
    const next = (): void => {
      const request = queue.next();
      if (request.done) resolve();
      else socket.write(request.value);
    };
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      if (!received.includes('\r\n\r\n')) return;
      if (!received.startsWith('HTTP/1.1 200')) reject(new Error(received));
      received = '';
      next();
    });
    next();
  });
}

async function serve(): Promise<void> {
  const endpoint = await startLocalAws();
  process.send?.(endpoint.port);
}

void (process.argv[2] === 'serve' ? serve() : main());
