#!/usr/bin/env bash
# A real OpenSSH server for the tests, and a home for Hoist that knows it.
#
#   tests/clusters/sshd.sh start DIR    DIR/env then is a shell file to source
#   tests/clusters/sshd.sh stop DIR
#
# As root it makes one account for each login shell (bash, zsh, tcsh, fish), each with a talkative start file, and removes them
# at the stop; otherwise everything logs in as the caller. Host aliases of HOIST_TEST_HOME/.ssh/config:
#   hoist-ssh       bash                             hoist-zsh hoist-tcsh hoist-fish   the other shells (root only)
#   hoist-frail     a server of its own, whose sessions a test may kill
#   hoist-faults    another one, for the tests of faults (DIR/sshd/faults.pid)
#   hoist-one       MaxSessions 1                    hoist-nopython   a PATH without any Python
#   hoist-unknown   its key is in no known_hosts     hoist-changed    known_hosts has another key
#   hoist-refused   nobody listens                   hoist-nokey      a key that the server does not accept
#   hoist-tries     hangs up after the first key that it does not accept
#   hoist-jump      through hoist-ssh                hoist-jumps      through two hosts
#   hoist-command   by a ProxyCommand                hoist-locked     a key with the passphrase "open sesame"
#   hoist-packed    Compression yes
#   hoist-agent     a key that stands in no file of HOME: HOIST_TEST_DIR/sshd/id_agent, for an agent
#   hoist-cert      a host certificate               hoist-evil       the same, of an authority that is not known
# HOIST_TEST_FULL is a file system of 128 KiB that the bash account owns (empty where none can be mounted).
# And as root, with HOIST_TEST_PASSWORD: hoist-word (password), hoist-quiz (keyboard-interactive), hoist-two (key, then that),
# hoist-factors (password and a one-time code of the secret HOIST_TEST_SECRET, by PAM), hoist-both (key, then these two)
# Slurm (slurm.sh) and Grid Engine (sge.sh) are reached through the same server: every session has the variables that they need.
. "$(dirname "$0")/common.sh"
[ $# -eq 2 ] || { sed -n '2,24s/^# \{0,1\}//p' "$0"; exit 2; }
mkdir -p "$2"
DIR=$(cd "$2" && pwd)
SSHD=$DIR/sshd
TAG=$(printf %s "$DIR" | cksum | cut -d' ' -f1)
SERVICE=hoist-$TAG

account() { # account SHELL: the login name of the account with this shell
  if [ "$(id -u)" = 0 ]; then echo "hz$TAG${1:0:1}"; else id -un; fi
}

make_account() { # make_account SHELL PATH
  local user home
  user=$(account "$1") home="$DIR/homes/$1"
  useradd -M -d "$home" -s "$2" "$user" 2>/dev/null || id "$user" >/dev/null
  mkdir -p "$home/.ssh"
  case $1 in
    bash) echo 'echo "Welcome to the cluster, $USER"; echo "quota: 3% of 100G" >&2' >"$home/.bashrc"; cp "$home/.bashrc" "$home/.bash_profile" ;;
    zsh) echo 'echo "Welcome to the cluster"; print -P "%F{red}maintenance on Friday%f" >&2' >"$home/.zshenv" ;;
    tcsh) printf 'echo "Welcome to the cluster"\nsetenv GREETED yes\n' >"$home/.cshrc" ;;
    fish) mkdir -p "$home/.config/fish"; echo 'echo "Welcome to the cluster"; echo noise >&2' >"$home/.config/fish/config.fish" ;;
  esac
  cp "$SSHD/client.pub" "$home/.ssh/authorized_keys"
  chown -R "$user:" "$home"
  chmod 755 "$home"
}

