#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""lifecycle.py - the commands that move a container through its life

usage: lifecycle.py [RUNSC [CASE...]]

The test is the subreaper of all it starts, as conmon and containerd's shim are: proxies, sentries and gofers that a
command leaves behind become its children. So it reads wait statuses where clients do, and sees what is left over:
after each case no child may be left, no file in the state directory, no cgroup. Where the answer to a wrong call is
runc's, the same call is made to runc too, when there is one.

LONG=1 in the environment makes more rounds of the cases that repeat.
"""
import array
import ctypes
import fcntl
import json
import os
import random
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time

TOP = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
RUNSC = os.environ.get("RUNSC", os.path.join(TOP, "build/bin/runsc"))
LONG = bool(os.environ.get("LONG"))
ROUNDS = 300 if LONG else 25
KILLS = 200 if LONG else 40
AT_ONCE = 20 if LONG else 8
PREFIX = "lc-%d-" % os.getpid()
LOOP = 'trap "exit 5" TERM; echo up; while :; do sleep 0.05; done'

ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


class Failed(Exception):
    pass


def must(condition, text):
    if not condition:
        raise Failed(text)


class Host:
    """A directory with a bundle of busybox and the state of its containers."""

    def __init__(self, runtime):
        self.runtime = runtime
        self.work = tempfile.mkdtemp(prefix="lifecycle.")
        self.root = os.path.join(self.work, "state")
        self.bundle = os.path.join(self.work, "bundle")
        rootfs = os.path.join(self.bundle, "rootfs")
        for name in ("bin", "proc", "sys", "dev", "tmp", "etc"):
            os.makedirs(os.path.join(rootfs, name))
        shutil.copy("/bin/busybox", os.path.join(rootfs, "bin/busybox"))
        for name in ("sh", "cat", "echo", "sleep", "id", "tty", "stty", "kill", "env", "pwd", "true", "ls", "ps"):
            os.symlink("busybox", os.path.join(rootfs, "bin", name))
        with open(os.path.join(rootfs, "etc/passwd"), "w", encoding="ascii") as f:
            f.write("root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n")
        subprocess.run([RUNSC, "spec", "--bundle", self.bundle], check=True)
        with open(os.path.join(self.bundle, "config.json"), encoding="ascii") as f:
            self.config = json.load(f)
        self.config["process"].update(terminal=False, args=["sh", "-c", LOOP])
        self.config["root"]["readonly"] = False
        self.config["annotations"] = {"org.example.key": "value"}
        self.count = 0
        self.write()

    def write(self, args=None, **process):
        config = json.loads(json.dumps(self.config))
        if args:
            config["process"]["args"] = args
        config["process"].update(process)
        with open(os.path.join(self.bundle, "config.json"), "w", encoding="ascii") as f:
            json.dump(config, f)

    def id(self):
        self.count += 1
        return PREFIX + str(self.count)

    def argv(self, *args):
        return [self.runtime, "--root", self.root] + list(args)

    def call(self, *args, status=0, data=None, timeout=60):
        """Output of a command that must end with @status (None: any)."""
        with tempfile.TemporaryFile() as out:
            p = subprocess.Popen(self.argv(*args), stdin=subprocess.PIPE if data else subprocess.DEVNULL, stdout=out,
                                 stderr=subprocess.STDOUT)
            if data:
                p.stdin.write(data)
                p.stdin.close()
            code = p.wait(timeout)
            out.seek(0)
            text = out.read().decode(errors="replace")
        must(status is None or code == status, "%s: status %d, not %s: %s" % (" ".join(args), code, status, text))
        return text if status is not None else (code, text)

    def create(self, name, *options):
        pidfile = os.path.join(self.work, "pid." + name)
        self.call("create", "--bundle", self.bundle, "--pid-file", pidfile, *options, name)
        with open(pidfile, encoding="ascii") as f:
            return int(f.read())

    def create_piped(self, name):
        """The proxy, and the reading end of the container's standard output."""
        reader, writer = os.pipe()
        pidfile = os.path.join(self.work, "pid." + name)
        subprocess.run(self.argv("create", "--bundle", self.bundle, "--pid-file", pidfile, name), stdout=writer,
                       stderr=writer, stdin=subprocess.DEVNULL, check=True)
        os.close(writer)
        with open(pidfile, encoding="ascii") as f:
            return int(f.read()), reader

    def status(self, name):
        return json.loads(self.call("state", name))["status"]

    def destroy(self):
        shutil.rmtree(self.work)


