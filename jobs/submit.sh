#!/usr/bin/env bash
# Submits the whole of ReST to Slurm, each stage a job that waits for those before it: jobs/run_local.sh for a cluster.
# Submitted again on the same run, each stage goes on from what is complete, and jobs that still wait or run are kept.
# shellcheck source=jobs/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=jobs/chain.sh
source "$rest_root/jobs/chain.sh"
site_file=${REST_SITE:-$rest_root/jobs/site.sh}
# shellcheck source=jobs/site.sh
source "$site_file" || die "cannot read the site file $site_file; set REST_SITE or mend it"

usage() {
  cat <<'TEXT'
usage: jobs/submit.sh EXPERIMENT.toml [VARIANT] [options]
  --run DIR    run directory, everything made goes there [run/<name of the experiment file>]
  --array N    each Grow step as an array of N tasks, and a job that samples what failed ones left [one job]
  --step-jobs  a job for each Improve step [one for all steps of a Grow step]
  --learn-from CORPUS
               learn the experiment's reward from candidates of g0-i0 for this corpus of the run, valid or train, which
               the reference labels by chrF [from reward_model.ratings]
  --set SECTION.KEY=VALUE
               overrides a key of the experiment (repeatable)
  --dry-run    print the sbatch commands only
VARIANT is a name under improve/ for this choice of [improve] options [improve.loss]. Several variants may be submitted
on one run: they share its policy g0-i0 and its first Grow step. Partition, account, ranks, threads and times are in
jobs/site.sh, or the file in REST_SITE.
TEXT
}

parts='' step_jobs='' dry_run=''
own_argument() {
  case $1 in
    --array)
      [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || bad_usage "--array ${2:-} is no number of tasks"
      parts=$2 taken=2
      ;;
    --step-jobs) step_jobs=1 ;;
    --learn-from) take_corpus "${@:2:1}" ;;
    --dry-run) dry_run=1 ;;
    -*) bad_usage "unknown option $1" ;;
    *)
      [[ -z $variant ]] || bad_usage "more than one variant: $variant, $1"
      set_variant "$1"
      ;;
  esac
}
read_arguments "$@"
[[ -n $dry_run ]] || command -v sbatch >/dev/null ||
  die "sbatch is missing: this is no Slurm cluster; use jobs/run_local.sh"
container=("${site_container[@]}")
mpi_environment
find_programs
read_experiment
find_learned_reward
for stage in prepare train ${learned:+reward} grow score improve evaluate; do
  [[ -n ${site_ranks[$stage]:-} && -n ${site_threads[$stage]:-} && -n ${site_time[$stage]:-} ]] ||
    die "$site_file lacks [$stage] in site_ranks, site_threads or site_time; take it from $rest_root/jobs/site.sh"
done
export REST_HOME=$rest_root REST_SITE=$site_file

# Every job submitted on this run: time, stage, job id, command.
ledger=$run/report/jobs.tsv
if [[ -z $dry_run ]]; then
  make_run
  mkdir -p "$run/log/slurm"
  touch "$ledger"
fi
rows=() ids=()

# in_queue STAGE COMMAND: the job, if any, that an earlier submission left for this stage and that is not over yet.
in_queue() {
  local id command reason
  IFS=$'\t' read -r id command < <(
    awk -F'\t' -v stage="$1" '$2 == stage { last = $3 "\t" $4 } END { print last }' "$ledger")
  [[ -n $id ]] || return 0
  reason=$(squeue -h -j "$id" -o %r 2>/dev/null) || return 0
  [[ -n $reason && $reason != DependencyNeverSatisfied ]] || return 0
  [[ $command == "$2" ]] ||
    die "job $id for $1 was submitted otherwise and is not over: $command; wait for it, or scancel $id first"
  echo "$id"
}

# overrides_of STAGE, in $own: what several variants share is submitted alike for all of them.
overrides_of() {
  local word
  own=()
  for word in "${overrides[@]}"; do
    [[ $word != --set ]] || continue
    case $1:$word in
      improve:* | evaluate:*) ;;
      *:improve.* | *:evaluate.*) continue ;;
    esac
    own+=(--set "$word")
  done
}

