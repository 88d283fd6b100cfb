#!/usr/bin/env bash
# Brings back what earlier jobs archived: `restore.sh evidence`, and before an import `restore.sh evidence custody`.
# Without it each job would begin a chain of evidence of its own, and an import could not go on from its custody.
set -euo pipefail
. "$(dirname "$0")/settings.sh"

found=0
git ls-remote --exit-code --heads origin "$ARCHIVE_BRANCH" >/dev/null || found=$?
if [ "$found" -eq 2 ]; then
  echo "nothing is archived on $ARCHIVE_BRANCH yet"
  exit 0
fi
# Any other failure is no empty archive: going on would begin a second chain, or a second custody.
[ "$found" -eq 0 ] || exit "$found"

git fetch --quiet --no-tags origin "+refs/heads/$ARCHIVE_BRANCH:refs/remotes/origin/$ARCHIVE_BRANCH"
for folder in "${@:-evidence}"; do
  case $folder in
    evidence) target=.keyturn/evidence ;;
    custody) target=$CUSTODY ;;
    *) echo "restore.sh: there is no archive of $folder" >&2; exit 64 ;;
  esac
  git rev-parse --verify --quiet "refs/remotes/origin/$ARCHIVE_BRANCH:$folder" >/dev/null || continue
  mkdir -p "$target"
  git archive "refs/remotes/origin/$ARCHIVE_BRANCH:$folder" | tar -x --exclude='*.pending.json' -C "$target"
done
