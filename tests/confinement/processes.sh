#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# processes.sh - what sentry, gofer and stubs of a running sandbox may do, as /proc shows it from outside
# As root it looks at a sandbox of an ordinary user, too.
. "$(dirname "$0")/lib.sh"

if [ "$(id -u)" = 0 ]; then
	out=$(setpriv --reuid 65534 --regid 65534 --clear-groups sh "$0")
	status=$?
	echo "$out" | grep FAIL | sed 's/FAIL/FAIL as a user:/'
	check "as an ordinary user: $(echo "$out" | tail -n 1)" [ $status = 0 ]
fi

start_sandbox sh -c 'sleep 100 & sleep 100 & wait'
sleep 0.3

for name in sentry gofer; do
	pid=$(eval echo "\$$name")
	check "$name: seccomp filter" is "$(status_of "$pid" Seccomp)" 2
	check "$name: no_new_privs" is "$(status_of "$pid" NoNewPrivs)" 1
	check "$name: bounding set" is "$(status_of "$pid" CapBnd)" 0000000000000000
	for ns in mnt pid net ipc uts cgroup; do
		check "$name: own $ns namespace" \
			[ "$(readlink "/proc/$pid/ns/$ns")" != "$(readlink /proc/self/ns/$ns)" ]
	done
done
check "sentry: own user namespace" [ "$(readlink "/proc/$sentry/ns/user")" != "$(readlink /proc/self/ns/user)" ]
for set in CapPrm CapEff CapInh CapAmb; do
	check "sentry: $set empty" is "$(status_of "$sentry" $set)" 0000000000000000
done
# CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID MKNOD SETFCAP, as the README justifies
gofer_caps=$(status_of "$gofer" CapEff)
check "gofer: capabilities" [ $((0x$gofer_caps & ~0x8800001f)) = 0 ]
check "sentry: an id of its own" sh -c "[ $(id -u) != 0 ] || [ $(status_of "$sentry" Uid) -ge 2000000000 ]"
check "sentry: empty root" is "$(ls -A "/proc/$sentry/root/" | wc -l)" 0
check "sentry: only one mount" is "$(wc -l <"/proc/$sentry/mountinfo")" 1
check "sentry: read-only root" grep -q ' / / ro,' "/proc/$sentry/mountinfo"
check "sentry: nothing writable is executable" sh -c "! grep -q ' rwx' /proc/$sentry/maps"
check "gofer: nothing writable is executable" sh -c "! grep -q ' rwx' /proc/$gofer/maps"
check "gofer: nothing but trees in the root" sh -c "! ls -A /proc/$gofer/root/ | grep -qv '^[0-9]*$'"
for dir in proc sys dev; do
	check "gofer: /$dir of the host is hidden" is "$(ls -A "/proc/$gofer/root/0/$dir" | wc -l)" 0
done
check "sentry: is process 1" is "$(awk '/^NSpid/ { print $NF }' "/proc/$sentry/status")" 1

stubs=$(children "$sentry")
check "there are stubs" [ -n "$stubs" ]
for pid in $stubs; do
	check "stub $pid: seccomp filter" is "$(status_of "$pid" Seccomp)" 2
	check "stub $pid: no_new_privs" is "$(status_of "$pid" NoNewPrivs)" 1
	check "stub $pid: no capability" is "$(status_of "$pid" CapEff)" 0000000000000000
	check "stub $pid: no descriptor" is "$(ls "/proc/$pid/fd" 2>/dev/null | wc -l)" 0
	check "stub $pid: empty root" is "$(ls -A "/proc/$pid/root/" 2>/dev/null | wc -l)" 0
done
stop_sandbox
check "nothing is left" gone $sentry $gofer $stubs
finish
