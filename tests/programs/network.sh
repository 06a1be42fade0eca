#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# network.sh - programs that talk over the network: on loopback, and as root through a veth pair to another
# namespace, both ways, in a namespace given by `nsenter` and in one that config.json names
. "$(dirname "$0")/lib.sh"

compare "python: http.server, urllib, socketserver, asyncio, datagrams" 100 -i python3 <<'END'
import asyncio, hashlib, http.server, os, socket, socketserver, threading, urllib.request
open('data', 'wb').write(bytes(i * 7 & 255 for i in range(3000000)))
class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *a): pass
for host, cls in (('127.0.0.1', http.server.ThreadingHTTPServer), ('127.0.0.1', http.server.HTTPServer)):
    s = cls((host, 0), Quiet)
    threading.Thread(target=s.serve_forever, daemon=True).start()
    body = urllib.request.urlopen('http://localhost:%d/data' % s.server_address[1], timeout=30).read()
    print(len(body), hashlib.sha256(body).hexdigest())
    s.shutdown()
class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile: self.wfile.write(line.upper())
with socketserver.ThreadingTCPServer(('127.0.0.1', 0), Echo) as s:
    threading.Thread(target=s.serve_forever, daemon=True).start()
    for i in range(5):
        with socket.create_connection(s.server_address) as c:
            c.sendall(b'line %d\n' % i); print(c.makefile().readline().strip())
    s.shutdown()
async def main():
    async def serve(r, w):
        while d := await r.read(65536): w.write(d); await w.drain()
        w.close()
    async def client(port, i):
        r, w = await asyncio.open_connection('127.0.0.1', port)
        data = bytes([i]) * 300000
        async def send(): w.write(data); await w.drain(); w.write_eof()
        t = asyncio.create_task(send()); got = await r.read(-1); await t; w.close()
        return got == data
    s = await asyncio.start_server(serve, '127.0.0.1', 0)
    print(all(await asyncio.gather(*(client(s.sockets[0].getsockname()[1], i) for i in range(30)))))
    try: await asyncio.wait_for(asyncio.open_connection('127.0.0.1', 1), 10)
    except OSError as e: print(type(e).__name__)
asyncio.run(main())
a, b = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
b.bind(('127.0.0.1', 0)); a.connect(b.getsockname())
for n in (0, 1, 1000, 60000): a.send(b'u' * n); print(len(b.recv(70000)))
print(sorted(set(x[4][0] for x in socket.getaddrinfo('localhost', 80, socket.AF_INET))), socket.if_nametoindex('lo'))
l = socket.create_server(('127.0.0.1', 0)); pid = os.fork()
if pid == 0:
    c, _ = l.accept(); c.sendfile(open('data', 'rb')); os._exit(0)
c = socket.create_connection(l.getsockname()); h = hashlib.sha256()
while d := c.recv(100000): h.update(d)
print(h.hexdigest(), os.waitpid(pid, 0)[1])
END
compare "node: http, net, dgram, dns of localhost" 100 -i node <<'END'
const http = require('http'), net = require('net'), dgram = require('dgram'), dns = require('dns').promises, os = require('os');
(async () => {
  console.log((await dns.lookup('localhost', { family: 4 })).address, os.networkInterfaces().lo[0].address);
  await new Promise(done => { const s = http.createServer((q, r) => { let n = 0; q.on('data', d => n += d.length); q.on('end', () => r.end('got ' + n)) });
    s.listen(0, '127.0.0.1', () => { let left = 30; const agent = new http.Agent({ keepAlive: true, maxSockets: 5 });
      for (let i = 0; i < 30; i++) { const q = http.request({ agent, port: s.address().port, host: '127.0.0.1', method: 'POST' }, r => { let t = ''; r.on('data', d => t += d);
        r.on('end', () => { if (t !== 'got 70000') console.log('BAD', t); if (--left == 0) { console.log('http'); agent.destroy(); s.close(done) } }) }); q.end(Buffer.alloc(70000)) } }) });
  await new Promise(done => { const s = net.createServer(c => c.pipe(c)).listen(0, '127.0.0.1', () => { const c = net.connect(s.address().port, '127.0.0.1'); let n = 0;
    c.on('data', d => { n += d.length; if (n === 5 << 20) { console.log('net', n); c.end(); s.close(done) } }); c.write(Buffer.alloc(5 << 20)) }) });
  await new Promise(done => net.connect(1, '127.0.0.1').on('error', e => { console.log(e.code); done() }));
  await new Promise(done => { const s = dgram.createSocket('udp4'); s.on('message', (m, r) => { console.log(m + '', r.address); s.close(done) }).bind(0, '127.0.0.1', () => { const c = dgram.createSocket('udp4'); c.send('datagram', s.address().port, '127.0.0.1', () => c.close()) }) });
})();
END
compare "curl and busybox: httpd, wget, nc" 100 <<'END'
mkdir www && head -c 2000000 /dev/zero | tr '\0' 'w' > www/page
port=$((20000 + $$ % 20000))
busybox httpd -f -p 127.0.0.1:$port -h www & pid=$!
n=0; until curl -sf -o got "http://127.0.0.1:$port/page" || [ $n -gt 100 ]; do n=$((n + 1)); sleep 0.1; done
cmp got www/page && echo curl
curl -s -r 10-19 "http://127.0.0.1:$port/page"; echo
curl -s -o /dev/null -w '%{http_code}\n' "http://127.0.0.1:$port/none"
busybox wget -q -O got2 "http://127.0.0.1:$port/page" && cmp got2 www/page && echo wget
kill $pid; wait 2> /dev/null
curl -s "http://127.0.0.1:$port/"; echo $?
rm -f got got2
END
if command -v javac > /dev/null; then
	compare "java: HttpServer, HttpClient, channels, NetworkInterface" 200 <<'END'
