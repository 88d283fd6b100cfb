import { defineProbe, notSettled, settled, unforeseen } from './probe';
import { outcomeOf, refusalText, steadyOutcomeOf } from './refusal';

/** A key that waits for material, seen through S3. Asked first: the key is pending import only once. */
const pendingImportInS3 = defineProbe({
  setting: 'pendingImportInS3',
  question: 'What does S3 answer to a write under a key that is pending import?',
  documented: 'S3 passes errors of KMS on with the prefix `KMS.`; the text for this state is not given',
  ways: {
    'as-kms': 'The message names the key, which tells the target key from the own key of the version.',
    'own-text': 'The message names no key: Keyturn reads a byte of the version to learn which key is meant.',
  },
  async ask({ keys, objects, signal }) {
    const arn = await keys.external();
    const outcome = await steadyOutcomeOf(() => objects.put('pending-import', arn), signal);
    if (outcome === 'accepted') return unforeseen('S3 wrote an object under a key that is pending import');
    const seen = refusalText(outcome);
    if (outcome.code !== 'KMS.KMSInvalidStateException') return unforeseen(seen);
    return settled(/is pending import/.test(outcome.message) ? 'as-kms' : 'own-text', seen);
  },
});

const importTokenTwice = defineProbe({
  setting: 'importTokenTwice',
  question: 'Does KMS accept one import token twice within its 24 hours?',
  documented: '"To reimport, download a new public key and import token"; whether the old one is refused is not said',
  ways: {
    accepted: 'A run that was cut off between import and record sends the same wrapped material again.',
    refused: '`pre-apply` reports the unfinished import; with `--identity` it wraps the material again.',
  },
  async ask({ keys }) {
    const { arn, material, keyMaterialId, parameters } = await keys.imported();
    const again = { importType: 'EXISTING_KEY_MATERIAL', keyMaterialId } as const;
    const outcome = await outcomeOf(() => keys.import(arn, material, { ...again, parameters }));
    if (outcome === 'accepted') return settled('accepted', 'the second import with the token succeeded');
    const seen = refusalText(outcome);
    const fresh = await outcomeOf(() => keys.import(arn, material, again));
    if (fresh !== 'accepted') return notSettled(`with a new token KMS refuses it, too: ${refusalText(fresh)}`);
    return /ImportToken/.test(outcome.code) ? settled('refused', seen) : unforeseen(seen);
  },
});

const pendingMaterialAgain = defineProbe({
  setting: 'pendingMaterialAgain',
  question: 'Can material that waits for its rotation be imported again as existing material?',
  documented: 'The pages name reimport for material that expired or was deleted',
  ways: {
    accepted: 'A run that died between the import and its record confirms custody without opening it.',
    refused: '`pre-apply` reports it and rotates the material into use anyway.',
  },
  async ask({ keys, signal }) {
    const first = await keys.imported();
    const next = keys.material();
    const { keyMaterialId } = await keys.import(first.arn, next, { importType: 'NEW_KEY_MATERIAL' });
    const existing = { importType: 'EXISTING_KEY_MATERIAL' } as const;
    const again = () => keys.import(first.arn, next, { ...existing, keyMaterialId });
    const outcome = await steadyOutcomeOf(again, signal);
    if (outcome === 'accepted') return settled('accepted', 'the pending material was imported again');
    const seen = refusalText(outcome);
    const { material, keyMaterialId: firstId } = first;
    const control = await outcomeOf(() => keys.import(first.arn, material, { ...existing, keyMaterialId: firstId }));
    if (control !== 'accepted') return notSettled(`KMS refuses the current material, too: ${refusalText(control)}`);
    return REFUSED_MATERIAL.has(outcome.code) ? settled('refused', seen) : unforeseen(seen);
  },
});

const REFUSED_MATERIAL: ReadonlySet<string> = new Set(['IncorrectKeyMaterialException', 'KMSInvalidStateException']);

export const importProbes = { pendingImportInS3, importTokenTwice, pendingMaterialAgain };
