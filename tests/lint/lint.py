#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""lint.py - rules of the source that a compiler does not know

Checks, each with a name that can be given as an argument to run it alone:

  layers   who may include whom (LAYERS below is the order of the README's picture)
  heads    licence line, then "file - what it does", and no trailing blanks
  sizes    functions below 100 lines (flat tables and switches excepted), files below 800
  malloc   no libc memory and no thread-local storage in the sentry's folders
  format   clang-format has nothing to change

Prints one line a finding, "file:line: rule: text", and exits with 1 when there is one.
"""
import os
import re
import subprocess
import sys

TOP = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))

# Folder -> folders that it may include beside itself. The longest prefix of a file's folder counts.
BASE = ["sentry/base", "sentry/abi"]
L2 = ["sentry/arena", "sentry/auth", "sentry/time", "sentry/mm", "platform/platform.h",
      "platform/host"]
L3 = ["fs/vfs"]
L4 = ["sentry/kernel", "sentry/loader", "sentry/strace", "sentry/state"]
SENTRY = BASE + L2 + L3 + L4
LAYERS = {
    "sentry/base": ["sentry/abi"],
    "sentry/abi": ["sentry/base"],
    "platform": BASE + ["platform"],
    "gofer": BASE,
    "sentry/arena": BASE + L2,
    "sentry/auth": BASE + L2,
    "sentry/time": BASE + L2,
    "sentry/mm": BASE + L2,
    "fs/vfs": BASE + L2,
    "sentry/kernel": SENTRY,
    "sentry/loader": SENTRY,
    "sentry/strace": SENTRY,
    "sentry/state": SENTRY,
    "fs": SENTRY + ["fs/kernfs"],
    "fs/goferfs": SENTRY + ["gofer/client.h", "gofer/proto.h"],
    "net/socket": SENTRY,
    "syscalls": SENTRY + ["fs/anon/anon.h", "net/socket/socket.h", "fs/pipe/pipe.h",
                          "fs/mqueue/mqueue.h"],
    "runsc/boot": [""],
    "runsc/spec": BASE + ["syscalls/table.def"],
    "runsc/cgroup": BASE + ["runsc/spec"],
    "runsc": BASE + ["runsc/boot/boot.h", "runsc/spec", "runsc/cgroup/cgroup.h", "gofer/server.h", "syscalls/table.def"],
    "tests": [""],
}
SENTRY_FOLDERS = ("sentry/", "fs/", "net/", "syscalls/")
FUNCTION_MAX = 100
FILE_MAX = 800


def sources():
    out = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"],
                         cwd=TOP, capture_output=True, text=True, check=True).stdout
    return [f for f in out.split("\n") if re.search(r"\.(c|h|S|def)$", f)
            and os.path.exists(os.path.join(TOP, f))]


def read(name):
    with open(os.path.join(TOP, name), encoding="utf-8") as f:
        return f.read()


def allowed(folder):
    parts = folder.split("/")
    for n in range(len(parts), 0, -1):
        if "/".join(parts[:n]) in LAYERS:
            return "/".join(parts[:n]), LAYERS["/".join(parts[:n])]
    return None, None


def check_layers(name, text):
    own, permitted = allowed(os.path.dirname(name))
    if own is None:
        yield 1, "folder %s has no layer" % os.path.dirname(name)
        return
    for i, line in enumerate(text.split("\n"), 1):
        m = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if not m:
            continue
        target = m.group(1)
        if target.startswith("gen/") or "/" not in target:
            continue
        folder = os.path.dirname(target)
        if folder == own or folder.startswith(own + "/") or folder == os.path.dirname(name):
            continue
        if not any(p == "" or target == p or folder == p or folder.startswith(p + "/")
                   for p in permitted):
            yield i, "%s may not include %s" % (own, target)


def check_heads(name, text):
    lines = text.split("\n")
    head = [line for line in lines[:3] if not line.startswith("/* libs:")] + ["", ""]
    if not re.match(r"/\* SPDX-License-Identifier: Apache-2\.0 \*/$", head[0]):
        yield 1, "no SPDX line"
    base = os.path.basename(name)
    if not head[1].startswith(("/* %s - " % base, "/* %s - " % os.path.splitext(base)[0])):
        yield 2, 'no head comment "/* %s - what it does"' % base
    for i, line in enumerate(lines, 1):
        if line != line.rstrip():
            yield i, "blank at the end of the line"
        if len(line.expandtabs(8)) > 100:
            yield i, "longer than 100 columns"
    if not text.endswith("\n") or text.endswith("\n\n"):
        yield len(lines), "the file does not end with one newline"


def check_sizes(name, text):
    lines = text.split("\n")
    if len(lines) > FILE_MAX and not name.endswith(".def"):
        yield 1, "%d lines, above %d" % (len(lines), FILE_MAX)
    start = None
    for i, line in enumerate(lines, 1):
        if line == "{":
            start = i
        elif line == "}" and start is not None:
            body = lines[start:i - 1]
            flat = sum(1 for b in body if re.match(r"\s*(case|default)\b", b))
            if i - start > FUNCTION_MAX and flat < len(body) / 4:
                yield start, "function of %d lines, above %d" % (i - start, FUNCTION_MAX)
            start = None


def check_malloc(name, text):
    if not name.startswith(SENTRY_FOLDERS):
        return
    for i, line in enumerate(text.split("\n"), 1):
        code = re.sub(r'//.*|/\*.*?\*/|"(\\.|[^"\\])*"', "", line)
        if re.match(r"\s*(/?\*|//)", line):
            continue
        m = re.search(r"\b(malloc|calloc|realloc|strdup|asprintf|free|__thread|_Thread_local|"
                      r"thread_local)\b\s*[(;]?", code)
        if m and (m.group(0).endswith("(") or "hread" in m.group(1)):
            yield i, "%s in the sentry" % m.group(1)


def check_format(names):
    files = [n for n in names if re.search(r"\.[ch]$", n)]
    out = subprocess.run(["clang-format", "--dry-run"] + files, cwd=TOP, capture_output=True,
                         text=True).stderr
    seen = set()
    for line in out.split("\n"):
        m = re.match(r"([^:]+):(\d+):\d+: warning", line)
        if m and m.group(1) not in seen:
            seen.add(m.group(1))
            yield m.group(1), int(m.group(2)), "clang-format would change it"


PER_FILE = {"layers": check_layers, "heads": check_heads, "sizes": check_sizes,
            "malloc": check_malloc}


def main():
    wanted = [a for a in sys.argv[1:] if not a.startswith("--")] or list(PER_FILE) + ["format"]
    names = sources()
    findings = 0
    for name in names:
        text = read(name)
        for rule in wanted:
            if rule not in PER_FILE:
                continue
            for line, what in PER_FILE[rule](name, text):
                print("%s:%d: %s: %s" % (name, line, rule, what))
                findings += 1
    if "format" in wanted:
        for name, line, what in check_format(names):
            print("%s:%d: format: %s" % (name, line, what))
            findings += 1
    print("lint: %d files, %d findings" % (len(names), findings))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
