#!/usr/bin/env bash
# A real Slurm (munged, slurmctld, two slurmd on this machine) for the tests. Start sshd.sh in the same folder first: jobs are
# submitted through it, and DIR/env is its file.
#
#   tests/clusters/slurm.sh start DIR
#   tests/clusters/slurm.sh stop DIR
#
# Partitions: standard (the default), short (one minute at most), gpu (4 made-up a100), down (no node is up). No accounting:
# sacct says that its storage is disabled, as on many clusters.
. "$(dirname "$0")/common.sh"
[ $# -eq 2 ] || { sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2; }
mkdir -p "$2"
DIR=$(cd "$2" && pwd)
S=$DIR/slurm

start() {
  packages slurmctld=slurm-wlm munged=munge python3=python3
  [ "$(id -u)" = 0 ] || fail "slurmd starts jobs as other users: run as root"
  [ ! -s "$S/slurmctld.pid" ] || fail "already started in $DIR"
  local host ctld d1 d2 node
  host=$(hostname -s)
  read -r ctld d1 d2 < <(ports 3)
  mkdir -p "$S/state" "$S/spool" "$S/munge"
  chmod 755 "$DIR" "$S"
  dd if=/dev/urandom of="$S/munge/key" bs=1024 count=1 status=none
  chown -R munge: "$S/munge"; chmod 400 "$S/munge/key"; chmod 755 "$S/munge"
  setpriv --reuid=munge --regid=munge --clear-groups /usr/sbin/munged --force --key-file="$S/munge/key" \
    --socket="$S/munge/socket" --pid-file="$S/munge/pid" --log-file="$S/munge/log" --seed-file="$S/munge/seed" \
    || fail "munged did not start: $(tail -n 3 "$S/munge/log")"
  local n; for n in 0 1 2 3; do [ -e "$S/gpu$n" ] || mknod "$S/gpu$n" c 1 3; done
  printf 'NodeName=n1 Name=gpu Type=a100 File=%s/gpu[0-3]\n' "$S" >"$S/gres.conf"
  printf 'CgroupPlugin=cgroup/v1\nCgroupAutomount=no\nConstrainRAMSpace=no\n' >"$S/cgroup.conf"
  cat >"$S/slurm.conf" <<C
ClusterName=hoist
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$ctld
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$S/munge/socket
StateSaveLocation=$S/state
SlurmdSpoolDir=$S/spool/%n
SlurmctldPidFile=$S/slurmctld.pid
SlurmdPidFile=$S/slurmd-%n.pid
SlurmctldLogFile=$S/slurmctld.log
SlurmdLogFile=$S/slurmd-%n.log
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
SlurmdParameters=config_overrides
ReturnToService=2
SlurmdTimeout=5
KillWait=2
InactiveLimit=0
MinJobAge=60
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=100
GresTypes=gpu
JobCompType=jobcomp/filetxt
JobCompLoc=$S/jobcomp.txt
MaxArraySize=100001
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,sched_interval=1,bf_interval=1,bf_continue
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$d1 CPUs=8 RealMemory=4000 Gres=gpu:a100:4
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$d2 CPUs=8 RealMemory=4000
PartitionName=standard Nodes=n[1-2] Default=YES MaxTime=INFINITE State=UP
PartitionName=short Nodes=n[1-2] MaxTime=1 DefaultTime=1 State=UP
PartitionName=gpu Nodes=n1 MaxTime=INFINITE State=UP
PartitionName=down Nodes=n2 MaxTime=INFINITE State=DOWN
C
  export SLURM_CONF=$S/slurm.conf
  slurmctld -c || fail "slurmctld did not start: $(tail -n 3 "$S/slurmctld.log")"
  for node in n1 n2; do mkdir -p "$S/spool/$node"; slurmd -N $node || fail "slurmd did not start: $(tail -n 3 "$S/slurmd-$node.log")"; done
  await 30 eval 'sinfo -h -p standard -o %T | grep -q "^idle" && ! sinfo -h -p standard -o %T | grep -qv "^idle"' \
    || fail "no node came up: $(sinfo -h 2>&1 | head -n 3)"
  printf "HOIST_TEST_SLURM=1\nHOIST_TEST_SLURM_CONF='%s'\n" "$S/slurm.conf" >>"$DIR/env"
}

stop() {
  export SLURM_CONF=$S/slurm.conf
  if [ -s "$S/slurmctld.pid" ]; then timeout 15 scancel --signal=KILL --full --state=RUNNING --user=root >/dev/null 2>&1 || true; fi
  timeout 15 scancel --state=PENDING >/dev/null 2>&1 || true
  local name
  for name in slurmd-n1 slurmd-n2 slurmctld; do stop_pid "$S/$name.pid"; done
  # A step's keeper outlives slurmd for as long as its job; it names its node's own spool folder.
  pkill -KILL -f "^slurmstepd: .*$S" 2>/dev/null || true
  stop_pid "$S/munge/pid"
}

case $1 in start) start ;; stop) stop ;; *) fail "start or stop, not $1" ;; esac
