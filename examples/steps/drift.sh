#!/usr/bin/env bash
# For a scheduled job: fails with 2 when a step is open, a key is too old, material expires soon, or something was moved.
set -euo pipefail
. "$(dirname "$0")/settings.sh"

status=0
keyturn status --detailed-exitcode >"$OUT/status.txt" || status=$?
cat "$OUT/status.txt"
if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
  # Indented lines are a code block to Markdown, whatever stands in them.
  sed 's/^/    /' "$OUT/status.txt" >>"$GITHUB_STEP_SUMMARY"
fi
exit "$status"
