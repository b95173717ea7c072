#!/usr/bin/env bash
# The stand-in for PBS behind the real sshd, as on a cluster that has PBS: the tests that are run against a real one where
# HOIST_TEST_PBS names it are run as they are then. Start sshd.sh in the same folder first, as root; DIR/env is its file.
#
#   tests/clusters/pbs.sh start DIR
#   tests/clusters/pbs.sh stop DIR
#
# The account of hoist-zsh has its commands, because that shell reads a file of the account at every start.
. "$(dirname "$0")/common.sh"
case $*:$# in "start "*:2 | "stop "*:2) ;; *) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2 ;; esac
here=$(cd "$(dirname "$0")" && pwd)
DIR=$(cd "$2" && pwd)
P=$DIR/pbs
rc=$DIR/homes/zsh/.zshenv

start() {
  [ -f "$rc" ] || fail "there is no account with zsh: start sshd.sh in $DIR first, as root"
  [ ! -d "$P" ] || fail "already started in $DIR"
  mkdir -p "$P/bin" "$P/state"
  # The account must be able to read it wherever the repository lies.
  cp "$here/stand_in.py" "$P/stand_in.py"
  chmod 755 "$P" "$P/bin" "$P/stand_in.py"
  local command
  for command in qsub qstat qselect qdel; do ln -s ../stand_in.py "$P/bin/$command"; done
  chown -R --reference="$rc" "$P/state"
  touch "$P/state/history"
  printf 'export HOIST_STAND_IN=%s PATH=%s:$PATH # PBS\n' "$P/state" "$P/bin" >>"$rc"
  echo "HOIST_TEST_PBS=hoist-zsh" >>"$DIR/env"
}

stop() {
  [ -d "$P" ] || return 0
  # Keepers of jobs that wait end when these are deleted.
  local job
  for job in "$P"/state/*.json; do [ ! -e "$job" ] || : >"${job%.json}.delete"; done
  sleep 0.5
  sed -i '/# PBS$/d' "$rc"
  sed -i '/^HOIST_TEST_PBS=hoist-zsh$/d' "$DIR/env"
  rm -rf "$P"
}

"$1"
