#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# node.sh - node: event loop, files, worker threads, child processes, streams, crypto
. "$(dirname "$0")/lib.sh"

compare "event loop, promises, timers, files, streams" 100 -i node <<'END'
const fs = require('fs'), zlib = require('zlib'), crypto = require('crypto'), path = require('path'), { pipeline } = require('stream/promises'), os = require('os');
(async () => {
  await Promise.all([...Array(200).keys()].map(i => fs.promises.writeFile('f' + i, 'x'.repeat(i * 10))));
  let n = 0; for (const f of fs.readdirSync('.').sort()) n += fs.statSync(f).size; console.log(n, fs.readdirSync('.').length);
  const big = crypto.createHash('sha256').update('a'.repeat(1 << 20)).digest('hex'); console.log(big);
  fs.writeFileSync('in', Buffer.alloc(5 << 20, 'abc')); await pipeline(fs.createReadStream('in'), zlib.createGzip({ level: 1 }), fs.createWriteStream('in.gz'));
  await pipeline(fs.createReadStream('in.gz'), zlib.createGunzip(), fs.createWriteStream('out')); console.log(fs.readFileSync('in').equals(fs.readFileSync('out'))); for (const f of ['in', 'in.gz', 'out']) fs.unlinkSync(f);
  const t = Date.now(); await new Promise(r => setTimeout(r, 30)); console.log(Date.now() - t >= 29); try { fs.readFileSync('none') } catch (e) { console.log(e.code, e.errno) }
  fs.mkdirSync('a/b/c', { recursive: true }); fs.symlinkSync('../f1', 'a/l'); console.log(fs.realpathSync('a/l').endsWith('f1'), fs.existsSync('a/x'), os.cpus().length >= 1, os.totalmem() > 0);
  const w = fs.watch('a'); const ev = new Promise(r => w.once('change', (e, f) => r(f))); fs.writeFileSync('a/new', 'x'); console.log(await ev); w.close();
  process.on('SIGUSR2', () => { console.log('signal'); process.exit(5) }); process.kill(process.pid, 'SIGUSR2'); setTimeout(() => {}, 5000);
})();
END
compare "worker threads, shared memory, Atomics" 100 <<'END'
cat > w.js <<'JS'
const { Worker, isMainThread, workerData, parentPort } = require('worker_threads');
if (isMainThread) (async () => {
  const s = new SharedArrayBuffer(8), a = new Int32Array(s);
  const r = await Promise.all([...Array(4).keys()].map(i => new Promise((ok, no) => { const w = new Worker(__filename, { workerData: { s, i } }); w.on('message', ok); w.on('error', no) })));
  console.log(r.join(), Atomics.load(a, 0));
})(); else { const a = new Int32Array(workerData.s); for (let k = 0; k < 100000; k++) Atomics.add(a, 0, 1); let x = 0; for (let k = 0; k < 1e6; k++) x = (x * 31 + k) | 0; parentPort.postMessage(workerData.i + ':' + x) }
JS
node w.js; rm w.js
END
compare "child processes, pipes, fork with messages, unix sockets, http" 100 <<'END'
cat > c.js <<'JS'
const cp = require('child_process'), net = require('net'), fs = require('fs'), http = require('http');
if (process.argv[2] === 'child') { process.on('message', m => { process.send({ got: m.n * 2 }); process.disconnect() }) } else (async () => {
  console.log(cp.execSync('echo sync').toString().trim(), cp.spawnSync('sh', ['-c', 'exit 3']).status, cp.spawnSync('sh', ['-c', 'kill -9 $$']).signal);
  const run = i => new Promise(r => cp.execFile('sh', ['-c', 'echo ' + i + '; exit ' + i % 3], (e, o) => r(o.trim() + (e ? e.code : 0)))); console.log((await Promise.all([...Array(20).keys()].map(run))).join());
  await new Promise(r => { const c = cp.fork(__filename, ['child']); c.send({ n: 21 }); c.on('message', m => console.log(m.got)); c.on('exit', r) });
  await new Promise(r => { const c = cp.spawn('cat'); let o = ''; c.stdout.on('data', d => o += d); c.on('close', () => { console.log(o.length); r() }); c.stdin.end('z'.repeat(300000)) });
  await new Promise(r => { const s = net.createServer(c => c.pipe(c)).listen('sock', () => { const c = net.connect('sock'); c.write('echo'); c.once('data', d => { console.log(d + ''); c.end(); s.close(r) }) }) });
  await new Promise(r => { const s = http.createServer((q, a) => a.end('url ' + q.url)).listen('hs', () => http.get({ socketPath: 'hs', path: '/x' }, a => a.on('data', d => { console.log(d + ''); a.destroy(); s.close(); s.closeAllConnections(); r() }))) }); process.exitCode = 9;
})();
JS
node c.js; echo $?; rm c.js; ls
END
finish
