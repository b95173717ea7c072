#!/usr/bin/env bash
# A real Slurm (munged, slurmctld, two slurmd on this machine) for the tests. Start sshd.sh in the same folder first: jobs are
# submitted through it, and DIR/env is its file.
#
#   tests/clusters/slurm.sh start DIR [accounting]
#   tests/clusters/slurm.sh stop DIR
#   tests/clusters/slurm.sh node start|stop NODE DIR    one slurmd and all that runs under it, as when its machine goes down
#
# Partitions: standard (the default), short (one minute at most), gpu (4 made-up a100), down (no node is up), and low, whose jobs
# make room for those of the others. Without accounting sacct says that its storage is disabled, as on many clusters. With it (slurmdbd
# and a MariaDB of its own) there is the quality of service `one`, one running job for each user; and memory is limited by cgroups
# where this machine lets us, of which HOIST_TEST_SLURM_CGROUPS tells. That one is for its own machine, not through sshd.
. "$(dirname "$0")/common.sh"
usage() { sed -n '2,15s/^# \{0,1\}//p' "$0"; exit 2; }
DIR=
accounting=
case $*:$# in
  "start "*:2 | "stop "*:2) DIR=$2 ;;
  "start "*" accounting:3") DIR=$2 accounting=1 ;;
  "node start "*:4 | "node stop "*:4) DIR=$4 ;;
  *) usage ;;
esac
mkdir -p "$DIR"
DIR=$(cd "$DIR" && pwd)
S=$DIR/slurm
# A node's name is that of its cgroups: two rigs must not meet there.
TAG=$(printf %s "$DIR" | cksum | cut -d' ' -f1)
CGROUPS=/sys/fs/cgroup

# Whether cgroups of version 1 can limit memory here.
can_limit() {
  local probe=$CGROUPS/memory/hoist-$TAG
  [ -d "$CGROUPS/freezer" ] && [ -d "$CGROUPS/cpuset" ] && mkdir "$probe" 2>/dev/null && echo 100M >"$probe/memory.limit_in_bytes" 2>/dev/null
  local can=$?
  [ ! -d "$probe" ] || rmdir "$probe"
  return $can
}

# A MariaDB and a slurmdbd that only this Slurm knows; prints the lines for its configuration.
start_accounting() {
  local mysql dbd
  read -r mysql dbd < <(ports 2)
  mkdir -p "$S/mysql"; chown mysql: "$S/mysql"
  mariadb-install-db --no-defaults --datadir="$S/mysql" --user=mysql --auth-root-authentication-method=normal >"$S/mysql.log" 2>&1 \
    || fail "no database: $(tail -n 3 "$S/mysql.log")"
  setpriv --reuid=mysql --regid=mysql --clear-groups /usr/sbin/mariadbd --no-defaults --datadir="$S/mysql" --socket="$S/mysql/socket" \
    --port="$mysql" --bind-address=127.0.0.1 --pid-file="$S/mysql/pid" --innodb-buffer-pool-size=32M >>"$S/mysql.log" 2>&1 &
  await 30 mariadb --no-defaults --socket="$S/mysql/socket" -u root -e "create user slurm@'127.0.0.1' identified by 'slurm'; create user slurm@localhost identified by 'slurm'; grant all on slurm.* to slurm@'127.0.0.1'; grant all on slurm.* to slurm@localhost" \
    || fail "MariaDB did not start: $(tail -n 3 "$S/mysql.log")"
  cat >"$S/slurmdbd.conf" <<C
AuthType=auth/munge
AuthInfo=socket=$S/munge/socket
DbdHost=localhost
DbdPort=$dbd
SlurmUser=root
LogFile=$S/slurmdbd.log
PidFile=$S/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=$mysql
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm
C
  chmod 600 "$S/slurmdbd.conf"
  SLURM_CONF=$S/slurm.conf /usr/sbin/slurmdbd || fail "slurmdbd did not start: $(tail -n 3 "$S/slurmdbd.log")"
  cat <<C
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=localhost
AccountingStoragePort=$dbd
AccountingStoragePass=$S/munge/socket
AccountingStorageEnforce=associations,limits,qos
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
C
}

