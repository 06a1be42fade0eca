#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fields.py - each field of config.json does what it says, seen from inside

A case is a change of a good config.json (as in bad_bundles.py), a shell command that runs inside, and a regular
expression for all that it prints; the exit status must be 0 unless the case says otherwise. `fields.py --runc` runs
the same against runc: cases that are marked OURS are left out there, because the answer is the sandbox's own.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

import bad_bundles as bundles

OURS = "ours"
ALL_CAPS = "[f'CAP_{x}' for x in ('CHOWN','KILL','SETUID','SETGID','MKNOD','SYS_ADMIN','NET_BIND_SERVICE')]"
ERRNO = "'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['%s'],'action':'%s'%s}]"


def seccomp(name, action, more=""):
    return "l['seccomp']={" + ERRNO % (name, action, more) + "}"


def mount(dest, kind, options, source=None):
    return "m.append({'destination':%r,'type':%r,'source':%r,'options':%r})" % (dest, kind, source or kind, options)


CASES = [
    # process
    ("args_env_cwd", "p['env']=['PATH=/bin','A=b c']; p['cwd']='/tmp'", "echo $A $PWD", "b c /tmp"),
    ("cwd_is_made", "p['cwd']='/tmp/x/y'", "pwd", "/tmp/x/y"),
    ("user", "p['user']={'uid':7,'gid':8,'additionalGids':[9,10]}", "id -u; id -g; id -G", "7\n8\n8 9 10"),
    ("umask", "p['user']['umask']=0o77", "umask", "0077"),
    ("umask_default", "p['user'].pop('umask',0)", "umask", "0022"),
    ("home", "p['env']=['PATH=/bin']", "echo $HOME", "/"),
    ("rlimits", "p['rlimits']=[{'type':'RLIMIT_NOFILE','soft':100,'hard':200},"
     "{'type':'RLIMIT_CORE','soft':0,'hard':0}]", "ulimit -n; ulimit -Hn; ulimit -c", "100\n200\n0"),
    ("caps_none", "p['capabilities']={}", "grep -E 'CapEff|CapBnd' /proc/self/status",
     "CapEff:\t0+\nCapBnd:\t0+"),
    ("caps_some", "p['capabilities']={k:['CAP_CHOWN','CAP_KILL'] for k in ('bounding','permitted','effective')}",
     "grep -E 'CapEff|CapBnd' /proc/self/status", "CapEff:\t0+21\nCapBnd:\t0+21"),
    ("caps_ambient", "p['user']={'uid':5,'gid':5}; p['capabilities']={k:['CAP_KILL'] for k in "
     "('bounding','permitted','effective','inheritable','ambient')}",
     "grep -E 'CapEff|CapAmb' /proc/self/status", "CapEff:\t0+20\nCapAmb:\t0+20"),
    ("no_new_privs", "p['noNewPrivileges']=True", "grep NoNewPrivs /proc/self/status", "NoNewPrivs:\t1"),
    ("oom_score_adj", "p['oomScoreAdj']=321", "cat /proc/self/oom_score_adj", "321"),
    ("oom_score_adj_refused", "p['oomScoreAdj']=-500", "cat /proc/self/oom_score_adj", "-500", OURS),
    ("io_priority", "p['ioPriority']={'class':'IOPRIO_CLASS_BE','priority':3}", "ionice", "best-effort: prio 3", OURS),
    ("scheduler_notice", "p['scheduler']={'policy':'SCHED_BATCH','nice':5}",
     "echo done", "done", OURS),
    ("nice", "p['scheduler']={'policy':'SCHED_OTHER','nice':5}", "cut -d' ' -f19 /proc/self/stat", "5", OURS),
    # root, names
    ("root_readonly", "c['root']['readonly']=True", "echo x >/f || echo no", "no"),
    ("root_writable", "pass", "echo x >/tmp/f && cat /tmp/f && rm /tmp/f", "x"),
    ("hostname", "c['hostname']='myhost'", "hostname", "myhost"),
    ("domainname", "c['domainname']='dom.example'", "cat /proc/sys/kernel/domainname", "dom.example", OURS),
    # mounts
    ("tmpfs_size", mount("/t", "tmpfs", ["size=1m", "mode=0700"]),
     "stat -c %a /t; dd if=/dev/zero of=/t/f bs=64k count=64 2>/dev/null; stat -c %s /t/f", "700\n1048576"),
    ("tmpfs_inodes", mount("/t", "tmpfs", ["nr_inodes=4"]),
     "for i in 1 2 3 4 5; do touch /t/$i; done 2>/dev/null; ls /t | wc -l", "3"),
    ("tmpfs_copyup", mount("/etc", "tmpfs", ["tmpcopyup"]), "cat /etc/noexec; echo x >/etc/new && cat /etc/new",
     "hello\\s*x"),
    ("mount_ro", mount("/t", "tmpfs", ["ro"]), "echo x >/t/f || echo no", "no"),
    ("mount_noexec", mount("/t", "tmpfs", ["noexec"]), "cp /bin/busybox /t/b; /t/b true || echo no", "no"),
    ("mount_flags", mount("/t", "tmpfs", ["nosuid", "nodev", "noexec", "noatime"]),
     "grep ' /t ' /proc/mounts | cut -d' ' -f4", ".*nosuid.*nodev.*noexec.*noatime.*"),
    ("bind_file", "open(b+'/f','w').write('bound\\n'); " +
     "m.append({'destination':'/etc/f','type':'bind','source':b+'/f','options':['bind','ro']})",
     "cat /etc/f; echo x >/etc/f || echo no", "bound\nno"),
    ("bind_dir", "os.mkdir(b+'/d'); " +
     "m.append({'destination':'/d','type':'none','source':b+'/d','options':['rbind','rw']})",
     "echo w >/d/f && cat /d/f", "w"),
    ("bind_relative", "os.mkdir(b+'/d'); open(b+'/d/f','w').write('rel'); " +
     "m.append({'destination':'/d','source':'d','options':['bind']})", "cat /d/f", "rel"),
    ("bind_rro", "os.mkdir(b+'/d'); " +
     "m.append({'destination':'/d','source':b+'/d','options':['rbind','rro']})", "echo w >/d/f || echo no", "no"),
    ("bind_noexec", "os.mkdir(b+'/d'); __import__('shutil').copy('/bin/busybox',b+'/d/b'); " +
     "m.append({'destination':'/d','source':b+'/d','options':['bind','noexec']})", "/d/b true || echo no", "no"),
    ("bind_idmap", "m.append({'destination':'/d','source':'/tmp','options':['bind','idmap']})", "echo no", "", 1, OURS),
    ("mqueue", mount("/dev/mqueue", "mqueue", ["nosuid"]), "grep -c mqueue /proc/mounts", "[1-9]", OURS),
    ("cgroup_v1_or_v2", mount("/sys/fs/cgroup", "cgroup", ["ro", "nosuid"]),
     "ls /sys/fs/cgroup | grep -cE '^(memory|pids|memory.max|pids.max)$'", "2", OURS),
    # linux: paths
    ("masked", "l['maskedPaths']=['/etc/noexec','/proc/kcore','/tmp']", "cat /etc/noexec; ls /tmp | wc -l", "0"),
    ("readonly_paths", "l['readonlyPaths']=['/tmp','/proc/sys']", "echo x >/tmp/f || echo no", "no"),
    # linux: resources, as they are seen inside
    ("memory_limit", "l['resources']={'memory':{'limit':67108864}}", "grep MemTotal /proc/meminfo",
     "MemTotal: +65536 kB", OURS),
    ("cpu_limit", "l['resources']={'cpu':{'quota':50000,'period':100000}}",
     "nproc; grep -c ^processor /proc/cpuinfo; cat /sys/devices/system/cpu/online", "1\n1\n0", OURS),
    ("pids_limit", "l['resources']={'pids':{'limit':8}}",
     "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 9 & done", "", 2),
    ("cgroup_files", "l['resources']={'memory':{'limit':67108864},'pids':{'limit':33},"
     "'cpu':{'quota':150000,'period':100000,'shares':512}};" +
     mount("/sys/fs/cgroup", "cgroup", ["ro"]),
     "cd /sys/fs/cgroup; cat memory.max pids.max 2>/dev/null || cat memory/memory.limit_in_bytes pids/pids.max "
     "cpu/cpu.cfs_quota_us cpu/cpu.shares", "67108864\n33(\n150000\n512)?"),
    ("devices_rules", "l['resources']={'devices':[{'allow':False,'access':'rwm'}]}",
     "head -c 3 /dev/zero | wc -c; echo x >/dev/null; head -c 1 /dev/urandom | wc -c", "3\n1"),
    ("oom", "l['resources']={'memory':{'limit':33554432,'swap':33554432}}", "tail /dev/zero; echo $?", "(Killed\n)?137"),
    ("cgroups_path", "l['cgroupsPath']='/bulkhead-fields'; c['hooks']={'createRuntime':[{'path':'/bin/sh','args':['sh','-c',"
     "'P=$(sed \"s/.*\\\\\"pid\\\\\": *\\\\([0-9]*\\\\).*/\\\\1/\"); grep -c /bulkhead-fields$ /proc/$P/cgroup >'+b+'/h']}]}; "
     "m.append({'destination':'/b','source':b,'options':['bind']})", "test $(cat /b/h) -ge 1 && echo ok", "ok"),
    ("oom_of_many_small", "l['resources']={'memory':{'limit':50331648,'swap':50331648}}",
     "i=0; while [ $i -lt 40 ]; do sh -c 'x=$(head -c 1500000 /dev/zero | tr \"\\\\0\" a); sleep 2' & i=$((i+1)); done; "
     "wait; echo alive", "(Killed\n)*alive"),
    ("memory_of_files", "l['resources']={'memory':{'limit':41943040,'swap':41943040}}",
     "dd if=/dev/zero of=/dev/shm/f bs=1M count=100 2>/dev/null; echo $?; rm /dev/shm/f; echo alive",
     "(1|137)\nalive"),
    # linux: devices
    ("device_node", "l['devices']=[{'path':'/dev/mine','type':'c','major':1,'minor':5,'fileMode':0o664,'uid':1,"
     "'gid':2}]", "stat -c '%a %u %g %t:%T' /dev/mine; head -c 2 /dev/mine | wc -c", "664 1 2 1:5\n2"),
    ("device_fifo", "l['devices']=[{'path':'/dev/ff','type':'p','fileMode':0o600}]",
     "test -p /dev/ff && stat -c %a /dev/ff", "600"),
    ("default_devices", "pass", "for d in null zero full random urandom tty; do test -c /dev/$d || echo $d; done; "
     "for l in fd stdin ptmx; do readlink /dev/$l; done", "/proc/self/fd\n/proc/self/fd/0\n(pts/ptmx|/dev/pts/ptmx)"),
    # linux: sysctl
    ("sysctl_net", "l['sysctl']={'net.ipv4.ip_forward':'1','net.ipv4.ping_group_range':'0 0'}",
     "cat /proc/sys/net/ipv4/ip_forward", "1"),
    ("sysctl_msgmax", "l['sysctl']={'kernel.msgmax':'9000'}", "cat /proc/sys/kernel/msgmax", "9000"),
    ("sysctl_shmmax", "l['sysctl']={'kernel.shmmax':'1000000'}", "cat /proc/sys/kernel/shmmax", "1000000"),
    ("sysctl_domainname", "l['sysctl']={'kernel.domainname':'d.e'}", "cat /proc/sys/kernel/domainname", "d.e"),
    # linux: personality
    ("personality", "l['personality']={'domain':'LINUX32'}", "uname -m", "i686", OURS),
    # linux: seccomp; mkdir(2) is 83
    ("seccomp_errno", seccomp("mkdir", "SCMP_ACT_ERRNO"), "mkdir /tmp/q 2>&1; grep Seccomp: /proc/self/status",
     ".*Operation not permitted\nSeccomp:\t2"),
    ("seccomp_errno_ret", seccomp("mkdir", "SCMP_ACT_ERRNO", ",'errnoRet':28"), "mkdir /tmp/q 2>&1", ".*No space left.*", 1),
    ("seccomp_default_errno", "l['seccomp']={'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':38,'syscalls':"
     "[{'names':[x],'action':'SCMP_ACT_ALLOW'} for x in %r]}" %
     (["execve", "exit", "exit_group", "brk", "mmap", "munmap", "mprotect", "arch_prctl", "read", "write", "open", "openat",
       "fstat", "stat", "close", "rt_sigaction", "rt_sigprocmask", "getpid", "getppid", "getuid", "geteuid", "getgid",
       "getegid", "prlimit64", "ioctl", "fcntl", "fork", "vfork", "clone", "wait4", "lseek", "set_tid_address",
       "set_robust_list", "rseq", "getrandom", "readlink", "dup2", "getcwd", "newfstatat", "futex", "readlinkat",
       "rt_sigreturn", "getpgrp", "umask", "uname", "sigaltstack", "prctl", "capget", "statx"],),
     "mkdir /tmp/q 2>&1", ".*(not implemented|Function not).*", 1, OURS),
    ("seccomp_kill", seccomp("mkdir", "SCMP_ACT_KILL_PROCESS"), "mkdir /tmp/q; echo $?", "(Bad system call\n)?159"),
    ("seccomp_kill_thread", seccomp("mkdir", "SCMP_ACT_KILL"), "mkdir /tmp/q; echo $?", "(Bad system call\n)?159"),
    ("seccomp_trap", seccomp("mkdir", "SCMP_ACT_TRAP"), "mkdir /tmp/q; echo $?", "(Bad system call\n)?159"),
    ("seccomp_trace", seccomp("mkdir", "SCMP_ACT_TRACE"), "mkdir /tmp/q 2>&1", ".*(not implemented|Function not).*", 1),
    ("seccomp_log", seccomp("mkdir", "SCMP_ACT_LOG"), "mkdir /tmp/q && rmdir /tmp/q && echo ok", "ok"),
    ("seccomp_args", seccomp("kill", "SCMP_ACT_ERRNO",
                             ",'args':[{'index':1,'value':10,'op':'SCMP_CMP_EQ'}]"),
     "kill -0 $$ && echo a; kill -10 $$ 2>/dev/null || echo b", "a\nb"),
    ("seccomp_masked", seccomp("kill", "SCMP_ACT_ERRNO",
                               ",'args':[{'index':1,'value':0xf0,'valueTwo':0x10,'op':'SCMP_CMP_MASKED_EQ'}]"),
     "kill -0 $$ && echo a; kill -17 $$ 2>/dev/null || echo b", "a\nb"),
    ("seccomp_notify", seccomp("mkdir", "SCMP_ACT_NOTIFY"), "echo no", "", 1, OURS),
    ("seccomp_unknown_name", seccomp("no_such_call", "SCMP_ACT_KILL"), "echo ok", "ok"),
    ("seccomp_second_rule", "l['seccomp']={'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['kill'],'action':"
     "'SCMP_ACT_ERRNO','args':[{'index':1,'value':10,'op':'SCMP_CMP_EQ'},{'index':1,'value':12,'op':'SCMP_CMP_EQ'}]}]}",
     "for s in 0 10 12; do kill -$s $$ 2>/dev/null && echo $s; done", "0", 1),
    ("seccomp_exec_inherits", seccomp("mkdir", "SCMP_ACT_ERRNO"), "sh -c 'sh -c \"mkdir /tmp/q\"' 2>&1",
     ".*Operation not permitted", 1),
    ("seccomp_futex", seccomp("futex", "SCMP_ACT_ERRNO", ",'args':[{'index':1,'value':99,'op':'SCMP_CMP_EQ'}]"),
     "echo ok", "ok"),
    # hooks; b: the bundle
    ("hook_prestart", "c['hooks']={'prestart':[{'path':'/bin/sh','args':['sh','-c','cat >'+b+'/h']}]}; "
     "m.append({'destination':'/b','source':b,'options':['bind']})",
     "grep -c '\"status\": *\"creating\"' /b/h", "1"),
    ("hook_order", "c['hooks']={k:[{'path':'/bin/sh','args':['sh','-c','echo '+k+' >>'+b+'/h']}] for k in "
     "('prestart','createRuntime','createContainer')}; m.append({'destination':'/b','source':b,'options':['bind']})",
     "cat /b/h", "prestart\ncreateRuntime\ncreateContainer"),
    ("hook_env", "c['hooks']={'prestart':[{'path':'/bin/sh','args':['sh','-c','echo $A$B >'+b+'/h'],'env':['A=1']}]}; "
     "m.append({'destination':'/b','source':b,'options':['bind']})", "cat /b/h", "1"),
    ("hook_netns", "c['hooks']={'createRuntime':[{'path':'/bin/sh','args':['sh','-c','P=$(sed \"s/.*\\\\\"pid\\\\\": *"
     "\\\\([0-9]*\\\\).*/\\\\1/\"); readlink /proc/$P/ns/net /proc/self/ns/net | sort -u | wc -l >'+b+'/h']}]}; "
     "m.append({'destination':'/b','source':b,'options':['bind']})", "cat /b/h", "2"),
    ("hook_fails", "c['hooks']={'prestart':[{'path':'/bin/false'}]}", "echo no", "", 1),
    ("hook_create_fails", "c['hooks']={'createContainer':[{'path':'/bin/false'}]}", "echo no", "", 1),
    ("hook_timeout", "c['hooks']={'prestart':[{'path':'/bin/sleep','args':['sleep','50'],'timeout':1}]}", "echo no", "", 1),
    ("hook_start_container", "c['hooks']={'startContainer':[{'path':'/bin/sh','args':['sh','-c','cat >/tmp/h; echo >>/tmp/h; "
     "id -u >>/tmp/h'],'env':['PATH=/bin']},{'path':'/bin/sh','args':['sh','-c','echo two >>/tmp/h'],'timeout':20}]}",
     "grep -c created /tmp/h; tail -n 2 /tmp/h; rm /tmp/h", "1\n0\ntwo"),
    ("hook_start_fails", "c['hooks']={'startContainer':[{'path':'/bin/sh','args':['sh','-c','exit 3']}]}", "echo no", "", 1),
    ("hook_start_timeout", "c['hooks']={'startContainer':[{'path':'/bin/sleep','args':['sleep','50'],'timeout':1}]}",
     "echo no", "", 1),
    ("hook_start_missing", "c['hooks']={'startContainer':[{'path':'/nope'}]}", "echo no", "", 1),
    ("hook_poststop_fails", "c['hooks']={'poststop':[{'path':'/bin/false'}]}", "echo ok", "ok"),
    # user namespace
    ("userns", "l['namespaces'].append({'type':'user'}); l['uidMappings']=l['gidMappings']="
     "[{'containerID':0,'hostID':100000,'size':65536}]", "id -u", "0", OURS),
    # what is not done is told, and the container runs
    ("notices", "p['apparmorProfile']='x'; l['mountLabel']='y'; l['intelRdt']={'closID':'z'}; "
     "l['timeOffsets']={'monotonic':{'secs':1}}", "echo ok", "ok", OURS),
    ("annotations", "c['annotations']={'a':'b'}", "echo ok", "ok"),
]


