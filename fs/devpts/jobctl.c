/* SPDX-License-Identifier: Apache-2.0 */
/* jobctl.c - terminals, sessions and process groups (credentials(7), tty_ioctl(4), setsid(2))
 *
 * tty->session and tty->pgrp, session->tty and tgroup->tty change under the tasklist lock [T] (and
 * the former under tty->lock too, so that either is enough to read them). [T] comes before
 * tty->lock.
 */
#include <signal.h>

#include "fs/devpts/tty.h"
#include "sentry/kernel/process.h"
#include "sentry/mm/copy.h"

/* [T] held: sends @sig to each member of the group numbered @id. */
static void send_pgrp(s32 id, int sig)
{
	struct pgrp *g = id > 0 ? pgrp_find(id) : NULL;

	if (g)
		signal_send_pgrp(g, sig);
}

void tty_signal_pgrp(struct tty *tty, u64 signals)
{
	if (!signals)
		return;
	mutex_lock(&g_kernel->lock);
	for (int sig = 1; sig <= NSIG_MAX; sig++)
		if (signals & SIGMASK(sig))
			send_pgrp(tty->pgrp, sig);
	mutex_unlock(&g_kernel->lock);
}

/* [T] held. */
static bool ignored_or_blocked(struct task *t, int sig)
{
	return (t->blocked & SIGMASK(sig)) || t->sighand->action[sig - 1].handler == 1;
}

long tty_check_job(struct task *t, struct tty *tty, int sig)
{
	struct tgroup *tg = t->tg;
	long ret = 0;

	mutex_lock(&g_kernel->lock);
	if (tg->tty != tty || !tg->session || tg->session->id != tty->session || tty->pgrp == 0 ||
	    tg->pgrp->id == tty->pgrp)
		goto out;
	if (ignored_or_blocked(t, sig)) {
		ret = sig == SIGTTIN ? -EIO : 0;
	} else if (pgrp_is_orphaned(tg->pgrp)) {
		ret = -EIO;
	} else {
		signal_send_pgrp(tg->pgrp, sig);
		ret = -ERESTARTSYS;
	}
out:
	mutex_unlock(&g_kernel->lock);
	return ret;
}

/* [T] held. */
static void set_ctty(struct tgroup *tg, struct tty *tty)
{
	mutex_lock(&tty->lock);
	tty->session = tg->session->id;
	tty->pgrp = tg->pgrp->id;
	mutex_unlock(&tty->lock);
	tg->session->tty = tty;
	tg->tty = tty;
}

void tty_open_ctty(struct task *t, struct tty *tty)
{
	mutex_lock(&g_kernel->lock);
	if (t->tg->session_leader && t->tg->session && !t->tg->session->tty && tty->session == 0)
		set_ctty(t->tg, tty);
	mutex_unlock(&g_kernel->lock);
}

struct tty *tty_controlling(struct task *t)
{
	struct tty *tty;

	mutex_lock(&g_kernel->lock);
	tty = t->tg->tty;
	if (tty)
		tty_get(tty);
	mutex_unlock(&g_kernel->lock);
	return tty;
}

/* [T] held: every process of the session @sid loses its controlling terminal. */
static void clear_session_tty(s32 sid, struct tty *tty)
{
	struct session *s = session_find(sid);
	struct tgroup *tg;

	for (tg = tgroup_next(1); tg; tg = tgroup_next(tg->tgid + 1))
		if (tg->session && tg->session->id == sid && tg->tty == tty)
			tg->tty = NULL;
	if (s && s->tty == tty)
		s->tty = NULL;
}

void tty_disassociate(struct tty *tty, s32 sid)
{
	mutex_lock(&g_kernel->lock);
	send_pgrp(tty->pgrp, SIGHUP);
	send_pgrp(tty->pgrp, SIGCONT);
	mutex_lock(&tty->lock);
	tty->session = tty->pgrp = 0;
	mutex_unlock(&tty->lock);
	clear_session_tty(sid, tty);
	mutex_unlock(&g_kernel->lock);
}

