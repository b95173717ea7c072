#!/usr/bin/env bash
# A real Kubernetes 1.20 (etcd, API server, controllers, scheduler, containerd and one kubelet on this machine) for the tests.
#
#   tests/clusters/kubernetes.sh build          only what is kept: programmes and images (long the first time)
#   tests/clusters/kubernetes.sh start DIR      DIR/env then is a shell file to source
#   tests/clusters/kubernetes.sh stop DIR
#
# The programmes are built once from Debian's own source package (10 to 20 minutes on two cores), the images by hand (a pause, a
# shell without Python, and a Debian with nothing but Python); both are kept below HOIST_TEST_CACHE, else XDG_CACHE_HOME or ~/.cache, in
# hoist-tests/kubernetes. HOIST_TEST_KUBECONFIG is a kubeconfig with the contexts admin, guest (may only look at pods) and stranger
# (the server does not know its token). HOIST_TEST_IMAGE is the image with Python. The namespace narrow has a quota: two pods, one core.
# Pods have no network: nothing but the API reaches them.
. "$(dirname "$0")/common.sh"
usage() { sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 2; }
case $*:$# in
  build:1) DIR= ;;
  "start "*:2 | "stop "*:2) mkdir -p "$2"; DIR=$(cd "$2" && pwd) ;;
  *) usage ;;
esac
K=$DIR/kubernetes
CACHE=${HOIST_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}}/hoist-tests/kubernetes
GO=/usr/lib/go-1.19/bin
PROGRAMMES="kube-apiserver kube-controller-manager kube-scheduler kubelet kubectl"
# A pod's cgroups lie below this: two rigs must not meet there.
TAG=hoist-$(printf %s "$DIR" | cksum | cut -d' ' -f1)
# What kubelet sets when it starts.
SYSCTLS="vm.overcommit_memory vm.panic_on_oom kernel.panic kernel.panic_on_oops kernel.keys.root_maxkeys kernel.keys.root_maxbytes"
export PATH=$PATH:/usr/sbin:/sbin

build() {
  [ "$(id -u)" = 0 ] || fail "pods are started by containerd and kubelet: run as root"
  packages python3=python3 gcc=gcc
  mkdir -p "$CACHE"
  # Two at once build once.
  exec 8>"$CACHE/lock"
  flock 8
  local name
  for name in $PROGRAMMES; do [ -x "$CACHE/bin/$name" ] || { build_programmes; break; }; done
  [ -s "$CACHE/images/pause.tar" ] || build_pause
  [ -s "$CACHE/images/shell.tar" ] || build_shell
  [ -s "$CACHE/images/python.tar" ] || build_python
  exec 8>&-
}

# The mirror that this machine's apt uses, and the suite without its updates.
mirror() {
  local suite
  suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
  apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' \
    | awk -v suite="$suite" '$2 == suite && $3 == "main" { print $1, $2; exit }'
}

