#!/usr/bin/env bash
# For a scheduled job. Exit 2 when somebody must act: a step is open, a key is too old, material expires soon, something was
# moved, or AWS is not what both stacks declare; every difference is shown with its values.
set -euo pipefail
. "$(dirname "$0")/settings.sh"

status=0
keyturn status --detailed-exitcode >"$OUT/status.txt" || status=$?
drift=0
keyturn drift >"$OUT/drift.md" || drift=$?
cat "$OUT/status.txt" "$OUT/drift.md"
if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
  # Indented lines are a code block to Markdown, whatever stands in them. The review escapes its values by itself.
  sed 's/^/    /' "$OUT/status.txt" >>"$GITHUB_STEP_SUMMARY"
  printf '\n' >>"$GITHUB_STEP_SUMMARY"
  cat "$OUT/drift.md" >>"$GITHUB_STEP_SUMMARY"
fi
# A check that could not be made is worse than what the other one found.
for code in "$status" "$drift"; do
  case $code in
    0 | 2) ;;
    *) exit "$code" ;;
  esac
done
if [ "$status" -eq 2 ] || [ "$drift" -eq 2 ]; then exit 2; fi