def run(runtime, base, work, code, inside):
    bundle = os.path.join(work, "bundle")
    os.makedirs(bundle)
    try:
        bundles.write_bundle(bundle, base, code + "\np['args']=['sh','-c',%r]" % inside)
        r = subprocess.run([runtime, "run", "-b", bundle, "fields%d" % os.getpid()], capture_output=True, text=True,
                           stdin=subprocess.DEVNULL, timeout=30)
        return r.returncode, r.stdout.strip(), r.stderr.strip()
    except subprocess.TimeoutExpired:
        return None, "", "timeout"
    finally:
        shutil.rmtree(bundle, ignore_errors=True)


def prepare(runtime, work):
    bundles.make_rootfs(os.path.join(work, "rootfs"))
    for name in ("cat", "chmod", "cp", "cut", "dd", "grep", "head", "hostname", "id", "ionice", "kill", "ls", "mkdir",
                 "nice", "nproc", "readlink", "rm", "rmdir", "sleep", "stat", "tail", "touch", "tr", "uname", "wc"):
        os.symlink("busybox", os.path.join(work, "rootfs/bin", name))
    subprocess.run([runtime, "spec", "-b", work], check=True)
    with open(os.path.join(work, "config.json")) as f:
        base = bundles.json.load(f)
    base["root"] = {"path": os.path.join(work, "rootfs"), "readonly": False}
    base["process"]["terminal"] = False
    base["process"]["rlimits"] = []
    base["process"]["env"] = ["PATH=/bin:/usr/bin"]
    base["mounts"] = [m for m in base["mounts"] if m["type"] != "cgroup"]
    return base


def main():
    reference = "--runc" in sys.argv
    args = [a for a in sys.argv[1:] if not a.startswith("--")]
    top = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
    runtime = os.environ.get("RUNSC", os.path.join(top, "build/bin/runsc"))
    runtime = "runc" if reference else args[0] if args else runtime
    work = tempfile.mkdtemp(prefix="fields.")
    os.chmod(work, 0o755)
    passed = failed = 0
    try:
        base = prepare(runtime, work)
        for name, code, inside, want, *more in CASES:
            if (len(args) > 1 and name not in args[1:]) or (reference and OURS in more):
                continue
            wanted = next((x for x in more if isinstance(x, int)), 0)
            status, out, err = run(runtime, base, work, code, inside)
            good = status == wanted and re.fullmatch(want, out, re.S)
            # The host may kill a second process while the sentry still holds the memory of the first (README).
            if name.startswith("oom") and runtime != "runc":
                good = good or status == 137
            if good:
                passed += 1
            else:
                failed += 1
                print("FAIL %s: exit status %s (expected %d), %r (expected %r) %s" %
                      (name, status, wanted, out, want, err[-300:]))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print("%d passed, %d failed" % (passed, failed))
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
