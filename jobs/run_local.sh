#!/usr/bin/env bash
# The whole of ReST on this machine: prepare, train, then for each Grow step grow, score and improve, then evaluate every
# policy. May be stopped or killed at any moment: the same command goes on from what is complete.
# shellcheck source=jobs/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
  cat <<'TEXT'
usage: jobs/run_local.sh EXPERIMENT.toml [options]
  --run DIR          run directory, everything made goes there [run/<name of the experiment file>]
  --ranks N          MPI ranks [the number of cores]; results do not depend on it
  --variant NAME     name under improve/ for this choice of [improve] options [improve.loss]
  --set SECTION.KEY=VALUE
                     overrides a key of the experiment (repeatable)
The programs are those of build/release/bin, or of the folder in REST_BIN.
Exit code 75: stopped by Ctrl-C or TERM with its state saved; start the same command again to go on.
TEXT
}

bad_usage() {
  say "error: $*" >&2
  usage >&2
  exit 2
}

cores() {
  local allowed physical
  allowed=$(env -u OMP_NUM_THREADS nproc)
  physical=$(lscpu -p=Core,Socket 2>/dev/null | grep -v '^#' | sort -u | wc -l)
  echo $((physical > 0 && physical < allowed ? physical : allowed))
}

experiment='' run='' ranks='' variant='' overrides=()
while (($#)); do
  case $1 in
    --run | --ranks | --variant | --set)
      (($# > 1)) || bad_usage "$1 needs a value"
      case $1 in
        --run) run=$2 ;;
        --ranks) ranks=$2 ;;
        --variant) variant=$2 ;;
        --set) overrides+=(--set "$2") ;;
      esac
      shift 2
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    -*) bad_usage "unknown option $1" ;;
    *)
      [[ -z $experiment ]] || bad_usage "more than one experiment file: $experiment, $1"
      experiment=$1
      shift
      ;;
  esac
done
[[ -n $experiment ]] || bad_usage "no experiment file given"
[[ -r $experiment ]] || bad_usage "cannot read $experiment"
ranks=${ranks:-$(cores)}
[[ $ranks =~ ^[1-9][0-9]*$ ]] || bad_usage "--ranks $ranks is no number of ranks"
run=${run:-run/$(basename "$experiment" .toml)}
bin=${REST_BIN:-$rest_root/build/release/bin}
for program in prepare train grow score improve evaluate; do
  [[ -x $bin/rest_$program ]] || die "$bin/rest_$program is missing; build it: cmake --build --preset release"
done
command -v mpirun >/dev/null || die "mpirun is missing; install it with jobs/setup.sh"

mpi_environment
export OMP_NUM_THREADS=1
mpirun=(mpirun --bind-to none --oversubscribe --quiet)
# Should this script be killed, mpirun gets TERM: no rank may write to the run when the next start comes.
if command -v setpriv >/dev/null; then mpirun=(setpriv --pdeathsig TERM "${mpirun[@]}"); fi