start() {
  packages slurmctld=slurm-wlm munged=munge python3=python3
  if [ -n "$accounting" ]; then packages slurmdbd=slurmdbd mariadbd=mariadb-server; fi
  [ "$(id -u)" = 0 ] || fail "slurmd starts jobs as other users: run as root"
  [ ! -s "$S/slurmctld.pid" ] || fail "already started in $DIR"
  local host ctld d1 d2 node tracking=proctrack/linuxproc task=task/none constrain=no extra=
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
  if [ -n "$accounting" ] && can_limit; then tracking=proctrack/cgroup task=task/cgroup constrain=yes; fi
  printf 'CgroupPlugin=cgroup/v1\nCgroupAutomount=no\nCgroupMountpoint=%s\nConstrainRAMSpace=%s\n' "$CGROUPS" "$constrain" >"$S/cgroup.conf"
  if [ -n "$accounting" ]; then
    # slurmdbd reads where munged listens.
    printf 'ClusterName=hoist\nSlurmctldHost=%s(127.0.0.1)\nAuthType=auth/munge\nAuthInfo=socket=%s\n' "$host" "$S/munge/socket" >"$S/slurm.conf"
    start_accounting >"$S/extra" || exit 1
    extra=$(cat "$S/extra")
  fi
  cat >"$S/slurm.conf" <<C
ClusterName=hoist
$extra
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
ProctrackType=$tracking
TaskPlugin=$task
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
PartitionName=low Nodes=n[1-2] MaxTime=INFINITE State=UP PriorityTier=1 PreemptMode=CANCEL
PreemptType=preempt/partition_prio
PreemptMode=CANCEL
C
  sed -i 's/^\(PartitionName=[sg].*\)$/\1 PriorityTier=10/' "$S/slurm.conf"
  if [ -n "$accounting" ]; then sed -i "s/n\[1-2\]/n$TAG-[1-2]/g; s/^NodeName=n\([12]\) /NodeName=n$TAG-\1 /; s/Nodes=n\([12]\) /Nodes=n$TAG-\1 /; s/^\(NodeName=\)n1 /\1n$TAG-1 /" "$S/slurm.conf" "$S/gres.conf"; fi
  export SLURM_CONF=$S/slurm.conf
  if [ -n "$accounting" ]; then
    await 20 sacctmgr -n show cluster || fail "slurmdbd does not answer: $(tail -n 3 "$S/slurmdbd.log")"
    {
      sacctmgr -i add cluster hoist
      sacctmgr -i add qos one set MaxJobsPerUser=1
      sacctmgr -i add account lab
      sacctmgr -i add user root account=lab defaultaccount=lab
      sacctmgr -i modify user root set qos+=one
    } >"$S/sacctmgr.log" 2>&1 || true
  fi
  slurmctld -c || fail "slurmctld did not start: $(tail -n 3 "$S/slurmctld.log")"
  for node in $(nodes); do start_node "$node"; done
  await 30 eval 'sinfo -h -p standard -o %T | grep -q "^idle" && ! sinfo -h -p standard -o %T | grep -qv "^idle"' \
    || fail "no node came up: $(sinfo -h 2>&1 | head -n 3)"
  if [ -n "$accounting" ]; then
    printf "HOIST_TEST_SLURM_ACCOUNTING='%s'\nHOIST_TEST_SLURM_CGROUPS='%s'\n" "$S/slurm.conf" "${constrain%no}" >>"$DIR/env"
  else
    printf "HOIST_TEST_SLURM=1\nHOIST_TEST_SLURM_CONF='%s'\n" "$S/slurm.conf" >>"$DIR/env"
  fi
}

nodes() { sed -n 's/^NodeName=\([^ ]*\).*/\1/p' "$S/slurm.conf"; }

start_node() {
  export SLURM_CONF=$S/slurm.conf
  mkdir -p "$S/spool/$1"
  slurmd -N "$1" || fail "slurmd did not start: $(tail -n 3 "$S/slurmd-$1.log")"
}

# A machine that goes down takes its jobs with it: what outlives slurmd here would have one last word when it comes back. A step's
# keeper, slurmstepd, is the parent of what Slurm started.
stop_node() {
  local environment pid parent
  stop_pid "$S/slurmd-$1.pid"
  for environment in $(grep -lzsx "SLURMD_NODENAME=$1" /proc/[0-9]*/environ 2>/dev/null); do
    grep -qzsx "SLURM_CONF=$S/slurm.conf" "$environment" || continue
    pid=${environment#/proc/}; pid=${pid%/environ}
    parent=$(ps -o ppid= -p "$pid" | tr -d ' ')
    case $(ps -o args= -p "${parent:-0}") in "slurmstepd: "*) kill -KILL "$parent" 2>/dev/null ;; esac
    kill -KILL "$pid" 2>/dev/null
  done
  return 0
}

stop() {
  export SLURM_CONF=$S/slurm.conf
  if [ -s "$S/slurmctld.pid" ]; then timeout 15 scancel --signal=KILL --full --state=RUNNING --user=root >/dev/null 2>&1 || true; fi
  timeout 15 scancel --state=PENDING >/dev/null 2>&1 || true
  local name
  [ -s "$S/slurm.conf" ] || return 0
  for name in $(nodes); do stop_node "$name"; done
  stop_pid "$S/slurmctld.pid"; stop_pid "$S/slurmdbd.pid"
  stop_pid "$S/mysql/pid"; stop_pid "$S/munge/pid"
  local group
  for name in $(nodes); do
    for group in "$CGROUPS"/*/slurm_"$name"; do
      [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
    done
  done
}

case $1:$2 in
  start:*) start ;;
  stop:*) stop ;;
  node:start) start_node "$3" ;;
  node:stop) stop_node "$3" ;;
esac