static void leader_exit(struct tty *tty, struct session *s)
{
	tty_disassociate(tty, s->id);
}

static void ids(struct tty *tty, u32 *rdev, s32 *pgrp)
{
	/* the encoding of /proc/pid/stat: minor's low byte, major, rest of minor */
	*rdev = (tty->rdev & 0xff) | (tty->rdev & 0xfff00) | ((tty->rdev >> 12) & 0xfff00000u);
	*pgrp = tty->pgrp;
}

const struct tty_hooks tty_kernel_hooks = {.leader_exit = leader_exit, .ids = ids};

static long ioctl_sctty(struct task *t, struct tty *tty, u64 arg)
{
	long ret = 0;

	mutex_lock(&g_kernel->lock);
	if (t->tg->session_leader && t->tg->tty == tty && tty->session == t->tg->session->id)
		goto out;
	if (!t->tg->session_leader || t->tg->session->tty)
		ret = -EPERM;
	else if (tty->session && !(arg == 1 && task_capable(t, 21))) /* CAP_SYS_ADMIN steals */
		ret = -EPERM;
	if (ret)
		goto out;
	if (tty->session)
		clear_session_tty(tty->session, tty);
	set_ctty(t->tg, tty);
out:
	mutex_unlock(&g_kernel->lock);
	return ret;
}

static long ioctl_notty(struct task *t, struct tty *tty)
{
	bool leader;
	s32 sid;

	mutex_lock(&g_kernel->lock);
	if (t->tg->tty != tty) {
		mutex_unlock(&g_kernel->lock);
		return -ENOTTY;
	}
	leader = t->tg->session_leader;
	sid = t->tg->session->id;
	t->tg->tty = NULL;
	mutex_unlock(&g_kernel->lock);
	if (leader)
		tty_disassociate(tty, sid);
	return 0;
}

static long ioctl_set_pgrp(struct task *t, struct tty *tty, gva_t arg)
{
	struct pgrp *g;
	s32 id;
	long ret = tty_check_job(t, tty, SIGTTOU);

	if (ret == -EIO)
		return t->tg->tty == tty ? -EIO : -ENOTTY;
	if (ret)
		return ret;
	ret = copy_in_obj(t->mm, &id, arg);
	if (ret)
		return ret;
	if (id < 0)
		return -EINVAL;
	mutex_lock(&g_kernel->lock);
	g = pgrp_find_for(t, id);
	if (t->tg->tty != tty || tty->session != t->tg->session->id)
		ret = -ENOTTY;
	else if (!g)
		ret = -ESRCH;
	else if (g->session != t->tg->session)
		ret = -EPERM;
	if (ret == 0) {
		mutex_lock(&tty->lock);
		tty->pgrp = g->id;
		mutex_unlock(&tty->lock);
	}
	mutex_unlock(&g_kernel->lock);
	return ret;
}

static long ioctl_get(struct task *t, struct tty *tty, bool master, u32 cmd, gva_t arg)
{
	s32 id;

	mutex_lock(&g_kernel->lock);
	if (!master && t->tg->tty != tty) {
		mutex_unlock(&g_kernel->lock);
		return -ENOTTY;
	}
	id = cmd == TIOCGSID ? tty->session : tty->pgrp;
	if (id)
		id = number_for(t, id);
	mutex_unlock(&g_kernel->lock);
	if (cmd == TIOCGSID && id == 0)
		return -ENOTTY;
	return copy_out_obj(t->mm, arg, &id);
}

long tty_ioctl_job(struct task *t, struct file *f, struct tty *tty, u32 cmd, u64 arg)
{
	bool master = f->op != &tty_file_ops;

	switch (cmd) {
	case TIOCSCTTY:
		return ioctl_sctty(t, tty, arg);
	case TIOCNOTTY:
		return ioctl_notty(t, tty);
	case TIOCSPGRP:
		return ioctl_set_pgrp(t, tty, GVA(arg));
	case TIOCGPGRP:
	case TIOCGSID:
		return ioctl_get(t, tty, master, cmd, GVA(arg));
	default:
		return -ENOIOCTL;
	}
}