config() { # config NAME PORT EXTRA...: writes an sshd configuration
  local name=$1 port=$2; shift 2
  {
    echo "Port $port"
    echo "ListenAddress 127.0.0.1"
    echo "HostKey $SSHD/host_ed25519"
    echo "PidFile $SSHD/$name.pid"
    echo "AuthorizedKeysFile $SSHD/client.pub"
    echo "StrictModes no"
    if [ "$(id -u)" = 0 ]; then echo "UsePAM yes"; fi
    echo "PasswordAuthentication no"
    echo "KbdInteractiveAuthentication no"
    echo "MaxStartups 100:30:200"
    echo "UseDNS no"
    echo "PrintMotd no"
    echo "AllowTcpForwarding yes"
    echo "Subsystem sftp internal-sftp"
    printf '%s\n' "$@"
  } >"$SSHD/$name.conf"
}

launch() { # launch NAME PORT
  # sshd takes the name of its PAM service from its own.
  local sshd=/usr/sbin/sshd
  case $1 in factors|both) sshd=$SSHD/$SERVICE ;; esac
  "$sshd" -f "$SSHD/$1.conf" -E "$SSHD/$1.log" || fail "sshd did not start: $(tail -n 3 "$SSHD/$1.log")"
  await 10 test -s "$SSHD/$1.pid" || fail "sshd wrote no pid file: $(tail -n 3 "$SSHD/$1.log")"
}

host() { # host ALIAS PORT USER LINES...: one Host block
  printf 'Host %s\n  HostName 127.0.0.1\n  Port %s\n  User %s\n' "$1" "$2" "$3"
  shift 3
  local line; for line in "$@"; do printf '  %s\n' "$line"; done
}