# submit NAME STAGE DEPENDENCY [ARGUMENT...]: its job's id goes to $id. In $tasks the size of the array, if it is one.
submit() {
  local name=$1 stage=$2 dependency=$3 output='%x-%j' array=() options arguments own words note='' size
  shift 3
  size=${site_ranks[$stage]}
  if [[ -n ${tasks:-} ]]; then array=(--array="0-$((tasks - 1))") output='%x-%A.%a' size="$tasks x $size"; fi
  overrides_of "$stage"
  read -ra options <<<"${site_sbatch[$stage]:-}"
  options=(sbatch --parsable --job-name="rest-${name//[ \/]/-}" --ntasks="${site_ranks[$stage]}"
    --cpus-per-task="${site_threads[$stage]}" --time="${site_time[$stage]}" --signal="B:USR1@$site_notice"
    --output="$run/log/slurm/$output.out" "${array[@]}" "${options[@]}")
  [[ -z $dependency ]] || options+=(--dependency="$dependency" --kill-on-invalid-dep=yes)
  arguments=("$rest_root/jobs/$stage.slurm" "$experiment" --run "$run" "${own[@]}" "$@")
  printf -v words '%q ' "${arguments[@]}"
  if [[ -n $dry_run ]]; then
    printf '%q ' "${options[@]}"
    say "$words"
    id=${name//[ \/]/-}
    return
  fi
  id=$(in_queue "$name" "${array[*]} $words") || exit 1
  if [[ -n $id ]]; then
    note=', in the queue already'
  else
    id=$("${options[@]}" "${arguments[@]}") || die "sbatch refused $name; its message is above"
    id=${id%%;*}  # a federation adds the cluster's name
    printf '%s\t%s\t%s\t%s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$name" "$id" "${array[*]} $words" >>"$ledger"
  fi
  ids+=("$id")
  rows+=("$(printf '%-22s %8s %8s %10s  %s' "$name" "$id" "$size" "${site_time[$stage]}" "${dependency:-nothing}$note")")
}

submit_grow() {
  local grow=$1 before=$2 arguments=(--grow-step "$1")
  ((grow == 1)) || arguments+=(--variant "$variant")  # whose best policy it samples from
  if [[ -n $parts ]]; then
    tasks=$parts submit "grow g$grow array" grow "$before" --parts "$parts" "${arguments[@]}"
    before+=,afterany:$id
  fi
  submit "grow g$grow" grow "$before" "${arguments[@]}"
}

submit_improve() {
  local grow=$1 arguments=(--grow-step "$1" --variant "$variant") step
  if [[ -z $step_jobs ]]; then
    submit "improve $variant/g$grow" improve "afterok:$id" "${arguments[@]}"
    return
  fi
  for ((step = 0; step <= improve_steps; ++step)); do
    submit "improve $variant/g$grow-i$step" improve "afterok:$id" "${arguments[@]}" --step "$step"
  done
}

submit prepare prepare ''
submit train train "afterok:$id"
trained=$id reward=''
if [[ -n $learned ]]; then
  submit "reward $learned" reward "afterok:$id" "${learning[@]}"
  reward=:$id id=$trained
fi
for ((grow = 1; grow <= grow_steps; ++grow)); do
  submit_grow "$grow" "afterok:$id"
  submit "score g$grow" score "afterok:$id$reward" --grow-step "$grow"
  submit_improve "$grow"
done
submit "evaluate $variant" evaluate "afterok:$id" --variant "$variant"
[[ -z $dry_run ]] || exit 0

printf '%-22s %8s %8s %10s  %s\n' stage job ranks time 'waits for'
printf '%s\n' "${rows[@]}"
all=$(IFS=, && echo "${ids[*]}")
cat <<TEXT

watch    squeue -j $all
         tail -F $run/log/slurm/*.out
cancel   scancel ${all//,/ }
go on    the same command again, after whatever end
TEXT
