# SPDX-License-Identifier: Apache-2.0
# lib.sh - what the tests of container engines share; sourced with the caller's name in $0
#
# A test starts itself again in mount, network and pid namespaces of its own: whatever an engine sets up (daemons,
# bridges, firewall rules, mounts) ends with it. What it would write to the host's /run and /var/lib goes to a
# tmpfs. The script that sources this gets
#
#   $RUNSC  the runtime      $H  the folder of the tests      $W  a directory of its own
#   check NAME STATUS PATTERN COMMAND...   the command's exit status, and its output (extended regular expression)
#   finish                                 the closing line and the exit status
#
# and may define cleanup(). $ENGINE_GROUPS names cgroups that the engine leaves behind.
set -u
H=$(cd "$(dirname "$0")" && pwd)
RUNSC=${RUNSC:-$(cd "$H/../.." && pwd)/build/bin/runsc}
if [ "$(id -u)" != 0 ]; then
	echo "SKIP $(basename "$0"): engines need root"
	echo "0 passed, 0 failed"
	exit 0
fi
for tool in $NEEDS; do
	command -v "$tool" > /dev/null || { echo "$(basename "$0"): $tool is not installed" >&2; exit 2; }
done
if [ -z "${IN_NAMESPACES:-}" ]; then
	IN_NAMESPACES=1 RUNSC=$RUNSC exec unshare -mnp --fork --kill-child --mount-proc --propagation private sh "$0" "$@"
fi

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH
for dir in /run /var/lib/cni /var/lib/containers /var/lib/containerd /var/lib/docker; do
	[ -d $dir ] && mount -t tmpfs -o mode=755 tmpfs $dir
done
ip link set lo up
sysctl -qw net.ipv4.ip_forward=1
W=$(mktemp -d "${TMPDIR:-/tmp}/clients.XXXXXX")
chmod 755 "$W"
cp "$RUNSC" "$W/runsc"
RUNSC=$W/runsc
passed=0 failed=0

cleanup() {
	:
}

ended() {
	cleanup > /dev/null 2>&1
	awk -v w="$W" 'index($2, w) == 1 {print $2}' /proc/self/mounts | sort -r | xargs -r umount -l
	rm -rf "$W"
	for group in ${ENGINE_GROUPS:-}; do
		for top in /sys/fs/cgroup /sys/fs/cgroup/*; do
			[ -d "$top/$group" ] && find "$top/$group" -depth -type d -exec rmdir {} + 2> /dev/null
		done
	done
}
trap ended EXIT
trap 'exit 130' INT TERM

check() {
	name=$1 want=$2 pattern=$3
	shift 3
	timeout --foreground -k 2 30 "$@" > "$W/out" 2>&1 < /dev/null
	rc=$?
	if [ $rc = "$want" ] && { [ -z "$pattern" ] || grep -qE -- "$pattern" "$W/out"; }; then
		passed=$((passed + 1))
		return
	fi
	failed=$((failed + 1))
	echo "FAIL $name: status $rc, wanted $want with /$pattern/:"
	tail -n 8 "$W/out" | cut -c 1-300
}

# until_true SECONDS COMMAND...
until_true() {
	tries=$(($1 * 20))
	shift
	while [ $tries -gt 0 ] && ! "$@" > /dev/null 2>&1; do
		sleep 0.05
		tries=$((tries - 1))
	done
}

finish() {
	echo "$passed passed, $failed failed"
	[ $failed = 0 ]
	exit
}
