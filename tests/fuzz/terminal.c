/* libs: fs_devpts kernel vfs mm auth time arena unotify seccomp host base */
/* SPDX-License-Identifier: Apache-2.0 */
/* terminal.c - libFuzzer target: what is typed, written, read and asked of a terminal
 *
 * The input is a list of calls. The guest's memory is one page of this process, at an address that
 * a guest may have, so that arguments of ioctls are copied in and out for real.
 */
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fs/devpts/tty_internal.h"
#include "sentry/kernel/kernel.h"
#include "tests/fuzz/fuzz.h"

#define worker platform_worker /* two structures have this name */
#include "platform/unotify/internal.h"
#undef worker

#define GUEST_PAGE 0x10000000ul

static struct kernel g_k;
static struct tgroup g_tg;
static struct task g_task;
static struct caller g_c;
static const struct tty_driver g_driver;

static void setup(void)
{
	static struct platform platform = {.procfd = -1};
	static struct pas as = {.p = &platform};

	check(arena_init(1ul << 30) == 0);
	check(mmap((void *)GUEST_PAGE, PAGE_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == (void *)GUEST_PAGE);
	g_kernel = &g_k;
	mutex_init(&g_k.lock, LR_TASKLIST);
	atomic_store(&as.tgid, getpid());
	g_task.mm = g_c.mm = mm_create();
	g_c.mm->as = &as;
	g_task.cred = g_c.cred = cred_create();
	g_tg.pid_ns = &g_k.pids;
	g_task.tg = &g_tg;
	g_c.task = &g_task;
}

static void check_tty(const struct tty *t)
{
	check(t->in.head - t->in.tail <= TTY_IN_SIZE);
	check(t->in.canon - t->in.tail <= TTY_IN_SIZE && t->in.head - t->in.canon <= TTY_IN_SIZE);
	check(t->out_head - t->out_tail <= TTY_OUT_SIZE);
	check(ldisc_available(t) <= TTY_IN_SIZE && tty_out_room(t) <= TTY_OUT_SIZE);
}

static void set_modes(struct tty *tty, struct input *in)
{
	struct termios_k old = tty->termios;
	u32 which = (u32)take(in, 1);

	mutex_lock(&tty->lock);
	if (which & 1)
		tty->termios.c_iflag = (u32)take(in, 2);
	if (which & 2)
		tty->termios.c_oflag = (u32)take(in, 2);
	if (which & 4)
		tty->termios.c_lflag = (u32)take(in, 2);
	if (which & 8)
		tty->termios.c_cc[take(in, 1) % array_size(old.c_cc)] = (u8)take(in, 1);
	ldisc_mode_changed(tty, &old);
	mutex_unlock(&tty->lock);
}

static void ask(struct tty *tty, struct input *in)
{
	static const u32 commands[] = {
		TCGETS,	  TCSETS,   TCSETSW,   TCSETSF,	   TCGETA,     TCSETA,
		TCSETAF,  TCGETS2,  TCSETS2,   TIOCGWINSZ, TIOCSWINSZ, TCFLSH,
		TCXONC,	  TCSBRK,   TIOCGETD,  TIOCEXCL,   TIOCNXCL,   TIOCGEXCL,
		FIONREAD, TIOCOUTQ, TIOCGPGRP, TIOCSPGRP,  TIOCGSID,   TIOCNOTTY,
	};
	u32 nr = (u32)take(in, 1);
	const u8 *p;
	size_t n = take_bytes(in, take(in, 1) % 64, &p);
	struct file f = {.op = &tty_file_ops, .data = tty};
	u64 arg = take(in, 1);

	if (n) {
		memcpy((void *)GUEST_PAGE, p, n);
		arg = GUEST_PAGE + arg % 8;
	}
	tty_file_ops.ioctl(&g_c, &f, nr < 250 ? commands[nr % array_size(commands)] : nr << 8, arg);
}

static void one_call(struct tty *tty, struct input *in)
{
	u32 what = (u32)take(in, 1);
	u8 buf[512];
	const u8 *p;
	size_t n;
	bool eof;

	switch (what % 6) {
	case 0:
	case 1:
		n = take_bytes(in, take(in, 1), &p);
		check(tty_receive(tty, p, n) <= n);
		break;
	case 2:
		n = take_bytes(in, take(in, 1), &p);
		mutex_lock(&tty->lock);
		check(ldisc_write(tty, p, n) <= n);
		mutex_unlock(&tty->lock);
		break;
	case 3:
		n = take(in, 2) % sizeof(buf);
		mutex_lock(&tty->lock);
		if (ldisc_readable(tty))
			check(ldisc_read(tty, buf, n, &eof) <= n);
		mutex_unlock(&tty->lock);
		break;
	case 4:
		set_modes(tty, in);
		break;
	case 5:
		ask(tty, in);
		break;
	}
	if (what & 64) /* the reader of the master, or the console's terminal */
		tty->out_tail += min(tty->out_head - tty->out_tail, what);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = {data, data + size};
	struct tty *tty;

	if (!g_kernel)
		setup();
	tty = tty_create(&g_driver, UINT32_MAX, 0);
	check(tty);
	while (more(&in)) {
		one_call(tty, &in);
		check_tty(tty);
	}
	tty_put(tty);
	return 0;
}
