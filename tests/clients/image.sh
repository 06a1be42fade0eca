#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# image.sh OUT.tar NAME COMMAND-AS-JSON - an image of busybox alone, as `docker save` writes it; no registry needed
set -e
work=$(mktemp -d "${TMPDIR:-/tmp}/image.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root/bin" "$root/etc" "$root/proc" "$root/sys" "$root/dev" "$root/tmp" "$root/root" "$root/www"
chmod 1777 "$root/tmp"
cp /bin/busybox "$root/bin/"
for applet in $(/bin/busybox --list); do
	[ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
done
printf 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/tmp:/bin/sh\n' > "$root/etc/passwd"
printf 'root:x:0:\nuser:x:1000:\n' > "$root/etc/group"
echo hello-www > "$root/www/index.html"
tar -C "$root" --owner 0 --group 0 --numeric-owner --sort=name --mtime=@0 -cf "$work/layer.tar" .
digest=$(sha256sum "$work/layer.tar" | cut -d' ' -f1)
cat > "$work/config.json" << END
{"architecture": "amd64", "os": "linux", "config": {"Env": ["PATH=/usr/bin:/bin:/usr/sbin:/sbin"], "Cmd": $3},
 "rootfs": {"type": "layers", "diff_ids": ["sha256:$digest"]}, "history": [{"created_by": "image.sh"}]}
END
echo "[{\"Config\": \"config.json\", \"RepoTags\": [\"$2\"], \"Layers\": [\"layer.tar\"]}]" > "$work/manifest.json"
tar -C "$work" -cf "$1" manifest.json config.json layer.tar
