#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bad_bundles.py - wrong (and a few right) bundles: exit status as runc's, one line of reason

Each case is a change of a good config.json: Python statements over c (the document), p (process), l (linux),
m (mounts), raw (text instead of the document, or NONE for no file). The exit statuses were measured with runc
1.1.5; `bad_bundles.py --runc` measures them again. The text is what the line must name.
"""
import ctypes
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

CASES = [
    ('ok', "pass",
     0, ''),
    ('no_config', "raw='NONE'",
     1, 'JSON specification file config.json not '),
    ('empty_file', "raw=''",
     1, 'config.json: line'),
    ('not_json', "raw='hello'",
     1, 'config.json: line'),
    ('truncated', "raw='{\"ociVersion\":'",
     1, 'config.json: line'),
    ('top_array', "raw='[]'",
     1, 'config.json: expected'),
    ('trailing', "raw='{} {}'",
     1, 'config.json: line'),
    ('empty_object', "raw='{}'",
     1, 'config.json: process'),
    ('nul_in_json', "raw='{\"a\":\"\\\\u0000\"}'",
     1, 'config.json: process'),
    ('no_version', "del c['ociVersion']",
     0, ''),
    ('version_int', "c['ociVersion']=1",
     1, 'config.json: ociVersion'),
    ('version_bad', "c['ociVersion']='banana'",
     0, ''),
    ('version_2', "c['ociVersion']='2.0.0'",
     0, ''),
    ('version_empty', "c['ociVersion']=''",
     0, ''),
    ('no_process', "del c['process']",
     1, 'config.json: process'),
    ('process_string', "c['process']='x'",
     1, 'config.json: process'),
    ('process_null', "c['process']=None",
     1, 'config.json: process'),
    ('no_args', "del p['args']",
     1, 'config.json: process.args'),
    ('args_empty', "p['args']=[]",
     1, 'config.json: process.args'),
    ('args_string', "p['args']='sh'",
     1, 'config.json: process.args'),
    ('args_int', "p['args']=[1]",
     1, 'config.json: process.args[0]'),
    ('args_emptystr', "p['args']=['']",
     1, 'exec: ""'),
    ('args_null', "p['args']=None",
     1, 'config.json: process.args'),
    ('no_cwd', "del p['cwd']",
     1, 'config.json: process.cwd'),
    ('cwd_relative', "p['cwd']='tmp'",
     1, 'config.json: process.cwd'),
    ('cwd_int', "p['cwd']=3",
     1, 'config.json: process.cwd'),
    ('cwd_missing', "p['cwd']='/nope/a'",
     0, ''),
    ('cwd_file', "p['cwd']='/etc/noexec'",
     1, '/etc/noexec'),
    ('env_string', "p['env']='A=B'",
     1, 'config.json: process.env'),
    ('env_noeq', "p['env']=['AB']",
     1, 'config.json: process.env'),
    ('env_int', "p['env']=[5]",
     1, 'config.json: process.env[0]'),
    ('user_string', "p['user']='root'",
     1, 'config.json: process.user'),
    ('uid_string', "p['user']['uid']='0'",
     1, 'config.json: process.user.uid'),
    ('uid_negative', "p['user']['uid']=-1",
     1, 'config.json: process.user.uid'),
    ('uid_huge', "p['user']['uid']=4294967296",
     1, 'config.json: process.user.uid'),
    ('uid_float', "p['user']['uid']=1.5",
     1, 'config.json: process.user.uid'),
    ('gid_string', "p['user']['gid']='x'",
     1, 'config.json: process.user.gid'),
    ('gids_string', "p['user']['additionalGids']='x'",
     1, 'config.json: process.user.additionalGids'),
    ('gids_neg', "p['user']['additionalGids']=[-1]",
     1, 'config.json: process.user.additionalGids[0]'),
    ('umask_string', "p['user']['umask']='022'",
     1, 'config.json: process.user.umask'),
    ('terminal_string', "p['terminal']='yes'",
     1, 'config.json: process.terminal'),
    ('terminal_int', "p['terminal']=1",
     1, 'config.json: process.terminal'),
    ('nnp_string', "p['noNewPrivileges']='true'",
     1, 'config.json: process.noNewPrivileges'),
    ('caps_list', "p['capabilities']=['CAP_KILL']",
     1, 'config.json: process.capabilities'),
    ('caps_unknown', "p['capabilities']['bounding']=['CAP_NOPE']",
     0, ''),
    ('caps_int', "p['capabilities']['bounding']=[1]",
     1, 'config.json: process.capabilities.bounding[0]'),
    ('rlimit_type', "p['rlimits']=[{'type':'RLIMIT_NOPE','hard':1,'soft':1}]",
     1, 'config.json: process.rlimits[0].type'),
    ('rlimit_softhard', "p['rlimits']=[{'type':'RLIMIT_NOFILE','hard':10,'soft':20}]",
     1, 'config.json: process.rlimits[0].soft'),
    ('rlimit_neg', "p['rlimits']=[{'type':'RLIMIT_NOFILE','hard':-10,'soft':20}]",
     1, 'config.json: process.rlimits[0].hard'),
    ('rlimit_string', "p['rlimits']=[{'type':'RLIMIT_NOFILE','hard':'10','soft':20}]",
     1, 'config.json: process.rlimits[0].hard'),
    ('rlimit_object', "p['rlimits']={}",
     1, 'config.json: process.rlimits'),
    ('rlimit_dup', "p['rlimits']=[{'type':'RLIMIT_NOFILE','hard':100,'soft':100}]*2",
     0, ''),
    ('rlimit_notype', "p['rlimits']=[{'hard':100,'soft':100}]",
     1, 'config.json: process.rlimits[0].type'),
    ('oom_string', "p['oomScoreAdj']='x'",
     1, 'config.json: process.oomScoreAdj'),
    ('oom_range', "p['oomScoreAdj']=5000",
     1, 'config.json: process.oomScoreAdj'),
    ('no_root', "del c['root']",
     1, 'config.json: root'),
    ('root_string', "c['root']='rootfs'",
     1, 'config.json: root'),
    ('root_nopath', "del c['root']['path']",
     1, 'config.json: root.path'),
    ('root_int', "c['root']['path']=1",
     1, 'config.json: root.path'),
    ('root_missing', "c['root']['path']='/nope/x'",
     1, 'config.json: root.path'),
    ('root_file', "c['root']['path']='/etc/passwd'",
     1, 'config.json: root.path'),
    ('root_rel_missing', "c['root']['path']='rootfs_nope'",
     1, 'config.json: root.path'),
    ('root_symlink', "c['root']['path']='rootfs_link'",
     1, 'config.json: root.path'),
    ('root_ro_string', "c['root']['readonly']='yes'",
     1, 'config.json: root.readonly'),
    ('hostname_int', "c['hostname']=5",
     1, 'config.json: hostname'),
    ('hostname_nouts', "l['namespaces']=[n for n in l['namespaces'] if n['type']!='uts']",
     1, 'config.json: hostname'),
    ('hostname_long', "c['hostname']='a'*65",
     1, 'config.json: hostname'),
    ('mounts_object', "c['mounts']={}",
     1, 'config.json: mounts'),
    ('mount_string', "m.append('x')",
     1, 'config.json: mounts[7]'),
    ('mount_nodest', "m.append({'type':'tmpfs','source':'tmpfs'})",
     1, 'config.json: mounts[7].destination'),
    ('mount_destrel', "m.append({'destination':'tmp','type':'tmpfs','source':'tmpfs'})",
     0, ''),
    ('mount_destint', "m.append({'destination':5,'type':'tmpfs','source':'tmpfs'})",
     1, 'config.json: mounts[7].destination'),
    ('mount_typeunknown', "m.append({'destination':'/tmp','type':'nopefs','source':'x'})",
     1, 'config.json: mounts[7].type'),
    ('mount_typeint', "m.append({'destination':'/tmp','type':5,'source':'x'})",
     1, 'config.json: mounts[7].type'),
    ('mount_optstring', "m.append({'destination':'/tmp','type':'tmpfs','source':'x','options':'ro'})",
     1, 'config.json: mounts[7].options'),
    ('mount_optint', "m.append({'destination':'/tmp','type':'tmpfs','source':'x','options':[1]})",
     1, 'config.json: mounts[7].options[0]'),
    ('mount_optbad', "m.append({'destination':'/tmp','type':'tmpfs','source':'x','options':['nope=1']})",
     1, 'config.json: mounts[7].options'),
    ('mount_optsize', "m.append({'destination':'/tmp','type':'tmpfs','source':'x','options':['size=abc']})",
     1, 'config.json: mounts[7].options'),
    ('mount_optmode', "m.append({'destination':'/tmp','type':'tmpfs','source':'x','options':['mode=9z']})",
     1, 'config.json: mounts[7].options'),
    ('bind_nosrc', "m.append({'destination':'/tmp','type':'bind','options':['bind']})",
     0, ''),
    ('bind_missing', "m.append({'destination':'/tmp','type':'bind','source':'/nope/x','options':['bind']})",
     1, 'config.json: mounts[7].source'),
    ('bind_notype', "m.append({'destination':'/tmp','source':'/etc','options':['rbind','ro']})",
     0, ''),
    ('bind_notypemissing', "m.append({'destination':'/tmp','source':'/nope','options':['rbind','ro']})",
     1, 'config.json: mounts[7].source'),
    ('bind_fileondir', "m.append({'destination':'/tmp','type':'bind','source':'/etc/passwd','options':['bind']})",
     1, '/tmp'),
    ('bind_dironfile', "m.append({'destination':'/etc/noexec','type':'bind','source':'/etc','options':['bind']})",
     1, '/etc/noexec'),
    ('bind_newdir', "m.append({'destination':'/tmp/newdir/a','type':'bind','source':'/etc','options':['bind']})",
     0, ''),
    ('bind_dotdot', "m.append({'destination':'/tmp/../../../tmp','type':'bind','source':'/etc','options':['bind']})",
     0, ''),
    ('mount_notype', "m.append({'destination':'/tmp','source':'tmpfs'})",
     1, 'config.json: mounts[7].type'),
    ('linux_string', "c['linux']='x'",
     1, 'config.json: linux'),
    ('linux_none', "del c['linux']",
     1, 'config.json: hostname'),
    ('ns_string', "l['namespaces']='pid'",
     1, 'config.json: linux.namespaces'),
    ('ns_unknown', "l['namespaces'].append({'type':'nope'})",
     1, 'config.json: linux.namespaces[5].type'),
    ('ns_dup', "l['namespaces'].append({'type':'pid'})",
     1, 'config.json: linux.namespaces[5].type'),
    ('ns_int', "l['namespaces'].append({'type':5})",
     1, 'config.json: linux.namespaces[5].type'),
    ('ns_notype', "l['namespaces'].append({})",
     1, 'config.json: linux.namespaces[5].type'),
    ('ns_pathmissing', "l['namespaces'][0]['path']='/nope/ns'",
     1, 'config.json: linux.namespaces[0].path'),
    ('ns_pathwrong', "l['namespaces'][1]['path']='/proc/self/ns/pid'",
     1, 'config.json: linux.namespaces[1].path'),
    ('ns_pathint', "l['namespaces'][1]['path']=5",
     1, 'config.json: linux.namespaces[1].path'),
    ('ns_none', "l['namespaces']=[]",
     1, 'config.json: linux.maskedPaths'),
    ('ns_nomount', "l['namespaces']=[n for n in l['namespaces'] if n['type']!='mount']",
     1, 'config.json: linux.maskedPaths'),
    ('masked_string', "l['maskedPaths']='/proc/kcore'",
     1, 'config.json: linux.maskedPaths'),
    ('masked_int', "l['maskedPaths']=[1]",
     1, 'config.json: linux.maskedPaths[0]'),
    ('masked_relative', "l['maskedPaths']=['proc/kcore']",
     0, ''),
    ('readonly_string', "l['readonlyPaths']='/proc/sys'",
     1, 'config.json: linux.readonlyPaths'),
    ('readonly_int', "l['readonlyPaths']=[1]",
     1, 'config.json: linux.readonlyPaths[0]'),
    ('uidmap_string', "l['uidMappings']='x'",
     1, 'config.json: linux.uidMappings'),
    ('uidmap_nons', "l['uidMappings']=[{'containerID':0,'hostID':0,'size':1}]",
     0, ''),
    ('uidmap_neg', "l['uidMappings']=[{'containerID':-1,'hostID':0,'size':1}]",
     1, 'config.json: linux.uidMappings[0].containerID'),
    ('user_nomap', "l['namespaces'].append({'type':'user'})",
     1, 'config.json: linux.uidMappings'),
    ('sysctl_list', "l['sysctl']=[]",
     1, 'config.json: linux.sysctl'),
    ('sysctl_int', "l['sysctl']={'net.ipv4.ip_forward':1}",
     1, 'config.json: linux.sysctl.net.ipv4.ip_forward'),
    ('sysctl_bad', "l['sysctl']={'vm.swappiness':'1'}",
     1, 'config.json: linux.sysctl.vm.swappiness'),
    ('sysctl_nope', "l['sysctl']={'net.nope':'1'}",
     1, 'net.nope'),
    ('resources_list', "l['resources']=[]",
     1, 'config.json: linux.resources'),
    ('mem_string', "l['resources']['memory']={'limit':'1M'}",
     1, 'config.json: linux.resources.memory.limit'),
    ('mem_small', "l['resources']['memory']={'limit':10}",
     1, 'config.json: linux.resources.memory.limit'),
    ('pids_string', "l['resources']['pids']={'limit':'5'}",
     1, 'config.json: linux.resources.pids.limit'),
    ('devices_string', "l['devices']='x'",
     1, 'config.json: linux.devices'),
    ('devices_type', "l['devices']=[{'path':'/dev/x','type':'q','major':1,'minor':1}]",
     1, 'config.json: linux.devices[0].type'),
    ('devices_nopath', "l['devices']=[{'type':'c','major':1,'minor':1}]",
     0, ''),
    ('devices_strmajor', "l['devices']=[{'path':'/dev/x','type':'c','major':'1','minor':1}]",
     1, 'config.json: linux.devices[0].major'),
    ('seccomp_string', "l['seccomp']='x'",
     1, 'config.json: linux.seccomp'),
    ('seccomp_action', "l['seccomp']={'defaultAction':'SCMP_ACT_NOPE'}",
     1, 'config.json: linux.seccomp.defaultAction'),
    ('seccomp_arch', "l['seccomp']={'defaultAction':'SCMP_ACT_ALLOW','architectures':['NOPE'],'syscalls':[{'names':['x'],'action':'SCMP_ACT_ERRNO'}]}",
     1, 'config.json: linux.seccomp.architectures'),
    ('seccomp_sysact', "l['seccomp']={'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['getpid'],'action':'NOPE'}]}",
     1, 'config.json: linux.seccomp.syscalls[0].action'),
    ('seccomp_op', "l['seccomp']={'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['getpid'],'action':'SCMP_ACT_ERRNO','args':[{'index':0,'value':1,'op':'NOPE'}]}]}",
     1, 'config.json: linux.seccomp.syscalls[0].args[0].op'),
    ('propagation', "l['rootfsPropagation']='nope'",
     1, 'config.json: linux.rootfsPropagation'),
    ('cgroupspath_int', "l['cgroupsPath']=5",
     1, 'config.json: linux.cgroupsPath'),
    ('hooks_list', "c['hooks']=[]",
     1, 'config.json: hooks'),
    ('hooks_string', "c['hooks']={'prestart':'x'}",
     1, 'config.json: hooks.prestart'),
    ('hooks_nopath', "c['hooks']={'prestart':[{'args':['x']}]}",
     1, 'config.json: hooks.prestart[0].path'),
    ('hooks_missing', "c['hooks']={'prestart':[{'path':'/nope/hook'}]}",
     1, 'config.json: hooks.prestart[0].path'),
    ('annotations_list', "c['annotations']=[]",
     1, 'config.json: annotations'),
    ('annotations_int', "c['annotations']={'a':1}",
     1, 'config.json: annotations.a'),
    ('exe_missing', "p['args']=['/nope']",
     1, '/nope'),
    ('exe_missing_path', "p['args']=['nope-prog']",
     1, 'executable file not found in $PATH'),
    ('exe_dir', "p['args']=['/etc']",
     1, 'permission denied'),
    ('exe_noexec', "p['args']=['/etc/noexec']",
     1, 'permission denied'),
    ('exe_badformat', "p['args']=['/etc/badexec']",
     1, 'exec format error'),
    ('exe_rel_missing', "p['args']=['./nope']",
     1, './nope'),
    ('exit3', "p['args']=['sh','-c','exit 3']",
     3, ''),
    ('killed', "p['args']=['sh','-c','kill -9 $$']",
     0, ''),
    ('unknown_fields', "c['foo']={'a':1}; p['bar']=1; l['baz']=[]",
     0, ''),
    ('big_int', "p['user']['uid']=99999999999999999999",
     1, 'config.json: line'),
    ('deep', "raw='['*100000",
     1, 'config.json: line'),
]


def make_rootfs(path):
    for d in ("bin", "proc", "dev", "sys", "tmp", "etc"):
        os.makedirs(os.path.join(path, d))
    busybox = shutil.which("busybox")
    shutil.copy(busybox, os.path.join(path, "bin/busybox"))
    for name in ("sh", "true"):
        os.symlink("busybox", os.path.join(path, "bin", name))
    with open(os.path.join(path, "etc/noexec"), "w") as f:
        f.write("hello")
    with open(os.path.join(path, "etc/badexec"), "w") as f:
        f.write("hello")
    os.chmod(os.path.join(path, "etc/badexec"), 0o755)


def listing(path):
    return sorted(os.path.join(d, n) for d, ds, fs in os.walk(path) for n in ds + fs)


def become_subreaper():
    """What a runtime leaves behind becomes our child: nobody else's processes are counted."""
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)


