# SPDX-License-Identifier: Apache-2.0
"""bench.py - the same work in a plain container (runc) and in the sandbox, interleaved; two tables

usage: bench.py RUNSC MICRO [--rounds N] [--only PATTERN] [--micro] [--programs] [--json FILE] [--explain ROW]

Both see the host's files read-only and write to memory below /tmp: the container by a bundle whose root is a read-only
bind mount of /, the sandbox by `runsc do`. MICRO is mounted in both: the folder that it was built in may be on
another file system, or below /tmp. Medians over the rounds; ratio = sandbox / container. "gVisor"
is what gVisor's head of August 2026 (systrap, same kind of machine) took, as a ratio to runc; "MISSED" marks a ratio
above it. --explain prints instead what one operation of a micro row costs: the counters of `runsc do --stats` for
two runs of different length, their difference divided by the difference in operations. Programs are timed inside, by `micro --time`, so start-up counts only in the rows that are named so.
"""
import argparse
import fnmatch
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

GVISOR_MICRO = {
    "getppid": 43, "stat": 50, "open+close": 10, "open missing name": 40, "create+unlink": 6.5, "mmap+munmap": 86,
    "mprotect": 37, "fault anonymous": 1.5, "thread create+join": 14, "fork+exit+wait": 15, "vfork+exec+wait": 5.9,
    "signal to oneself": 11,
}
# What the host does for the guest takes what it takes natively, give or take noise.
NATIVE = {"clock_gettime": 1.25, "fault file": 1.5, "futex ping-pong": 1.25, "barrier of 8 threads": 1.5}

PY_THREADS = """
import threading
n, lock, bar = 0, threading.Lock(), threading.Barrier(8)
def work():
    global n
    for _ in range(300):
        for _ in range(20):
            with lock: n += 1
        bar.wait()
ts = [threading.Thread(target=work) for _ in range(8)]
[t.start() for t in ts]; [t.join() for t in ts]
"""
PY_SQLITE = """
import sqlite3
c = sqlite3.connect('b.db'); c.execute('create table if not exists t(v)')
for i in range(200):
    with c: c.execute('insert into t values(?)', (i,))
"""
MAKE_FILES = """
mkdir -p $W/m && cd $W/m
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo "#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int f$i(int x) { char b[64]; snprintf(b, sizeof b, \\"%d\\", x); return atoi(b) + $i; }" > f$i.c; done
printf 'O := $(patsubst %%.c,%%.o,$(wildcard f*.c))\\nall: $O\\n%%.o: %%.c\\n\\tgcc -O1 -c -o $@ $<\\n' > Makefile
"""
GIT_FILES = "mkdir -p $W/g && cd $W/g && for i in $(seq 300); do seq $i > f$i; done"
GIT_RUN = ("cd $W/g && rm -rf .git && git init -q . && git add -A && "
           "git -c user.name=a -c user.email=a@x commit -q -m x")

# name, gVisor's ratio, preparation, command, times it runs (the fastest counts)
PROGRAMS = [
    ("python3 doing nothing", 4.1, "", "exec /usr/bin/python3 -c pass", 5),
    ("perl doing nothing", 10, "", "exec perl -e 1", 5),
    ("ruby doing nothing", 3.4, "", "exec ruby -e 1", 5),
    ("node doing nothing", 2.0, "", "exec node -e 0", 3),
    ("100 fork+exec from sh", 7.2, "", "i=0; while [ $i -lt 100 ]; do /bin/true; i=$((i+1)); done", 3),
    ("300 subshells", 33, "", "i=0; while [ $i -lt 300 ]; do (:); i=$((i+1)); done", 3),
    ("make -j2 of 12 C files", 8.9, MAKE_FILES, "cd $W/m && rm -f *.o && make -s -j2", 2),
    ("git add+commit, 300 files", 9.0, GIT_FILES, GIT_RUN, 3),
    ("find /usr", 15, "", "find /usr -xdev > /dev/null", 3),
    ("grep -r", 8.3, "", "grep -r no_such_word_here /usr/include || :", 3),
    ("tar to a pipe", 11, "", "tar -C /usr -cf - include | cat > /dev/null", 3),
    ("cp -r", 15, "", "rm -rf c; cp -r /usr/include/linux c", 3),
    ("dd of 64 KiB blocks", None, "", "dd if=/dev/zero of=dd bs=64k count=2000 2> /dev/null", 3),
    ("dd of 512 B blocks", 7.6, "", "dd if=/dev/zero of=dd bs=512 count=50000 2> /dev/null", 3),
    ("pipe of 256 MiB", 2.6, "", "head -c 268435456 /dev/zero | cat > /dev/null", 3),
    ("sqlite, 200 commits", 1.2, "rm -f b.db", "exec /usr/bin/python3 -c \"$PY_SQLITE\"", 3),
    ("8 python threads, barriers and locks", 1.7, "", "exec /usr/bin/python3 -c \"$PY_THREADS\"", 3),
]
CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
                "SYS_CHROOT", "MKNOD", "SETFCAP"]
