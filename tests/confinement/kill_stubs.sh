#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kill_stubs.sh - the host kills young stubs (out of memory, say) at any moment of fork and exec: their parents hear of it,
# and the sandbox goes on
# Usage: kill_stubs.sh [FORKS]
. "$(dirname "$0")/lib.sh"

forks=${1:-400}
dir=$(mktemp -d)
mkfifo "$dir/gate"
"$RUNSC" do sh -c "echo go; read line; i=0; while [ \$i -lt $forks ]; do /bin/true; (/bin/true | :); i=\$((i + 1)); done; echo end" \
	<"$dir/gate" >"$dir/out" 2>/dev/null &
runsc=$!
exec 9>"$dir/gate"
i=0
until grep -q go "$dir/out" || [ $i -gt 500 ]; do
	sleep 0.02
	i=$((i + 1))
done
for pid in $(children $runsc); do
	[ "$(cat "/proc/$pid/comm" 2>/dev/null)" = runsc-sentry ] && sentry=$pid
done
# Nothing happens now: what stubs are copied from, process 1, and spare stubs. (While processes come and go the host's list has
# holes.)
keep=" $(children "$sentry" | sort -n | head -n 2 | tr '\n' ' ')"
echo >&9
exec 9>&-
kills=0
while kill -0 $runsc 2>/dev/null && [ $kills -lt 20000 ]; do
	victim=$(children "$sentry" | sort -n | tail -n 1)
	case $keep in
	*" $victim "*) continue ;;
	esac
	kill -9 "$victim" 2>/dev/null
	kills=$((kills + 1))
	[ $((kills % 2)) = 0 ] && sleep 0.00$((kills % 7))
done
check "process 1 came to its end after $kills kills" grep -qx end "$dir/out"
kill -9 $runsc 2>/dev/null
wait $runsc 2>/dev/null
rm -rf "$dir"
finish
