#!/usr/bin/env bash
# The whole of ReST on this machine: prepare, train, then for each Grow step grow, score and improve, then evaluate every
# policy. May be stopped or killed at any moment: the same command goes on from what is complete.
# shellcheck source=jobs/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=jobs/chain.sh
source "$rest_root/jobs/chain.sh"

usage() {
  cat <<'TEXT'
usage: jobs/run_local.sh EXPERIMENT.toml [options]
  --run DIR          run directory, everything made goes there [run/<name of the experiment file>]
  --ranks N          MPI ranks [the number of cores]; results do not depend on it
  --variant NAME     name under improve/ for this choice of [improve] options [improve.loss]
  --learn-from CORPUS
                     learn the experiment's reward from candidates of g0-i0 for this corpus of the run, valid or train,
                     which the reference labels by chrF [from reward_model.ratings]
  --set SECTION.KEY=VALUE
                     overrides a key of the experiment (repeatable)
The programs are those of build/release/bin, or of the folder in REST_BIN.
Exit code 75: stopped by Ctrl-C or TERM with its state saved; start the same command again to go on.
TEXT
}

cores() {
  local allowed physical
  allowed=$(env -u OMP_NUM_THREADS nproc)
  physical=$(lscpu -p=Core,Socket 2>/dev/null | grep -v '^#' | sort -u | wc -l)
  echo $((physical > 0 && physical < allowed ? physical : allowed))
}

ranks=''
own_argument() {
  case $1 in
    --ranks)
      (($# > 1)) || bad_usage "$1 needs a value"
      ranks=$2 taken=2
      ;;
    --learn-from) take_corpus "${@:2:1}" ;;
    -*) bad_usage "unknown option $1" ;;
    *) bad_usage "more than one experiment file: $experiment, $1" ;;
  esac
}
read_arguments "$@"
ranks=${ranks:-$(cores)}
[[ $ranks =~ ^[1-9][0-9]*$ ]] || bad_usage "--ranks $ranks is no number of ranks"
find_programs
command -v mpirun >/dev/null || die "mpirun is missing; install it with jobs/setup.sh"

mpi_environment
export OMP_NUM_THREADS=1
launcher=(mpirun --bind-to none --oversubscribe --quiet)
# Should this script be killed, mpirun gets TERM: no rank may write to the run when the next start comes.
if command -v setpriv >/dev/null; then launcher=(setpriv --pdeathsig TERM "${launcher[@]}"); fi

read_experiment "${launcher[@]}" -n 1
find_learned_reward
make_run
# mpirun inherits the lock and so holds it until its ranks are gone.
exec {lock}>"$run/report/.lock"
if ! flock -n "$lock"; then
  say "another jobs/run_local.sh works on $run, or its ranks still end: waiting for a minute"
fi
flock -w 60 -E 76 "$lock" || (($? != 76)) || die "another jobs/run_local.sh works on $run; wait for it, or change --run"

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

show_times() {
  header "wall time of the stages (all attempts: $times)"
  printf '%-30s %6s %12s\n' stage ranks time
  printf '%s\n' "${this_run[@]}"
  printf '%-37s %10.1f s\n' total "$(awk -v t=$(($(microseconds) - started)) 'BEGIN { print t / 1e6 }')"
}

stopped() {
  say
  say "stopped: start the same command again to go on from what is saved" >&2
  exit 75
}

started=$(microseconds)
say "ReST: $experiment, run directory $run, variant $variant, $grow_steps Grow step(s), $improve_steps Improve steps"
run_prepare
run_train
[[ -z $learned ]] || run_reward "${learning[@]}"
for ((grow = 1; grow <= grow_steps; ++grow)); do
  run_grow "$grow"
  run_score "$grow"
  run_improve "$grow"
done
run_evaluate
show_times
