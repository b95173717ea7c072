# What the rigs share: installing, free ports, waiting, and stopping only what they started. Sourced, never run.
set -euo pipefail

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
fail() { say "$*"; exit 1; }

# packages COMMAND=PACKAGE...: installs the packages whose command is missing, or says which they are.
packages() {
  local pair missing=()
  for pair in "$@"; do
    PATH=$PATH:/usr/sbin:/sbin command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing ${missing[*]}"
    apt-get update -qq >/dev/null 2>&1 || true
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "${missing[@]}" >/dev/null 2>&1 \
      || fail "apt-get could not install ${missing[*]}"
  else
    fail "missing on this machine: ${missing[*]} (run as root on Debian, this installs them)"
  fi
}

# ports N: N free TCP ports of this machine, on one line.
ports() {
  python3 - "$1" <<'P'
import socket, sys
sockets = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in sockets:
    s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in sockets])
P
}

# alive PID: it runs and is no zombie (a zombie still answers `kill -0`).
alive() { [ -r "/proc/$1/stat" ] && ! grep -q ') Z ' "/proc/$1/stat" 2>/dev/null; }

# stop_pid FILE: ends the process whose number is in FILE, kindly first.
stop_pid() {
  local pid i
  [ -s "$1" ] || return 0
  pid=$(cat "$1")
  alive "$pid" && kill "$pid" 2>/dev/null || true
  for i in $(seq 50); do alive "$pid" || break; sleep 0.1; done
  alive "$pid" && kill -9 "$pid" 2>/dev/null || true
  rm -f "$1"
}

# await SECONDS COMMAND...: until it succeeds.
await() {
  local end=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.1
  done
}
