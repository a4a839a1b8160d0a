# shellcheck shell=bash disable=SC2034
# This cluster: the one file to edit, or to copy elsewhere and name in REST_SITE. jobs/submit.sh takes all of it; a
# single `sbatch jobs/grow.slurm ...` takes ranks, threads and time from sbatch's own options (first the #SBATCH lines of
# the script), and where to go from here after `source jobs/site.sh`.

# --- where jobs go: what sbatch reads from its environment (man sbatch, "INPUT ENVIRONMENT VARIABLES")
#export SBATCH_PARTITION=compute
#export SBATCH_ACCOUNT=project
#export SBATCH_QOS=normal
#export SBATCH_CONSTRAINT=icelake  # one instruction set for all jobs of a run, or its bytes depend on where it ran

# --- what a job loads before it starts the programs
site_modules=()    # (gcc/12 openmpi/4.1)
site_container=()  # prefix of every program: (apptainer exec --bind /scratch /scratch/rest.sif); then also set REST_BIN
#export REST_BIN=/opt/rest/bin  # folder of the programs, if not build/release/bin

# --- how ranks are started: mpirun, or srun where Slurm and Open MPI share a PMIx
site_launcher=mpirun
# Each rank on cores of its own, as many as it has threads. Where cores are shared: (--bind-to none --oversubscribe).
site_mpirun_options=(--map-by "slot:PE=${SLURM_CPUS_PER_TASK:-1}" --bind-to core)
site_srun_options=(--mpi=pmix --cpu-bind=cores)

# --- resources of each stage. More ranks never change a result; more threads may, in the last bits. Training and
# improving use no more ranks than their `leaves`. With jobs/submit.sh --array N, each of the N tasks has grow's.
declare -A site_ranks=([prepare]=1 [train]=4 [reward]=4 [grow]=16 [score]=4 [improve]=4 [evaluate]=4)
declare -A site_threads=([prepare]=1 [train]=1 [reward]=1 [grow]=1 [score]=1 [improve]=1 [evaluate]=1)
declare -A site_time=([prepare]=1:00:00 [train]=8:00:00 [reward]=8:00:00 [grow]=8:00:00 [score]=4:00:00
  [improve]=8:00:00 [evaluate]=4:00:00)
declare -A site_sbatch=()           # further sbatch options: ([grow]="--mem-per-cpu=4G" [train]="--gpus-per-task=1")
declare -A site_program_options=()  # further options of the programs: ([train]="--device cuda")

# --- stopping
site_notice=300        # seconds before its time limit, or up to 30 more, a job saves its state and is requeued
site_max_requeues=20   # restarts of one job, preemptions included, before a time limit ends the chain
# mpirun itself, told to end, leaves its ranks twice this; as long it takes to return from any stop. Below half of the
# cluster's KillWait (`scontrol show config`, 30 s by default), and above what a checkpoint needs.
site_term_seconds=5
