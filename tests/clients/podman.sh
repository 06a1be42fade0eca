#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# podman.sh - podman as root with Bulkhead as its runtime
NEEDS="podman conmon catatonit busybox curl"
ENGINE_GROUPS=libpod_parent
. "$(dirname "$0")/lib.sh"

# The default limits of podman are above what hosts without CAP_SYS_RESOURCE give.
cat > "$W/containers.conf" << END
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[network]
network_config_dir = "$W/net"
[engine]
runtime = "runsc"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "$W/tmp"
[engine.runtimes]
runsc = ["$RUNSC"]
END
cat > "$W/storage.conf" << END
[storage]
driver = "overlay"
graphroot = "$W/root"
runroot = "$W/run"
END
export CONTAINERS_CONF="$W/containers.conf" CONTAINERS_STORAGE_CONF="$W/storage.conf"
cleanup() {
	podman rm -fa -t 0
	podman pod rm -fa
	umount -l "$W/root/overlay"
}
sh "$H/image.sh" "$W/bb.tar" localhost/bb:latest '["sh"]'
podman load -q -i "$W/bb.tar" > /dev/null || exit 1
I=localhost/bb
run="podman run --rm --network none"

check hello 0 '^hello$' podman run --rm $I echo hello
check "exit status" 7 '' $run $I sh -c 'exit 7'
check "missing program" 127 '' $run $I /nosuch
check "program without a right" 126 '' $run $I /etc/passwd
check stdin 0 via-stdin sh -c "echo via-stdin | podman run --rm -i --network none $I cat"
check terminal 3 x42 python3 "$H/onpty.py" podman run --rm -it --network none $I sh
check detached 0 '' podman run -d --name d1 $I sh -c 'trap "echo TERM; exit 5" TERM; while :; do echo tick; sleep 0.2; done'
check exec 9 exec-out podman exec d1 sh -c 'echo exec-out; exit 9'
check "exec as a user" 0 '^user /tmp B$' podman exec -e A=B -w /tmp -u user d1 sh -c 'echo $(id -un) $(pwd) $A'
check "exec on a terminal" 3 x42 python3 "$H/onpty.py" podman exec -it d1 sh
check top 0 'sleep|sh' podman top d1 -eo pid,comm
check stats 0 d1 podman stats --no-stream d1
check pause 0 '' podman pause d1
check paused 0 '^paused$' podman inspect d1 --format '{{.State.Status}}'
check unpause 0 '' podman unpause d1
check update 0 '' podman update --memory 64m d1
check "copy in" 0 '' podman cp "$W/storage.conf" d1:/tmp/copied
check "what was copied in" 0 graphroot podman exec d1 cat /tmp/copied
check stop 0 '' podman stop -t 3 d1
check "status of a stop" 0 '^5$' podman inspect d1 --format '{{.State.ExitCode}}'
check logs 0 TERM podman logs d1
check restart 0 '' podman start d1
check kill 0 '' podman kill d1
check wait 0 '^137$' podman wait d1
check rm 0 '' podman rm d1
check "published port" 0 '' podman run -d --name web -p 127.0.0.1:8088:80 $I httpd -f -p 80 -h /www
check "page" 0 hello-www curl -sS --retry 10 --retry-connrefused --retry-delay 0 -m 3 http://127.0.0.1:8088/
check "rm -f" 0 '' podman rm -f -t 0 web
check volume 0 '^n$' sh -c "$run -v named:/n $I sh -c 'echo n >/n/f' && $run -v named:/n:ro --read-only $I cat /n/f"
check "user namespace" 0 '^0 1000$' $run --uidmap 0:100000:5000 $I \
	sh -c 'touch /tmp/f; chown 1000 /tmp/f; echo $(id -u) $(stat -c %u /tmp/f)'
check init 0 podman-init $run --init $I ps
check health 0 '' sh -c "podman run -d --name hc --network none --health-cmd 'test -f /etc/passwd' $I sleep 100 2>/dev/null &&
	podman healthcheck run hc && podman rm -f -t 0 hc 2>/dev/null"
if [ -d /sys/fs/cgroup/memory ]; then
	check limits 0 '67108864.50000.33' sh -c "$run --memory 64m --cpus 0.5 --pids-limit 33 $I sh -c 'cd /sys/fs/cgroup; \
		echo \$(cat memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us pids/pids.max)' | tr ' ' ."
fi

cat > "$W/pod.yaml" << END
apiVersion: v1
kind: Pod
metadata: {name: p2}
spec:
  containers:
  - {name: web, image: "localhost/bb:latest", imagePullPolicy: Never, command: [httpd, -f, -p, "80", -h, /www],
     ports: [{containerPort: 80, hostPort: 8089}]}
  - {name: side, image: "localhost/bb:latest", imagePullPolicy: Never,
     command: [sh, -c, "while :; do wget -qO- http://127.0.0.1:80/; sleep 0.3; done"]}
END
check "kube play" 0 '' podman kube play "$W/pod.yaml"
check "page of a pod" 0 hello-www curl -sS --retry 10 --retry-connrefused --retry-delay 0 -m 3 http://127.0.0.1:8089/
until_true 5 sh -c 'podman logs p2-side | grep -q hello-www'
check "members share a network" 0 hello-www podman logs p2-side
check "generate kube" 0 'kind: Pod' podman generate kube p2
check "generate systemd" 0 ExecStart podman generate systemd p2
check "kube down" 0 '' podman kube down "$W/pod.yaml"

printf 'FROM localhost/bb\nRUN echo built >/built\nCMD ["cat","/built"]\n' > "$W/Containerfile"
check build 0 '' podman build -q --network none -t localhost/built "$W"
check "run what was built" 0 '^built$' $run localhost/built
finish
