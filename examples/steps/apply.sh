#!/usr/bin/env bash
# Applies exactly the plans that were approved, imports the material of what they declared, and archives its custody before
# anything else can happen. Safe to run again.
# Exit 3: the storage stack of a new rotation could not be planned before its first key was there. Plan and apply again.
set -euo pipefail
. "$(dirname "$0")/settings.sh"

if [ -z "$KEYTURN_MANIFEST_SHA256" ]; then
  echo 'KEYTURN_MANIFEST_SHA256 is not set: pass the SHA-256 that plan.sh printed and somebody approved' >&2
  exit 64
fi
# A cancel ends Keyturn, which drains and stops. This step goes on and archives: a later one would be skipped.
trap 'echo "cancelled: archiving first" >&2' INT TERM HUP

status=0
keyturn apply "$PLAN" --yes --json --manifest-sha256 "$KEYTURN_MANIFEST_SHA256" >"$OUT/apply.json" || status=$?
if [ "$status" -eq 0 ]; then keyturn pre-apply --yes --json >"$OUT/pre-apply.json" || status=$?; fi
archived=0
"$(dirname "$0")/archive.sh" || archived=$?
if [ "$status" -ne 0 ]; then exit "$status"; fi
if [ "$archived" -ne 0 ]; then exit "$archived"; fi

if grep -q '"outcome": "not-planned"' "$OUT/apply.json"; then
  echo 'the first key is ready: run plan.sh and apply.sh once more for the storage stack' >&2
  exit 3
fi
