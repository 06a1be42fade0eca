#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# user.sh - an ordinary user runs a bundle, with the example's namespaces and with those of spec --rootless
RUNSC=${RUNSC:-$(cd "$(dirname "$0")/../.." && pwd)/build/bin/runsc}
if [ "$(id -u)" != 0 ]; then
	echo "SKIP needs root, to become another user"
	echo "0 passed, 0 failed"
	exit 0
fi
W=$(mktemp -d "${TMPDIR:-/tmp}/user.XXXXXX") || exit 2
trap 'rm -rf "$W"' EXIT
checks=0 failures=0
mkdir -p "$W/bundle/rootfs/bin" "$W/run"
cp /bin/busybox "$W/bundle/rootfs/bin/sh"
cp "$RUNSC" "$W/runsc" # where another user can read it
chown -R 4242:4242 "$W/bundle" "$W/run"
chmod 755 "$W"

user() {
	setpriv --reuid 4242 --regid 4242 --clear-groups env -i PATH="$PATH" HOME="$W/run" XDG_RUNTIME_DIR="$W/run" "$@"
}

# holds TEXT LEFT OPERATOR RIGHT
holds() {
	checks=$((checks + 1))
	test "$2" "$3" "$4" || { failures=$((failures + 1)); echo "FAIL $1: $2 $3 $4"; }
}

for kind in "" --rootless; do
	rm -f "$W/bundle/config.json"
	user "$W/runsc" spec $kind --bundle "$W/bundle"
	sed -i 's/"terminal": true/"terminal": false/; s/"sh"/"sh", "-c", "echo inside; exit 7"/' "$W/bundle/config.json"
	out=$(user timeout 30 "$W/runsc" run --bundle "$W/bundle" c1 < /dev/null 2> "$W/err")
	holds "spec $kind: exit status" $? -eq 7
	holds "spec $kind: output" "$out" = inside
	holds "spec $kind: nothing else is said" "$(wc -c < "$W/err")" -eq 0
	holds "spec $kind: nothing is left" "$(user "$W/runsc" list --quiet | wc -l)" -eq 0
done
echo "$((checks - failures)) passed, $failures failed"
[ $failures = 0 ]
