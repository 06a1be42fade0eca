#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# buildah.sh - buildah runs its steps with Bulkhead
NEEDS="buildah busybox"
. "$(dirname "$0")/lib.sh"

printf '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]\n' > "$W/containers.conf"
printf '[storage]\ndriver = "overlay"\ngraphroot = "%s/root"\nrunroot = "%s/run"\n' "$W" "$W" > "$W/storage.conf"
export CONTAINERS_CONF="$W/containers.conf" CONTAINERS_STORAGE_CONF="$W/storage.conf"
cleanup() {
	buildah rm -a
	umount -l "$W/root/overlay"
}
sh "$H/image.sh" "$W/bb.tar" localhost/bb:latest '["sh"]'
oci="--isolation oci --network none --runtime $RUNSC"

check from 0 '^w$' buildah from --name w "docker-archive:$W/bb.tar"
check run 6 hi buildah run $oci w -- sh -c 'echo hi; exit 6'
check terminal 3 x42 python3 "$H/onpty.py" buildah run -t $oci w -- sh
printf 'FROM docker-archive:%s/bb.tar\nRUN echo built >/built\n' "$W" > "$W/Containerfile"
check build 0 '' buildah bud $oci -t localhost/bud "$W"
check "network made between create and start" 0 eth0 buildah run --isolation oci --runtime "$RUNSC" w -- ip -o addr
finish
