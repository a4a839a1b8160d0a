# shellcheck shell=bash disable=SC2034
# What the job scripts jobs/*.slurm share; to be sourced by them inside a job.
#
# A job that nears its time limit gets USR1 (#SBATCH --signal), as does one that `scancel --batch --signal=USR1` names:
# the programs save their state, and the job goes back to the queue by itself, at most site_max_requeues times; Slurm
# starts it again after two minutes at the earliest. A job that Slurm ends for another (preemption, `scontrol requeue`) or
# for good (scancel) gets TERM and saves its state too; whether it comes back is Slurm's decision. Started again, every
# program goes on from what is complete.
#
# Exit codes of a job: 0 done; 1 failed; 2 the command line or the experiment is wrong; 75 stopped with its state saved,
# but not to come back by itself: submit it again; above 128 killed by a signal.
# Output is appended to RUN/log/slurm/<job name>-<job id>.out.
# shellcheck source=jobs/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=jobs/chain.sh
source "$rest_root/jobs/chain.sh"
site_file=${REST_SITE:-$rest_root/jobs/site.sh}
# shellcheck source=jobs/site.sh
source "$site_file" || die "cannot read the site file $site_file; set REST_SITE or mend it"

stopped_by=''
note_signal() {
  signals=$((signals + 1))
  stopped_by=${stopped_by:-$1}
  say "got $1: the programs save their state"
  # As USR1 in any case: on a TERM of its own, beside the one that Slurm sends to all of a job, mpirun would kill.
  [[ -z $child ]] || kill -USR1 "$child" 2>/dev/null || true
}
trap 'note_signal USR1' USR1
trap 'note_signal TERM' TERM

usage() {
  cat <<'TEXT'
usage: sbatch [sbatch options] jobs/STAGE.slurm EXPERIMENT.toml [options]
  --run DIR       run directory, everything made goes there [run/<name of the experiment file>]
  --variant NAME  name under improve/ for this choice of [improve] options [improve.loss]
  --set SECTION.KEY=VALUE
                  overrides a key of the experiment (repeatable)
  --grow-step G   which Grow step (grow, score, improve) [1]
  --parts N       grow, as a job array 0-(N-1): each task samples its static part of the shards [the size of the array]
Other options, with their values, go to the program as they are. STAGE is prepare, train, reward, grow, score,
improve, evaluate.
The STAGE.slurm files and jobs/site.sh say more; jobs/submit.sh submits all stages.
TEXT
}

grow_step=1 parts='' own_options=()
own_argument() {
  case $1 in
    --grow-step | --parts)
      [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || bad_usage "$1 ${2:-} is no number"
      if [[ $1 == --parts ]]; then parts=$2; else grow_step=$2; fi
      taken=2
      ;;
    -*)
      own_options+=("$1")
      [[ $# -lt 2 || $2 == -* ]] || own_options+=("$2") taken=2
      ;;
    *) bad_usage "more than one experiment file: $experiment, $1" ;;
  esac
}

# What `scontrol requeue` calls this job, an array's task by its place.
job_id() { echo "${SLURM_ARRAY_JOB_ID:+${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID}"; }

# make_launcher STAGE
make_launcher() {
  ranks=${SLURM_NTASKS:-1}
  local threads=${SLURM_CPUS_PER_TASK:-1}
  read -ra program_options <<<"--threads $threads ${site_program_options[$1]:-}"
  container=("${site_container[@]}")
  export OMP_NUM_THREADS=$threads
  case $site_launcher in
    mpirun) launcher=(mpirun "${site_mpirun_options[@]}" --quiet --mca odls_base_sigkill_timeout "$site_term_seconds") ;;
    # The first rank that ends gives the others 60 s: long enough to end too, and a lost one does not hang the job.
    srun) launcher=(srun "${site_srun_options[@]}" --cpus-per-task="$threads" --kill-on-bad-exit=0 --wait=60) ;;
    *) die "site_launcher is \"$site_launcher\" in $site_file; it is mpirun or srun" ;;
  esac
}

# begin STAGE ARGUMENT...: reads the job's arguments and makes it ready to run the stage.
begin() {
  local stage=$1
  shift
  [[ -n ${SLURM_JOB_ID:-} ]] || bad_usage "this is a job for Slurm; submit it with sbatch, or use jobs/run_local.sh"
  read_arguments "$@"
  make_run
  job=$(job_id)
  job=${job:-$SLURM_JOB_ID}
  local log=$run/log/slurm/$SLURM_JOB_NAME-${job/_/.}.out
  mkdir -p "$run/log/slurm"
  say "output: $log"
  exec >>"$log" 2>&1
  restarts=${SLURM_RESTART_COUNT:-0}
  header "job $job ($SLURM_JOB_NAME) on ${SLURM_JOB_NODELIST:-?}, $(date -u +%Y-%m-%dT%H:%M:%SZ), restart $restarts"
  ((${#site_modules[@]} == 0)) || module load "${site_modules[@]}"
  # Ranks have cores of their own here: they need not give them up while they wait.
  export OMPI_MCA_mpi_yield_when_idle=${OMPI_MCA_mpi_yield_when_idle:-0}
  mpi_environment
  make_launcher "$stage"
  find_programs
  read_experiment
}

# After a stop: back to the queue, unless Slurm itself ended the job. Returns when it was no stop but a failure.
stopped() {
  local code=$1
  if [[ $stopped_by == TERM ]]; then
    say "stopped by TERM: the state is saved; Slurm starts this job again if it was preempted or requeued"
    exit 75
  fi
  # 138: USR1 came before a program was ready for it; what was complete then is.
  ((code == 75 || code == 138)) || return 0
  if ((restarts >= site_max_requeues)); then
    say "error: stopped before its end after $restarts restarts, the most that site_max_requeues in $site_file allows;" \
      "the state is saved: give it more time and submit it again" >&2
    exit 75
  fi
  say "stopped with its state saved: back to the queue, restart $((restarts + 1)) of at most $site_max_requeues"
  scontrol requeue "$job" || die "scontrol could not requeue job $job; the state is saved: submit it again"
  exit 75  # not seen: the job is in the queue again
}
