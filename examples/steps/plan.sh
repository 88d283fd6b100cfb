#!/usr/bin/env bash
# Checks the rotation file, synthesizes, plans both stacks, reviews the plans, and writes the comment. Changes nothing.
# Exit 4: the review refuses the plans; the comment says why.
set -euo pipefail
. "$(dirname "$0")/settings.sh"

# Going back must be called so. The body of a rollback's pull request ends with a line that git reads as a trailer; it
# comes into the history with the commits, or with a squash. On a merge the range is what the merge brought.
range=${KEYTURN_RANGE:-}
if [ -z "$range" ]; then
  if git rev-parse --verify --quiet 'HEAD^1' >/dev/null; then range='HEAD^1..HEAD'; else range=HEAD; fi
fi
rollback=$(git log --format='%(trailers:key=Keyturn-Rollback,valueonly)' "$range" -- | sed '/^$/d' | sed -n 1p)

status=0
keyturn plan --out "$PLAN" --json ${rollback:+--rollback "$rollback"} >"$OUT/plan.json" || status=$?
case $status in
  0 | 4) ;;
  *) exit "$status" ;;
esac

{
  # The mark by which a later run finds its comment again.
  echo '<!-- keyturn plan review -->'
  cat "$PLAN/review.md"
} >"$OUT/comment.md"
if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then cat "$OUT/comment.md" >>"$GITHUB_STEP_SUMMARY"; fi
exit "$status"
