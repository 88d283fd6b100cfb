# Read by every step. All of it can be set from outside; nothing in it is secret.

# How Keyturn is started: installed by `npm ci` in this repository.
KEYTURN=${KEYTURN:-npx --no-install keyturn}
# Beside this file Keyturn keeps its working files; only a folder at the top of the repository is supported here.
ROTATION_FILE=${ROTATION_FILE:-rotation.yaml}
# Plan files, their review, and what they were made from. They hold the Terraform state: keep them as you keep that.
PLAN=${KEYTURN_PLAN:-keyturn-plan}
# What the steps leave for people and for the pipeline.
OUT=${KEYTURN_OUT:-keyturn-out}
# `custody.age.directory` of the rotation file.
CUSTODY=${KEYTURN_CUSTODY:-custody}
# What was approved: `plan.sh` leaves it in $OUT/plan.env, in the comment and as output of its job. apply.sh needs it.
KEYTURN_MANIFEST_SHA256=${KEYTURN_MANIFEST_SHA256:-}
# The active version, where a run goes back to it and no commit message of the range says so: a squash that dropped it.
KEYTURN_ROLLBACK=${KEYTURN_ROLLBACK:-}
# Where evidence and custody files are kept between jobs. Protect it: only the applying job may push there.
ARCHIVE_BRANCH=${KEYTURN_ARCHIVE_BRANCH:-keyturn-archive}
# `yes`: jobs of S3 Batch Operations may run without another question. Set it where somebody approved the run.
KEYTURN_CONFIRM_JOBS=${KEYTURN_CONFIRM_JOBS:-}
case $KEYTURN_CONFIRM_JOBS in
  yes | '') ;;
  *) echo 'KEYTURN_CONFIRM_JOBS is yes, or not set' >&2; exit 64 ;;
esac

mkdir -p "$OUT"

# Names of keys and tags come from anybody. While this token is unknown, nothing that is printed is a workflow command.
if [ -n "${GITHUB_ACTIONS:-}" ]; then
  stop_token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  echo "::stop-commands::$stop_token"
  trap 'echo "::$stop_token::"' EXIT
fi

# The words of KEYTURN are a command and its first arguments.
keyturn() {
  local command=$1
  shift
  # shellcheck disable=SC2086
  $KEYTURN "$command" --rotation-file "$ROTATION_FILE" "$@"
}

# SHA-256 of a file in hex, of which not every system has the same program.
manifest_sha256() {
  if command -v sha256sum >/dev/null; then sha256sum "$PLAN/manifest.json"; else shasum -a 256 "$PLAN/manifest.json"; fi | cut -c1-64
}
