#!/usr/bin/env bash
# Collects all that a machine without a network needs to build and run ReST: Debian packages, wheels and the sources, with
# a script that verifies and installs them. To be run on a machine with a network and apt, best on Debian 12.
# shellcheck source=jobs/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

release=bookworm
python_version=3.11  # of that release
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

usage() {
  cat <<'TEXT'
usage: jobs/bundle.sh DIR [--cuda] [--dry-run]
  DIR        new folder for the bundle (0.8 GB); copy it to the other machine as it is, and there run
             DIR/install.sh
  --cuda     also the CUDA libraries of LibTorch for machines with GPUs (1.8 GB more); a toolkit with nvcc must be there
  --dry-run  names what would be collected, collects nothing
Packages come from where this machine's apt gets Debian 12 (or from REST_DEBIAN_MIRROR, the part of an address before
/debian), wheels from where pip is set up to look. The sources are those of the last commit.
TEXT
}

bad_usage() {
  say "error: $*" >&2
  usage >&2
  exit 2
}

# What jobs/setup.sh names as KIND: package, wheel, wheel-alone or wheel-cuda (both without their dependencies).
needed() { bash "$rest_root/jobs/setup.sh" --needs | sed -n "s/^$1 //p"; }

# Debian's own archives of the release, as lines of a sources.list.
package_sources() {
  local suite
  if [[ -n ${REST_DEBIAN_MIRROR:-} ]]; then
    for suite in "debian $release" "debian $release-updates" "debian-security $release-security"; do
      echo "deb [signed-by=$keyring] $REST_DEBIAN_MIRROR/$suite main"
    done
    return
  fi
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 'Identifier: Packages' |
    awk -v release="$release" -v keyring="$keyring" \
      '$1 ~ /\/debian(-security)?\/?$/ && index($2, release) == 1 && $3 == "main" && !seen[$0]++ {
        print "deb [signed-by=" keyring "]", $0 }'
}

# apt as it would be on a machine that has not a single package.
make_private_apt() {
  mkdir -p "$scratch"/apt/{lists,cache}/partial "$bundle/packages/partial"
  : >"$scratch/apt/status"
  package_sources >"$scratch/apt/sources.list"
  [[ -s $scratch/apt/sources.list ]] ||
    die "this machine's apt knows no archive of Debian's $release; run apt-get update, or name one in REST_DEBIAN_MIRROR"
  # In a file, so that what the machine's own configuration adds comes before and is overridden.
  cat >"$scratch/apt/apt.conf" <<TEXT
Dir::State "$scratch/apt";
Dir::State::status "$scratch/apt/status";
Dir::State::lists "$scratch/apt/lists";
Dir::Cache "$scratch/apt/cache";
Dir::Cache::archives "$bundle/packages";
Dir::Etc::sourcelist "$scratch/apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
DPkg::Post-Invoke "";
APT::Update::Post-Invoke "";
APT::Keep-Downloaded-Packages "true";
TEXT
  [[ $EUID -ne 0 ]] || echo 'APT::Sandbox::User "root";' >>"$scratch/apt/apt.conf"
}

collect_packages() {
  local packages file names=()
  mapfile -t packages < <(needed package)
  make_private_apt
  apt-get -q -c "$scratch/apt/apt.conf" update
  apt-get -q -c "$scratch/apt/apt.conf" install -y --no-install-recommends --download-only "${packages[@]}"
  rm -rf "$bundle/packages/partial" "$bundle/packages/lock"
  # apt stores an epoch as "1%3a"; the index names files as Debian's pool does, without it.
  for file in "$bundle"/packages/*%3a*.deb; do
    [[ ! -e $file ]] || mv "$file" "${file%_*%3a*}_${file##*%3a}"
  done
  for file in "$bundle"/packages/*.deb; do
    # shellcheck disable=SC2016
    names+=("$(dpkg-deb -W --showformat='${Package}=${Version}' "$file")")
  done
  apt-cache -c "$scratch/apt/apt.conf" show "${names[@]}" | sed 's|^Filename: .*/|Filename: ./|' \
    >"$bundle/packages/Packages"
}

collect_wheels() {
  local alone requirements pip glibc options
  mapfile -t alone < <(needed wheel-alone)
  mapfile -t requirements < <(needed wheel)
  python3 -m venv "$scratch/python"
  pip=("$scratch/python/bin/python3" -m pip download --quiet --disable-pip-version-check --retries 10 --timeout 60)
  options=(--dest "$bundle/wheels" --only-binary :all: --implementation cp --python-version "$python_version")
  for ((glibc = 36; glibc >= 17; --glibc)); do options+=(--platform "manylinux_2_${glibc}_$(uname -m)"); done
  options+=(--platform "manylinux2014_$(uname -m)")
  if [[ -n $cuda ]]; then
    mapfile -t -O "${#alone[@]}" alone < <(needed wheel-cuda)
    : >"$bundle/with_cuda"  # for jobs/setup.sh
  fi
  "${pip[@]}" "${options[@]}" --no-deps "${alone[@]}"
  "${pip[@]}" "${options[@]}" "${requirements[@]}"
}

collect_sources() {
  [[ -z $(git -C "$rest_root" status --porcelain --untracked-files=no) ]] ||
    say "bundle: changes that are not committed are left out" >&2
  git -C "$rest_root" archive --format=tar.gz --prefix=rest/ -o "$bundle/rest.tar.gz" HEAD
  cp "$rest_root/jobs/bundle_install.sh" "$bundle/install.sh"
}

bundle='' cuda='' dry_run=''
while (($#)); do
  case $1 in
    --cuda) cuda=1 ;;
    --dry-run) dry_run=1 ;;
    -h | --help)
      usage
      exit 0
      ;;
    -*) bad_usage "unknown option $1" ;;
    *)
      [[ -z $bundle ]] || bad_usage "more than one folder: $bundle, $1"
      bundle=$1
      ;;
  esac
  shift
done
[[ -n $bundle ]] || bad_usage "no folder given"
[[ ! -e $bundle ]] || die "$bundle is there already; name a new folder"
if [[ -n $dry_run ]]; then
  header "packages of Debian $release, with all they depend on"
  needed package
  header "wheels for Python $python_version, alone"
  needed wheel-alone
  [[ -z $cuda ]] || needed wheel-cuda
  header "wheels for Python $python_version, with all they depend on"
  needed wheel
  header "sources"
  git -C "$rest_root" describe --always
  exit 0
fi
for tool in apt-get dpkg-deb git python3; do
  command -v "$tool" >/dev/null || die "$tool is missing; a bundle is made on a Debian machine with git and python3"
done
[[ -r $keyring ]] || die "$keyring is missing; install debian-archive-keyring"

# Complete or not there: collected under another name.
finished=$bundle bundle=$bundle.part
rm -rf "$bundle"
mkdir -p "$bundle"
bundle=$(cd "$bundle" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
header "sources"
collect_sources
header "packages"
collect_packages
header "wheels"
collect_wheels
(cd "$bundle" && find . -type f | LC_ALL=C sort | xargs -d '\n' sha256sum) >"$scratch/SHA256SUMS"
mv "$scratch/SHA256SUMS" "$bundle"
mv "$bundle" "$finished"
say
say "bundle: $finished, $(du -sh "$finished" | cut -f1), SHA256SUMS is $(sha256sum <"$finished/SHA256SUMS" | cut -d' ' -f1)"
