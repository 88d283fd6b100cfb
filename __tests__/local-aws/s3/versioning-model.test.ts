import fc from 'fast-check';
import { runs } from '../../runner/slow';
import { Desk } from './fixture';

/** What a bucket of one key may be asked, and what the S3 user guide says comes of it. */
type Step =
  | { readonly kind: 'put' | 'delete' | 'copy onto itself' | 'enable' | 'suspend' }
  | { readonly kind: 'delete version'; readonly pick: number };

interface Held {
  readonly id: string;
  readonly body: string | undefined;
}

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constantFrom<Step>(
    { kind: 'put' },
    { kind: 'put' },
    { kind: 'delete' },
    { kind: 'copy onto itself' },
    { kind: 'enable' },
    { kind: 'suspend' },
  ),
  fc.nat(9).map((pick): Step => ({ kind: 'delete version', pick })),
);

/** The history of one key, newest first; a delete marker has no body. */
class Model {
  history: Held[] = [];
  state: 'Off' | 'Enabled' | 'Suspended' = 'Off';

  write(id: string, body: string | undefined): void {
    if (this.state !== 'Enabled') this.history = this.history.filter((held) => held.id !== 'null');
    this.history.unshift({ id, body });
  }

  get current(): string | undefined {
    return this.history[0]?.body;
  }
}

async function take(desk: Desk, model: Model, next: Step, serial: number): Promise<void> {
  if (next.kind === 'enable' || next.kind === 'suspend') {
    model.state = next.kind === 'enable' ? 'Enabled' : 'Suspended';
    return desk.versioned('box', model.state);
  }
  if (next.kind === 'put') {
    const put = await desk.put('/box/k', `body ${serial}`);
    return model.write(put.headers['x-amz-version-id'] ?? 'null', `body ${serial}`);
  }
  if (next.kind === 'copy onto itself') {
    const headers = { 'x-amz-copy-source': '/box/k', 'x-amz-metadata-directive': 'REPLACE' };
    const copy = await desk.ask('PUT', '/box/k', { headers });
    expect(copy.status).toBe(model.current === undefined ? 404 : 200);
    if (copy.status === 200) model.write(copy.headers['x-amz-version-id'] ?? 'null', model.current);
    return;
  }
  if (!('pick' in next)) {
    const gone = await desk.ask('DELETE', '/box/k');
    if (model.state === 'Off') model.history = [];
    else model.write(gone.headers['x-amz-version-id'] ?? '', undefined);
    return;
  }
  const victim = model.history[next.pick];
  if (victim === undefined) return;
  await desk.ask('DELETE', '/box/k', { query: { versionId: victim.id } });
  model.history = model.history.filter((held) => held !== victim);
}

async function agree(desk: Desk, model: Model): Promise<void> {
  const stored = desk.s3.versions('box').map(({ versionId, deleteMarker }) => [versionId, deleteMarker]);
  expect(stored).toEqual(model.history.map(({ id, body }) => [id, body === undefined]));
  const current = await desk.ask('GET', '/box/k');
  expect([current.status, current.status === 200 ? current.text : undefined]).toEqual([
    model.current === undefined ? 404 : 200,
    model.current,
  ]);
  for (const { id, body } of model.history) {
    const told = await desk.ask('GET', '/box/k', { query: { versionId: id } });
    expect([told.status, told.status === 200 ? told.text : undefined]).toEqual([body === undefined ? 405 : 200, body]);
  }
}

test('whatever is done to a key, its versions are those that the user guide says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const desk = new Desk();
      const model = new Model();
      await desk.bucket('box');
      for (const [serial, next] of steps.entries()) {
        await take(desk, model, next, serial);
        await agree(desk, model);
      }
    }),
    { numRuns: runs(100) },
  );
});
