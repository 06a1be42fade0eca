#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# busybox.sh - an OCI bundle that holds nothing but busybox, run by `runsc run`, compared with chroot
. "$(dirname "$0")/lib.sh"
if [ "$(id -u)" != 0 ]; then
	echo "SKIP busybox.sh: chroot and run need root"
	exit 0
fi
BUSYBOX=$(command -v busybox)
B=$W/bundle
mkdir -p "$B/rootfs/bin" "$B/rootfs/tmp" "$B/rootfs/proc" "$B/rootfs/dev" "$B/rootfs/sys" "$B/rootfs/etc"
chmod 1777 "$B/rootfs/tmp"
cp "$BUSYBOX" "$B/rootfs/bin/busybox"
for applet in $("$BUSYBOX" --list); do
	[ "$applet" = busybox ] || ln -s busybox "$B/rootfs/bin/$applet"
done
echo 'root:x:0:0:root:/:/bin/sh' > "$B/rootfs/etc/passwd"

# in_bundle SCRIPT: writes config.json for this script
configure() {
	rm -f "$B/config.json"
	"$RUNSC" spec --bundle "$B" && python3 - "$B/config.json" "$1" <<'PY'
import json, sys
path, script = sys.argv[1:]
c = json.load(open(path))
c["process"].update(terminal=False, args=["/bin/sh", script], cwd="/", env=["PATH=/bin", "HOME=/", "TZ=UTC", "LC_ALL=C"])
c["root"].update(path="rootfs", readonly=False)
c["hostname"] = "box"
json.dump(c, open(path, "w"), indent=1)
PY
}

# both NAME SECONDS: the script on stdin under chroot and in the container
both() {
	cat > "$B/rootfs/script"
	mkdir -p "$W/n" "$W/s"
	"$CENSUS" -t "$2" -- env -i PATH=/bin HOME=/ TZ=UTC LC_ALL=C unshare -m --propagation private sh -c '
		/bin/mount -t proc proc "$0/proc" && exec /usr/sbin/chroot "$0" /bin/sh /script' "$B/rootfs" > "$W/n/out" 2> "$W/n/err" < /dev/null
	echo $? > "$W/n/status"
	rm -rf "$B/rootfs/tmp/"*
	configure /script || failed "$1: runsc spec"
	"$CENSUS" -t "$2" -- "$RUNSC" run --bundle "$B" "busybox-$$" > "$W/s/out" 2> "$W/s/err" < /dev/null
	echo $? > "$W/s/status"
	sed -i '/warning: .*cgroup mounts are ignored/d' "$W/s/err"
	rm -rf "$B/rootfs/tmp/"*
	if diff -r "$W/n" "$W/s" > "$W/diff"; then
		passed "$1"
	else
		head -n 20 "$W/diff"
		failed "$1"
	fi
}

# With PATH=/bin the host's own sh starts chroot; afterwards only the bundle's files are there.
both "what is there" 60 <<'END'
ls -1 /bin | wc -l; ls / | tr '\n' ' '; echo; id; pwd; cat /etc/passwd; echo $$ > /dev/null; uname -s; ls /nothing; echo $?
cat /proc/self/cmdline | tr '\0' ' '; echo; readlink /proc/self/exe; test -c /dev/null 2>/dev/null; true
END
both "shell, pipes, files" 60 <<'END'
cd /tmp; i=0; while [ $i -lt 300 ]; do echo $i > f$i; i=$((i+1)); done; ls | wc -l; cat f* | sort -n | tail -1; find . -name 'f1*' | wc -l
tar -cf t.tar f*; gzip t.tar; gunzip -c t.tar.gz | tar -t | wc -l; md5sum f299 | cut -c 1-32; sed -n '$p' f7; awk '{s+=$1} END {print s}' f*; dd if=/bin/busybox bs=4k count=10 2>/dev/null | sha256sum
mkfifo p; cat p & echo fifo > p; wait; (exit 9); echo $?; trap 'echo trapped' USR1; kill -USR1 $$; seq 5 | xargs -n 2 echo; vi --help 2>&1 | head -1 | cut -c 1-7; rm -rf /tmp/*; exit 12
END
both "200 children" 60 <<'END'
i=0; while [ $i -lt 200 ]; do /bin/true & i=$((i+1)); done; wait; i=0; while [ $i -lt 200 ]; do r=$(/bin/echo $i); i=$((i+1)); done; echo $r; yes | head -c 1000000 | wc -c
END
configure /script
sed -i 's/"readonly": false/"readonly": true/' "$B/config.json"
echo 'echo x > /file; echo $?; mount -t tmpfs none /tmp 2>/dev/null; hostname' > "$B/rootfs/script"
"$CENSUS" -t 30 -- "$RUNSC" run --bundle "$B" "busybox-ro-$$" > "$W/out" 2>&1 < /dev/null
check "a read-only root refuses writes; the hostname is the spec's" grep -q '^box$' "$W/out"
check "nothing was written" test ! -e "$B/rootfs/file"
finish