build_programmes() {
  # It wants a Go of its own time, whatever else is on the PATH.
  packages "$GO/go=golang-go" jq=jq rsync=rsync make=make dpkg-source=dpkg-dev
  local apt work=$CACHE/build uri suite name begun=$SECONDS
  say "building Kubernetes from Debian's source package; this happens once and takes a while"
  rm -rf "$work"; mkdir -p "$work/lists/partial"
  read -r uri suite < <(mirror) || fail "apt on this machine names no mirror of Debian"
  # Lists of its own: the sources are no business of this machine's apt.
  echo "deb-src $uri $suite main" >"$work/sources.list"
  apt=(-o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$work/lists" -o APT::Sandbox::User=root)
  {
    apt-get "${apt[@]}" update && cd "$work" && apt-get "${apt[@]}" source kubernetes && cd "$work"/kubernetes-*/
  } >"$work/log" 2>&1 || fail "the source package kubernetes cannot be had: $(tail -n 2 "$work/log")"
  for name in $PROGRAMMES; do
    PATH=$GO:$PATH GOCACHE=$work/cache make WHAT="cmd/$name" GOFLAGS="-p=$(jobs_at_once)" >>"$work/log" 2>&1 \
      || fail "$name cannot be built: $(tail -n 3 "$work/log"), all of it is in $work/log"
  done
  mkdir -p "$CACHE/bin.new"
  for name in $PROGRAMMES; do cp "_output/local/go/bin/$name" "$CACHE/bin.new/"; done
  cd "$CACHE"
  rm -rf bin; mv bin.new bin; rm -rf "$work"
  say "built Kubernetes in $((SECONDS - begun)) s"
}

# Each compiler of Go takes up to 2 GB for the largest packages.
jobs_at_once() {
  local free cores
  free=$(awk '/MemAvailable/ { print int($2 / 2097152) }' /proc/meminfo)
  cores=$(nproc)
  if [ "$free" -lt 1 ]; then echo 1; elif [ "$free" -lt "$cores" ]; then echo "$free"; else echo "$cores"; fi
}

# image FOLDER FILE NAME COMMAND: an image whose one layer is the folder, as `docker save` writes it.
image() {
  python3 - "$@" <<'P'
import hashlib, io, json, os, sys, tarfile
folder, file, name, command = sys.argv[1:]
layer = file + ".layer"
with tarfile.open(layer, "w") as tar:
    tar.add(folder, arcname=".")
digest = hashlib.sha256()
with open(layer, "rb") as data:
    for piece in iter(lambda: data.read(1 << 20), b""):
        digest.update(piece)
config = json.dumps({
    "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine),
    "os": "linux",
    "config": {"Cmd": [command], "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]},
    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest.hexdigest()]},
}).encode()
manifest = json.dumps([{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]).encode()
with tarfile.open(file + ".new", "w") as tar:
    for member, data in (("manifest.json", manifest), ("config.json", config)):
        info = tarfile.TarInfo(member)
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    tar.add(layer, arcname="layer.tar")
os.remove(layer)
os.rename(file + ".new", file)
P
}

build_pause() {
  local work=$CACHE/pause
  rm -rf "$work"; mkdir -p "$work" "$CACHE/images"
  gcc -static -Os -x c -o "$work/pause" - <<'C' || fail "the image of pods cannot be built"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
static void end(int number) { _exit(0); }
static void reap(int number) { while (waitpid(-1, 0, WNOHANG) > 0) {} }
int main(void) {
  signal(SIGINT, end); signal(SIGTERM, end); signal(SIGCHLD, reap);
  for (;;) pause();
}
C
  image "$work" "$CACHE/images/pause.tar" hoist.test/pause:1 /pause
  rm -rf "$work"
}

# An image with a shell and without Python.
build_shell() {
  packages busybox=busybox-static
  local work=$CACHE/shell
  rm -rf "$work"; mkdir -p "$work/bin" "$work/tmp"
  cp "$(command -v busybox)" "$work/bin/busybox"
  chroot "$work" /bin/busybox --install -s /bin || fail "the image with a shell cannot be built"
  image "$work" "$CACHE/images/shell.tar" hoist.test/shell:1 /bin/sh
  rm -rf "$work"
}

build_python() {
  packages debootstrap=debootstrap
  local work=$CACHE/python uri suite
  rm -rf "$work"; mkdir -p "$work" "$CACHE/images"
  read -r uri suite < <(mirror) || fail "apt on this machine names no mirror of Debian"
  say "making an image of Debian with Python"
  debootstrap --variant=minbase --include=python3 "$suite" "$work" "$uri" >"$CACHE/debootstrap.log" 2>&1 \
    || fail "debootstrap made no image: $(tail -n 3 "$CACHE/debootstrap.log")"
  rm -rf "$work"/var/cache/apt/* "$work"/var/lib/apt/lists/* "$work"/usr/share/doc "$work"/usr/share/man "$work"/usr/share/locale "$work"/dev/*
  image "$work" "$CACHE/images/python.tar" hoist.test/python:1 /bin/sh
  rm -rf "$work"
}

# daemon NAME COMMAND...: starts it, its number and words in the folder.
daemon() {
  local name=$1; shift
  setsid "$@" </dev/null >"$K/$name.log" 2>&1 8>&- &
  echo $! >"$K/$name.pid"
}

# config FILE SERVER USER=TOKEN...: a kubeconfig with a context for each; the first is the current one.
config() {
  local file=$1 server=$2 pair first=${3%%=*}; shift 2
  {
    printf 'apiVersion: v1\nkind: Config\ncurrent-context: %s\n' "$first"
    printf 'clusters:\n- {name: hoist, cluster: {server: "%s", certificate-authority: "%s"}}\n' "$server" "$K/pki/ca.crt"
    printf 'users:\n'
    for pair in "$@"; do printf -- '- {name: "%s", user: {token: "%s"}}\n' "${pair%%=*}" "${pair#*=}"; done
    printf 'contexts:\n'
    for pair in "$@"; do printf -- '- {name: "%s", context: {cluster: hoist, user: "%s", namespace: default}}\n' "${pair%%=*}" "${pair%%=*}"; done
  } >"$file"
  chmod 600 "$file"
}

keys() {
  mkdir -p "$K/pki"
  openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=hoist-test -keyout "$K/pki/ca.key" -out "$K/pki/ca.crt"
  openssl req -newkey rsa:2048 -nodes -subj /CN=kube-apiserver -keyout "$K/pki/server.key" -out "$K/pki/server.csr"
  printf 'subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n' >"$K/pki/extensions"
  openssl x509 -req -days 3650 -in "$K/pki/server.csr" -CA "$K/pki/ca.crt" -CAkey "$K/pki/ca.key" -CAcreateserial \
    -extfile "$K/pki/extensions" -out "$K/pki/server.crt"
  openssl genrsa -out "$K/pki/accounts.key" 2048
  openssl rsa -in "$K/pki/accounts.key" -pubout -out "$K/pki/accounts.pub"
}

start_containerd() {
  mkdir -p "$K/cni/bin" "$K/cni/conf"
  ln -sf /usr/lib/cni/loopback "$K/cni/bin/loopback"
  # A network that is none: a pod wants an address, and nobody ever asks for it.
  cat >"$K/cni/bin/none" <<'P'
#!/bin/sh
cat >/dev/null
case $CNI_COMMAND in
  ADD) printf '{"cniVersion":"0.4.0","interfaces":[{"name":"%s","sandbox":"%s"}],"ips":[{"version":"4","interface":0,"address":"192.0.2.77/24"}]}\n' "$CNI_IFNAME" "$CNI_NETNS" ;;
  VERSION) echo '{"cniVersion":"0.4.0","supportedVersions":["0.3.1","0.4.0"]}' ;;
esac
P
  chmod 755 "$K/cni/bin/none"
  echo '{"cniVersion":"0.4.0","name":"none","plugins":[{"type":"none"}]}' >"$K/cni/conf/10-none.conflist"
  cat >"$K/containerd.toml" <<C
version = 2
root = "$K/containerd"
state = "$K/run"
[grpc]
  address = "$K/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "hoist.test/pause:1"
  restrict_oom_score_adj = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$K/cni/bin"
    conf_dir = "$K/cni/conf"
[plugins."io.containerd.internal.v1.opt"]
  path = "$K/opt"
C
  daemon containerd containerd --config "$K/containerd.toml"
  await 20 ctr -a "$K/containerd.sock" version || fail "containerd did not start: $(tail -n 3 "$K/containerd.log")"
  local name
  for name in pause shell python; do
    ctr -a "$K/containerd.sock" -n k8s.io images import "$CACHE/images/$name.tar" >"$K/import.log" 2>&1 \
      || fail "the image $name cannot be imported: $(tail -n 3 "$K/import.log")"
  done
}

start_kubelet() {
  local port=$1 health=$2 server=$3 address name
  # A node's address must be one of this machine and not loopback.
  address=$(ip -4 -o addr show scope global | awk '{ sub("/.*", "", $4); print $4; exit }')
  if [ -z "$address" ]; then
    address=192.0.2.2
    ip addr add "$address/32" dev lo && echo "$address" >"$K/address"
  fi
  for name in $SYSCTLS; do sysctl "$name" 2>/dev/null || true; done >"$K/sysctls"
  for name in /sys/fs/cgroup/*/; do
    case $name in */unified/) ;; *) mkdir -p "$name$TAG" 2>/dev/null || true ;; esac
  done
  # Its cgroups of processors have none before they are told.
  for name in cpus mems; do cat "/sys/fs/cgroup/cpuset/cpuset.$name" >"/sys/fs/cgroup/cpuset/$TAG/cpuset.$name" 2>/dev/null || true; done
  cat >"$K/kubelet.yaml" <<C
