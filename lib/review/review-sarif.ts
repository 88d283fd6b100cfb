import { createHash } from 'node:crypto';
import { escapeInvisible } from './escape-invisible';
import type { Finding, WaivedFinding } from './finding';
import { findingLine } from './finding-line';
import type { Review } from './review';
import { safeJson } from './review-json';
import type { Words } from './review-messages';
import type { Severity } from './review-rule';
import { reviewRules } from './rules';

const LEVELS: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', note: 'note' };

/** The severity for code scanning: 7.0 and more is high. */
const SECURITY_SEVERITY: Readonly<Record<Severity, string>> = { error: '8.0', warning: '5.0', note: '1.0' };

/** What the log says of the tool, and the text that results are placed in. */
export interface SarifTool {
  readonly version: string;
  readonly rotationText: string;
}

const UNKNOWN: SarifTool = { version: '0.0.0', rotationText: '' };

/** SARIF asks for an absolute URI. The project has no public page yet, so this one only names it. */
const INFORMATION = 'urn:keyturn:plan-review';

/**
 * The review as SARIF 2.1.0. Every result is located at its line of the rotation file, which a plan comes from, and names its
 * Terraform address as a logical location.
 *
 * @see https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 */
export function reviewSarif(review: Review, tool: SarifTool = UNKNOWN): string {
  const log = {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'Keyturn plan review',
            version: tool.version,
            semanticVersion: tool.version,
            informationUri: INFORMATION,
            rules: reviewRules.map(driverRule),
          },
        },
        automationDetails: { id: `keyturn/${encodeURIComponent(review.rotation)}/` },
        results: [
          ...review.findings.map((finding) => result(finding, review, tool)),
          ...review.waived.map((finding) => ({
            ...result(finding, review, tool),
            suppressions: [suppression(finding)],
          })),
        ],
      },
    ],
  };
  return `${safeJson(log)}\n`;
}

function driverRule({ id, title, severity, why, next }: (typeof reviewRules)[number]) {
  return {
    id,
    name: nameOf(title),
    shortDescription: { text: title },
    fullDescription: { text: why },
    help: { text: `${why} ${next}` },
    defaultConfiguration: { level: LEVELS[severity] },
    properties: { tags: ['security'], 'security-severity': SECURITY_SEVERITY[severity] },
  };
}

/** A readable name beside the opaque id: `VersionIsDisabledWithoutGreenEvidence`. */
const nameOf = (title: string): string =>
  title
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');

function result(finding: Finding, { rotationFile }: Review, { rotationText }: SarifTool) {
  const { rule, severity, address, message, plan } = finding;
  return {
    ruleId: rule,
    ruleIndex: reviewRules.findIndex((one) => one.id === rule),
    level: LEVELS[severity],
    message: { text: sarifText(message) },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: rotationFile.split(/[\\/]/).map(encodeURIComponent).join('/') },
          region: { startLine: findingLine(rotationText, finding) },
        },
        ...(address === undefined
          ? {}
          : { logicalLocations: [{ fullyQualifiedName: escapeInvisible(address), kind: 'resource' }] }),
      },
    ],
    partialFingerprints: {
      'keyturnFinding/v1': fingerprint([
        rule,
        address ?? '',
        ...message.map((part) => (typeof part === 'string' ? part : part.value)),
      ]),
    },
    ...(plan === undefined ? {} : { properties: { plan: escapeInvisible(plan) } }),
  };
}

/** The only place that escapes for SARIF: brackets would turn a value into a link, braces into a placeholder. */
function sarifText(message: Words): string {
  const literal = (value: string): string =>
    escapeInvisible(value)
      .replace(/[\\[\]]/g, '\\$&')
      .replaceAll('{', '{{')
      .replaceAll('}', '}}');
  return message.map((part) => (typeof part === 'string' ? part : literal(part.value))).join('');
}

const fingerprint = (parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex');

const suppression = ({ waiver }: WaivedFinding) => ({
  kind: 'external',
  status: 'accepted',
  justification: `${escapeInvisible(waiver.reason)} (until ${waiver.until})`,
});
