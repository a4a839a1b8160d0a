# shellcheck shell=bash disable=SC2034
# Shared by the scripts of jobs/ and tests/run.sh; to be sourced.
set -euo pipefail
rest_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
rest_python=$rest_root/build/python/bin/python3
if [[ ! -e $rest_root/CMakeLists.txt ]]; then  # an installed tree: this is PREFIX/share/rest
  REST_BIN=${REST_BIN:-$(cd "$rest_root/../.." && pwd)/bin}
  rest_python=$rest_root/python/bin/python3
  [[ -x $rest_python ]] || rest_python=python3
fi

say() { printf '%s\n' "$*"; }
header() { printf '\n== %s\n' "$*"; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

mpi_environment() {
  # Open MPI refuses to start as root unless told twice; containers and test rigs have no other user.
  if [[ $EUID -eq 0 ]]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  fi
  # Containers deny the system call by which Open MPI copies between the ranks of a host.
  if [[ -e /.dockerenv || -e /run/.containerenv ]]; then
    export OMPI_MCA_btl_vader_single_copy_mechanism=${OMPI_MCA_btl_vader_single_copy_mechanism:-none}
  fi
  # Ranks that wait give their core to others: there may be more of them than cores.
  export OMPI_MCA_mpi_yield_when_idle=${OMPI_MCA_mpi_yield_when_idle:-1}
}

# 75 s, 3 min 20 s, 1 h 05 min
duration() {
  local s=$1
  if ((s < 120)); then
    printf '%d s' "$s"
  elif ((s < 3600)); then
    printf '%d min %02d s' $((s / 60)) $((s % 60))
  else
    printf '%d h %02d min' $((s / 3600)) $((s % 3600 / 60))
  fi
}

# timed NAME COMMAND...: runs it, says how long it took, gives its exit code.
timed() {
  local name=$1 begin=$SECONDS code=0
  shift
  header "$name"
  "$@" || code=$?
  say "== $name: $(duration $((SECONDS - begin)))$([[ $code -eq 0 ]] || echo ", exit code $code")"
  return "$code"
}

# build_preset PRESET [TARGET...]: configures and builds. Files that include torch take up to 1.5 GiB to compile, so
# that memory may bound the jobs. REST_BUILD_JOBS overrides.
build_preset() {
  local preset=$1 options=() jobs memory_jobs
  shift
  [[ -z ${LibTorch_ROOT:-} ]] || options+=("-DLibTorch_ROOT=$LibTorch_ROOT")
  [[ -z ${CMAKE_PREFIX_PATH:-} ]] || options+=("-DCMAKE_PREFIX_PATH=${CMAKE_PREFIX_PATH//:/;}")
  jobs=$(env -u OMP_NUM_THREADS nproc)
  memory_jobs=$(awk '/^MemAvailable:/ { print int($2 / 1572864) }' /proc/meminfo)
  ((${memory_jobs:-$jobs} >= jobs)) || jobs=$((memory_jobs > 0 ? memory_jobs : 1))
  cmake --preset "$preset" "${options[@]}" &&
    cmake --build --preset "$preset" -j "${REST_BUILD_JOBS:-$jobs}" ${1:+--target "$@"}
}
