#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# python.sh - python3: threads, subprocess, multiprocessing, asyncio, sqlite3, mmap, sockets, files
. "$(dirname "$0")/lib.sh"
PY=/usr/bin/python3

compare "eight threads with locks, queues, events, barriers" 120 -i $PY <<'END'
import threading, queue, time
n = 0; lock = threading.Lock(); bar = threading.Barrier(8); q = queue.Queue(10); done = []
def work(i):
    global n
    for _ in range(5000):
        with lock: n += 1
    for _ in range(50): bar.wait()
    for _ in range(100): q.put(i)
def drain():
    for _ in range(800): done.append(q.get())
ts = [threading.Thread(target=work, args=(i,)) for i in range(8)] + [threading.Thread(target=drain)]
[t.start() for t in ts]; [t.join() for t in ts]
print(n, sorted(done) == sorted(list(range(8)) * 100))
e = threading.Event(); t = threading.Timer(0.05, e.set); t.start(); print(e.wait(5)); print(threading.active_count() <= 2)
c = threading.Condition(); r = []
def w():
    with c:
        while not r: c.wait()
        print(r.pop())
t = threading.Thread(target=w); t.start()
with c: r.append('cond'); c.notify_all()
t.join(); l = threading.local(); print(hasattr(l, 'x'), lock.acquire(timeout=1))
END
compare "subprocess, os, signals, ptys" 120 -i $PY <<'END'
import os, subprocess, signal, sys, pty, select, resource, tempfile, shutil, pathlib, fcntl, errno
print(subprocess.run(['sh', '-c', 'echo out; echo err >&2; exit 3'], capture_output=True, text=True))
print(subprocess.check_output('cat | wc -c', shell=True, input=b'x' * 100000)); p = subprocess.Popen(['sleep', '60']); p.terminate(); print(p.wait())
try: subprocess.run(['sleep', '60'], timeout=0.2)
except subprocess.TimeoutExpired: print('timeout')
try: subprocess.run(['/nonexistent'])
except FileNotFoundError as e: print(e.errno)
for _ in range(30): assert os.spawnlp(os.P_WAIT, 'true', 'true') == 0
print(sum(subprocess.Popen(['sh', '-c', 'exit %d' % i]).wait() for i in range(20)))
signal.signal(signal.SIGALRM, lambda *a: print('alarm')); signal.setitimer(signal.ITIMER_REAL, 0.05); signal.pause()
m, s = pty.openpty(); os.write(s, b'tty\n'); print(os.read(m, 10), os.isatty(s), os.ttyname(s).startswith('/dev/pts/')); os.close(m); os.close(s)
r, w = os.pipe(); pid = os.fork()
if pid == 0: os.write(w, b'child'); os._exit(7)
print(os.read(r, 10), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])); os.close(r); os.close(w)
d = pathlib.Path('tree'); d.mkdir(); [(d / str(i)).write_text('x' * i) for i in range(100)]; print(sum(f.stat().st_size for f in d.iterdir()))
shutil.copytree('tree', 'copy'); shutil.make_archive('a', 'gztar', 'tree'); os.remove('a.tar.gz'); shutil.rmtree('tree'); print(sorted(os.listdir('.')))
for root, dirs, files in os.walk('/usr/include/linux'): pass
print(len(os.environ) > 3, os.getcwd() == os.environ['HOME'], os.umask(0o22), resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 0, os.cpu_count() >= 1)
with tempfile.TemporaryFile() as f: f.write(b'tmp'); f.seek(0); print(f.read()); fcntl.flock(f, fcntl.LOCK_EX)
print(os.get_terminal_size(0) if os.isatty(0) else 'no tty', os.access('/etc/passwd', os.R_OK), errno.errorcode[2]); os.kill(os.getpid(), signal.SIGKILL)
END
compare "multiprocessing: pool, queue, shared memory, managers" 120 <<'END'
cat > m.py <<'PY'
import multiprocessing as mp, os
from multiprocessing import shared_memory
def sq(x): return x * x
def add(q, n): [q.put(n) for _ in range(100)]
def inc(v, l):
    for _ in range(1000):
        with l: v.value += 1
