#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# quickstart.sh - builds runsc and shows it at work: a command on the host's files, then a container from a bundle
set -eu
cd "$(dirname "$0")/.."

missing=
for tool in cmake ninja pkg-config cc python3; do
	command -v "$tool" >/dev/null || missing="$missing $tool"
done
if [ -n "$missing" ] || ! pkg-config --exists libseccomp jansson check; then
	echo "needed:$missing; on Debian: apt-get install build-essential cmake ninja-build pkg-config" \
		"python3 libseccomp-dev libjansson-dev check" >&2
	exit 1
fi

echo "== build"
[ -f build/build.ninja ] || cmake -G Ninja -B build -S . >/dev/null
ninja -C build runsc >build/quickstart.log 2>&1 || {
	tail -n 20 build/quickstart.log >&2
	exit 1
}
runsc=$PWD/build/bin/runsc

echo "== a command on the host's files: its changes stay in memory"
"$runsc" do sh -c 'uname -sr; touch /etc/made-inside && ls /etc/made-inside; exit 7' || echo "exit status $?"
[ ! -e /etc/made-inside ]

busybox=$(command -v busybox || true)
if [ -z "$busybox" ]; then
	echo "== no busybox on this machine: the part with a bundle is left out"
	exit 0
fi
echo "== a container from an OCI bundle"
bundle=$(mktemp -d)
trap 'rm -rf "$bundle"' EXIT
for dir in bin proc sys dev tmp etc; do mkdir -p "$bundle/rootfs/$dir"; done
cp "$busybox" "$bundle/rootfs/bin/busybox"
for name in sh echo ps hostname id; do ln -s busybox "$bundle/rootfs/bin/$name"; done
"$runsc" spec --bundle "$bundle"
python3 - "$bundle/config.json" <<'PY'
import json
import sys

path = sys.argv[1]
with open(path) as f:
    config = json.load(f)
config["process"]["terminal"] = False
config["process"]["args"] = ["sh", "-c", "hostname; id; ps"]
config["mounts"] = [m for m in config["mounts"] if m["type"] != "cgroup"]
with open(path, "w") as f:
    json.dump(config, f, indent=1)
PY
"$runsc" run --bundle "$bundle" quickstart
