#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# rootless.sh - podman of an ordinary user, with a range of ids and slirp4netns
NEEDS="podman conmon newuidmap slirp4netns setpriv busybox curl"
. "$(dirname "$0")/lib.sh"

# The user exists in this mount namespace only; so do the modes of the device.
uid=64242
for file in passwd group subuid subgid; do
	touch "$W/$file"
	[ -e /etc/$file ] || continue
	cp /etc/$file "$W/$file"
done
echo "ociu:x:$uid:$uid::$W/home:/bin/sh" >> "$W/passwd"
echo "ociu:x:$uid:" >> "$W/group"
echo "ociu:700000:65536" > "$W/subuid"
echo "ociu:700000:65536" > "$W/subgid"
for file in passwd group subuid subgid; do
	[ -e /etc/$file ] || touch /etc/$file
	mount --bind "$W/$file" /etc/$file
done
mkdir "$W/dev" "$W/home" "$W/xdg"
chmod 700 "$W/xdg"
mknod -m 666 "$W/dev/tun" c 10 200
mount --bind "$W/dev/tun" /dev/net/tun
mount --make-rshared /
mkdir -p "$W/home/.config/containers"
cat > "$W/home/.config/containers/containers.conf" << END
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
runtime = "runsc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[engine.runtimes]
runsc = ["$RUNSC"]
END
printf '[storage]\ndriver = "overlay"\n' > "$W/home/.config/containers/storage.conf"
sh "$H/image.sh" "$W/bb.tar" localhost/bb:latest '["sh"]'
chown -R $uid:$uid "$W/home" "$W/xdg"
cd "$W/home" || exit 1
p="setpriv --reuid $uid --regid $uid --clear-groups env -i HOME=$W/home USER=ociu TERM=xterm XDG_RUNTIME_DIR=$W/xdg
	PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin podman"
cleanup() {
	$p rm -fa -t 0
	$p system migrate
	umount -l /dev/net/tun /etc/passwd /etc/group /etc/subuid /etc/subgid
}
$p load -q -i "$W/bb.tar" > /dev/null || exit 1
I=localhost/bb

check hello 0 uid=0 $p run --rm $I id
check "exit status" 7 '' $p run --rm --network none $I sh -c 'exit 7'
check terminal 3 x42 python3 "$H/onpty.py" $p run --rm -it --network none $I sh
check detached 0 '' $p run -d --name d1 --network none $I sh -c 'trap "exit 5" TERM; while :; do sleep 0.2; done'
check exec 9 exec-out $p exec d1 sh -c 'echo exec-out; exit 9'
check stop 0 '' $p stop -t 3 d1
check "status of a stop" 0 '^5$' $p inspect d1 --format '{{.State.ExitCode}}'
check rm 0 '' $p rm d1
check "published port" 0 '' $p run -d --name web -p 127.0.0.1:8088:80 $I httpd -f -p 80 -h /www
check "page" 0 hello-www curl -sS --retry 10 --retry-connrefused --retry-delay 0 -m 3 http://127.0.0.1:8088/
check "rm -f" 0 '' $p rm -f -t 0 web
check volume 0 '^n$' sh -c "$(echo $p) run --rm --network none -v named:/n $I sh -c 'echo n >/n/f' &&
	$(echo $p) run --rm --network none -v named:/n:ro $I cat /n/f"
check user 0 uid=1000 $p run --rm --network none -u 1000:1000 $I id
check owners 0 '^1000$' $p run --rm --network none $I sh -c 'touch /tmp/f; chown 1000 /tmp/f; stat -c %u /tmp/f'
check "keep-id" 0 "uid=$uid" $p run --rm --network none --userns keep-id $I id
mkdir "$W/home/shared"
chown $uid:$uid "$W/home/shared"
check "keep-id on a volume" 0 '' $p run --rm --network none --userns keep-id -v "$W/home/shared:/v" $I touch /v/mine
check "the file is the user's" 0 "^$uid$" stat -c %u "$W/home/shared/mine"
finish