ENV = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp", "LC_ALL": "C.UTF-8",
       "BENCH_FILE": shutil.which("node") or "/usr/bin/python3", "PY_SQLITE": PY_SQLITE, "PY_THREADS": PY_THREADS}


MICRO = f"/tmp/bench-{os.getpid()}"  # where both sides see it
ENV["W"] = MICRO + ".work"  # where programs work


class Container:
    """A bundle for runc or `runsc run`: the host's root read-only, a tmpfs on /tmp."""

    def __init__(self, runtime, name, tools):
        self.runtime, self.name, self.tools, self.count = runtime, name, tools, 0
        self.dir = tempfile.mkdtemp(prefix="bench.", dir="/var/tmp")
        self.root = os.path.join(self.dir, "rootfs")
        os.mkdir(self.root)
        subprocess.run(["mount", "--bind", "/", self.root], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", self.root], check=True)

    def configure(self, argv):
        path = os.path.join(self.dir, "config.json")
        if os.path.exists(path):
            os.unlink(path)
        subprocess.run([self.runtime, "spec", "--bundle", self.dir], check=True)
        with open(path) as f:
            spec = json.load(f)
        spec["process"].update(terminal=False, args=argv, cwd="/tmp", env=[f"{k}={v}" for k, v in ENV.items()])
        caps = [f"CAP_{c}" for c in CAPABILITIES]
        spec["process"]["capabilities"] = {c: caps for c in ("bounding", "effective", "permitted")}
        spec["process"]["rlimits"] = [{"type": "RLIMIT_NOFILE", "hard": 4096, "soft": 4096}]
        spec["root"] = {"path": "rootfs", "readonly": True}
        spec["mounts"] = [m for m in spec["mounts"] if m["type"] != "cgroup"]
        spec["mounts"].append({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs",
                               "options": ["nosuid", "nodev", "mode=1777"]})
        spec["mounts"].append({"destination": MICRO, "type": "bind", "source": self.tools, "options": ["rbind", "ro"]})
        with open(path, "w") as f:
            json.dump(spec, f)

    def command(self, argv):
        self.configure(argv)
        self.count += 1
        return [self.runtime, "run", "--bundle", self.dir, f"{self.name}-{os.getpid()}-{self.count}"]

    def close(self):
        subprocess.run(["umount", "-l", self.root])
        shutil.rmtree(self.dir, ignore_errors=True)


class Sandbox:
    def __init__(self, runsc, tools):
        self.runsc, self.tools = runsc, tools

    def command(self, argv):
        return [self.runsc, "do", "--cwd", "/tmp", "--volume", f"{self.tools}:{MICRO}:ro", "--"] + argv

    def close(self):
        pass


def output(command, seconds=600):
    p = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                       env=ENV, timeout=seconds, start_new_session=True)
    if p.returncode != 0:
        raise RuntimeError(f"status {p.returncode}: {p.stderr.strip()[-300:]}")
    return p.stdout


def rows_of(text):
    return {k: float(v) for k, v in (line.split("\t") for line in text.splitlines() if "\t" in line)}


