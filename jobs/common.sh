# shellcheck shell=bash disable=SC2034
# Shared by the scripts of jobs/ and tests/run.sh. Source it; it changes to the root of the repository.
set -euo pipefail
rest_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
rest_python=$rest_root/build/python/bin/python3
cd "$rest_root"

say() { printf '%s\n' "$*"; }
header() { printf '\n== %s\n' "$*"; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# Open MPI refuses to start as root unless told twice; containers and test rigs have no other user.
allow_mpirun_as_root() {
  if [[ $EUID -eq 0 ]]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  fi
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
