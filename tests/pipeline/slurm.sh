#!/usr/bin/env bash
# On a real Slurm of one node: jobs/submit.sh makes the bytes of jobs/run_local.sh; so do jobs that are preempted,
# requeued, stopped by their time limit three times, and an array Grow of which one task fails.
source "$(dirname "${BASH_SOURCE[0]}")/../support/_pipeline.sh"
source "$(dirname "${BASH_SOURCE[0]}")/../support/_slurm.sh"
missing=$(slurm_missing)
[[ -z $missing ]] || { echo "skipped: no Slurm here, missing are ${missing//$'\n'/, }"; exit 77; }
trap 'slurm_stop; clean_up' EXIT
slurm_start "$work/slurm" 16 || { failed "Slurm does not start"; finish; }
began=$SECONDS
note() { echo "$((SECONDS - began)) s: $*"; }

cd "$work" || exit 1
reference=$work/local
# Long enough to be hit in the middle; half of the evaluations will do.
options=(--set train.max_updates=240 --set grow.samples=32 --set improve.max_updates=60 --set "data.test_source=''"
  --set "data.test_target=''")

# site NAME LAUNCHER [LINE...]: a site file for the jobs that are submitted next.
site() {
  export REST_SITE=$work/$1.sh
  {
    cat <<SITE
source $repository/jobs/site.sh
site_launcher=$2
site_mpirun_options=(--bind-to none --oversubscribe)
site_srun_options=(--mpi=pmix)
for stage in train grow score improve evaluate; do site_ranks[\$stage]=2; done
site_term_seconds=1
export OMPI_MCA_mpi_yield_when_idle=1
SITE
    printf '%s\n' "${@:3}"
  } >"$REST_SITE"
}

submit() { bash "$repository/jobs/submit.sh" "$experiment" "${options[@]}" "$@"; }

# The id of the job that was submitted for a stage of a run.
job_of() { awk -F'\t' -v stage="$2" '$2 == stage { id = $3 } END { print id }' "$1/report/jobs.tsv"; }

in_queue() { [[ -n $(squeue -h -j "$1" -o %i 2>/dev/null) ]]; }

# until_true SECONDS WHAT COMMAND...: the test ends here when it does not come true.
until_true() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    if ((SECONDS > end)); then
      squeue -o '%i %j %T %r %S' >&2
      tail -n 30 "$work"/*/log/slurm/*.out >&2
      failed "$what did not happen in time"
      finish
    fi
    sleep 0.1
  done
}

job_log() { cat "$1"/log/slurm/*-"$2".out 2>/dev/null; }
logged() { job_log "$1" "$2" | grep -q -- "$3"; }
logged_times() { (($(job_log "$1" "$2" | grep -c -- "$3") >= $4)); }

# The command lines of a program's ranks, as a pattern: ranks RUN PROGRAM [ARGUMENTS]
ranks() { echo "^$REST_BIN/rest_$2 .*--run $1 .*${3:-}"; }

# freeze RUN PROGRAM CHANGES [ARGUMENTS]: stops its ranks (SIGSTOP) once what is committed has changed so often.
freeze() {
  local run=$1 left=$3 end=$((SECONDS + 60)) pattern before now
  pattern=$(ranks "$run" "$2" "${4:-}")
  until pgrep -f "$pattern" >/dev/null; do
    ((SECONDS < end)) || { failed "$2 does not start"; return 1; }
    sleep 0.01
  done
  before=$(records "$run")
  while ((left > 0)) && pgrep -f "$pattern" >/dev/null; do
    now=$(records "$run")
    [[ $now == "$before" ]] || left=$((left - 1)) before=$now
  done
  pkill -STOP -f "$pattern"
}
thaw() { pkill -CONT -f "$(ranks "$@")"; }

# A requeued job would wait two minutes, in which a node of a cluster is cleaned up. Within a second of its end, slurmd
# would take the restart for what it has just killed.
back_in_queue() { [[ $(squeue -h -j "$1" -o %T) == PENDING ]]; }
hurry() {
  until_true 60 "job $1 goes back to the queue" back_in_queue "$1"
  until_true 60 "job $1 may start at once" scontrol update "JobId=$1" StartTime=now+2 2>/dev/null
}

state_of() { scontrol show job "$1" | sed -n 's/.*JobState=\([A-Z_]*\).*/\1/p' | sort | uniq -c | xargs; }
over() { ! in_queue "$1"; }

