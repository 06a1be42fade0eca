#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# namespaces.sh - unshare, nsenter, bubblewrap: containers in the container
. "$(dirname "$0")/lib.sh"

compare "unshare: ids, numbers, proc, host name, mounts" 60 <<'END'
unshare -Urpf --mount-proc sh -c 'id -u; id -g; echo $$; ps -o pid,args ax; cat /proc/self/uid_map | tr -s " " | cut -d" " -f2,4'
unshare -Uru sh -c 'hostname inner; hostname'; [ "$(hostname)" = inner ] || echo outer
unshare -Urm sh -c 'mkdir m; mount -t tmpfs -o size=1m t m && echo x > m/f && stat -c "%u %g %a" m/f; umount m; umount /proc 2> /dev/null; echo "umount $?"'; ls m
unshare -Urpf sh -c '(sleep 100 &) ; sleep 100 & echo started'; echo "all gone: $?"
unshare -Urpf sh -c 'kill -TERM 1; kill -KILL 1; echo survived'
unshare -Urn sh -c 'wc -l < /proc/net/unix | tr -d 0-9'; unshare -Uri sh -c 'ipcmk -Q > /dev/null; ipcs -q | grep -c 0x'
unshare -Ur unshare -Ur unshare -Ur id -u
rmdir m
END
compare "bubblewrap: all of its own" 60 <<'END'
bwrap --unshare-all --ro-bind / / --proc /proc --dev /dev --tmpfs /tmp sh -c 'ps -o pid,comm ax | tail -n +2 | grep -v bwrap; echo t > /tmp/f; cat /tmp/f; touch /x 2> /dev/null; echo "touch $?"; ls /dev | tr "\n" " "; echo; echo n > /dev/null; wc -l < /proc/self/uid_map'
bwrap --unshare-user --uid 77 --gid 78 --ro-bind / / sh -c 'id -u; id -g'
bwrap --unshare-pid --die-with-parent --ro-bind / / --proc /proc sh -c 'exit 7'; echo "status $?"
bwrap --ro-bind /usr /usr --symlink usr/lib64 /lib64 --symlink usr/lib /lib --symlink usr/bin /bin --tmpfs /work --chdir /work --clearenv --setenv A b sh -c 'ls /; echo $A; pwd'
END
finish
