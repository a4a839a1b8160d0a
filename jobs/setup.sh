#!/usr/bin/env bash
# Installs what is missing to build and run ReST on Debian 12: packages by apt when it may (root, or sudo without a
# password; otherwise it names them), a Python environment in build/python for the scripts, and LibTorch. Started again,
# it finds everything in place and does nothing.
#
# An existing LibTorch (2.4 or newer) is taken from LibTorch_ROOT, CMAKE_PREFIX_PATH or the python3 in PATH; with none,
# the PyPI wheel goes into build/python.
#
#   jobs/setup.sh               sets up
#   jobs/setup.sh --with-slurm  also what the tests need for a Slurm of their own, where it can be installed; nothing of
#                               it is left running
#   jobs/setup.sh --needs       changes nothing; prints the packages and wheels, one a line
#
# With REST_BUNDLE=DIR, packages and wheels come from that folder, made by jobs/bundle.sh, and nothing from the network.
# shellcheck source=jobs/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
[[ -z ${REST_BUNDLE:-} ]] || REST_BUNDLE=$(realpath -m -- "$REST_BUNDLE")
cd "$rest_root"

packages=(g++ cmake ninja-build ccache git pkg-config libopenmpi-dev openmpi-bin libhdf5-dev libsentencepiece-dev
  libgtest-dev libgmock-dev libcli11-dev libtomlplusplus-dev nlohmann-json3-dev libspdlog-dev zlib1g-dev libssl-dev
  python3 python3-venv python3-pip ca-certificates)
slurm_packages=(slurm-wlm munge)
requirements=data/analysis/requirements.txt
# torch without its dependencies: of the CUDA libraries, libtorch_cpu.so needs these two even where there is no GPU.
torch_wheels=("torch==2.11.0" "nvidia-cuda-runtime==13.0.*" "nvidia-cuda-cupti==13.0.*")
# The rest of what libtorch_cuda.so needs, by library: installed where there is a CUDA toolkit or a GPU, and only what
# is not there already.
cuda_wheels=(
  "libcusparseLt.* nvidia-cusparselt-cu13==0.8.0"
  "libnvshmem_host.* nvidia-nvshmem-cu13==3.4.5"
  "libcufile.* nvidia-cufile==1.15.1.6.*"
  "libnccl.* nvidia-nccl-cu13==2.28.9"
  "libcudnn.* nvidia-cudnn-cu13==9.19.0.56"
  "libcublas* nvidia-cublas==13.1.0.3.*"
  "libcufft.* nvidia-cufft==12.0.0.61.*"
  "libcurand.* nvidia-curand==10.4.0.35.*"
  "libcusolver.* nvidia-cusolver==12.0.4.66.*"
  "libcusparse.* nvidia-cusparse==12.6.3.3.*"
  "libnvJitLink.* nvidia-nvjitlink==13.0.88.*"
)
environment=build/python
stamp=$environment/setup.stamp
apt=(apt-get)
pip_options=(--quiet --disable-pip-version-check)

needs() {
  printf 'package %s\n' "${packages[@]}"
  printf 'wheel-alone %s\n' "${torch_wheels[@]}"
  printf 'wheel-cuda %s\n' "${cuda_wheels[@]#* }"
  sed -n 's/^[A-Za-z]/wheel &/p' "$requirements"
}

