import type { Client, Dispatcher } from 'undici';

/** Sends one request of an origin; connections are made as they are needed. */
export interface Connections {
  dispatch(options: Dispatcher.DispatchOptions, handler: AnswerHandler): void;
  /** Requests in progress end first. */
  close(): Promise<void>;
}

/** Receives one answer. The pool learns from it when the connection is free again. */
export interface AnswerHandler extends Dispatcher.DispatchHandler {
  /** Called once, when the answer has ended or failed. */
  onFree: () => void;
}

/**
 * Connections to one origin, one request at a time each, the one that was used last first. undici's own pool looks through all of its
 * connections twice for each request, which with hundreds of them costs more than the signature.
 */
export class ConnectionPool implements Connections {
  readonly #connect: () => Client;
  readonly #all: Client[] = [];
  readonly #free: Client[] = [];

  /** @param connect - makes a client of the origin, which connects at its first request, and again when it has to */
  constructor(connect: () => Client) {
    this.#connect = connect;
  }

  dispatch(options: Dispatcher.DispatchOptions, handler: AnswerHandler): void {
    const client = this.#free.pop() ?? this.#add();
    handler.onFree = () => {
      // Once: a connection that is free twice would be given to two requests at a time.
      handler.onFree = () => undefined;
      this.#free.push(client);
    };
    client.dispatch(options, handler);
  }

  async close(): Promise<void> {
    this.#free.length = 0;
    await Promise.all(this.#all.splice(0).map((client) => client.close()));
  }

  #add(): Client {
    const client = this.#connect();
    this.#all.push(client);
    return client;
  }
}

/** Connections that another dispatcher keeps, as one through a proxy does. */
export function kept(dispatcher: Dispatcher): Connections {
  return {
    dispatch: (options, handler) => void dispatcher.dispatch(options, handler),
    close: () => dispatcher.close(),
  };
}