cat > Net.java <<'JAVA'
import java.net.*; import java.net.http.*; import java.nio.*; import java.nio.channels.*; import com.sun.net.httpserver.*;
public class Net { public static void main(String[] a) throws Exception {
  HttpServer s = HttpServer.create(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0), 0);
  s.createContext("/", x -> { byte[] b = x.getRequestBody().readAllBytes(); byte[] r = ("got " + b.length).getBytes(); x.sendResponseHeaders(200, r.length); x.getResponseBody().write(r); x.close(); });
  s.start(); HttpClient c = HttpClient.newHttpClient();
  for (int i = 0; i < 5; i++) System.out.println(c.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + s.getAddress().getPort() + "/")).POST(HttpRequest.BodyPublishers.ofByteArray(new byte[100000])).build(), HttpResponse.BodyHandlers.ofString()).body());
  s.stop(0); System.out.println(NetworkInterface.getByName("lo").isLoopback());
  ServerSocketChannel l = ServerSocketChannel.open().bind(new InetSocketAddress("127.0.0.1", 0));
  Thread t = new Thread(() -> { try (SocketChannel p = l.accept()) { ByteBuffer b = ByteBuffer.allocate(65536); long n = 0; while (p.read(b) >= 0) { n += b.position(); b.clear(); } System.out.println(n); } catch (Exception e) { System.out.println(e); } });
  t.start(); SocketChannel k = SocketChannel.open(l.getLocalAddress()); ByteBuffer b = ByteBuffer.allocate(3 << 20); while (b.hasRemaining()) k.write(b); k.close(); t.join();
  try { new Socket("127.0.0.1", 1); } catch (ConnectException e) { System.out.println("refused"); } System.exit(0);
} }
JAVA
java Net.java; rm Net.java
END
fi

if [ -n "$LONG" ] && python3 -c 'import test.test_socket' 2> /dev/null && [ -z "$SANDBOX" ]; then
	for module in test_socket test_selectors test_socketserver test_httpservers test_ssl test_epoll; do
		check "CPython's own $module" timeout -k1 300 "$RUNSC" do -- python3 -m test -q $module
	done
fi

# ---- to another namespace ---------------------------------------------------------------------------------------------

