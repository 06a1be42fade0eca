#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# crash.sh - a sentry that dies of a fault leaves a report, and nothing else; so does the loss of the gofer
. "$(dirname "$0")/lib.sh"

log=$(mktemp /tmp/crash.XXXXXX)
trap 'rm -f "$log"' EXIT

# end_of VICTIM SIGNAL: starts a busy sandbox, kills one of its processes, waits for runsc
end_of() {
	: >"$log"
	start_sandbox sh -c 'while :; do /bin/true; done' 2>"$log"
	sleep 0.3
	family="$sentry $gofer $(children "$sentry" | tr '\n' ' ')"
	eval "kill -$2 \$$1"
	wait $runsc
	status=$?
}

end_of sentry SEGV
check "sentry, fault: exit status 1" is $status 1
check "sentry, fault: says what it was" grep -q 'the sentry took signal 11' "$log"
check "sentry, fault: registers" grep -q 'registers: rip=0x' "$log"
check "sentry, fault: stack" grep -q '  at runsc+0x' "$log"
check "sentry, fault: last calls" grep -q 'worker 0, last calls' "$log"
check "sentry, fault: a line of runsc's" grep -q 'the sentry died, and has left a report' "$log"
check "sentry, fault: nothing is left" gone $family

end_of sentry KILL
check "sentry, killed: exit status 1" is $status 1
check "sentry, killed: a line of runsc's" grep -q 'the sentry was killed by signal 9' "$log"
check "sentry, killed: nothing is left" gone $family

end_of gofer KILL
check "gofer, killed: exit status 1" is $status 1
check "gofer, killed: a line of runsc's" grep -q 'the gofer died' "$log"
check "gofer, killed: nothing is left" gone $family
finish
