#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# jump.sh - a guest that jumps into the stub's text reaches nothing of the host and harms only itself
. "$(dirname "$0")/lib.sh"

work=$(mktemp -d /tmp/jump.XXXXXX)
trap 'rm -rf "$work"' EXIT
chmod 777 "$work"
cc -O1 -I "$top" -o "$work/jump" "$top/tests/confinement/jump.c" || exit 1
out=$("$RUNSC" do "$work/jump" "$work/escaped" 2>&1 </dev/null)
status=$?
check "the stub's calls were found: $out" sh -c "echo '$out' | grep -q '[1-9][0-9]* places'"
check "the sandbox goes on: $out" sh -c "echo '$out' | grep -q survived"
check "exit status $status" is $status 0
check "no file on the host" [ ! -e "$work/escaped" ]
finish
