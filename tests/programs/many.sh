#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# many.sh - 200 sandboxes in a row and 100 at once leave no process, no file, no mount, no memory
. "$(dirname "$0")/lib.sh"

# What a host would notice: files in the usual places, mounts, shared memory, cgroups.
places() {
	ls -A /tmp /dev/shm /run /var/run /run/lock 2> /dev/null | grep -vE '^(bash_|bulkhead-tests|programs\.|guest\.|tmp|cc)' | sort
	cut -d ' ' -f 1-5 /proc/self/mountinfo
	find /sys/fs/cgroup -type d 2> /dev/null | grep -iE 'runsc|bulkhead'
	find /dev/mqueue -type f 2> /dev/null
	ipcs -mqs 2> /dev/null | grep '^0x'
}

# Kilobytes that the kernel cannot give back: page tables, slabs, stacks, shared memory. (Anonymous memory is some process's:
# census sees to it that none is left.)
used_kb() {
	awk '/^(Shmem|SUnreclaim|KernelStack|PageTables|Mlocked):/ {s += $2} END {print s}' /proc/meminfo
}

in_a_row() {
	i=0 bad=0
	while [ $i -lt 200 ]; do
		out=$("$RUNSC" do -- /bin/sh -c "echo $i; exit 5" 2>&1)
		[ $? = 5 ] && [ "$out" = "$i" ] || { bad=$((bad + 1)); echo "$i: $out"; }
		i=$((i + 1))
	done
	echo "$bad bad"
	[ $bad = 0 ]
}

at_once() {
	i=0
	while [ $i -lt 100 ]; do
		("$RUNSC" do -- /bin/sh -c "sleep 1; echo $i; exit 5" > "$W/once.$i" 2>&1; echo $? >> "$W/once.$i") &
		i=$((i + 1))
	done
	wait
	i=0 bad=0
	while [ $i -lt 100 ]; do
		[ "$(cat "$W/once.$i")" = "$(printf '%s\n5' $i)" ] || { bad=$((bad + 1)); head -c 300 "$W/once.$i"; }
		i=$((i + 1))
	done
	echo "$bad bad"
	[ $bad = 0 ]
}

case ${1:-} in
row) in_a_row; exit ;;
once) at_once; exit ;;
esac
places > "$W/before"
"$RUNSC" do -- /bin/true
m0=$(used_kb)
check "200 in a row, each with its own output and status, nothing left running" \
	"$CENSUS" -t 400 -- env RUNSC="$RUNSC" CENSUS="$CENSUS" sh "$0" row
check "100 at once" "$CENSUS" -t 400 -- env RUNSC="$RUNSC" CENSUS="$CENSUS" sh "$0" once
sleep 1
places > "$W/after"
# What else runs on the machine makes a file now and then; 300 sandboxes that left one each would make hundreds.
check "no file, mount, cgroup or shared memory is left" test "$(diff "$W/before" "$W/after" | grep -c '^>')" -lt 20
m1=$(used_kb) i=0
while [ $((m1 - m0)) -ge 16384 ] && [ $i -lt 10 ]; do # what is freed late, or belongs to something else
	sleep 1
	m1=$(used_kb)
	i=$((i + 1))
done
echo "   memory that the kernel holds: $m0 KiB before, $m1 KiB after"
# The machine does other things too: what 300 sandboxes would leak is far above this.
check "no memory is left (64 MiB for everything else on the machine)" test $((m1 - m0)) -lt 65536
finish
