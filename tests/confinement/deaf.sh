#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# deaf.sh - a guest that makes itself deaf to the sentry's kicks is killed all the same
. "$(dirname "$0")/lib.sh"

work=$(mktemp -d /tmp/deaf.XXXXXX)
trap 'rm -rf "$work"' EXIT
cc -O1 -I "$top" -o "$work/deaf" "$top/tests/confinement/deaf.c" || exit 1
out=$(timeout -s KILL 60 "$RUNSC" do "$work/deaf" 2>&1 </dev/null)
status=$?
check "all children were killed: $out" [ $status -eq 0 ]
check "there were places: $out" sh -c "echo '$out' | grep -q '[1-9][0-9]* places'"
finish
