#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# stats.sh - the counters of --stats are those of what the guest did
RUNSC=${RUNSC:-$(cd "$(dirname "$0")/../.." && pwd)/build/bin/runsc}
out=$(mktemp "${TMPDIR:-/tmp}/stats.XXXXXX")
trap 'rm -f "$out"' EXIT
checks=0 failures=0

# counter NAME: its value
counter() {
	awk -F '\t' -v n="$1" '$2 == n {print $1}' "$out"
}

# holds TEXT LEFT OPERATOR RIGHT
holds() {
	checks=$((checks + 1))
	test "$2" "$3" "$4" || { failures=$((failures + 1)); echo "FAIL $1: $2 $3 $4"; }
}

"$RUNSC" do --stats -- dd if=/dev/zero of=/dev/null bs=4096 count=1000 2> "$out" < /dev/null
holds "exit status" $? -eq 0
holds "each read is counted" "$(counter 'guest call: read')" -ge 1000
holds "each write is counted" "$(counter 'guest call: write')" -ge 1000
holds "events and calls agree" "$(counter 'guest calls')" -eq \
	$(($(counter 'events: plain system calls') + $(counter 'events: system calls with registers')))
holds "what reads gave was copied" "$(counter 'bytes copied to guests')" -ge 4096000
holds "a call costs few host calls" "$(counter 'host calls of the sentry')" -lt $(($(counter 'guest calls') * 6))
"$RUNSC" do -- true > "$out" 2>&1 < /dev/null
holds "nothing is printed without being asked" "$(wc -c < "$out")" -eq 0
echo "$((checks - failures)) passed, $failures failed"
[ $failures = 0 ]
