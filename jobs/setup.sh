#!/usr/bin/env bash
# Installs what is missing to build and run ReST on Debian 12: packages by apt when it may (root, or sudo without a
# password; otherwise it names them), a Python environment in build/python for the scripts, and LibTorch. Started again,
# it finds everything in place and does nothing.
#
# An existing LibTorch (2.4 or newer) is taken from LibTorch_ROOT, CMAKE_PREFIX_PATH or the python3 in PATH; with none,
# the PyPI wheel goes into build/python.
#
#   jobs/setup.sh          sets up
#   jobs/setup.sh --needs  changes nothing; prints the packages and wheels, one a line
#
# With REST_BUNDLE=DIR, packages and wheels come from that folder, made by jobs/bundle.sh, and nothing from the network.
# shellcheck source=jobs/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$rest_root"

packages=(g++ cmake ninja-build ccache git pkg-config libopenmpi-dev openmpi-bin libhdf5-dev libsentencepiece-dev
  libgtest-dev libgmock-dev libcli11-dev libtomlplusplus-dev nlohmann-json3-dev libspdlog-dev zlib1g-dev libssl-dev
  python3 python3-venv python3-pip ca-certificates)
requirements=data/analysis/requirements.txt
# torch without its dependencies: of the CUDA libraries, libtorch_cpu.so needs these two even where there is no GPU.
torch_wheels=("torch==2.11.0" "nvidia-cuda-runtime==13.0.*" "nvidia-cuda-cupti==13.0.*")
environment=build/python
stamp=$environment/setup.stamp
apt=(apt-get)
pip_options=(--quiet --disable-pip-version-check)

needs() {
  printf 'package %s\n' "${packages[@]}"
  printf 'wheel-alone %s\n' "${torch_wheels[@]}"
  sed -n 's/^[A-Za-z]/wheel &/p' "$requirements"
}

# Lets apt and pip see the bundle alone.
use_bundle() {
  local bundle state
  bundle=$(cd "$REST_BUNDLE" && pwd) || die "no bundle in REST_BUNDLE=$REST_BUNDLE"
  [[ -f $bundle/packages/Packages && -d $bundle/wheels ]] ||
    die "$bundle holds no packages/Packages or no wheels/; make the bundle with jobs/bundle.sh"
  mkdir -p build/apt/lists/partial
  state=$(cd build/apt && pwd)
  echo "deb [trusted=yes] file:${bundle// /%20}/packages ./" >"$state/sources.list"
  apt+=(-o "Dir::Etc::sourcelist=$state/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$state/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root)
  pip_options+=(--no-index --find-links "$bundle/wheels")
}

missing_packages() {
  local package
  for package in "${packages[@]}"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || echo "$package"
  done
}

install_packages() {
  if ! command -v dpkg-query >/dev/null; then
    say "set-up: no Debian system, packages not checked; needed are (Debian's names): ${packages[*]}"
    return
  fi
  local missing as_root=()
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]})) || return 0
  local install=(install -y --no-install-recommends "${missing[@]}")
  if [[ $EUID -ne 0 ]]; then
    if ! sudo -n true 2>/dev/null; then
      say "set-up: these packages are missing, and this user may not install them. Have them installed by" >&2
      [[ -z ${REST_BUNDLE:-} ]] || say "  sudo $(printf '%q ' "${apt[@]}")update" >&2
      say "  sudo $(printf '%q ' "${apt[@]}" "${install[@]}")" >&2
      say "and start again." >&2
      exit 1
    fi
    as_root=(sudo -n)
  fi
  say "set-up: installing ${missing[*]}"
  as_root+=(env DEBIAN_FRONTEND=noninteractive)
  apt+=(-q -o DPkg::Lock::Timeout=300)
  # A foreign package source that fails to update need not hinder; the installation decides.
  "${as_root[@]}" "${apt[@]}" update || say "set-up: apt-get update failed, going on" >&2
  "${as_root[@]}" "${apt[@]}" "${install[@]}" ||
    die "apt-get could not install the packages; its messages are above"
}

# The directory of an existing LibTorch that can be linked: new enough, and of the C++ ABI of this system's libraries.
existing_torch() {
  local directory
  local -a prefixes=()
  IFS=':;' read -r -a prefixes <<<"${LibTorch_ROOT:-}:${CMAKE_PREFIX_PATH:-}"
  for directory in "${prefixes[@]}"; do
    if [[ -n $directory && -e $directory/lib/libtorch_cpu.so ]]; then
      echo "$directory"
      return
    fi
  done
  python3 - 2>/dev/null <<'PYTHON' || true
import importlib.util, pathlib, re
spec = importlib.util.find_spec("torch")
package = pathlib.Path(spec.submodule_search_locations[0])
text = (package / "version.py").read_text()
version = tuple(map(int, re.search(r"__version__\s*=\s*'(\d+)\.(\d+)", text).groups()))
usable = version >= (2, 4) and (package / "lib/libtorch_cpu.so").exists() and (package / "include").is_dir()
if usable and version < (2, 7):  # wheels before 2.7 came with either ABI
    import torch
    usable = torch.compiled_with_cxx11_abi()
if usable:
    print(package)
PYTHON
}

# The first python3 that torch's wheel has a build for and that can make environments.
make_environment() {
  local python
  rm -rf "$environment"
  for python in python3 /usr/bin/python3; do
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || continue
    "$python" -m venv "$environment" && return
    rm -rf "$environment"
  done
  die "no python3 (3.10 or newer) could make the environment $environment; install python3-venv"
}

pip_install() {
  "$rest_python" -m pip install "${pip_options[@]}" --retries 10 --timeout 60 "$@" ||
    die "pip could not install ${*}; its messages are above"
}

install_python() {
  local torch key
  torch=$(existing_torch)
  key=$(echo "$rest_root ${torch:-${torch_wheels[*]}}" | cat - "$requirements" | sha256sum)
  if [[ -f $stamp && $(<"$stamp") == "$key" ]] && "$rest_python" -c '' 2>/dev/null; then
    return 0
  fi
  say "set-up: Python environment in $environment"
  make_environment
  pip_install --prefer-binary -r "$requirements"
  if [[ -n $torch ]]; then
    say "set-up: LibTorch of $torch"
  else
    say "set-up: LibTorch from PyPI (${torch_wheels[0]}, 530 MB)"
    pip_install --no-deps "${torch_wheels[@]}"
  fi
  echo "$key" >"$stamp"
}

case ${1:-} in
  '') ;;
  --needs)
    needs
    exit
    ;;
  *)
    say "usage: jobs/setup.sh [--needs]" >&2
    exit 2
    ;;
esac
mkdir -p build
[[ -z ${REST_BUNDLE:-} ]] || use_bundle
install_packages
exec {lock}>build/.setup.lock
flock "$lock"  # two scripts started at once: the second waits and finds all in place
install_python
exec {lock}>&-
say "set-up: complete"