def processes():
    time.sleep(0.2)
    found = []
    for pid in os.listdir("/proc"):
        if not pid.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % pid) as f:
                name, rest = f.read().rsplit(")", 1)
        except OSError:
            continue
        if int(rest.split()[1]) == os.getpid() and rest.split()[0] != "Z":
            found.append(name)
    return found


def write_bundle(bundle, base, code):
    c = json.loads(json.dumps(base))
    scope = {"c": c, "p": c["process"], "l": c["linux"], "m": c["mounts"], "raw": None, "os": os,
             "b": bundle}
    exec(code, scope)
    if scope["raw"] == "NONE":
        return
    with open(os.path.join(bundle, "config.json"), "w") as f:
        f.write(json.dumps(scope["c"]) if scope["raw"] is None else scope["raw"])


def run_case(runtime, base, work, code):
    bundle = os.path.join(work, "bundle")
    os.makedirs(bundle)
    os.symlink(os.path.join(work, "rootfs"), os.path.join(bundle, "rootfs_link"))
    write_bundle(bundle, base, code)
    before = listing(work)
    args = [runtime, "run", "-b", bundle, "badbundle%d" % os.getpid()]
    try:
        r = subprocess.run(args, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=20)
        status, err = r.returncode, r.stderr
    except subprocess.TimeoutExpired:
        status, err = None, "timeout"
    after = listing(work)
    shutil.rmtree(bundle)
    return status, err, [f for f in after if f not in before]


