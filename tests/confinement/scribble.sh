#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# scribble.sh - a guest that writes nonsense into what it shares with the sentry harms only itself
. "$(dirname "$0")/lib.sh"

work=$(mktemp -d /tmp/scribble.XXXXXX)
trap 'rm -rf "$work"' EXIT
chmod 777 "$work"
cc -O1 -pthread -o "$work/scribble" "$top/tests/confinement/scribble.c" || exit 1
for mode in auto random; do
	out=$("$RUNSC" --rewrite=$mode do "$work/scribble" $$ 2>&1 </dev/null)
	status=$?
	check "$mode: the sandbox goes on: $out" sh -c "echo '$out' | grep -q survived"
	check "$mode: exit status $status" is $status 0
done
finish
