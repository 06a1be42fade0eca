#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""onpty.py COMMAND... - runs a command on a terminal of 24 lines and 80 columns

At the first shell prompt ("# ") it types a few commands and "exit 3". Prints the dialogue and exits as the command did.
"""
import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time

pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
out, typed, end = b"", False, time.time() + 20
while time.time() < end:
    if not select.select([fd], [], [], 0.2)[0]:
        continue
    try:
        data = os.read(fd, 4096)
    except OSError:
        break
    if not data:
        break
    out += data
    if not typed and b"# " in out:
        os.write(fd, b"tty; stty size; echo x$((40+2)); exit 3\n")
        typed = True
else:
    os.kill(pid, 9)
sys.stdout.buffer.write(out)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