def family(pid):
    """pid and all its descendants."""
    parents = {}
    for p in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{p}/stat") as f:
                parents[int(p)] = int(f.read().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            pass
    found = {pid}
    grown = True
    while grown:
        more = {p for p, q in parents.items() if q in found} - found
        found |= more
        grown = bool(more)
    return found


def pss_kib(pids):
    total = 0
    for p in pids:
        try:
            with open(f"/proc/{p}/smaps_rollup") as f:
                total += sum(int(line.split()[1]) for line in f if line.startswith("Pss:"))
        except OSError:
            pass
    return total


def cpu_ticks(pids):
    total = 0
    for p in pids:
        try:
            with open(f"/proc/{p}/stat") as f:
                v = f.read().rpartition(")")[2].split()
            total += int(v[11]) + int(v[12])
        except (OSError, IndexError):
            pass
    return total


def idle(side):
    """(memory in MiB, CPU in milliseconds over 10 s) of a sandbox that sleeps."""
    p = subprocess.Popen(side.command(["sleep", "1000"]), env=ENV, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL, start_new_session=True)
    time.sleep(2)
    if p.poll() is not None:
        return None, None
    memory, before = pss_kib(family(p.pid)), cpu_ticks(family(p.pid))
    time.sleep(10)
    cpu = cpu_ticks(family(p.pid)) - before
    for q in family(p.pid) - {p.pid}:
        try:
            os.kill(q, signal.SIGKILL)
        except ProcessLookupError:
            pass
    p.kill()
    p.wait()
    return memory / 1024, cpu * 1000 / os.sysconf("SC_CLK_TCK")


def value(v, unit):
    if v is None:
        return "failed"
    if unit == "ns":
        return f"{v:,.0f} ns" if v < 1e5 else f"{v / 1e3:,.0f} us" if v < 1e8 else f"{v / 1e6:,.0f} ms"
    return f"{v:,.1f} {unit}"


def table(title, rows):
    print(f"\n{title}\n")
    print(f"| {'what':38} | {'container':>12} | {'sandbox':>12} | {'ratio':>7} | {'gVisor':>7} |        |")
    print(f"| {'-' * 38} | {'-' * 11}: | {'-' * 11}: | {'-' * 6}: | {'-' * 6}: | ------ |")
    for name, unit, container, sandbox, limit, shown in rows:
        ratio = sandbox / container if sandbox is not None and container else None
        missed = sandbox is None or (limit is not None and (ratio if ratio is not None else sandbox) > limit)
        if unit == "MiB" or unit == "ms in 10 s":
            missed = sandbox is None or sandbox > limit
            ratio = None
        print(f"| {name:38} | {value(container, unit):>12} | {value(sandbox, unit):>12} | "
              f"{'' if ratio is None else f'{ratio:.2f}':>7} | {shown:>7} | {'MISSED' if missed else '':6} |")
    sys.stdout.flush()


def median(values):
    return statistics.median(values) if values else None


def micro_table(sides, micro, rounds, only):
    names = [n for n in output([micro, "--list"]).splitlines() if fnmatch.fnmatch(n, only)]
    got = {side: {n: [] for n in names} for side in sides}
    for r in range(rounds):
        for side in sides:
            try:
                found = rows_of(output(sides[side].command([MICRO + "/micro", "-t", "60"] + names)))
            except (RuntimeError, subprocess.TimeoutExpired):
                found = {}
                for n in names:  # one row fails: the others count all the same
                    try:
                        found.update(rows_of(output(sides[side].command([MICRO + "/micro", "-t", "60", n]), 30)))
                    except (RuntimeError, subprocess.TimeoutExpired) as e:
                        print(f"{side}: {n}: {e}", file=sys.stderr)
            for n, v in found.items():
                got[side][n].append(v)
    rows = []
    for n in names:
        limit = GVISOR_MICRO.get(n, NATIVE.get(n))
        shown = str(GVISOR_MICRO[n]) if n in GVISOR_MICRO else "native" if n in NATIVE else ""
        rows.append((n, "ns", median(got["container"][n]), median(got["sandbox"][n]), limit, shown))
    table("Micro: time per operation", rows)
    return rows


def counted(runsc, micro, row, n):
    """The counters of one run of n operations, and its time per operation."""
    p = subprocess.run([runsc, "do", "--stats", "--cwd", "/tmp", "--", micro, "-n", str(n), row], capture_output=True,
                       text=True, timeout=120, stdin=subprocess.DEVNULL)
    if p.returncode != 0:
        raise RuntimeError(p.stderr)
    lines = [line.split("\t", 1) for line in p.stderr.splitlines() if "\t" in line]
    return {name: int(value) for value, name in lines}, float(p.stdout.split("\t")[1])


def explain(runsc, micro, row):
    _, ns = counted(runsc, micro, row, 100)
    n = max(100, int(0.3e9 / ns))
    few, _ = counted(runsc, micro, row, n)
    many, ns = counted(runsc, micro, row, 3 * n)
    print(f"{row}: {ns:,.0f} ns an operation with --stats, {2 * n} operations\n")
    for name, value_ in many.items():
        each = (value_ - few.get(name, 0)) / (2 * n)
        if each >= 0.005:
            print(f"{each:12,.2f}  {name}")


def program_rows(sides, rounds, only):
    rows = []
    for name, limit, prepare, run, times in PROGRAMS:
        if not fnmatch.fnmatch(name, only):
            continue
        script = f"mkdir $W && cd $W\n{prepare}\ncd $W && exec {MICRO}/micro --time {times} sh -c '{run}'"
        got = {side: [] for side in sides}
        for r in range(rounds):
            for side in sides:
                try:
                    got[side].append(rows_of(output(sides[side].command(["sh", "-c", script]), 120))["time"])
                except (RuntimeError, KeyError, subprocess.TimeoutExpired) as e:
                    print(f"{side}: {name}: {e}", file=sys.stderr)
        rows.append((name, "ns", median(got["container"]), median(got["sandbox"]), limit, str(limit or "")))
    return rows


def startup(side):
    start = time.monotonic()
    output(side, 60)
    return (time.monotonic() - start) * 1e9


def start_rows(sides, run, rounds, only):
    rows = []
    names = {"start to end of true, runsc do": sides["sandbox"], "start to end of true, runsc run": run}
    for name, side in names.items():
        if not fnmatch.fnmatch(name, only):
            continue
        got = {"container": [], "sandbox": []}
        for r in range(rounds * 3):
            for key, one in (("container", sides["container"]), ("sandbox", side)):
                try:
                    got[key].append(startup(one.command(["/bin/true"])))
                except (RuntimeError, subprocess.TimeoutExpired) as e:
                    print(f"{key}: {name}: {e}", file=sys.stderr)
        rows.append((name, "ns", median(got["container"]), median(got["sandbox"]), 4.7, "4.7"))
    if any(fnmatch.fnmatch(n, only) for n in ("idle", "idle: memory (PSS)", "idle: CPU")):
        both = {key: idle(one) for key, one in sides.items()}
        rows.append(("idle: memory (PSS)", "MiB", both["container"][0], both["sandbox"][0], 42, "42 MiB"))
        rows.append(("idle: CPU", "ms in 10 s", both["container"][1], both["sandbox"][1], 0, "0"))
    return rows


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # cleans up on the way
    a = argparse.ArgumentParser()
    a.add_argument("runsc")
    a.add_argument("micro")
    a.add_argument("--rounds", type=int, default=3)
    a.add_argument("--only", default="*")
    a.add_argument("--micro", action="store_true", dest="just_micro")
    a.add_argument("--programs", action="store_true", dest="just_programs")
    a.add_argument("--json")
    a.add_argument("--explain")
    a = a.parse_args()
    runsc, micro = os.path.abspath(a.runsc), os.path.abspath(a.micro)
    if a.explain:
        explain(runsc, micro, a.explain)
        return
    tools = tempfile.mkdtemp(prefix="bench.", dir="/var/tmp")
    os.chmod(tools, 0o755)
    shutil.copy(micro, tools + "/micro")
    sides = {"container": Container("runc", "bench-runc", tools), "sandbox": Sandbox(runsc, tools)}
    run = Container(runsc, "bench-runsc", tools)
    rows = []
    try:
        if not a.just_programs:
            rows += micro_table(sides, micro, a.rounds, a.only)
        if not a.just_micro:
            programs = start_rows(sides, run, a.rounds, a.only) + program_rows(sides, a.rounds, a.only)
            table("Whole programs", programs)
            rows += programs
    finally:
        for side in list(sides.values()) + [run]:
            side.close()
        shutil.rmtree(tools, ignore_errors=True)
    if a.json:
        with open(a.json, "w") as f:
            json.dump([dict(zip(("name", "unit", "container", "sandbox", "limit", "gvisor"), r)) for r in rows], f, indent=1)


main()
