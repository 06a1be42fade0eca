# SPDX-License-Identifier: Apache-2.0
# lib.sh - what the confinement tests share: a running sandbox, checks, counts

top=$(cd "$(dirname "$0")/../.." && pwd)
RUNSC=${RUNSC:-$top/build/bin/runsc}
checks=0
failures=0

# check TEXT COMMAND...: the command must succeed
check() {
	text=$1
	shift
	checks=$((checks + 1))
	if ! "$@" >/dev/null 2>&1; then
		failures=$((failures + 1))
		echo "FAIL $text"
	fi
}

# Field of /proc/PID/status.
status_of() {
	awk -v f="$2:" '$1 == f { print $2 }' "/proc/$1/status"
}

is() {
	[ "$1" = "$2" ]
}

# children PID: direct children, one a line
children() {
	cat /proc/"$1"/task/*/children 2>/dev/null | tr ' ' '\n' | grep .
}

# Starts `runsc do` with the arguments in the background; sets runsc, sentry, gofer; waits for a guest process.
start_sandbox() {
	"$RUNSC" do "$@" </dev/null &
	runsc=$!
	i=0
	while [ $i -lt 100 ]; do
		sentry=
		gofer=
		for pid in $(children $runsc); do
			case $(cat "/proc/$pid/comm" 2>/dev/null) in
			runsc-sentry) sentry=$pid ;;
			runsc-gofer) gofer=$pid ;;
			esac
		done
		[ -n "$sentry" ] && [ -n "$gofer" ] && [ "$(status_of "$sentry" Seccomp)" = 2 ] && return 0
		sleep 0.05
		i=$((i + 1))
	done
	echo "FAIL the sandbox did not start"
	kill -9 $runsc 2>/dev/null
	exit 1
}

stop_sandbox() {
	kill -9 $runsc 2>/dev/null
	wait $runsc 2>/dev/null
}

# gone PID...: none of them is a running process any more, within a second
gone() {
	n=0
	while [ $n -lt 50 ]; do
		alive=
		for pid in "$@"; do
			case $(awk '{ sub(/.*\) /, ""); print $1 }' "/proc/$pid/stat" 2>/dev/null) in
			'' | Z | X) ;;
			*) alive="$alive $pid" ;;
			esac
		done
		[ -z "$alive" ] && return 0
		sleep 0.02
		n=$((n + 1))
	done
	echo "still there:$alive"
	return 1
}

finish() {
	echo "$((checks - failures)) passed, $failures failed"
	[ $failures = 0 ]
}
