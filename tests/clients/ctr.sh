#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ctr.sh - containerd with Bulkhead as its runtime: ctr, and pods over the CRI
NEEDS="containerd ctr busybox"
ENGINE_GROUPS="default k8s.io k8s-ci"
. "$(dirname "$0")/lib.sh"

mkdir "$W/cni" "$W/logs"
cat > "$W/config.toml" << END
version = 2
root = "$W/root"
state = "$W/state"
[grpc]
  address = "$W/c.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "$W/opt"
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  sandbox_image = "docker.io/library/pause:1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$W/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "runsc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runsc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runsc.options]
        BinaryName = "$RUNSC"
        Root = "$W/pods"
END
cat > "$W/cni/10-bridge.conflist" << END
{"cniVersion": "0.4.0", "name": "b", "plugins": [
 {"type": "bridge", "bridge": "cni9", "isGateway": true, "ipMasq": false,
  "ipam": {"type": "host-local", "dataDir": "$W/leases", "ranges": [[{"subnet": "10.99.0.0/24"}]]}},
 {"type": "portmap", "capabilities": {"portMappings": true}}]}
END
containerd -c "$W/config.toml" -l warn > "$W/log" 2>&1 &
daemon=$!
cleanup() {
	kill $daemon
	wait $daemon
}
c="ctr -a $W/c.sock"
until_true 10 $c version
sh "$H/image.sh" "$W/bb.tar" docker.io/library/bb:latest '["sh"]'
sh "$H/image.sh" "$W/pause.tar" docker.io/library/pause:1 '["sleep","2147483647"]'
$c image import "$W/bb.tar" > /dev/null || exit 1
I=docker.io/library/bb:latest
R="--runc-binary $RUNSC --runc-root $W/rr"

check hello 0 '^hello$' $c run --rm $R $I c1 echo hello
check "exit status" 7 '' $c run --rm $R $I c1 sh -c 'exit 7'
check "missing program" 1 'no such file|not found' $c run --rm $R $I c1 /nosuch
check terminal 3 x42 python3 "$H/onpty.py" $c run --rm -t $R $I c2 sh
check detached 0 '' $c run -d $R $I d1 sh -c 'trap "exit 5" TERM; while :; do sleep 0.2; done'
check ls 0 'd1 .*RUNNING' $c task ls
check exec 9 exec-out $c task exec --exec-id e1 d1 sh -c 'echo exec-out; exit 9'
check "exec on a terminal" 3 x42 python3 "$H/onpty.py" $c task exec -t --exec-id e2 d1 sh
check "exec detached" 0 '' $c task exec -d --exec-id e3 d1 sleep 30
check ps 0 e3 $c task ps d1
check "kill of an exec" 0 '' $c task kill -s KILL --exec-id e3 d1
check "status of a killed exec" 137 '' $c task delete --exec-id e3 d1
check metrics 0 memory $c task metrics --format json d1
check pause 0 '' $c task pause d1
check paused 0 PAUSED $c task ls
check resume 0 '' $c task resume d1
check kill 0 '' $c task kill -s TERM d1
until_true 5 sh -c "$c task ls | grep -q STOPPED"
check stopped 0 STOPPED $c task ls
check "delete of the task" 0 'exit code 5' $c task rm d1
check "delete of the container" 0 '' $c container rm d1
check "delete by force" 0 '' sh -c "$c run -d $R $I d2 sleep 1000 && $c task rm -f d2; $c container rm d2"
check seccomp 0 'Seccomp:.2' $c run --rm $R --seccomp $I c3 grep Seccomp: /proc/self/status
check mount 0 seen $c run --rm $R --mount "type=bind,src=$W,dst=/v,options=rbind:ro" $I c3 \
	sh -c 'ls -d /v/config.toml && echo seen'
if /usr/bin/python3 -c 'import grpc, google.protobuf' 2> /dev/null; then
	$c -n k8s.io image import "$W/bb.tar" > /dev/null
	$c -n k8s.io image import "$W/pause.tar" > /dev/null
	CRI=$W/c.sock check "pod over the CRI" 0 'all of it worked' /usr/bin/python3 "$H/cri_pod.py" "$W"
fi
finish
