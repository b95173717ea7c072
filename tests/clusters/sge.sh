#!/usr/bin/env bash
# A real Grid Engine (qmaster and one execution host on this machine) for the tests. Start sshd.sh in the same folder first where jobs
# are to be submitted through it: DIR/env is its file.
#
#   tests/clusters/sge.sh start DIR
#   tests/clusters/sge.sh stop DIR
#   tests/clusters/sge.sh master start|stop DIR     the qmaster alone, as when it is restarted under running jobs
#
# Queues: all.q (8 slots; the parallel environments smp, on one host, and mpi, on any), shut.q (disabled). h_vmem is consumable and
# has 100G in all; gpu has 4. Shells are started by `-S` alone and as no login shells, so that what a person's start files do costs no
# test its time.
. "$(dirname "$0")/common.sh"
usage() { sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2; }
[ $# -eq 2 ] || { [ $# -eq 3 ] && [ "$1" = master ]; } || usage
DIR=${!#}
mkdir -p "$DIR"
DIR=$(cd "$DIR" && pwd)
G=$DIR/sge
TOOLS=/usr/lib/gridengine
export SGE_ROOT=$G/root SGE_CELL=default LD_LIBRARY_PATH=$TOOLS
if [ -s "$G/ports" ]; then read -r SGE_QMASTER_PORT SGE_EXECD_PORT <"$G/ports"; export SGE_QMASTER_PORT SGE_EXECD_PORT; fi

admin() { setpriv --reuid=sgeadmin --regid=sgeadmin --clear-groups "$@"; }
# Its daemons write their own pid files, in their spool folders.
start_master() { admin "$TOOLS/sge_qmaster" && await 20 qconf -sh; }

start() {
  packages sge_qmaster=gridengine-master sge_execd=gridengine-exec qsub=gridengine-client python3=python3
  [ "$(id -u)" = 0 ] || fail "sge_execd starts jobs as other users: run as root"
  if [ ! -s "$G/ports" ]; then
    # Without sshd.sh: a Grid Engine for this machine alone.
    mkdir -p "$G"; ports 2 >"$G/ports"
    read -r SGE_QMASTER_PORT SGE_EXECD_PORT <"$G/ports"; export SGE_QMASTER_PORT SGE_EXECD_PORT
  fi
  [ ! -d "$G/root" ] || fail "already started in $DIR"
  # Whoever has a group of this range belongs to a job of this host: two of them must not meet.
  local name gids=$((100000 + SGE_EXECD_PORT * 100)) common=$G/root/default/common
  mkdir -p "$common" "$G/master/job_scripts" "$G/exec" "$G/spool"
  for name in bin lib util utilbin; do ln -s "/var/lib/gridengine/$name" "$G/root/$name"; done
  cat >"$common/bootstrap" <<C
admin_user              sgeadmin
default_domain          none
ignore_fqdn             false
spooling_method         berkeleydb
spooling_lib            libspoolb
spooling_params         $G/spool
binary_path             $TOOLS
qmaster_spool_dir       $G/master
security_mode           none
listener_threads        2
worker_threads          2
scheduler_threads       1
C
  echo localhost >"$common/act_qmaster"
  echo "localhost $(hostname)" >"$common/host_aliases"
  sed -e "s|^execd_spool_dir .*|execd_spool_dir $G/exec|" -e 's|flush_time=00:00:15|flush_time=00:00:01 accounting_flush_time=00:00:00|' \
    -e "s|^gid_range .*|gid_range $gids-$((gids + 99))|" -e 's|^login_shells .*|login_shells none|' -e 's|^load_report_time .*|load_report_time 00:00:05|' -e 's|^max_unheard .*|max_unheard 00:00:20|' \
    -e 's|^\(administrator_mail\).*|\1 none|' -e 's|^min_\([ug]\)id .*|min_\1id 0|' /usr/share/gridengine/default-configuration >"$G/configuration"
  chmod 755 "$DIR" "$G"
  chown -R sgeadmin: "$G/root" "$G/master" "$G/spool" "$G/exec"
  admin "$TOOLS/spoolinit" berkeleydb libspoolb "$G/spool" init >"$G/log" 2>&1 || fail "no spool: $(tail -n 3 "$G/log")"
  {
    admin "$TOOLS/spooldefaults" configuration "$G/configuration" &&
    admin "$TOOLS/spooldefaults" complexes /usr/share/gridengine/util/resources/centry &&
    admin "$TOOLS/spooldefaults" usersets /usr/share/gridengine/util/resources/usersets &&
    admin "$TOOLS/spooldefaults" managers sgeadmin && admin "$TOOLS/spooldefaults" managers root
  } >>"$G/log" 2>&1 || fail "no defaults: $(tail -n 3 "$G/log")"
  start_master >>"$G/log" 2>&1 || fail "sge_qmaster did not start: $(tail -n 3 "$G/log" "$G/master/messages")"
  {
    qconf -ah localhost; qconf -as localhost
    qconf -sc >"$G/complexes"
    sed -i 's/^\(h_vmem .*<= *YES *\)NO *0 /\1YES 2G /' "$G/complexes"
    echo 'gpu gpu INT <= YES YES 0 0' >>"$G/complexes"
    qconf -Mc "$G/complexes"
    parallel smp '$pe_slots'; parallel mpi '$round_robin'
    qconf -sq >"$G/queue"
    queue all.q; queue shut.q
    printf 'name lab\noticket 0\nfshare 0\nacl NONE\nxacl NONE\n' >"$G/lab"; qconf -Aprj "$G/lab"
    qconf -ssconf | sed -e 's|^schedule_interval .*|schedule_interval 0:0:1|' -e 's|^flush_submit_sec .*|flush_submit_sec 1|' \
      -e 's|^flush_finish_sec .*|flush_finish_sec 1|' -e 's|^job_load_adjustments .*|job_load_adjustments NONE|' \
      -e 's|^load_adjustment_decay_time .*|load_adjustment_decay_time 0:0:0|' >"$G/sconf"
    qconf -Msconf "$G/sconf"
  } >>"$G/log" 2>&1 || fail "no queue: $(tail -n 3 "$G/log")"
  # Its environment is that of the jobs.
  env -i PATH=/usr/bin:/bin SGE_ROOT="$SGE_ROOT" SGE_CELL=$SGE_CELL SGE_QMASTER_PORT="$SGE_QMASTER_PORT" SGE_EXECD_PORT="$SGE_EXECD_PORT" \
    LD_LIBRARY_PATH=$TOOLS "$TOOLS/sge_execd" >>"$G/log" 2>&1 || fail "sge_execd did not start: $(tail -n 3 "$G/log")"
  await 30 qconf -se localhost
  qconf -aattr exechost complex_values h_vmem=100G,gpu=4 localhost >>"$G/log" 2>&1 || fail "no resources: $(tail -n 3 "$G/log")"
  qmod -d shut.q >>"$G/log" 2>&1
  await 30 eval 'qhost -q | grep -q "all.q .* 0/0/8 *$"' || fail "the host did not come up: $(qhost -q | tail -n 4)"
  # Local tests need the same variables as the sessions of sshd have.
  for name in SGE_ROOT SGE_CELL SGE_QMASTER_PORT SGE_EXECD_PORT; do echo "$name='${!name}'"; done >>"$DIR/env"
  echo HOIST_TEST_SGE=1 >>"$DIR/env"
}

parallel() { # parallel NAME RULE
  cat >"$G/$1" <<C
pe_name $1
slots 64
user_lists NONE
xuser_lists NONE
start_proc_args NONE
stop_proc_args NONE
allocation_rule $2
control_slaves FALSE
job_is_first_task TRUE
urgency_slots min
accounting_summary FALSE
qsort_args NONE
C
  qconf -Ap "$G/$1"
}

queue() { # queue NAME
  sed -e "s|^qname .*|qname $1|" -e 's|^hostlist .*|hostlist localhost|' -e 's|^slots .*|slots 8|' -e 's|^load_thresholds .*|load_thresholds NONE|' \
    -e 's|^notify .*|notify 0:0:5|' -e 's|^pe_list .*|pe_list smp mpi|' -e 's|^rerun .*|rerun TRUE|' "$G/queue" >"$G/$1"
  qconf -Aq "$G/$1"
}

stop() {
  [ -d "$G/root" ] || return 0
  if [ -s "$G/master/qmaster.pid" ]; then timeout 15 qdel -f -u '*' >/dev/null 2>&1 || true; sleep 1; fi
  local pid
  # The keeper of a job that is still there works in its host's spool folder.
  for pid in $(pgrep -x sge_shepherd || true); do
    case $(readlink "/proc/$pid/cwd") in "$G"/*) kill -KILL -- "-$pid" 2>/dev/null || kill -KILL "$pid" 2>/dev/null || true ;; esac
  done
  for pid in "$G"/exec/*/execd.pid; do stop_pid "$pid"; done
  stop_pid "$G/master/qmaster.pid"
}

case $1 in
  start) start ;;
  stop) stop ;;
  master) case $2 in start) start_master ;; stop) stop_pid "$G/master/qmaster.pid" ;; *) usage ;; esac ;;
  *) usage ;;
esac