# ends_same RUN: every job of the chain is done, and the run holds the bytes of the reference.
ends_same() {
  local run=$1 job
  until_true 120 "the end of the chain in $run" over "$(job_of "$run" "evaluate bc")"
  job=$(job_of "$run" "evaluate bc")
  if [[ $(state_of "$job") != "1 COMPLETED" ]]; then
    failed "$run: its last job is $(state_of "$job")"
    job_log "$run" "$job" >&2
  fi
  same "$run" "$run" "$reference"
  note "$run is over"
}

note "Slurm is up"
# --- left alone
plain=$work/plain
site plain mpirun
submit --run "$plain" >"$work/out" || failed "jobs/submit.sh"
grep -q "^evaluate bc .*afterok" "$work/out" || { failed "jobs/submit.sh prints no table"; cat "$work/out" >&2; }

# --- a time limit of a minute, three times: its notice comes some seconds after the start. The frozen ranks meanwhile
# cost nothing, and get the signal when they go on.
limited=$work/limited
limit_three_times() {
  local job
  job=$(job_of "$limited" train)
  for hit in 1 2 3; do
    freeze "$limited" train 1
    until_true 60 "notice $hit of the time limit" logged_times "$limited" "$job" 'got USR1' "$hit"
    thaw "$limited" train
    until_true 60 "requeue $hit after the time limit" logged_times "$limited" "$job" 'back to the queue' "$hit"
    note "time limit, $hit"
    hurry "$job"
  done
  until_true 60 "the end of the time-limited training" over "$job"
  exit $((failures > 0))
}
site limited mpirun 'site_time[train]=1 site_notice=50'
submit --run "$limited" >"$work/out" || failed "jobs/submit.sh"
scontrol hold "$(job_of "$limited" "grow g1")"
limit_three_times &
limits=$!

bash "$repository/jobs/run_local.sh" "$experiment" "${options[@]}" --run "$reference" --ranks 2 >"$work/out" 2>&1 ||
  { cat "$work/out" >&2; failed "jobs/run_local.sh"; finish; }
note "the reference is there"

# --- from what is complete, an array of which one task fails and one is requeued; then a chain that ends for want of
# restarts
array=$work/array
mkdir -p "$array"
cp -r "$reference"/{tokenizer,corpus,policy} "$array"
cat >"$work/one_fails.sh" <<'FAIL'
# Kills the ranks of the array's second task when its first shard is there.
if [[ ${SLURM_ARRAY_TASK_ID:-} == 1 && $1 == */rest_grow ]]; then
  "$@" &
  child=$!
  until compgen -G "$ARRAY_RUN/grow/g1/shard-0000[5-9].h5.commit.json" >/dev/null || ! kill -0 "$child"; do
    sleep 0.005
  done
  kill -KILL "$child"
  exit 9
fi
exec "$@"
FAIL
site array srun "site_container=(env ARRAY_RUN=$array bash $work/one_fails.sh)" site_max_requeues=1
submit --run "$array" --array 3 >"$work/out" || failed "jobs/submit.sh --array"
tasks=$(job_of "$array" "grow g1 array")
improve=$(job_of "$array" "improve bc/g1")
freeze "$array" grow 0 "--part 0/3"  # wherever it is, perhaps not ready for signals yet
scancel --batch --signal=USR1 "${tasks}_0"
thaw "$array" grow "--part 0/3"
until_true 60 "requeue of the array's first task" logged "$array" "$tasks.0" 'back to the queue'
hurry "${tasks}_0"
until_true 120 "the end of the array" over "$tasks"
[[ $(state_of "$tasks") == "2 COMPLETED 1 FAILED" ]] || failed "the array's tasks are $(state_of "$tasks")"
for stop in 1 2; do
  freeze "$array" improve 1
  scancel --batch --signal=USR1 "$improve"
  thaw "$array" improve
  until_true 60 "stop $stop of improve" logged_times "$array" "$improve" 'got USR1' "$stop"
  ((stop == 2)) || hurry "$improve"