def shm(name): s = shared_memory.SharedMemory(name); s.buf[0] = 77; s.close()
if __name__ == '__main__':
    for method in ('fork', 'spawn', 'forkserver'):
        c = mp.get_context(method)
        with c.Pool(4) as p: print(method, sum(p.map(sq, range(1000))))
        q = c.Queue(); ps = [c.Process(target=add, args=(q, i)) for i in range(3)]; [p.start() for p in ps]; print(sum(q.get() for _ in range(300))); [p.join() for p in ps]
        v = c.Value('i', 0); l = c.Lock(); ps = [c.Process(target=inc, args=(v, l)) for _ in range(3)]; [p.start() for p in ps]; [p.join() for p in ps]; print(v.value)
    s = shared_memory.SharedMemory(create=True, size=100); p = mp.Process(target=shm, args=(s.name,)); p.start(); p.join(); print(s.buf[0]); s.close(); s.unlink()
    with mp.Manager() as m: d = m.dict(); d['k'] = 1; print(dict(d))
    a, b = mp.Pipe(); a.send({'x': [1, 2]}); print(b.recv())
    p = mp.Process(target=os._exit, args=(5,)); p.start(); p.join(); print(p.exitcode)
PY
python3 m.py; rm -r __pycache__ 2>/dev/null; true
END
compare "asyncio: tasks, subprocesses, streams, timeouts" 120 -i $PY <<'END'
import asyncio, os
async def tick(n): await asyncio.sleep(0.001 * n); return n
async def handle(r, w): w.write((await r.readline()).upper()); await w.drain(); w.close()
async def main():
    print(sum(await asyncio.gather(*(tick(i % 20) for i in range(500)))))
    p = await asyncio.create_subprocess_exec('sh', '-c', 'read x; echo got $x; exit 2', stdin=-1, stdout=-1); print(await p.communicate(b'input\n'), p.returncode)
    ps = [await asyncio.create_subprocess_exec('true') for _ in range(10)]; print([await p.wait() for p in ps])
    s = await asyncio.start_unix_server(handle, 'sock')
    async def ask(i): r, w = await asyncio.open_unix_connection('sock'); w.write(b'hello %d\n' % i); d = await r.read(); w.close(); return d
    print(sorted(await asyncio.gather(*(ask(i) for i in range(30))))[:3]); s.close(); await s.wait_closed(); os.path.exists('sock') and os.remove('sock')
    try: await asyncio.wait_for(asyncio.sleep(10), 0.05)
    except asyncio.TimeoutError: print('timeout')
    loop = asyncio.get_running_loop(); print(await loop.run_in_executor(None, sum, range(1000))); f = loop.create_future(); loop.call_later(0.01, f.set_result, 'later'); print(await f)
asyncio.run(main())
END
compare "sqlite3: 100,000 inserts, integrity, transactions, two processes" 200 -x '\|f\|' -i $PY <<'END'
import sqlite3, os, hashlib
c = sqlite3.connect('db'); c.execute('create table t(id integer primary key, v text, n int)')
with c: c.executemany('insert into t values(?,?,?)', ((i, 'v%d' % (i * 7919 % 100003), i % 97) for i in range(100000)))
c.execute('create index x on t(n)'); c.commit(); print(c.execute('select count(*), sum(n), max(v) from t').fetchone())
print(c.execute('pragma integrity_check').fetchone(), c.execute('select n, count(*) from t group by n order by 2 desc, 1 limit 2').fetchall())
for i in range(100):
    with c: c.execute('update t set v = ? where id = ?', ('u%d' % i, i))
try:
    with c: c.execute('delete from t'); raise RuntimeError
except RuntimeError: print(c.execute('select count(*) from t').fetchone())
c.execute('pragma journal_mode=wal').fetchone(); pid = os.fork()
if pid == 0:
    d = sqlite3.connect('db', timeout=20)
    for i in range(200):
        with d: d.execute('update t set n = n + 1 where id = 5')
    os._exit(0)
e = sqlite3.connect('db', timeout=20)
for i in range(200):
    with e: e.execute('update t set n = n + 1 where id = 5')
print(os.waitpid(pid, 0)[1], e.execute('select n from t where id = 5').fetchone(), e.execute('pragma integrity_check').fetchone())
e.execute('vacuum'); e.close(); c.close(); print(sorted(os.listdir('.')))
END
compare "sockets on loopback, mmap, select, ssl-free http" 120 -i $PY <<'END'
import socket, threading, mmap, select, os, struct, tempfile, array
m = mmap.mmap(-1, 1 << 20); m[5:10] = b'hello'; print(m[5:10], m.find(b'lo'))
with open('f', 'wb') as f: f.truncate(10000)
with open('f', 'r+b') as f: mm = mmap.mmap(f.fileno(), 0); mm[9999] = 65; mm.flush(); mm.close()
print(open('f', 'rb').read()[-1]); a, b = socket.socketpair(); ep = select.epoll(); ep.register(a, select.EPOLLIN); b.send(b'x'); print([e for _, e in ep.poll(1)])
socket.send_fds(a, [b'fd'], [os.open('f', os.O_RDONLY)]); print(len(socket.recv_fds(b, 10, 1)[1]))
END
finish