kind: KubeletConfiguration
apiVersion: kubelet.config.k8s.io/v1beta1
address: 127.0.0.1
port: $port
healthzBindAddress: 127.0.0.1
healthzPort: $health
readOnlyPort: 0
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
cgroupDriver: cgroupfs
cgroupRoot: /$TAG
failSwapOn: false
makeIPTablesUtilChains: false
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 50Mi, nodefs.available: 1%, imagefs.available: 1%}
containerLogMaxSize: 10Mi
nodeStatusUpdateFrequency: 4s
resolvConf: ""
C
  config "$K/kubelet.conf" "$server" kubelet=kubelet-token
  daemon kubelet "$CACHE/bin/kubelet" --config="$K/kubelet.yaml" --kubeconfig="$K/kubelet.conf" --root-dir="$K/kubelet" \
    --cert-dir="$K/kubelet/pki" --container-runtime=remote --container-runtime-endpoint="unix://$K/containerd.sock" \
    --runtime-cgroups="/$TAG" --hostname-override=localhost --node-ip="$address"
}

start() {
  build
  packages etcd=etcd-server containerd=containerd runc=runc openssl=openssl sysctl=procps ip=iproute2
  [ -x /usr/lib/cni/loopback ] || packages cni-loopback=containernetworking-plugins
  [ ! -s "$K/etcd.pid" ] || fail "already started in $DIR"
  [ -d /sys/fs/cgroup/memory ] || fail "this kubelet needs control groups of version 1"
  local etcd peer api controllers scheduler kubelet health store server
  read -r etcd peer api controllers scheduler kubelet health < <(ports 7)
  store=http://127.0.0.1:$etcd server=https://127.0.0.1:$api
  mkdir -p "$K"; chmod 755 "$DIR" "$K"
  keys >"$K/openssl.log" 2>&1 || fail "no keys: $(tail -n 3 "$K/openssl.log")"
  daemon etcd etcd --name hoist --data-dir "$K/etcd" --listen-client-urls "$store" --advertise-client-urls "$store" \
    --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
    --initial-cluster "hoist=http://127.0.0.1:$peer" --unsafe-no-fsync
  printf '%s\n' 'admin-token,admin,1,system:masters' 'guest-token,guest,2' 'kubelet-token,system:node:localhost,3,system:nodes' \
    'controllers-token,system:kube-controller-manager,4' 'scheduler-token,system:kube-scheduler,5' >"$K/tokens"
  chmod 600 "$K/tokens"
  config "$K/config" "$server" admin=admin-token guest=guest-token stranger=nobody-knows-it
  config "$K/controllers.conf" "$server" controllers=controllers-token
  config "$K/scheduler.conf" "$server" scheduler=scheduler-token
  daemon apiserver "$CACHE/bin/kube-apiserver" --etcd-servers="$store" --bind-address=127.0.0.1 --secure-port="$api" --insecure-port=0 \
    --tls-cert-file="$K/pki/server.crt" --tls-private-key-file="$K/pki/server.key" --cert-dir="$K/pki" --token-auth-file="$K/tokens" \
    --authorization-mode=Node,RBAC --anonymous-auth=false --service-account-issuer=https://hoist.test \
    --service-account-key-file="$K/pki/accounts.pub" --service-account-signing-key-file="$K/pki/accounts.key" \
    --service-cluster-ip-range=198.51.100.0/24 --kubelet-preferred-address-types=Hostname --endpoint-reconciler-type=none \
    --kubelet-port="$kubelet" --feature-gates=TTLAfterFinished=true
  start_containerd
  await 60 kubectl get --raw /readyz || fail "the API server did not start: $(tail -n 3 "$K/apiserver.log")"
  daemon controllers "$CACHE/bin/kube-controller-manager" --kubeconfig="$K/controllers.conf" --port=0 --bind-address=127.0.0.1 \
    --secure-port="$controllers" --cert-dir="$K/pki" --leader-elect=false --root-ca-file="$K/pki/ca.crt" \
    --service-account-private-key-file="$K/pki/accounts.key" --use-service-account-credentials --feature-gates=TTLAfterFinished=true --node-monitor-grace-period=20s
  daemon scheduler "$CACHE/bin/kube-scheduler" --kubeconfig="$K/scheduler.conf" --port=0 --bind-address=127.0.0.1 \
    --secure-port="$scheduler" --cert-dir="$K/pki" --leader-elect=false
  start_kubelet "$kubelet" "$health" "$server"
  await 60 kubectl get serviceaccount default || fail "the controllers did not start: $(tail -n 3 "$K/controllers.log")"
  kubectl apply -f - >"$K/apply.log" 2>&1 <<'C' || fail "the API server refuses: $(tail -n 3 "$K/apply.log")"
apiVersion: v1
kind: Namespace
metadata: {name: narrow}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: small, namespace: narrow}
spec: {hard: {pods: "2", limits.cpu: "1"}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: looker}
rules: [{apiGroups: [""], resources: [pods], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: guest-looks}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: looker}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: guest}]
C
  await 120 ready || fail "the node is not ready: $(kubectl get nodes 2>&1 | tail -n 2) $(tail -n 3 "$K/kubelet.log")"
  printf "HOIST_TEST_KUBECONFIG='%s'\nHOIST_TEST_KUBERNETES_RIG=1\nHOIST_TEST_KUBECTL='%s'\nHOIST_TEST_IMAGE='hoist.test/python:1'\n" "$K/config" "$CACHE/bin/kubectl" >>"$DIR/env"
}

