#!/usr/bin/env bash
# Grow, scoring, training and improving, killed (SIGKILL) or stopped (USR1) at several moments and started again, give
# the bytes of a run that was left alone.
source "$(dirname "${BASH_SOURCE[0]}")/../support/_pipeline.sh"
ranks=2

reference=$work/reference
chain $ranks "$reference" prepare train grow
cp -r "$reference" "$work/unscored"  # scoring adds its columns to the index
chain $ranks "$reference" score improve

# kill_at MOMENT...: a number of seconds ("0.3s"), or after so many changes of what is committed ("2"); "rank2": as 2, but
# only one rank is killed. Counts in $hits the kills that found the program running.
kill_at() {
  local program=$1 run=$2 moment
  shift 2
  hits=0
  for moment in "$@"; do
    start $ranks "$program" "$run"
    case $moment in
      *s) sleep "${moment%s}" ;;
      rank*) progress "$run" "${moment#rank}" ;;
      *) progress "$run" "$moment" ;;
    esac
    if [[ $moment == rank* ]]; then
      kill -KILL "$(ranks_of_child | awk '{ print $NF }')" 2>/dev/null
      code=0
      wait "$child" || code=$?
    else
      kill_all
    fi
    ((code == 0)) || hits=$((hits + 1))
    ((code == 0 || code == 137)) || failed "$program killed at $moment: exit code $code, not 137"
  done
}

stop_at() {
  local program=$1 run=$2 changes
  shift 2
  for changes in "$@"; do
    start $ranks "$program" "$run"
    progress "$run" "$changes"
    kill -USR1 "$child" 2>/dev/null
    code=0
    wait "$child" || code=$?
    ((code == 75)) || { failed "$program, USR1 after $changes changes: exit code $code, not 75"; cat "$work/out" >&2; }
  done
}

# check PROGRAM FOLDER REFERENCE: what the program makes, below FOLDER of the run, is made again, with kills, then with
# stops.
check() {
  local program=$1 folder=$2 reference=$3 how
  for how in kill stop; do
    local run=$work/$program-$how
    cp -r "$reference" "$run"
    rm -r "${run:?}/$folder"
    if [[ $how == kill ]]; then
      kill_at "$program" "$run" 0.3s 1 rank1 3 2
      ((hits >= 3)) || failed "$program: only $hits of 5 kills found it running"
      echo "$program: $hits of 5 kills hit"
    else
      stop_at "$program" "$run" 1 2
    fi
    must $ranks "$program" "$run"
    same "$program after $how" "$run" "$reference" "$folder"
    find "$run/$folder" -name '*.tmp' | grep . && failed "$program after $how leaves temporaries"
    rm -r "$run"
  done
}

check train policy "$work/unscored"
check grow grow "$work/unscored"
check score grow/g1/rewards "$reference"
check improve improve "$reference"

finish "same bytes after kills and stops"
