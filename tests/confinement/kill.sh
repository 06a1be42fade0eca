#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kill.sh - SIGKILL at random moments at runsc, sentry or gofer: no process of the sandbox is left after a second
# Usage: kill.sh [TRIES]
. "$(dirname "$0")/lib.sh"

tries=${1:-30}
seed=$$
random() { # random LIMIT
	seed=$(((seed * 1103515245 + 12345) % 2147483648))
	echo $((seed / 65536 % $1))
}

i=0
while [ $i -lt "$tries" ]; do
	"$RUNSC" do sh -c 'for i in 1 2 3 4; do sh -c "while :; do :; done" & done; while :; do /bin/true; done' \
		</dev/null >/dev/null 2>&1 &
	runsc=$!
	sleep "0.$(printf %03d "$(random 400)")"
	family="$runsc"
	for pid in $(children $runsc); do
		family="$family $pid $(children "$pid" | tr '\n' ' ')"
	done
	set -- $family
	victim=$(($(random 3) + 1))
	[ $victim -gt $# ] && victim=1
	[ $victim = 3 ] && victim=$(($# > 2 ? 3 : 1))
	eval "kill -9 \${$victim}" 2>/dev/null
	check "try $i: killed number $victim of: $family" gone $family
	kill -9 $runsc 2>/dev/null
	wait $runsc 2>/dev/null
	i=$((i + 1))
done
finish