start() {
  packages sshd=openssh-server ssh-keygen=openssh-client python3=python3 curl=curl
  if [ "$(id -u)" = 0 ]; then
    packages zsh=zsh tcsh=tcsh fish=fish oathtool=oathtool google-authenticator=libpam-google-authenticator
    mkdir -p /run/sshd
  fi
  [ ! -s "$SSHD/main.pid" ] || fail "already started in $DIR"
  chmod 755 "$DIR"
  local home=$DIR/home key=IdentityFile\ $DIR/home/.ssh/id_ed25519 password= full= main one refused bare frail cert tries word quiz two factors both faults qmaster execd shell path user secret=
  mkdir -p "$SSHD/nopython" "$home/.ssh" "$home/.config/hoist" "$DIR/homes"
  read -r main one bare frail cert tries word quiz two factors both faults refused qmaster execd < <(ports 15)
  mkdir -p "$DIR/sge"
  echo "$qmaster $execd" >"$DIR/sge/ports"
  ssh-keygen -q -t ed25519 -N '' -C host -f "$SSHD/host_ed25519"
  ssh-keygen -q -t ed25519 -N '' -C other -f "$SSHD/other"
  ssh-keygen -q -t ed25519 -N '' -C client -f "$home/.ssh/id_ed25519"
  ssh-keygen -q -t ed25519 -N '' -C stranger -f "$home/.ssh/id_stranger"
  ssh-keygen -q -t rsa -b 3072 -N 'open sesame' -C locked -f "$home/.ssh/id_locked"
  ssh-keygen -q -t ecdsa -N '' -C agent -f "$SSHD/id_agent"
  cat "$home/.ssh/id_ed25519.pub" "$home/.ssh/id_locked.pub" "$SSHD/id_agent.pub" >"$SSHD/client.pub"
  ssh-keygen -q -t ed25519 -N '' -C authority -f "$SSHD/authority"
  ssh-keygen -q -t ed25519 -N '' -C certified -f "$SSHD/certified"
  ssh-keygen -q -s "$SSHD/authority" -h -I test -n 127.0.0.1 -V +2d "$SSHD/certified.pub"
  for path in sh bash cat cp mv rm mkdir rmdir ls ln chmod base64 sha256sum head tail wc date sleep nohup setsid kill ps df touch grep sed awk cut tr uname id stat env test printf mktemp find dd sync true false; do
    if command -v "$path" >/dev/null; then ln -sf "$(type -P "$path")" "$SSHD/nopython/$path"; fi
  done

  # In one line: only the first SetEnv counts.
  local schedulers="SLURM_CONF=$DIR/slurm/slurm.conf SGE_ROOT=$DIR/sge/root SGE_CELL=default SGE_QMASTER_PORT=$qmaster SGE_EXECD_PORT=$execd"
  config main "$main" "SetEnv $schedulers" "MaxSessions 10"
  config one "$one" "SetEnv $schedulers" "MaxSessions 1"
  config frail "$frail" "SetEnv $schedulers" "MaxSessions 10"
  config faults "$faults" "SetEnv $schedulers" "MaxSessions 10"
  config bare "$bare" "SetEnv PATH=$SSHD/nopython" "MaxSessions 10"
  config tries "$tries" "MaxAuthTries 1"
  config cert "$cert" "HostKey $SSHD/certified" "HostCertificate $SSHD/certified-cert.pub"
  local name servers="main one frail faults bare cert tries"
  if [ "$(id -u)" = 0 ]; then
    config word "$word" "PubkeyAuthentication no"; sed -i 's/^PasswordAuthentication no/PasswordAuthentication yes/' "$SSHD/word.conf"
    config quiz "$quiz" "PubkeyAuthentication no"; sed -i 's/^KbdInteractiveAuthentication no/KbdInteractiveAuthentication yes/' "$SSHD/quiz.conf"
    config two "$two" "AuthenticationMethods publickey,keyboard-interactive"
    sed -i 's/^KbdInteractiveAuthentication no/KbdInteractiveAuthentication yes/' "$SSHD/two.conf"
    config factors "$factors" "PubkeyAuthentication no"
    config both "$both" "AuthenticationMethods publickey,keyboard-interactive"
    sed -i 's/^KbdInteractiveAuthentication no/KbdInteractiveAuthentication yes/' "$SSHD/factors.conf" "$SSHD/both.conf"
    ln -sf /usr/sbin/sshd "$SSHD/$SERVICE"
    mkdir -p "$SSHD/codes"
    {
      echo "auth required pam_unix.so"
      echo "auth required pam_google_authenticator.so user=root secret=$SSHD/codes/\${USER} no_strict_owner allowed_perm=0400"
      echo "account required pam_permit.so"
      echo "session required pam_permit.so"
    } >"/etc/pam.d/$SERVICE"
    secret=$(od -An -N20 -tx1 /dev/urandom | tr -d ' \n' | sed 's/../\\x&/g')
    secret=$(printf "$secret" | base32)
    # Codes of the minutes around are taken, and each any number of times: the tests log in more often than people do.
    printf '%s\n" WINDOW_SIZE 17\n" TOTP_AUTH\n' "$secret" >"$SSHD/codes/$(account bash)"
    chmod 0400 "$SSHD/codes/$(account bash)"
    servers="$servers word quiz two factors both"
  fi
  for name in $servers; do launch "$name" 0; done

  local shells=bash
  if [ "$(id -u)" = 0 ]; then
    shells="bash zsh tcsh fish"
    for shell in $shells; do make_account "$shell" "$(type -P "$shell")"; done
    password=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
    echo "$(account bash):$password" | chpasswd
    mkdir -p "$DIR/full"
    if mount -t tmpfs -o "size=128k,mode=755,uid=$(id -u "$(account bash)")" hoist-full "$DIR/full" 2>/dev/null; then full=$DIR/full; fi
  fi
  user=$(account bash)
  {
    host hoist-ssh "$main" "$user" "$key"
    host hoist-slurm "$main" "$user" "$key"
    host hoist-sge "$main" "$user" "$key"
    if [ "$(id -u)" = 0 ]; then for shell in zsh tcsh fish; do host "hoist-$shell" "$main" "$(account $shell)" "$key"; done; fi
    host hoist-one "$one" "$user" "$key"
    host hoist-frail "$frail" "$user" "$key"
    host hoist-faults "$faults" "$user" "$key"
    host hoist-nopython "$bare" "$user" "$key"
    host hoist-unknown "$main" "$user" "$key" "UserKnownHostsFile $home/.ssh/known_none"
    host hoist-changed "$main" "$user" "$key" "UserKnownHostsFile $home/.ssh/known_changed"
    host hoist-refused "$refused" "$user" "$key"
    host hoist-packed "$main" "$user" "$key" "Compression yes"
    host hoist-jump "$main" "$user" "$key" "ProxyJump hoist-ssh"
    host hoist-jumps "$main" "$user" "$key" "ProxyJump hoist-ssh,hoist-one"
    host hoist-command "$main" "$user" "$key" "ProxyCommand bash -c 'exec 3<>/dev/tcp/%h/%p; cat <&3 & cat >&3; kill \$!'"
    host hoist-locked "$main" "$user" "IdentityFile ~/.ssh/id_locked" "IdentitiesOnly yes"
    host hoist-agent "$main" "$user" "IdentityFile $home/.ssh/none"
    host hoist-cert "$cert" "$user" "$key"
    host hoist-evil "$cert" "$user" "$key" "UserKnownHostsFile $home/.ssh/known_evil"
    if [ "$(id -u)" = 0 ]; then
      host hoist-word "$word" "$user" "IdentityFile none"
      host hoist-quiz "$quiz" "$user" "IdentityFile none"
      host hoist-two "$two" "$user" "$key"
      host hoist-factors "$factors" "$user" "IdentityFile none"
      host hoist-both "$both" "$user" "$key"
    fi
    host hoist-tries "$tries" "$user" "IdentityFile $home/.ssh/id_stranger" "IdentitiesOnly yes"
    host hoist-nokey "$main" "$user" "IdentityFile $home/.ssh/id_stranger" "IdentitiesOnly yes"
  } >"$home/.ssh/config"
  local port; for port in $main $one $frail $faults $bare $tries $word $quiz $two $factors $both; do
    printf '[127.0.0.1]:%s %s\n' "$port" "$(cut -d' ' -f1,2 "$SSHD/host_ed25519.pub")"
  done >"$home/.ssh/known_hosts"
  printf '@cert-authority [127.0.0.1]:%s %s\n' "$cert" "$(cut -d' ' -f1,2 "$SSHD/authority.pub")" >>"$home/.ssh/known_hosts"
  printf '@cert-authority [127.0.0.1]:%s %s\n' "$cert" "$(cut -d' ' -f1,2 "$SSHD/other.pub")" >"$home/.ssh/known_evil"
  printf '[127.0.0.1]:%s %s\n' "$main" "$(cut -d' ' -f1,2 "$SSHD/other.pub")" >"$home/.ssh/known_changed"
  chmod 700 "$home/.ssh"; chmod 600 "$home/.ssh/"*

  cat >"$home/.config/hoist/config.toml" <<C
[targets.ssh]
host = "hoist-ssh"

[targets.slurm]
scheduler = "slurm"
host = "hoist-slurm"

[targets.sge]
scheduler = "sge"
host = "hoist-sge"
C
  cat >"$DIR/env" <<C
HOIST_TEST_CLUSTER=1
HOIST_TEST_DIR='$DIR'
HOIST_TEST_HOME='$home'
HOIST_TEST_SHELLS='$shells'
HOIST_TEST_PASSWORD='$password'
HOIST_TEST_FULL='$full'
HOIST_TEST_SECRET='$secret'
C
  # The account must really let us in before a test tries.
  await 10 ssh -F "$home/.ssh/config" -o "UserKnownHostsFile=$home/.ssh/known_hosts" -o BatchMode=yes hoist-ssh true \
    || fail "cannot log in: $(tail -n 3 "$SSHD/main.log")"
}

stop() {
  local name shell user
  for name in main one frail faults bare cert tries word quiz two factors both; do stop_pid "$SSHD/$name.pid"; done
  if [ "$(id -u)" = 0 ]; then
    rm -f "/etc/pam.d/$SERVICE"
    if mountpoint -q "$DIR/full"; then umount -l "$DIR/full"; fi
    for shell in bash zsh tcsh fish; do
      user=$(account $shell)
      if id "$user" >/dev/null 2>&1; then
        pkill -KILL -u "$user" 2>/dev/null || true
        await 5 eval "! pgrep -u $user" || true
        userdel "$user" 2>/dev/null || say "could not remove the account $user"
      fi
    done
  fi
  rm -f "$DIR/env"
}

case $1 in start) start ;; stop) stop ;; *) fail "start or stop, not $1" ;; esac
