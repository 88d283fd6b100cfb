#!/usr/bin/env bash
# Takes a proposal into a checkout of the base branch: `proposal.sh <commit>`. The rotation file and its binding are data, and
# they are all that is taken: what runs in this job is the code of the base branch.
# Exit 4: the base branch has changed the rotation file since; bring the proposal up to date first.
set -euo pipefail
. "$(dirname "$0")/settings.sh"

proposed=${1:?'proposal.sh <commit>: name the commit of the proposal'}
common=$(git merge-base HEAD "$proposed")
lock=${ROTATION_FILE%.yml}
data=("$ROTATION_FILE" "${lock%.yaml}.lock.json")
if ! git diff --quiet "$common" HEAD -- "${data[@]}"; then
  echo "$ROTATION_FILE was changed on the base branch since: merge that into the proposal first" >&2
  exit 4
fi
for file in "${data[@]}"; do
  # A regular file only: a link would name a file of this runner.
  case $(git ls-tree "$proposed" -- "$file" | cut -c1-6) in
    100644 | 100755) git show "$proposed:$file" >"$file" ;;
    '') rm -f "$file" ;;
    *) echo "$file is no regular file in the proposal" >&2; exit 4 ;;
  esac
done

# Everything else takes effect only once it is merged, and no review of a plan can judge it.
git diff --name-only "$common" "$proposed" -- . "${data[@]/#/:(exclude)}" >"$OUT/code-changes.txt"
if [ -s "$OUT/code-changes.txt" ]; then
  {
    printf '\n### Not reviewed here\n\nThe proposal also changes these files. This review ran the code of the base branch; whoever owns them must read the changes:\n\n'
    # Git quotes what is odd in a name; indented lines are a code block, whatever stands in them.
    sed 's/^/    /' "$OUT/code-changes.txt"
  } >"$OUT/code-changes.md"
fi