def judge(status, err, left, wanted, text):
    if status != wanted:
        return "exit status %s, expected %d (%s)" % (status, wanted, err.strip()[-200:])
    lines = [x for x in err.split("\n") if "error" in x]
    if text and (len(lines) != 1 or text not in lines[0]):
        return "expected one line with %r, got %r" % (text, lines)
    if left and wanted:
        return "left behind: %s" % left
    return None


def main():
    reference = "--runc" in sys.argv
    args = [a for a in sys.argv[1:] if not a.startswith("--")]
    top = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
    runtime = os.environ.get("RUNSC", os.path.join(top, "build/bin/runsc"))
    runtime = "runc" if reference else args[0] if args else runtime
    work = tempfile.mkdtemp(prefix="badbundle.")
    mounts = open("/proc/self/mountinfo").read()
    become_subreaper()
    failed = 0
    try:
        make_rootfs(os.path.join(work, "rootfs"))
        subprocess.run([runtime, "spec", "-b", work], check=True)
        with open(os.path.join(work, "config.json")) as f:
            base = json.load(f)
        base["root"]["path"] = os.path.join(work, "rootfs")
        base["process"]["terminal"] = False
        base["process"]["args"] = ["/bin/true"]
        for name, code, wanted, text in CASES:
            if len(args) > 1 and name not in args[1:]:
                continue
            status, err, left = run_case(runtime, base, work, code)
            what = judge(status, err, left, wanted, "" if reference else text)
            if what:
                failed += 1
                print("FAIL %s: %s" % (name, what))
    finally:
        shutil.rmtree(work)
    left = processes()
    if left:
        failed += 1
        print("FAIL processes are left: %s" % left)
    if open("/proc/self/mountinfo").read() != mounts:
        failed += 1
        print("FAIL mounts are left")
    print("%d passed, %d failed" % (max(len(CASES) - failed, 0), failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