done
until_true 60 "the end of improve" over "$improve"
scontrol show job "$improve" | grep -q 'ExitCode=75:0' || failed "improve without restarts left does not exit 75"
logged "$array" "$improve" 'site_max_requeues' || failed "improve does not say why it is not requeued"
until_true 60 "the end of what waits for improve" over "$(job_of "$array" "evaluate bc")"
logged "$array" "$(job_of "$array" "grow g1")" '[1-4] of 15 shards to sample' || failed "the last Grow job did not fill a gap"
[[ ! -e $array/metrics/g0-i0.valid.json ]] || failed "evaluation ran in spite of a failed improve"
note "the array is over, its chain ended for want of restarts"
submit --run "$array" --array 3 >"$work/out" || failed "jobs/submit.sh, again"
ends_same "$plain"
ends_same "$array"

# --- jobs alone, from another folder, without jobs/submit.sh
for language in src tgt; do head -n 60 "$work/data/synthetic/train.$language" >"$work/rated.$language"; done
paste "$work/rated.src" "$work/rated.tgt" | awk -F '\t' -v OFS='\t' '{ print $1, $2, NR % 7 }' >"$work/rated.tsv"
learning=(--name seven --set "reward_model.ratings=[\"$work/rated.tsv\"]" --set reward_model.max_updates=4)
(
  cd / && unset REST_HOME REST_SITE
  alone=(sbatch --quiet --wait --ntasks=1 --output="$work/alone")
  "${alone[@]}" "$repository/jobs/prepare.slurm" "$experiment" "${options[@]}" --run "$plain" &&
    "${alone[@]}" --array=0-1 "$repository/jobs/grow.slurm" "$experiment" "${options[@]}" --run "$plain" &&
    "${alone[@]}" "$repository/jobs/reward.slurm" "$experiment" "${options[@]}" --run "$plain" "${learning[@]}"
) || { failed "jobs alone"; cat "$work/alone" >&2; }
grep -q "all 8 shards of part 1 of 2" "$plain"/log/slurm/rest-grow-*.1.out ||
  failed "the array alone did not do its parts"
[[ -s $plain/reward/seven/reward.json.commit.json ]] || failed "no reward was learned"

# --- preempted and requeued
wait "$limits" || failed "the time limits"
grow=$(job_of "$limited" "grow g1") improve=$(job_of "$limited" "improve bc/g1")
scontrol release "$grow"
freeze "$limited" grow 1
sbatch --quiet --partition=urgent --exclusive --output=/dev/null --wrap true
until_true 60 "preemption of grow" logged "$limited" "$grow" 'got TERM'
note "grow is preempted"
hurry "$grow"
freeze "$limited" improve 1
scontrol requeue "$improve"
until_true 60 "requeue of improve" logged "$limited" "$improve" 'got TERM'
note "improve is requeued"
hurry "$improve"
for job in "$grow" "$improve"; do
  until_true 60 "restart of job $job" logged "$limited" "$job" 'restart 1'
done
until_true 60 "the end of improve" over "$improve"
logged "$limited" "$improve" 'goes on from the checkpoint' || failed "improve saved nothing on TERM"
logged "$limited" "$grow" ' [1-9][0-4]* of 15 shards to sample' || failed "grow saved nothing on TERM"
ends_same "$limited"

finish "same bytes on Slurm"