# One key of the complete experiment, overrides applied: value SECTION KEY
complete=$("${mpirun[@]}" -n 1 "$bin/rest_prepare" "$experiment" "${overrides[@]}" --print-experiment </dev/null) || exit $?
value() {
  awk -v section="[$1]" -v key="$2" '
    /^\[/ { inside = ($0 == section) }
    inside && $1 == key && $2 == "=" {
      sub(/^[^=]*= */, "")
      quote = substr($0, 1, 1)
      if (quote ~ /["'\'']/) { split(substr($0, 2), parts, quote); print parts[1] } else { sub(/ *#.*/, ""); print }
      exit
    }' <<<"$complete"
}
at_most() { echo $(($1 < $2 ? $1 : $2)); }
variant=${variant:-$(value improve loss)}
grow_steps=$(value improve grow_step)
improve_steps=$(value improve steps)
# An update has no more ranks than leaves.
train_ranks=$(at_most "$ranks" "$(value train leaves)")
improve_ranks=$(at_most "$ranks" "$(value improve leaves)")
corpora=(valid)
[[ -z $(value data test_source) ]] || corpora+=(test)

mkdir -p "$run/report" || die "cannot make the run directory $run; change --run"
# mpirun inherits the lock and so holds it until its ranks are gone.
exec {lock}>"$run/report/.lock"
flock -w 60 -E 76 "$lock" || (($? != 76)) || die "another jobs/run_local.sh works on $run; wait for it, or change --run"
times=$run/report/stages.tsv
[[ -s $times ]] || printf 'begin_utc\tstage\tranks\tseconds\texit_code\n' >"$times"
this_run=()

child='' signals=0
# The first signal goes on as USR1, which mpirun hands to the ranks: they save and end. A second one goes on as TERM,
# which leaves them one second.
pass_on() {
  signals=$((signals + 1))
  [[ -n $child ]] || return 0
  if ((signals == 1)); then
    say "stopping: the ranks save their state"
    kill -USR1 "$child" 2>/dev/null || true
  else
    kill -TERM "$child" 2>/dev/null || true
  fi
}
trap pass_on INT TERM HUP

# stage NAME RANKS PROGRAM [ARGUMENT...]
stage() {
  local name=$1 ranks=$2 program=$3 code=0 begin=${EPOCHREALTIME/[.,]/} when seconds
  shift 3
  when=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  ((signals == 0)) || stopped
  header "$name: $program, $ranks rank$( ((ranks == 1)) || echo s)"
  set -m  # a process group of its own: Ctrl-C reaches this script alone
  "${mpirun[@]}" -n "$ranks" "$bin/$program" "$experiment" --run "$run" "${overrides[@]}" "$@" </dev/null &
  set +m
  child=$!
  wait "$child" || code=$?
  while kill -0 "$child" 2>/dev/null; do wait "$child" || code=$?; done  # a signal ends wait, not the child
  child=''
  seconds=$(awk -v t=$((${EPOCHREALTIME/[.,]/} - begin)) 'BEGIN { printf "%.1f", t / 1e6 }')
  printf '%s\t%s\t%s\t%s\t%s\n' "$when" "$name" "$ranks" "$seconds" "$code" >>"$times"
  this_run+=("$(printf '%-30s %6d %10.1f s' "$name" "$ranks" "$seconds")")
  if ((signals > 0 || code == 75)); then stopped; fi
  if ((code != 0)); then
    local how="failed with exit code $code"
    ((code <= 128)) || how="was killed by signal $((code - 128))$( ((code != 137)) || echo ", perhaps for want of memory")"
    say "error: $name $how; $program's messages are above and in $run/log" >&2
    exit "$code"
  fi
}

show_times() {
  header "wall time of the stages (all attempts: $times)"
  printf '%-30s %6s %12s\n' stage ranks time
  printf '%s\n' "${this_run[@]}"
  printf '%-37s %10.1f s\n' total "$(awk -v t=$((${EPOCHREALTIME/[.,]/} - started)) 'BEGIN { print t / 1e6 }')"
}

stopped() {
  say
  say "stopped: start the same command again to go on from what is saved" >&2
  exit 75
}

policies() {
  local grow step
  echo g0-i0
  for ((grow = 1; grow <= grow_steps; ++grow)); do
    for ((step = 0; step <= improve_steps; ++step)); do
      # Steps made moot by an earlier one leave no policy.
      if [[ -e $run/improve/$variant/g$grow-i$step/model.safetensors.commit.json ]]; then
        echo "$variant/g$grow-i$step"
      fi
    done
  done
}

started=${EPOCHREALTIME/[.,]/}
say "ReST: $experiment, run directory $run, variant $variant, $grow_steps Grow step(s), $improve_steps Improve steps"
stage prepare 1 rest_prepare
stage train "$train_ranks" rest_train
for ((grow = 1; grow <= grow_steps; ++grow)); do
  stage "grow g$grow" "$ranks" rest_grow --grow-step "$grow" --variant "$variant"
  stage "score g$grow" "$ranks" rest_score --grow-step "$grow"
  stage "improve $variant/g$grow" "$improve_ranks" rest_improve --grow-step "$grow" --variant "$variant"
done
for corpus in "${corpora[@]}"; do
  for policy in $(policies); do
    compare=()
    [[ $policy == g0-i0 ]] || compare=(--compare g0-i0)
    stage "evaluate $policy $corpus" "$ranks" rest_evaluate --policy "$policy" --corpus "$corpus" "${compare[@]}"
  done
done
show_times