def wait_status(pid, seconds=20):
    """Exit status, or -signal, of an adopted child."""
    end = time.time() + seconds
    while time.time() < end:
        got, status = os.waitpid(pid, os.WNOHANG)
        if got:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    raise Failed("process %d does not end" % pid)


def until(condition, text, seconds=20):
    end = time.time() + seconds
    while not condition():
        must(time.time() < end, text)
        time.sleep(0.01)


def no_children():
    """Reaps; true when nothing of ours is left."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return True
        if not pid:
            return False


def cgroups_left():
    found = []
    for top in ["/sys/fs/cgroup"] + [e.path for e in os.scandir("/sys/fs/cgroup") if e.is_dir()]:
        found += [e.path for e in os.scandir(top) if e.is_dir() and e.name.startswith(PREFIX)]
    return found


CASES = []


def case(function):
    CASES.append(function)
    return function


# --- the straight way ---------------------------------------------------------------------------


@case
def whole_life(h):
    name = h.id()
    pid = h.create(name)
    state = json.loads(h.call("state", name))
    must(state["status"] == "created" and state["pid"] == pid and state["id"] == name, "state: %s" % state)
    must(state["bundle"] == h.bundle and state["annotations"] == {"org.example.key": "value"}, "state: %s" % state)
    must(state["ociVersion"].startswith("1."), "state: %s" % state)
    h.call("start", name)
    must(h.status(name) == "running", "not running")
    h.call("kill", name, "TERM")
    must(wait_status(pid) == 5, "the proxy's status is not the guest's")
    state = json.loads(h.call("state", name))
    must(state["status"] == "stopped" and state["pid"] == 0, "state: %s" % state)
    h.call("delete", name)
    h.call("state", name, status=1)


@case
def statuses(h):
    for script, want in (("exit 0", 0), ("exit 33", 33), ("kill -9 $$", 137), ("kill -SEGV $$", 139)):
        name = h.id()
        # Process 1 is protected from its own signals: a child of it dies, and it tells.
        h.write(args=["sh", "-c", script if "exit" in script else "sh -c '%s'; exit $?" % script])
        pid = h.create(name)
        h.call("start", name)
        got = wait_status(pid)
        must(got == want, "%s: %d, not %d" % (script, got, want))
        h.call("delete", name)
    h.write()


@case
def run_foreground(h):
    h.write(args=["sh", "-c", "cat; exit 6"])
    must(h.call("run", "--bundle", h.bundle, h.id(), status=6, data=b"through\n") == "through\n", "stdin or stdout")
    h.write()


@case
def run_detached(h):
    name, pidfile = h.id(), os.path.join(h.work, "pidfile")
    h.call("run", "--detach", "--bundle", h.bundle, "--pid-file", pidfile, name)
    must(h.status(name) == "running", "not running")
    h.call("kill", name, "SIGKILL")
    with open(pidfile, encoding="ascii") as f:
        must(wait_status(int(f.read())) == -9, "not killed")
    h.call("delete", name)


@case
def killed_run_takes_its_container_along(h):
    name = h.id()
    p = subprocess.Popen(h.argv("run", "--bundle", h.bundle, name), stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE)
    must(p.stdout.readline() == b"up\n", "does not start")
    p.kill()
    p.wait()
    p.stdout.close()
    until(no_children, "processes are left")
    h.call("delete", "--force", name)


@case
def lost_sentry_or_gofer(h):
    for part in ("sentry", "gofer"):
        name = h.id()
        pid = h.create(name)
        h.call("start", name)
        with open(os.path.join(h.root, name, "state.json"), encoding="ascii") as f:
            os.kill(json.load(f)[part]["pid"], signal.SIGKILL)
        must(wait_status(pid) == 137, "the container of a dead %s" % part)
        must(h.status(name) == "stopped", "state")
        h.call("delete", name)


@case
def signals_to_the_proxy(h):
    h.write(args=["sh", "-c", 'trap "exit 7" USR1; trap "exit 8" INT; echo up; while :; do sleep 0.05; done'])
    for sig, want in ((signal.SIGUSR1, 7), (signal.SIGINT, 8), (signal.SIGKILL, -9)):
        name = h.id()
        pid, reader = h.create_piped(name)
        h.call("start", name)
        must(os.read(reader, 3) == b"up\n", "does not start")
        os.kill(pid, sig)
        got = wait_status(pid)
        must(got == want, "%s: %d, not %d" % (sig, got, want))
        must(os.read(reader, 1) == b"", "something holds the container's standard output")
        os.close(reader)
        h.call("delete", name)
    h.write()


@case
def preserved_descriptors(h):
    h.write(args=["sh", "-c", "cat <&4; echo $LISTEN_FDS $LISTEN_PID; exec 3>&-; test ! -e /proc/self/fd/5"])
    with open(os.path.join(h.work, "four"), "w+", encoding="ascii") as f:
        f.write("fourth\n")
        f.flush()
        with open("/dev/null", "rb") as null:
            def place():
                four = os.dup(f.fileno())
                three = os.dup(null.fileno())
                os.dup2(three, 13)
                os.dup2(four, 14)
                os.dup2(13, 3, True)
                os.dup2(14, 4, True)
                os.lseek(4, 0, 0)
                os.closerange(5, 64)
            out = subprocess.run(h.argv("run", "--preserve-fds", "1", "--bundle", h.bundle, h.id()), check=True,
                                 env=dict(os.environ, LISTEN_FDS="1"), preexec_fn=place, close_fds=False,
                                 stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
            must(out.stdout == b"fourth\n1 1\n", "descriptors: %r" % out.stdout)
            h.write(args=["sleep", "100"])
            name = h.id()
            h.create(name)
            out = subprocess.run(h.argv("exec", "--preserve-fds", "2", name, "sh", "-c", "cat <&4"), preexec_fn=place,
                                 close_fds=False, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, check=True)
            must(out.stdout == b"fourth\n", "descriptors of an exec: %r" % out.stdout)
            h.call("delete", "--force", name)
    h.call("create", "--preserve-fds", "99", "--bundle", h.bundle, h.id(), status=1)
    h.call("create", "--preserve-fds", "x", "--bundle", h.bundle, h.id(), status=1)
    h.write()


@case
def nothing_holds_stdio(h):
    h.write(args=["sh", "-c", "exec >/dev/null 2>&1; sleep 30"])
    name = h.id()
    _, reader = h.create_piped(name)
    h.call("start", name)
    must(os.read(reader, 1) == b"", "output of a container without output")
    os.close(reader)
    h.call("delete", "--force", name)
    h.write()


@case
def proxy_is_in_the_container(h):
    name = h.id()
    pid = h.create(name)
    for ns in ("mnt", "pid", "net", "ipc", "uts"):
        must(os.readlink("/proc/%d/ns/%s" % (pid, ns)) != os.readlink("/proc/self/ns/" + ns), ns + " is the host's")
    must(sorted(os.listdir("/proc/%d/root" % pid)) == sorted(os.listdir(h.bundle + "/rootfs")), "its root")
    must(all("/" + name in line for line in open("/proc/%d/cgroup" % pid, encoding="ascii")
             if line.split(":")[1] in ("pids", "memory")), "its cgroup")
    with open("/proc/%d/cmdline" % pid, "rb") as f:
        must(f.read().startswith(b"sh\0-c\0"), "its command line")
    with open(os.path.join(h.root, name, "state.json"), encoding="ascii") as f:
        sentry = json.load(f)["sentry"]["pid"]
    for process in (pid, sentry):
        with open("/proc/%d/status" % process, encoding="ascii") as f:
            status = dict(line.split(":\t", 1) for line in f)
        must(int(status["CapEff"], 16) == 0 and int(status["CapBnd"], 16) == 0, "capabilities of %d" % process)
        must(status["NoNewPrivs"].strip() == "1", "no_new_privs of %d" % process)
    must(status["Seccomp"].strip() == "2" and int(status["Uid"].split()[0]) >= 2000000000, "the sentry")
    must(not os.listdir("/proc/%d/root" % sentry), "the sentry's root")
    for number in os.listdir("/proc/%d/fd" % pid):
        target = os.readlink("/proc/%d/fd/%s" % (pid, number))
        must(target.startswith(("socket:", "anon_inode:[signalfd]")) or target.endswith("/null"),
             "the proxy holds %s" % target)
    h.call("delete", name)


# --- exec ---------------------------------------------------------------------------------------


@case
def exec_attached(h):
    name = h.id()
    h.create(name)
    must(h.call("exec", name, "echo", "early") == "early\n", "exec into a created container")
    h.call("start", name)
    h.call("exec", name, "sh", "-c", "exit 9", status=9)
    h.call("exec", name, "sh", "-c", "kill -TERM $$", status=143)
    must(h.call("exec", name, "cat", data=b"x" * 100000) == "x" * 100000, "data through pipes")
    must(h.call("exec", "--user", "1000:1000", "--cwd", "/tmp", "--env", "A=B", name, "sh", "-c",
                "echo $(id -u) $(id -g) $(pwd) $A $HOME") == "1000 1000 /tmp B /home/user\n", "user, cwd, env")
    must(h.call("exec", "-g", "7", "-g", "8", name, "id", "-G").split() == ["0", "7", "8"], "additional groups")
    must("000000000000000a" not in h.call("exec", name, "cat", "/proc/self/status"), "capabilities")
    must("NoNewPrivs:\t1" in h.call("exec", "--no-new-privs", name, "cat", "/proc/self/status"), "no_new_privs")
    h.call("delete", "--force", name)


@case
def exec_errors(h):
    name = h.id()
    h.create(name)
    h.call("start", name)
    for program, text in (("/nosuch", 'exec: "/nosuch": stat /nosuch: no such file or directory'),
                          ("nosuch", 'exec: "nosuch": executable file not found in $PATH'),
                          ("/etc/passwd", 'exec: "/etc/passwd": permission denied')):
        must(text in h.call("exec", name, program, status=255), text)
    h.call("exec", "--cwd", "/nosuch", name, "true", status=255)
    h.call("exec", name, status=1)
    h.call("delete", "--force", name)
    for program, text in (("/nosuch", "stat /nosuch: no such file or directory"),
                          ("nosuch", "executable file not found in $PATH"), ("/etc/passwd", "permission denied")):
        h.write(args=[program])
        other = h.id()
        must(text in h.call("create", "--bundle", h.bundle, other, status=1), text)
        h.call("delete", other, status=1)
    h.write()


@case
def exec_detached(h):
    name, pidfile = h.id(), os.path.join(h.work, "exec.pid")
    init = h.create(name)
    h.call("start", name)
    process = os.path.join(h.work, "process.json")
    with open(process, "w", encoding="ascii") as f:
        json.dump({"args": ["sh", "-c", "trap 'exit 12' USR2; while :; do sleep 0.05; done"], "cwd": "/",
                   "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0}}, f)
    h.call("exec", "--process", process, "--detach", "--pid-file", pidfile, name)
    with open(pidfile, encoding="ascii") as f:
        pid = int(f.read())
    must(pid in json.loads(h.call("ps", "--format", "json", name)), "ps does not show it")
    until(lambda: " sh" in h.call("ps", name), "ps")
    time.sleep(0.2)  # the shell's trap; without it the signal kills, which is told apart below
    os.kill(pid, signal.SIGUSR2)
    must(wait_status(pid) in (12, 128 + signal.SIGUSR2, -signal.SIGUSR2), "its status")
    h.call("exec", "--detach", "--pid-file", pidfile, name, "sleep", "1000")
    with open(pidfile, encoding="ascii") as f:
        pid = int(f.read())
    os.kill(pid, signal.SIGKILL)
    must(wait_status(pid) == -9, "not killed")
    until(lambda: "1000" not in h.call("debug", name) and h.call("ps", name).count("sleep") <= 1,
          "the guest process lives on")
    h.call("exec", "--detach", "--pid-file", pidfile, name, "sleep", "1000")
    with open(pidfile, encoding="ascii") as f:
        pid = int(f.read())
    h.call("kill", name, "KILL")
    must(wait_status(pid) in (-9, 137), "an exec outlives its container")
    wait_status(init)
    h.call("delete", name)


def console(h, *args):
    """Runs a command with --console-socket; gives the master of the terminal."""
    path = os.path.join(h.work, "console.sock")
    if os.path.exists(path):
        os.unlink(path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1)
        p = subprocess.Popen(h.argv(*[path if a == "@" else a for a in args]), stdin=subprocess.DEVNULL)
        listener.settimeout(20)
        connection, _ = listener.accept()
        with connection:
            _, anc, _, _ = connection.recvmsg(256, socket.CMSG_SPACE(4))
            master = array.array("i", anc[0][2])[0]
    must(p.wait(20) == 0, "status of %s" % args[0])
    return master


def read_all(master):
    out = b""
    while True:
        try:
            data = os.read(master, 4096)
        except OSError:
            return out
        if not data:
            return out
        out += data


def read_until(master, text, out):
    while text not in out:
        must(select.select([master], [], [], 20)[0], "%r does not come: %r" % (text, out))
        out += os.read(master, 4096)
    return out


@case
def terminals(h):
    name = h.id()
    h.write(args=["sh"], terminal=True)
    h.call("create", "--bundle", h.bundle, h.id(), status=1)
    master = console(h, "create", "--bundle", h.bundle, "--console-socket", "@", name)
    h.call("start", name)
    os.write(master, b'tty; until [ "$(stty size)" = "31 97" ]; do sleep 0.05; done; echo seen$((1+1)); exit 3\n')
    out = read_until(master, b"/dev/", b"")
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 31, 97, 0, 0))
    read_until(master, b"seen2", out)
    read_all(master)
    os.close(master)
    until(lambda: h.status(name) == "stopped", "does not end")
    h.call("delete", name)
    h.write()
    name = h.id()
    h.create(name)
    h.call("start", name)
    for _ in range(3):
        master = console(h, "exec", "--tty", "--detach", "--console-socket", "@", name, "sh")
        os.write(master, b"tty; exit\n")
        out = read_all(master)
        must(b"/dev/pts/0" in out, "an exec's terminal: %r" % out)
        os.close(master)
        no_children()
    until(lambda: not h.call("ps", "-f", "json", name).count(","), "an exec's proxy lives on")
    no_children()
    h.call("delete", "--force", name)


# --- states -------------------------------------------------------------------------------------


def in_state(h, state):
    name = h.id()
    if state == "none":
        return name
    pid = h.create(name)
    if state != "created":
        h.call("start", name)
    if state == "paused":
        h.call("pause", name)
    if state == "stopped":
        h.call("kill", name, "KILL")
        wait_status(pid)
    return name


WRONG_CALLS = [
    ("stopped", ["kill"], ["KILL"], 1, "container not running"),
    ("stopped", ["kill", "--all"], ["KILL"], 0, ""),
    ("none", ["kill"], ["KILL"], 1, "container does not exist"),
    ("none", ["state"], [], 1, "container does not exist"),
    ("none", ["delete"], [], 1, "container does not exist"),
    ("none", ["delete", "--force"], [], 0, ""),
    ("none", ["start"], [], 1, "container does not exist"),
    ("none", ["exec"], ["true"], 255, "container does not exist"),
    ("none", ["pause"], [], 1, "container does not exist"),
    ("none", ["ps"], [], 1, "container does not exist"),
    ("running", ["delete"], [], 1, "that is not stopped: running"),
    ("running", ["start"], [], 1, "cannot start an already running container"),
    ("running", ["resume"], [], 1, "container not paused"),
    ("running", ["kill"], ["NOSUCH"], 1, "unknown signal"),
    ("running", ["delete", "--force"], [], 0, ""),
    ("created", ["delete"], [], 0, ""),
    ("created", ["resume"], [], 1, "container not paused"),
    ("stopped", ["start"], [], 1, "cannot start a container that has stopped"),
    ("stopped", ["pause"], [], 1, "container not running"),
    ("stopped", ["resume"], [], 1, "container not paused"),
    ("stopped", ["exec"], ["true"], 255, "cannot exec in a stopped container"),
    ("stopped", ["ps", "--format", "json"], [], 0, "null"),
    ("paused", ["pause"], [], 1, "container not running"),
    ("paused", ["delete"], [], 1, "that is not stopped: paused"),
    ("paused", ["kill"], ["KILL"], 0, ""),
    ("paused", ["exec"], ["true"], 255, "cannot exec in a paused container"),
]


def wrong_calls(h):
    for state, before, after, status, text in WRONG_CALLS:
        name = in_state(h, state)
        got, out = h.call(*before, name, *after, status=None)
        what = "%s of a container %s" % (" ".join(before), state)
        must(got == status and text in out, "%s: status %d, %s" % (what, got, out))
        h.call("delete", "--force", name)
    name = in_state(h, "running")
    got, out = h.call("create", "--bundle", h.bundle, name, status=None)
    must(got == 1 and "container with given ID already exists" in out, "create twice: %s" % out)
    h.call("delete", "--force", name)


@case
def calls_in_the_wrong_state(h):
    wrong_calls(h)


@case
def the_same_of_runc(h):
    if shutil.which("runc"):
        other = Host(shutil.which("runc"))
        try:
            wrong_calls(other)
        finally:
            other.destroy()


@case
def pause_stops_and_resume_goes_on(h):
    h.write(args=["sh", "-c", "while :; do echo tick; sleep 0.01; done"])
    name = h.id()
    _, reader = h.create_piped(name)
    h.call("start", name)
    must(os.read(reader, 5) == b"tick\n", "does not start")
    h.call("pause", name)
    must(h.status(name) == "paused", "state")
    time.sleep(0.1)
    os.set_blocking(reader, False)
    try:
        while os.read(reader, 65536):
            pass
    except BlockingIOError:
        pass
    time.sleep(0.3)
    try:
        must(not os.read(reader, 1), "a paused container goes on")
    except BlockingIOError:
        pass
    h.call("resume", name)
    os.set_blocking(reader, True)
    must(os.read(reader, 5), "does not go on")
    os.close(reader)
    h.call("delete", "--force", name)
    h.write()


@case
def lists(h):
    names = [in_state(h, s) for s in ("created", "running", "stopped")]
    must(h.call("list", "-q").split() == sorted(names), "list -q")
    found = {c["id"]: c["status"] for c in json.loads(h.call("list", "--format", "json"))}
    must(found == dict(zip(names, ("created", "running", "stopped"))), "list as JSON: %s" % found)
    must(len(h.call("list").splitlines()) == 4, "list")
    for name in names:
        h.call("delete", "--force", name)
    must(h.call("list", "-q") == "", "something is left")


@case
def limits(h):
    name = in_state(h, "running")
    h.call("update", "--memory", "64m", "--pids-limit", "40", name)
    h.call("update", "--resources", "-", name, data=b'{"memory": {"limit": 33554432}, "cpu": {"shares": 512}}')
    stats = json.loads(h.call("events", "--stats", name))
    must(stats["type"] == "stats" and stats["id"] == name and "memory" in stats["data"], "stats")
    must(stats["data"]["memory"]["usage"]["limit"] == 33554432, "the limit")
    h.call("update", "--memory", "nonsense", name, status=1)
    h.call("delete", "--force", name)


@case
def debug(h):
    name = in_state(h, "running")
    must("sentry" in h.call("debug", name), "debug")
    h.call("debug", "--strace", "on", name)
    log = os.path.join(h.root, name, "sandbox.log")
    until(lambda: "wait4" in open(log, encoding="utf-8", errors="replace").read(), "no calls in the log")
    h.call("debug", "--strace", "off", name)
    h.call("delete", "--force", name)


@case
def hooks(h):
    told = os.path.join(h.work, "told")
    outside = {"path": "/bin/sh", "args": ["sh", "-c", 'echo "$0 $(cat)" >> %s' % told]}
    kinds = ("prestart", "createRuntime", "createContainer", "poststart", "poststop")
    h.config["hooks"] = {kind: [dict(outside, args=outside["args"] + [kind])] for kind in kinds}
    h.config["hooks"]["startContainer"] = [{"path": "/bin/sh", "args": ["sh", "-c", "cat > /tmp/state"]}]
    h.write(args=["sh", "-c", "test -s /tmp/state && exit 3"])
    name = h.id()
    h.call("run", "--bundle", h.bundle, name, status=3)
    with open(told, encoding="ascii") as f:
        lines = [line.split(" ", 1) for line in f]
    must([kind for kind, _ in lines] == list(kinds), "order: %s" % lines)
    must(all(json.loads(state)["id"] == name for _, state in lines), "state")
    must([json.loads(state)["status"] for _, state in lines][-2:] == ["running", "stopped"], "status")
    with open(h.bundle + "/rootfs/tmp/state", encoding="ascii") as f:
        must(json.load(f)["status"] == "created", "state of startContainer")
    for kind in ("prestart", "createRuntime", "createContainer", "startContainer", "poststart"):
        h.config["hooks"] = {kind: [{"path": "/bin/sh", "args": ["sh", "-c", "echo why >&2; exit 7"]}]}
        h.write(args=["sleep", "100"])
        out = h.call("run", "--bundle", h.bundle, h.id(), status=1)
        must("exit status 7" in out and "why" in out, "%s: %s" % (kind, out))


@case
def settings(h):
    name = h.id()
    h.write(args=["sh", "-c", "echo new > /made; test -f /made"])
    h.call("--overlay", "root:memory", "run", "--bundle", h.bundle, name)
    must(not os.path.exists(h.bundle + "/rootfs/made"), "the overlay's changes are on the host")
    h.config["annotations"]["dev.bulkhead.overlay"] = "root:memory"
    h.write(args=["sh", "-c", "echo new > /made"])
    h.call("run", "--bundle", h.bundle, name)
    must(not os.path.exists(h.bundle + "/rootfs/made"), "the annotation has no effect")
    h.call("--overlay", "none", "run", "--bundle", h.bundle, name)
    must(os.path.exists(h.bundle + "/rootfs/made"), "the command line does not come first")
    h.call("--overlay", "nonsense", "run", "--bundle", h.bundle, name, status=1)
    h.call("--platform", "ptrace", "run", "--bundle", h.bundle, name, status=1)
    h.config["annotations"]["dev.bulkhead.network"] = "host"
    h.write(args=["true"])
    must("not for a container" in h.call("run", "--bundle", h.bundle, name, status=1), "a container chose its network")


@case
def words(h):
    must(h.call("--version").splitlines()[0].startswith("runsc version"), "--version")
    for command in ("create", "start", "run", "state", "kill", "delete", "exec", "ps", "list", "events", "pause", "resume",
                    "update", "spec", "features", "checkpoint", "restore", "debug", "help"):
        must("NAME:" in h.call(command, "--help"), command)
    must("linux" in json.loads(h.call("features")), "features")
    must("not supported" in h.call("checkpoint", "x", status=1), "checkpoint")
    h.call("nosuch", status=3)
    for bad in ("", ".", "..", "a/b", "a b"):
        must("invalid container ID format" in h.call("state", bad, status=1), "id %r" % bad)


@case
def one_error_line(h):
    log = os.path.join(h.work, "log.json")
    for args in (["state", "nosuch"], ["create", "--bundle", "/nosuch", "x"], ["exec", "nosuch", "true"]):
        if os.path.exists(log):
            os.unlink(log)
        p = subprocess.run([RUNSC, "--root", h.root, "--log", log, "--log-format", "json"] + args,
                           capture_output=True, check=False)
        must(p.returncode != 0, "succeeds")
        with open(log, encoding="utf-8") as f:
            line = json.loads(f.read())
        must(line["level"] == "error" and line["msg"] and line["time"], "log: %s" % line)
        must(line["msg"] in p.stderr.decode(), "standard error")


# --- many, at once, and killed ------------------------------------------------------------------


@case
def cycles(h):
    h.write(args=["sh", "-c", "while :; do sleep 1; done"])
    for _ in range(ROUNDS):
        name = h.id()
        pid = h.create(name)
        h.call("start", name)
        h.call("exec", name, "true")
        h.call("kill", name, "KILL")
        must(wait_status(pid) == -9, "not killed")
        h.call("delete", name)
    h.write()


@case
def many_at_once(h):
    h.write(args=["sh", "-c", "exit 4"])
    running = [subprocess.Popen(h.argv("run", "--bundle", h.bundle, h.id()), stdin=subprocess.DEVNULL)
               for _ in range(AT_ONCE)]
    must([p.wait(120) for p in running] == [4] * AT_ONCE, "statuses")
    same = h.id()
    h.write(args=["sleep", "100"])
    racing = [subprocess.Popen(h.argv("create", "--bundle", h.bundle, same), stdin=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL) for _ in range(AT_ONCE)]
    must(sorted(p.wait(120) for p in racing) == [0] + [1] * (AT_ONCE - 1), "one of many creates one")
    starting = [subprocess.Popen(h.argv("start", same), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                for _ in range(AT_ONCE)]
    must(sorted(p.wait(120) for p in starting) == [0] + [1] * (AT_ONCE - 1), "one of many starts it")
    h.call("delete", "--force", same)
    h.write()


@case
def killed_at_random(h):
    h.write(args=["sleep", "100"])
    for i in range(KILLS):
        name = h.id()
        victim = ("create", "start", "delete")[i % 3]
        if victim != "create":
            h.create(name)
        options = {"create": ["--bundle", h.bundle], "start": [], "delete": ["--force"]}[victim]
        p = subprocess.Popen(h.argv(victim, *options, name), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        time.sleep(random.random() * {"create": 0.04, "start": 0.006, "delete": 0.02}[victim])
        p.kill()
        p.wait()
        code, out = h.call("state", name, status=None)
        must(code == 1 or json.loads(out)["status"] in ("created", "running", "stopped"), "state: %s" % out)
        h.call("delete", "--force", name)
        until(no_children, "killed %s: processes are left" % victim)
        must(not os.listdir(h.root), "killed %s: %s is left" % (victim, os.listdir(h.root)))
    h.write()


# --- all ----------------------------------------------------------------------------------------


def main():
    global RUNSC
    if os.geteuid() != 0:
        print("SKIP lifecycle: root is needed\n0 passed, 0 failed")
        return 0
    if len(sys.argv) > 1:
        RUNSC = sys.argv[1]
    passed = failed = 0
    for function in CASES:
        if len(sys.argv) > 2 and function.__name__ not in sys.argv[2:]:
            continue
        h = Host(RUNSC)
        try:
            function(h)
            until(no_children, "processes are left", 10)
            must(not os.path.isdir(h.root) or not os.listdir(h.root), "state directories are left")
            must(not cgroups_left(), "cgroups are left: %s" % cgroups_left())
            passed += 1
        except (Failed, subprocess.SubprocessError, OSError, ValueError, KeyError) as e:
            print("FAIL %s: %s" % (function.__name__, e))
            failed += 1
            for name in os.listdir(h.root) if os.path.isdir(h.root) else []:
                subprocess.run(h.argv("delete", "--force", name), check=False, timeout=60)
            try:
                until(no_children, "", 5)
            except Failed:
                pass
        h.destroy()
    print("%d passed, %d failed" % (passed, failed))
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
