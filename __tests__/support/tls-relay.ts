import { type AddressInfo, connect, type Socket } from 'node:net';
import { createServer } from 'node:tls';
import { md, pki } from 'node-forge';

/** An endpoint behind TLS, with a certificate that no authority of this machine knows. */
export interface TlsRelay {
  /** `https://127.0.0.1:<port>`. */
  readonly url: string;
  /** The certificate in PEM: trusted by whoever is told to. */
  readonly certificate: string;
  close(): Promise<void>;
}

/** Ends TLS and hands every byte on to an endpoint that speaks plain HTTP. */
export async function tlsRelay(target: string): Promise<TlsRelay> {
  const { hostname, port } = new URL(target);
  const { key, certificate } = selfSigned();
  const sockets = new Set<Socket>();
  const server = createServer({ key, cert: certificate }, (client) => {
    const upstream = connect(Number(port), hostname);
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
  });
  // A client that does not trust the certificate hangs up in the handshake.
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    certificate,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** Names that no resolver knows; a proxy can lead them here. */
const NAMES = ['aws.test', '*.aws.test'];

function selfSigned(): { readonly key: string; readonly certificate: string } {
  const keys = pki.rsa.generateKeyPair(2048);
  const made = pki.createCertificate();
  made.publicKey = keys.publicKey;
  made.serialNumber = '01';
  made.validity.notBefore = new Date(Date.now() - 60_000);
  made.validity.notAfter = new Date(Date.now() + 3_600_000);
  const name = [{ name: 'commonName', value: '127.0.0.1' }];
  made.setSubject(name);
  made.setIssuer(name);
  made.setExtensions([
    { name: 'basicConstraints', cA: true },
    { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }, ...NAMES.map((value) => ({ type: 2, value }))] },
  ]);
  made.sign(keys.privateKey, md.sha256.create());
  return { key: pki.privateKeyToPem(keys.privateKey), certificate: pki.certificateToPem(made) };
}
