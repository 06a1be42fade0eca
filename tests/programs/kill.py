# SPDX-License-Identifier: Apache-2.0
"""kill.py - kills one process of a sandbox at a random moment and looks what is left a second later

usage: kill.py RUNSC TRIES [SEED]

This process is the reaper of all descendants, so nothing can hide from it. Sandboxes are started in batches, each with
one of several workloads; each of them loses runsc, its sentry, its gofer, or whatever process is there while it
starts, to SIGKILL at a moment of its own between 0 and 250 ms. A second after the last one every descendant
must be gone: a second of a machine with a CPU to spare, so where more is runnable than there are CPUs, the
descendants get as much longer. Prints one line a failure and a summary; exit status 1 on failure.
"""
import ctypes
import os
import random
import signal
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
BATCH = 10
WORK = [
    "sleep 100",
    "while :; do /bin/true; done",
    "while :; do :; done",
    "i=0; while :; do echo $i > /tmp/f$((i % 50)); i=$((i + 1)); done",
    "cat /dev/zero | cat > /dev/null",
    "(sleep 100 & sleep 100 & sleep 100 & wait) & find / -xdev > /dev/null 2>&1; wait",
]


def children(pid):
    """Direct children, of all threads of a process."""
    found = []
    try:
        for tid in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{tid}/children") as f:
                found += map(int, f.read().split())
    except OSError:
        pass
    return found


def describe(pid):
    """(state, name) of a process, ("Z", "") when it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            text = f.read()
    except OSError:
        return ("Z", "")
    return (text[text.rindex(")") + 2], text[text.index("(") + 1:text.rindex(")")])


def reap():
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return
        except ChildProcessError:
            return


def living():
    """All descendants that still run, with what they are."""
    reap()
    found, todo = {}, children(os.getpid())
    while todo:
        pid = todo.pop()
        found[pid] = describe(pid)
        todo += children(pid)
    return {p: v for p, v in found.items() if v[0] not in "ZX"}


class Try:
    def __init__(self, runsc, rng):
        self.work = rng.choice(WORK)
        self.moment = time.monotonic() + rng.random() * 0.25
        self.which = rng.random()
        self.child = subprocess.Popen([runsc, "do", "--", "/bin/sh", "-c", self.work], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

    def strike(self):
        """Kills one of runsc and its direct children; its name."""
        targets = [self.child.pid] + children(self.child.pid)
        pid = targets[int(self.which * len(targets))]
        name = describe(pid)[1]
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.text = f"{name} killed during \"{self.work}\""
        return name


def crowd():
    """How many times more is runnable than there are CPUs, at least 1."""
    with open("/proc/loadavg") as f:
        return max(1.0, int(f.read().split()[3].partition("/")[0]) / os.cpu_count())


def batch(runsc, rng, size, counts):
    """Starts and kills @size sandboxes; what is left, as text, or None."""
    tries = [Try(runsc, rng) for _ in range(size)]
    for one in sorted(tries, key=lambda t: t.moment):
        time.sleep(max(0, one.moment - time.monotonic()))
        name = one.strike()
        counts[name] = counts.get(name, 0) + 1
    start, left, spare = time.monotonic(), living(), 1.0
    while left and spare > 0:
        time.sleep(0.01)
        now = time.monotonic()
        spare, start, left = spare - (now - start) / crowd(), now, living()
    for one in tries:
        one.child.returncode = 0
    if not left:
        return None
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    time.sleep(0.2)
    reap()
    return f"still there {left} after: " + ", ".join(one.text for one in tries)


def main():
    runsc, tries = sys.argv[1], int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else int(time.time())
    rng, bad, counts, done = random.Random(seed), 0, {}, 0
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    while done < tries and bad < 3:
        size = min(BATCH, tries - done)
        what = batch(runsc, rng, size, counts)
        done += size
        if what:
            bad += 1
            print(f"try {done - size} and on: {what}")
    print(f"seed {seed}: {done} tries, killed {counts}, {bad} bad")
    return 1 if bad or not {"runsc", "runsc-sentry", "runsc-gofer"} <= set(counts) else 0


sys.exit(main())
