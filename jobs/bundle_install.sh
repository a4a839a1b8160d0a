#!/usr/bin/env bash
# Builds ReST from the bundle this file lies in, without a network. jobs/bundle.sh makes the bundle.
set -euo pipefail
bundle=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage() {
  cat <<'TEXT'
usage: install.sh [DIR] [--check]
  DIR      new folder for the sources and the build [rest]
  --check  only compares the bundle with its checksums
Packages are installed as root, or by sudo where it asks for no password; otherwise the command to have them installed is
printed. Started again with the same DIR, it goes on.
TEXT
}

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

directory='' check=''
for argument in "$@"; do
  case $argument in
    --check) check=1 ;;
    -h | --help)
      usage
      exit 0
      ;;
    -*)
      usage >&2
      exit 2
      ;;
    *) directory=$argument ;;
  esac
done
directory=${directory:-rest}

# Nothing damaged, nothing missing, nothing added.
verify() (
  cd "$bundle" &&
    sha256sum --check --quiet --strict SHA256SUMS &&
    diff <(cut -c 67- SHA256SUMS) <(find . -type f ! -name SHA256SUMS | LC_ALL=C sort)
)
verify || die "the bundle $bundle differs from its SHA256SUMS; copy it again"
printf 'bundle verified; SHA256SUMS is %s\n' "$(sha256sum <"$bundle/SHA256SUMS" | cut -d' ' -f1)"
[[ -z $check ]] || exit 0

[[ -e $directory/jobs/setup.sh ]] || {
  mkdir -p "$directory"
  tar -xzf "$bundle/rest.tar.gz" --strip-components=1 --no-same-owner -C "$directory"
}
# shellcheck source=jobs/common.sh
source "$directory/jobs/common.sh"
cd "$rest_root"
REST_BUNDLE=$bundle timed "set-up" bash jobs/setup.sh
timed "build" build_preset release programs
say
say "complete: the programs are in $rest_root/build/release/bin; try jobs/run_local.sh data/experiments/synthetic.toml"
