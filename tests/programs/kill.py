# SPDX-License-Identifier: Apache-2.0
"""kill.py - kills one process of a sandbox at a random moment and looks what is left a second later

usage: kill.py RUNSC TRIES [SEED]

This process is the reaper of all descendants, so nothing can hide from it. Each try starts a sandbox with one of
several workloads, waits up to 150 ms, sends SIGKILL to runsc, to the sentry or to the gofer, and then every
descendant must be gone within a second. Prints one line a failure and a summary; exit status 1 on failure.
"""
import ctypes
import os
import random
import signal
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
WORK = [
    "sleep 100",
    "while :; do /bin/true; done",
    "while :; do :; done",
    "i=0; while :; do echo $i > /tmp/f$((i % 50)); i=$((i + 1)); done",
    "cat /dev/zero | cat > /dev/null",
    "(sleep 100 & sleep 100 & sleep 100 & wait) & find / -xdev > /dev/null 2>&1; wait",
]


def processes():
    """pid -> (parent, state, name) of all processes."""
    table = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as f:
                text = f.read()
        except OSError:
            continue
        rest = text[text.rindex(")") + 2:].split()
        table[int(pid)] = (int(rest[1]), rest[0], text[text.index("(") + 1:text.rindex(")")])
    return table


def descendants():
    table, found, todo = processes(), {}, [os.getpid()]
    while todo:
        parent = todo.pop()
        for pid, (ppid, state, name) in table.items():
            if ppid == parent and pid not in found:
                found[pid] = (state, name)
                todo.append(pid)
    return found


def role(pid):
    """runsc's own processes by their command line; None for a workload's."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            argv = f.read().split(b"\0")
    except OSError:
        return None
    program = os.path.basename(argv[0])
    if program == b"runsc" and b"do" in argv[1:3]:
        return "runsc"
    return {b"runsc-sentry": "sentry", b"runsc-gofer": "gofer"}.get(program)


def reap():
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return
        except ChildProcessError:
            return


def living():
    reap()
    return {p: v for p, v in descendants().items() if v[0] != "Z"}


def one_try(runsc, rng, counts):
    work = rng.choice(WORK)
    child = subprocess.Popen([runsc, "do", "--", "/bin/sh", "-c", work], stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    time.sleep(rng.random() * 0.15)
    roles = {}
    for pid in living():
        roles.setdefault(role(pid), []).append(pid)
    targets = [r for r in ("runsc", "sentry", "gofer") if r in roles]
    if not targets:
        return f"no process of runsc found: {living()}"
    target = rng.choice(targets)
    counts[target] = counts.get(target, 0) + 1
    for pid in roles[target]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    end = time.monotonic() + 1
    left = living()
    while left and time.monotonic() < end:
        time.sleep(0.005)
        left = living()
    child.returncode = 0
    if left:
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.2)
        reap()
        return f"{target} killed during \"{work}\": still there {left}"
    return None


def main():
    runsc, tries = sys.argv[1], int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else int(time.time())
    rng, bad, counts = random.Random(seed), 0, {}
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for i in range(tries):
        what = one_try(runsc, rng, counts)
        if what:
            bad += 1
            print(f"try {i}: {what}")
        if bad >= 10:
            break
    print(f"seed {seed}: {tries} tries, killed {counts}, {bad} bad")
    return 1 if bad or len(counts) < 3 else 0


sys.exit(main())
