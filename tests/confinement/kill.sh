#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kill.sh - SIGKILL at random moments at runsc, sentry or gofer of an ordinary user: no process is left after a second
# Usage: kill.sh [TRIES]
# tests/programs/kill.sh does the same as root; kill.py has the rules.
. "$(dirname "$0")/lib.sh"

as_user=
[ "$(id -u)" = 0 ] && as_user='setpriv --reuid 65534 --regid 65534 --clear-groups -- env PATH=/usr/local/bin:/usr/bin:/bin'
# shellcheck disable=SC2086
out=$($as_user python3 "$top/tests/programs/kill.py" "$RUNSC" "${1:-100}" 2>&1)
status=$?
echo "$out"
check "as an ordinary user: $out" [ $status = 0 ]
finish
