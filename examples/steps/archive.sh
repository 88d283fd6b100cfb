#!/usr/bin/env bash
# Checks the evidence of this job, makes the report, and pushes evidence, custody files and report to the archive branch.
# Run it always, also after a step that failed: custody that is not archived is lost with the runner.
# Custody files are encrypted to the recipients of the rotation file; where they may not be in git at all, let a command
# of your own be the custodian (docs/custodian-command.md) and there is no such folder.
set -euo pipefail
. "$(dirname "$0")/settings.sh"

stage=$(mktemp -d)
index=$(mktemp -u)
top=$(git rev-parse --show-toplevel)
parent=$(git rev-parse --verify --quiet "refs/remotes/origin/$ARCHIVE_BRANCH^{commit}" || true)
if [ -d .keyturn/evidence ]; then cp -R .keyturn/evidence "$stage/evidence"; fi
if [ -d "$CUSTODY" ]; then cp -R "$CUSTODY" "$stage/custody"; fi
# A prepared import belongs to the job that prepared it: one that came back from an archive could be anybody's.
rm -f "$stage"/custody/*.pending.json
if [ -z "$(ls -A "$stage")" ]; then
  echo 'nothing to archive'
  exit 0
fi

# Files that were archived before were judged then. Those of this job must be sound, or the job fails - after archiving.
failed=0
for file in "$stage"/evidence/*.ndjson; do
  [ -e "$file" ] || continue
  if [ -n "$parent" ] && git cat-file -e "$parent:evidence/$(basename "$file")" 2>/dev/null; then continue; fi
  # shellcheck disable=SC2086
  $KEYTURN verify-evidence "$file" >>"$OUT/heads.txt" || failed=1
done
if [ -d "$stage/evidence" ]; then
  # shellcheck disable=SC2086
  $KEYTURN report "$stage/evidence" --out "$stage/report.html" || echo 'the report says what is not sound' >&2
  # Without a report custody is archived all the same.
  if [ -e "$stage/report.html" ]; then cp "$stage/report.html" "$OUT/report.html"; fi
fi

# A commit of its own history, made beside the checkout: neither files nor index of the checkout change.
git_archive() { GIT_DIR="$(git rev-parse --absolute-git-dir)" GIT_INDEX_FILE=$index GIT_WORK_TREE=$stage git -C "$stage" "$@"; }
if [ -n "$parent" ]; then git_archive read-tree "$parent"; fi
git_archive add --force --ignore-removal .
changed=''
if [ -n "$parent" ]; then changed=$(git_archive diff-index --cached --diff-filter=MDT --name-only "$parent" -- evidence); fi
if [ -n "$changed" ]; then
  printf 'evidence that was archived is another one here; nothing is pushed:\n%s\n' "$changed" >&2
  exit 1
fi
tree=$(git_archive write-tree)
if [ -z "$parent" ] || [ "$tree" != "$(git rev-parse "$parent^{tree}")" ]; then
  commit=$(git -c user.name=keyturn -c user.email=keyturn@localhost commit-tree "$tree" ${parent:+-p "$parent"} \
    -m "Evidence up to $(git rev-parse HEAD)")
  # No force: where another job has pushed meanwhile this is refused, and running the job again continues from there.
  git -C "$top" push --quiet origin "$commit:refs/heads/$ARCHIVE_BRANCH"
  git update-ref "refs/remotes/origin/$ARCHIVE_BRANCH" "$commit"
fi
rm -rf "$stage" "$index"
exit "$failed"
