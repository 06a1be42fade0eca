#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kill.sh - sentry, gofer or runsc killed at random moments, 200 tries: a second later nothing of the sandbox runs
. "$(dirname "$0")/lib.sh"

check "200 tries" "$CENSUS" -t 600 -- python3 "$TOP/tests/programs/kill.py" "$RUNSC" "${KILL_TRIES:-200}"
tail -n 5 "$W/check.log"
finish
