# shellcheck shell=bash
# A private Slurm of one node, to be sourced: own key, ports, configuration, state and logs under one folder, no service
# of the system touched. Runs as the user who calls.

# slurm_missing: prints what a private Slurm lacks here; nothing when it can be had.
slurm_missing() {
  local program
  for program in munged mungekey slurmctld slurmd slurmstepd sbatch srun; do
    PATH=$PATH:/usr/sbin command -v "$program" >/dev/null || echo "$program"
  done
}

free_port() {
  "${REST_PYTHON:-python3}" -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])'
}

# slurm_start FOLDER CPUS: starts it and exports SLURM_CONF, by which the commands find it; fails when the node is not
# idle in time. CPUS may be more than there are. Two partitions over the same node: the jobs of `urgent` preempt those of
# `work`, which go back to the queue.
slurm_start() {
  local folder=$1 cpus=$2 host user waited
  slurm_folder=$folder slurm_daemons=()
  host=$(hostname -s)
  user=$(id -un)
  PATH=$PATH:/usr/sbin
  mkdir -p "$folder"/{state,spool}
  chmod 755 "$folder"
  mungekey --create --keyfile="$folder/munge.key"
  cat >"$folder/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
CredType=cred/munge
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,bf_interval=1,sched_interval=2,sched_min_interval=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
KillWait=30
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
SlurmdParameters=config_overrides
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus State=UNKNOWN
PartitionName=work Nodes=$host Default=YES PriorityTier=1 MaxTime=INFINITE
PartitionName=urgent Nodes=$host PriorityTier=9 PreemptMode=OFF MaxTime=INFINITE
CONF
  touch "$folder/cgroup.conf"
  export SLURM_CONF=$folder/slurm.conf
  # In the foreground of a background job each, so that their process ids are known and nothing else is ended.
  munged --foreground --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" \
    --pid-file="$folder/munged.pid" --log-file="$folder/munged.log" --seed-file="$folder/munged.seed" \
    >"$folder/munged.out" 2>&1 &
  slurm_daemons+=($!)
  for ((waited = 0; waited < 100; ++waited)); do
    [[ ! -S $folder/munge.socket ]] || break
    sleep 0.1
  done
  slurmctld -D >"$folder/slurmctld.out" 2>&1 &
  slurm_daemons+=($!)
  slurmd -D -N "$host" >"$folder/slurmd.out" 2>&1 &
  slurm_daemons+=($!)
  for ((waited = 0; waited < 300; ++waited)); do
    [[ $(sinfo -h -o %t 2>/dev/null | sort -u) != idle ]] || return 0
    sleep 0.1
  done
  tail -n 20 "$folder"/*.out "$folder"/*.log >&2
  return 1
}

# What jobs may have left: processes that were started with this Slurm's configuration.
slurm_processes() {
  local process
  for process in /proc/[0-9]*; do
    ! grep -qzxF "SLURM_CONF=$SLURM_CONF" "$process/environ" 2>/dev/null || echo "${process#/proc/}"
  done
}

# slurm_stop: no job, no daemon is left.
slurm_stop() {
  [[ -n ${slurm_folder:-} ]] || return 0
  scancel -Q --user="$(id -un)" 2>/dev/null
  local waited daemon
  for ((waited = 0; waited < 100; ++waited)); do
    [[ -n $(squeue -h 2>/dev/null) ]] || break
    sleep 0.1
  done
  for daemon in "${slurm_daemons[@]}"; do kill -TERM "$daemon" 2>/dev/null; done
  for ((waited = 0; waited < 50; ++waited)); do
    kill -0 "${slurm_daemons[@]}" 2>/dev/null || break
    sleep 0.1
  done
  for daemon in "${slurm_daemons[@]}" $(slurm_processes); do kill -KILL "$daemon" 2>/dev/null; done
  wait "${slurm_daemons[@]}" 2>/dev/null
  unset slurm_folder SLURM_CONF
}