kubectl() { "$CACHE/bin/kubectl" --kubeconfig="$K/config" "$@"; }
# The node is ready, and nothing keeps pods from it any more.
ready() { kubectl get nodes -o 'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status} {.items[*].spec.taints}' | grep -qx 'True '; }

stop() {
  [ -d "$K" ] || return 0
  local name id
  # Nothing starts pods again once these have ended.
  for name in kubelet scheduler controllers; do stop_pid "$K/$name.pid"; done
  if [ -S "$K/containerd.sock" ]; then
    for id in $(timeout 10 ctr -a "$K/containerd.sock" -n k8s.io tasks list -q 2>/dev/null); do
      timeout 10 ctr -a "$K/containerd.sock" -n k8s.io tasks delete --force "$id" >/dev/null 2>&1 || true
    done
  fi
  stop_pid "$K/containerd.pid"; stop_pid "$K/apiserver.pid"; stop_pid "$K/etcd.pid"
  # A container's keeper outlives containerd; it names its socket.
  pkill -KILL -f "containerd-shim.*$K/containerd.sock" 2>/dev/null || true
  awk -v below="$K/" 'index($5, below) == 1 { print $5 }' /proc/self/mountinfo | sort -r | while IFS= read -r name; do
    umount -l "$name" 2>/dev/null || true
  done
  for name in /sys/fs/cgroup/*/"$TAG"; do
    [ ! -d "$name" ] || find "$name" -depth -type d -exec rmdir {} + 2>/dev/null || true
  done
  if [ -s "$K/address" ]; then ip addr del "$(cat "$K/address")/32" dev lo 2>/dev/null || true; rm -f "$K/address"; fi
  if [ -s "$K/sysctls" ]; then sysctl -q -p "$K/sysctls" >/dev/null 2>&1 || true; rm -f "$K/sysctls"; fi
  rm -rf "$K/etcd" "$K/containerd" "$K/run" "$K/kubelet"
}

case $1 in
  build) build ;;
  start) start ;;
  stop) stop ;;
esac
