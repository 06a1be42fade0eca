#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docker.sh - a docker daemon with Bulkhead as its default runtime
NEEDS="dockerd containerd busybox curl"
ENGINE_GROUPS=docker
. "$(dirname "$0")/lib.sh"

export DOCKER_HOST="unix://$W/d.sock"
d=/usr/bin/docker
dockerd --data-root "$W/data" --exec-root "$W/exec" -p "$W/pid" -H "$DOCKER_HOST" --add-runtime "runsc=$RUNSC" \
	--default-runtime runsc --experimental > "$W/log" 2>&1 &
daemon=$!
cleanup() {
	kill $daemon
	wait $daemon
}
until_true 15 $d version
sh "$H/image.sh" "$W/bb.tar" bb:latest '["sh"]'
$d load -q -i "$W/bb.tar" > /dev/null || { tail -n 5 "$W/log"; exit 1; }
I=bb
run="$d run --rm --network none"

check info 0 '^runsc cgroupfs' $d info --format '{{.DefaultRuntime}} {{.CgroupDriver}}'
check hello 0 '^hello$' $d run --rm $I echo hello
check "exit status" 7 '' $run $I sh -c 'exit 7'
check "missing program" 127 '' $run $I /nosuch
check "program without a right" 126 '' $run $I /etc/passwd
check stdin 0 via-stdin sh -c "echo via-stdin | $d run --rm -i --network none $I cat"
check terminal 3 x42 python3 "$H/onpty.py" $d run --rm -it --network none $I sh
check detached 0 '' $d run -d --name d1 $I sh -c 'trap "echo TERM; exit 5" TERM; while :; do echo tick; sleep 0.2; done'
check exec 9 exec-out $d exec d1 sh -c 'echo exec-out; exit 9'
check "exec as a user" 0 '^user /tmp B$' $d exec -e A=B -w /tmp -u user d1 sh -c 'echo $(id -un) $(pwd) $A'
check "exec on a terminal" 3 x42 python3 "$H/onpty.py" $d exec -it d1 sh
check top 0 'sh -c' $d top d1
check stats 0 d1 $d stats --no-stream d1
check pause 0 '' $d pause d1
check paused 0 Paused $d ps
check unpause 0 '' $d unpause d1
check update 0 '' $d update --memory 64m --memory-swap 64m --cpus 0.25 d1
check stop 0 '' $d stop -t 3 d1
check "status of a stop" 0 '^5$' $d inspect d1 --format '{{.State.ExitCode}}'
check logs 0 TERM $d logs d1
check start 0 '' $d start d1
check kill 0 '' $d kill d1
check wait 0 '^137$' $d wait d1
check rm 0 '' $d rm d1
check "published port" 0 '' $d run -d --name web -p 127.0.0.1:8088:80 $I httpd -f -p 80 -h /www
check page 0 hello-www curl -sS --retry 10 --retry-connrefused --retry-delay 0 -m 3 http://127.0.0.1:8088/
check "network added later" 0 eth1 sh -c "$d network create n1 && $d network connect n1 web &&
	$d exec web ip -4 -o addr; $d network disconnect n1 web; $d network rm n1"
check "rm -f" 0 '' $d rm -f web
check volume 0 '^n$' sh -c "$run -v named:/n $I sh -c 'echo n >/n/f' && $run -v named:/n:ro --read-only $I cat /n/f"
if [ -d /sys/fs/cgroup/memory ]; then
	check limits 0 '67108864.50000.33' sh -c "$run --memory 64m --cpus 0.5 --pids-limit 33 $I sh -c 'cd /sys/fs/cgroup; \
		echo \$(cat memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us pids/pids.max)' | tr ' ' ."
	check "out of memory" 0 true sh -c "$d run --name oom --network none --memory 20m $I sh -c 'tail /dev/zero'
		$d inspect oom --format '{{.State.OOMKilled}}'; $d rm oom"
fi
check init 0 docker-init $run --init $I ps
check "health started" 0 '' $d run -d --name hc --network none --health-cmd 'test -f /etc/passwd' --health-interval 1s \
	$I sleep 100
until_true 10 sh -c "$d inspect hc --format '{{.State.Health.Status}}' | grep -q '^healthy'"
check healthy 0 '^healthy$' $d inspect hc --format '{{.State.Health.Status}}'
check "health ended" 0 '' $d rm -f hc
check copy 0 '^root:' sh -c "$d run -d --name cp --network none $I sleep 100; $d cp cp:/etc/passwd - | tar xO
	$d commit cp bb2; $d rm -f cp"
mkdir "$W/context"
printf 'FROM bb\nRUN echo built >/built\nCMD ["cat","/built"]\n' > "$W/context/Dockerfile"
DOCKER_BUILDKIT=0 check build 0 '' $d build -q -t built "$W/context"
check "run what was built" 0 '^built$' $run built
finish