if [ "$(id -u)" = 0 ] && command -v ip > /dev/null && [ -z "$SANDBOX" ]; then
	unshare -n sleep 300 & inside=$!
	unshare -n sleep 300 & outside=$!
	until [ "$(readlink /proc/$inside/ns/net)" != "$(readlink /proc/self/ns/net)" ] &&
		[ "$(readlink /proc/$outside/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
	at() {
		where=$1
		shift
		timeout -k1 60 nsenter -t "$where" -n "$@" < /dev/null
	}
	at $inside ip link add eth0 type veth peer name eth0 netns $outside
	n=1
	for ns in $inside $outside; do
		at $ns ip link set lo up
		at $ns ip addr add 10.77.0.$n/24 dev eth0
		at $ns ip -6 addr add fd77::$n/64 dev eth0 nodad
		at $ns ip link set eth0 up
		n=$((n + 1))
	done
	cat > "$W/server.py" <<'END'
import hashlib, socket, sys
s = socket.create_server((sys.argv[1], 7777), family=socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET)
open(sys.argv[2], 'w').close()
s.settimeout(40)
c, a = s.accept()
h = hashlib.sha256()
while d := c.recv(1 << 20): h.update(d)
c.sendall(h.hexdigest().encode() + b' ' + a[0].encode())
END
	cat > "$W/client.py" <<'END'
import hashlib, socket, sys
data = bytes(i * 13 >> 3 & 255 for i in range(6000000))
c = socket.create_connection((sys.argv[1], 7777), 40)
c.sendall(data); c.shutdown(1)
got = c.makefile().read().split()
assert got == [hashlib.sha256(data).hexdigest(), sys.argv[2]], got
END
	sandbox() {
		where=$1
		shift
		at $where "$RUNSC" do --network=host --volume "$W:$W" -- "$@"
	}
	# transfer NAME SERVER-RUNNER SERVER-NS CLIENT-RUNNER CLIENT-NS SERVER-ADDRESS CLIENT-ADDRESS
	transfer() {
		rm -f "$W/up"
		$2 $3 python3 "$W/server.py" $6 "$W/up" & server=$!
		n=0
		until [ -e "$W/up" ] || [ $n -gt 200 ]; do
			n=$((n + 1))
			sleep 0.05
		done
		check "$1" $4 $5 python3 "$W/client.py" $6 $7
		wait $server
	}
	transfer "veth: outside connects to a server inside" sandbox $inside at $outside 10.77.0.1 10.77.0.2
	transfer "veth: inside connects to a server outside" at $outside sandbox $inside 10.77.0.2 10.77.0.1
	transfer "veth: the same over v6, in" sandbox $inside at $outside fd77::1 fd77::2
	transfer "veth: the same over v6, out" at $outside sandbox $inside fd77::2 fd77::1
	check "veth: addresses and routes inside are the namespace's" sh -c "
		timeout 30 nsenter -t $inside -n ip -4 -o addr > $W/want && timeout 30 nsenter -t $inside -n ip route >> $W/want
		timeout 60 nsenter -t $inside -n $RUNSC do --network=host -- sh -c 'ip -4 -o addr; ip route' < /dev/null > $W/got
		cmp $W/want $W/got"

	at $inside "$RUNSC" do --network=host -- timeout 20 ip -o monitor address > "$W/monitor" 2>&1 & monitor=$!
	n=0
	until grep -q 10.88.0 "$W/monitor" || [ $n -gt 100 ]; do
		n=$((n + 1))
		at $inside ip addr add 10.88.0.$n/32 dev lo
		sleep 0.1
	done
	check "veth: a change of the namespace's addresses is heard inside" grep -q 10.88.0 "$W/monitor"
	kill $monitor
	wait $monitor

	# A container whose config.json names the namespace; busybox serves on port 80.
	mkdir -p "$W/bundle/rootfs/bin" "$W/bundle/rootfs/www"
	cp /bin/busybox "$W/bundle/rootfs/bin/busybox"
	head -c 3000000 /dev/urandom > "$W/bundle/rootfs/www/file"
	python3 - "$W/bundle/config.json" /proc/$inside/ns/net <<'END'
import json, sys
json.dump({"ociVersion": "1.0.2", "root": {"path": "rootfs"}, "hostname": "net",
  "process": {"cwd": "/", "user": {"uid": 0, "gid": 0}, "env": ["PATH=/bin"], "args": ["busybox", "httpd", "-f", "-p", "80", "-h", "/www"],
    "capabilities": {k: ["CAP_NET_BIND_SERVICE", "CAP_KILL"] for k in ("bounding", "effective", "permitted")}},
  "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
  "linux": {"namespaces": [{"type": "network", "path": sys.argv[2]}] + [{"type": t} for t in ("pid", "ipc", "uts", "mount")]}}, open(sys.argv[1], "w"))
END
	timeout -k1 60 "$RUNSC" --root "$W/state" run --bundle "$W/bundle" net$$ < /dev/null > "$W/run.log" 2>&1 & container=$!
	n=0
	until at $outside curl -sf -o "$W/got" http://10.77.0.1/file || [ $n -gt 100 ]; do
		n=$((n + 1))
		sleep 0.1
	done
	check "container in a namespace by path: port 80 from outside" cmp "$W/got" "$W/bundle/rootfs/www/file"
	"$RUNSC" --root "$W/state" kill net$$ KILL > /dev/null 2>&1
	wait $container
	kill $inside $outside
	wait
fi
finish