# Lets apt and pip see the bundle alone.
use_bundle() {
  local state
  [[ -f $REST_BUNDLE/packages/Packages && -d $REST_BUNDLE/wheels ]] ||
    die "REST_BUNDLE=$REST_BUNDLE holds no packages/Packages or no wheels/; make the bundle with jobs/bundle.sh"
  mkdir -p build/apt/lists/partial
  state=$(cd build/apt && pwd)
  echo "deb [trusted=yes] file:${REST_BUNDLE// /%20}/packages ./" >"$state/sources.list"
  apt+=(-o "Dir::Etc::sourcelist=$state/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$state/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root)
  pip_options+=(--no-index --find-links "$REST_BUNDLE/wheels")
}

# missing PACKAGE...: those that are not installed.
missing() {
  local package
  for package in "$@"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || echo "$package"
  done
}

may_install() { [[ $EUID -eq 0 ]] || sudo -n true 2>/dev/null; }

# as_root COMMAND...
as_root() {
  local sudo=()
  [[ $EUID -eq 0 ]] || sudo=(sudo -n)
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive "$@"
}

# apt_install PACKAGE...
apt_install() {
  say "set-up: installing $*"
  # A foreign package source that fails to update need not hinder; the installation decides.
  as_root "${apt[@]}" -q -o DPkg::Lock::Timeout=300 update || say "set-up: apt-get update failed, going on" >&2
  as_root "${apt[@]}" -q -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@"
}

install_packages() {
  if ! command -v dpkg-query >/dev/null; then
    say "set-up: no Debian system, packages not checked; needed are (Debian's names): ${packages[*]}"
    return
  fi
  local wanted
  mapfile -t wanted < <(missing "${packages[@]}")
  ((${#wanted[@]})) || return 0
  if ! may_install; then
    say "set-up: these packages are missing, and this user may not install them. Have them installed by" >&2
    [[ -z ${REST_BUNDLE:-} ]] || say "  sudo $(printf '%q ' "${apt[@]}")update" >&2
    say "  sudo $(printf '%q ' "${apt[@]}")install -y --no-install-recommends ${wanted[*]}" >&2
    say "and start again." >&2
    exit 1
  fi
  apt_install "${wanted[@]}" || die "apt-get could not install the packages; its messages are above"
}

# Without it, the tests that need it say so and are skipped.
install_slurm() {
  local wanted service
  command -v dpkg-query >/dev/null || return 0
  mapfile -t wanted < <(missing "${slurm_packages[@]}")
  ((${#wanted[@]})) && may_install || return 0
  apt_install "${wanted[@]}" || say "set-up: no Slurm for the tests, going on" >&2
  # Debian starts what it installs; the tests start their own.
  [[ -d /run/systemd/system ]] || return 0
  for service in "${wanted[@]/slurm-wlm/slurmctld slurmd}"; do
    # shellcheck disable=SC2086
    as_root systemctl disable --quiet --now $service || true
  done
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

has_cuda() { command -v nvcc >/dev/null || [[ -x /usr/local/cuda/bin/nvcc || -e /dev/nvidiactl ]]; }

install_cuda_wheels() {
  local library wheels=() name entry
  library=$(echo "$environment"/lib/python3*/site-packages/torch/lib/libtorch_cuda.so)
  while read -r name; do
    for entry in "${cuda_wheels[@]}"; do
      # shellcheck disable=SC2053
      [[ $name != ${entry% *} ]] || wheels+=("${entry#* }")
    done
  done < <(ldd "$library" | awk '/not found/ { print $1 }' | sort -u)
  ((${#wheels[@]})) || return 0
  if [[ -n ${REST_BUNDLE:-} && ! -e $REST_BUNDLE/with_cuda ]]; then
    say "set-up: CUDA libraries are not in the bundle (jobs/bundle.sh --cuda), going on without" >&2
    return 0
  fi
  say "set-up: CUDA libraries for LibTorch: ${wheels[*]}"
  pip_install --no-deps "${wheels[@]}"
}

install_python() {
  local torch key cuda=
  torch=$(existing_torch)
  if [[ -z $torch ]] && has_cuda; then cuda=" cuda"; fi
  key=$(echo "$rest_root ${torch:-${torch_wheels[*]}}$cuda" | cat - "$requirements" | sha256sum)
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
    [[ -z $cuda ]] || install_cuda_wheels
  fi
  echo "$key" >"$stamp"
}

case ${1:-} in
  '') with_slurm='' ;;
  --with-slurm) with_slurm=1 ;;
  --needs)
    needs
    exit
    ;;
  *)
    say "usage: jobs/setup.sh [--with-slurm | --needs]" >&2
    exit 2
    ;;
esac
mkdir -p build
[[ -z ${REST_BUNDLE:-} ]] || use_bundle
install_packages
[[ -z $with_slurm ]] || install_slurm
exec {lock}>build/.setup.lock
flock "$lock"  # two scripts started at once: the second waits and finds all in place
install_python
exec {lock}>&-
say "set-up: complete"
