#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# network.sh - what each --network mode gives the sentry: seen from outside, and from a guest that tries
. "$(dirname "$0")/lib.sh"

netns() {
	readlink "/proc/$1/ns/net"
}

# Interfaces of the sentry's namespace that are up, without lo.
links_up() {
	nsenter -t "$sentry" -n ip -o link show up 2>/dev/null | grep -vc ': lo:'
}

guest() {
	mode=$1
	shift
	timeout -k1 30 setsid "$RUNSC" do --network="$mode" -- "$@" </dev/null
}

here=$(netns self)
for mode in none off host; do
	start_sandbox --network=$mode sleep 100
	if [ $mode = host ]; then
		check "$mode: the starter's namespace" is "$(netns "$sentry")" "$here"
	else
		check "$mode: a namespace of its own" [ "$(netns "$sentry")" != "$here" ]
		[ "$(id -u)" = 0 ] && check "$mode: nothing but loopback" is "$(links_up)" 0
	fi
	check "$mode: no capability" is "$(status_of "$sentry" CapEff)" 0000000000000000
	check "$mode: filter" is "$(status_of "$sentry" Seccomp)" 2
	check "$mode: the gofer has a namespace of its own" [ "$(netns "$gofer")" != "$here" ]
	stop_sandbox
done

# A listener of the host is reached with --network=host only.
port_file=$(mktemp)
python3 - "$port_file" <<'PY' &
import socket, sys
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(5)
with open(sys.argv[1], "w") as f:
    f.write("%d\n" % s.getsockname()[1])
s.settimeout(60)
try:
    c, _ = s.accept()
    c.sendall(b"from outside")
except OSError:
    pass
PY
server=$!
n=0
while [ ! -s "$port_file" ] && [ $n -lt 100 ]; do
	sleep 0.05
	n=$((n + 1))
done
port=$(cat "$port_file")
connect="import socket; s = socket.create_connection(('127.0.0.1', $port), 10); print(s.recv(100).decode())"
check "none: no way to a listener of the host" sh -c "! guest none python3 -c \"$connect\""
check "off: no way to a listener of the host" sh -c "! guest off python3 -c \"$connect\""
check "host: reaches it" is "$(guest host python3 -c "$connect")" "from outside"
kill $server 2>/dev/null
wait $server 2>/dev/null
rm -f "$port_file"

families="import socket, errno
for family in range(2, 46):
    if family in (1, 2, 10, 16, 17):
        continue
    for kind in (1, 2, 3, 5):
        try:
            socket.socket(family, kind)
            print('family', family)
        except OSError as e:
            if e.errno != errno.EAFNOSUPPORT:
                print(family, kind, e)"
check "other families do not exist" is "$(guest none python3 -c "$families")" ""
check "off: no internet sockets" is "$(guest off python3 -c "
import socket
try:
    socket.socket()
except OSError as e:
    print(e.errno)")" 97
finish
