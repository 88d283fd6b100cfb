#!/usr/bin/env bash
# Checks the rotation file, synthesizes, plans both stacks, reviews the plans, and writes the comment. Changes nothing.
# Exit 4: the review refuses the plans; the comment says why. Where there is no review at all, the comment is the error.
set -euo pipefail
. "$(dirname "$0")/settings.sh"

# Going back must be called so: by KEYTURN_ROLLBACK, or by a line of a commit message in the range, which the body of a
# rollback's pull request ends with. Any line counts, because a squash puts other lines behind it; only one that names the
# active version counts, because the range may also hold a rollback that was left again.
range=${KEYTURN_RANGE:-}
if [ -z "$range" ] || ! git rev-parse --verify --quiet "${range%%..*}^{commit}" >/dev/null; then
  # A first push, or a run by hand, has nothing before it.
  if git rev-parse --verify --quiet 'HEAD^1' >/dev/null; then range='HEAD^1..HEAD'; else range=HEAD; fi
fi
active=$(sed -n "s/^activeVersion:[[:space:]]*[\"']\{0,1\}\([A-Za-z0-9_-]*\).*/\1/p" "$ROTATION_FILE" | sed -n 1p)
rollback=${KEYTURN_ROLLBACK:-}
if [ -z "$rollback" ]; then
  called=$(git log --format=%B "$range" -- | sed -n 's/^[[:space:]]*Keyturn-Rollback:[[:space:]]*\([A-Za-z0-9_-]*\)[[:space:]]*$/\1/p')
  for name in $called; do if [ "$name" = "$active" ]; then rollback=$name; fi; done
fi

# What changed in the rotation file and its binding is classified against what was there before the range.
# Its other files are classified by the commit at the end of the range: they need not be checked out here.
base=
proposed=
case $range in
  *..*)
    if git cat-file -e "${range%%..*}:./$ROTATION_FILE" 2>/dev/null; then
      base=${range%%..*}
      proposed=${range##*..}
    fi
    ;;
esac

# The review of an earlier run says nothing of this one.
rm -f "$PLAN/review.md" "$OUT/comment.md" "$OUT/plan.env"
status=0
keyturn plan --out "$PLAN" --json ${base:+--base "$base" --proposed "$proposed"} ${rollback:+--rollback "$rollback"} >"$OUT/plan.json" || status=$?
if [ ! -f "$PLAN/review.md" ]; then
  {
    echo '<!-- keyturn plan review -->'
    printf '## Keyturn made no review\n\n`keyturn plan` ended with exit code %s:\n\n' "$status"
    sed 's/^/    /' "$OUT/plan.json"
  } >"$OUT/comment.md"
  if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then cat "$OUT/comment.md" >>"$GITHUB_STEP_SUMMARY"; fi
  if [ "$status" -eq 0 ]; then exit 1; fi
  exit "$status"
fi
case $status in
  0 | 4) ;;
  *) exit "$status" ;;
esac

{
  # The mark by which a later run finds its comment again.
  echo '<!-- keyturn plan review -->'
  cat "$PLAN/review.md"
  if [ -s "$OUT/code-changes.md" ]; then cat "$OUT/code-changes.md"; fi
  # What an approval is for: apply.sh takes this plan and no other.
  printf '\nSHA-256 of the manifest: `%s`\n' "$(manifest_sha256)"
} >"$OUT/comment.md"
# For the job that applies: an output on GitHub, a dotenv report on GitLab.
printf 'KEYTURN_MANIFEST_SHA256=%s\n' "$(manifest_sha256)" >"$OUT/plan.env"
if [ -n "${GITHUB_OUTPUT:-}" ]; then printf 'manifest=%s\n' "$(manifest_sha256)" >>"$GITHUB_OUTPUT"; fi
if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then cat "$OUT/comment.md" >>"$GITHUB_STEP_SUMMARY"; fi
exit "$status"
