#!/usr/bin/env bash
# Applies exactly the plans that were reviewed, then imports the material of what they declared. Safe to run again.
# Exit 3: the storage stack of a new rotation could not be planned before its first key was there. Plan and apply again.
set -euo pipefail
. "$(dirname "$0")/settings.sh"

keyturn apply "$PLAN" --yes --json >"$OUT/apply.json"
keyturn pre-apply --yes --json >"$OUT/pre-apply.json"

if grep -q '"outcome": "not-planned"' "$OUT/apply.json"; then
  echo 'the first key is ready: run plan.sh and apply.sh once more for the storage stack' >&2
  exit 3
fi
