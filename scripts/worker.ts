import { confirmTarget } from '../lib/aws/account-guard';
import { clientsFor } from '../lib/aws/rotation-clients';
import { openStore } from '../lib/s3/open-store';
import { SegmentServer } from '../lib/workers/segment-server';

/** The entry point of a process that moves objects for a command: it does what that asks over their channel, and ends with it. */
const server = new SegmentServer(
  async (settings) => {
    const clients = clientsFor(settings, { env: process.env });
    const { account } = await confirmTarget(clients, settings);
    return openStore(clients.s3, account).store;
  },
  (message) => process.send?.(message),
);

// The command is told of them, and decides what is still to be done.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.on('disconnect', () => process.exit(0));
process.on('message', (message) => void server.receive(message));
