#!/usr/bin/env bash
# Re-encrypts, verifies, and retires behind the gate. A no-op where nothing was switched. Safe to run again.
# Exit 3: partly done, run again. Exit 4: the gate keeps the old key on; its reasons are printed and in the evidence.
set -euo pipefail
. "$(dirname "$0")/settings.sh"

# Jobs of S3 Batch Operations run once this says yes; until then they wait, and the step exits 3.
keyturn post-apply --yes --json ${KEYTURN_CONFIRM_JOBS:+--confirm} >"$OUT/post-apply.json"
