#!/usr/bin/env bash
# One rank's failure or stop ends all ranks, within seconds, with the right exit code and its cause in the log.
set -u
tests=${REST_BIN:?}/../tests/mpi_tests
[ -x "$tests" ] || { echo "no $tests"; exit 77; }
out=$(mktemp)
trap 'rm -f "$out"' EXIT
failures=0
slowest=0

# expect CODE RANKS PATTERN COUNT ARGUMENTS...: the exit code, how many lines of output match, and that all is over
# within seconds of the failure that the first of them logs (a busy machine needs long to start the ranks).
expect() {
  local code=$1 ranks=$2 pattern=$3 count=$4 got lines logged took=0
  shift 4
  timeout 180 mpirun --oversubscribe --bind-to none -n "$ranks" "$tests" "$@" >"$out" 2>&1
  got=$?
  lines=$(grep -c -- "$pattern" "$out")
  logged=$(grep -m 1 -- "$pattern" "$out" | grep -oE '^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}')
  [ -z "$logged" ] || took=$(($(date +%s) - $(date -d "$logged" +%s)))
  if [ $took -gt $slowest ]; then slowest=$took; fi
  if [ $got -ne "$code" ] || [ "$lines" -ne "$count" ] || [ $took -gt 20 ]; then
    echo "FAILED: $* on $ranks ranks: exit $got (want $code), '$pattern' on $lines lines (want $count), $took s"
    cat "$out"
    failures=$((failures + 1))
  fi
}

for rank in 0 1 2; do
  expect 1 3 'this rank fails (as asked); look on' 1 --fault=error $rank
  expect 2 3 'this rank has a usage error' 1 --fault=usage $rank
  expect 1 3 'this rank fails in a queue' 1 --fault=queue-error $rank
  expect 75 3 'error' 0 --fault=stop $rank
done
expect 1 3 'rank 1: error: this rank fails' 1 --fault=error 1
expect 2 4 'every rank has this usage error' 1 --fault=usage-all
expect 2 4 'MPI_ABORT' 0 --fault=usage-all
expect 1 2 'out of memory' 1 --fault=memory 1
expect 1 2 'not a std::exception' 1 --fault=odd 1
expect 1 1 'this rank fails (as asked); look on' 1 --fault=error 0
expect 2 1 'every rank has this usage error' 1 --fault=usage-all
expect 75 1 'error' 0 --fault=stop 0
expect 75 2 'error' 0 --fault=stop 1
expect 75 4 'error' 0 --fault=stop 0
expect 2 3 'error' 0 --fault=code 1
expect 0 3 'error' 0 --fault=none

# A stop at a point where nothing is to be saved.
for rank in 0 1 2; do expect 75 3 'stopped by a signal' 1 --fault=stopped $rank; done

# Ranks that hang are named; one that is slow is waited for.
TMPDIR=$(mktemp -d)
export TMPDIR
trap 'rm -rf "$out" "$TMPDIR"' EXIT
expect 1 3 'rank 0 .*waited.*rank 1 .*has shown no life' 1 --fault=hang-asleep 1
expect 1 3 'rank 1 .*waited.*rank 0 .*has shown no life' 1 --fault=hang-asleep 0
expect 1 3 'rank 0 .*waited.*rank 2 .*has shown no life' 1 --fault=hang-frozen 2
expect 1 2 'rank 0 .*waited.*all ranks wait: rank 0 in MPI_Barrier; rank 1 in MPI_Comm_dup' 1 --fault=hang-apart 1
expect 0 3 'error' 0 --fault=hang-slow 1

# Without mpirun: a world of one rank.
"$tests" --fault=error 0 >"$out" 2>&1
[ $? -eq 1 ] || { echo "FAILED: alone, an error does not exit 1"; cat "$out"; failures=$((failures + 1)); }

[ $failures -eq 0 ] && echo "all ranks end together, at most $slowest s after the failure"
exit $((failures > 0))
