/* libs: kernel vfs mm auth time arena unotify seccomp host base */
/* SPDX-License-Identifier: Apache-2.0 */
/* kernel_tree.c - numbers, sessions and groups, signal queues and masks, without a platform */
#include <check.h>
#include <stdlib.h>

#include "sentry/kernel/process.h"

static struct kernel g_k;

static void setup(void)
{
	ck_assert_int_eq(arena_init(1ull << 30), 0);
	memset(&g_k, 0, sizeof(g_k));
	g_kernel = &g_k;
	mutex_init(&g_k.lock, LR_TASKLIST);
	mutex_init(&g_k.ready_lock, LR_READY);
	list_init(&g_k.groups);
	list_init(&g_k.ready);
}

/* [T] A process under @parent; NULL: process 1, which leads session and group 1. */
static struct task *process(struct tgroup *parent)
{
	struct task *t = task_alloc();
	int err = 0;
	struct pid *p = pid_alloc(&g_k.pids, NULL, 0, &err);

	ck_assert_ptr_nonnull(p);
	t->tg = tgroup_alloc();
	t->sighand = sighand_create(NULL);
	t->cred = cred_create();
	t->tg->parent = parent;
	t->tg->exit_signal = SIGCHLD;
	for (int i = 0; i < RLIMITS; i++)
		t->tg->rlim[i] = (struct rlimit64_pair){100, 100};
	if (parent) {
		tgroup_set_pgrp(t->tg, parent->pgrp);
	} else {
		struct session *s = session_create(p, t->tg);
		struct pgrp *g = pgrp_create(p, s);

		session_put(s);
		tgroup_set_pgrp(t->tg, g);
		pgrp_put(g);
	}
	task_link(t, p);
	atomic_store(&t->wait.state, TS_BLOCKED);
	return t;
}

/* [T] As an exit leaves it, reaped. */
static void reap(struct task *t)
{
	struct tgroup *tg = t->tg;

	t->exited = true;
	tg->live = tg->present = 0;
	tgroup_unlink(tg);
}

START_TEST(numbers)
{
	struct pid *p[100], *q;
	const s32 fifty = 50;
	int err = 0;

	tasklist_lock();
	for (int i = 0; i < 100; i++) {
		p[i] = pid_alloc(&g_k.pids, NULL, 0, &err);
		ck_assert_int_eq(p[i]->number.nr, i + 1);
	}
	ck_assert_ptr_null(pid_alloc(&g_k.pids, &fifty, 1, &err));
	ck_assert_int_eq(err, -EEXIST);
	ck_assert_ptr_eq(pid_find(77), p[76]);
	ck_assert_ptr_null(pid_find(101));
	pid_release(p[49]);
	ck_assert_ptr_null(pid_find(50));
	q = pid_alloc(&g_k.pids, NULL, 0, &err);
	ck_assert_int_eq(q->number.nr, 101); /* not the freed one: numbers go round */
	q = pid_alloc(&g_k.pids, &fifty, 1, &err);
	ck_assert_int_eq(q->number.nr, 50);
	g_k.pids.last_pid = PID_LIMIT - 1;
	q = pid_alloc(&g_k.pids, NULL, 0, &err);
	ck_assert_int_eq(q->number.nr, 300);
	tasklist_unlock();
}
END_TEST

START_TEST(sessions)
{
	struct task *init, *a, *b;
	struct pgrp *g;

	tasklist_lock();
	init = process(NULL);
	a = process(init->tg);
	b = process(a->tg);
	ck_assert_ptr_eq(b->tg->pgrp, init->tg->pgrp);
	ck_assert(pgrp_is_orphaned(init->tg->pgrp));
	g = pgrp_create(b->pid, b->tg->session);
	tgroup_set_pgrp(b->tg, g);
	pgrp_put(g);
	ck_assert_ptr_eq(pgrp_find(b->tid), g);
	ck_assert(!pgrp_is_orphaned(g)); /* a is of the session, in another group */
	ck_assert_ptr_eq(tgroup_next(2), a->tg);
	ck_assert_ptr_eq(tgroup_next(b->tid + 1), NULL);
	reap(b);
	ck_assert_ptr_null(pgrp_find(3));
	ck_assert_ptr_null(pid_find(3));
	reap(a);
	reap(init); /* session, group and task bear one number: freed once */
	ck_assert_ptr_null(session_find(1));
	ck_assert_ptr_null(pid_find(1));
	ck_assert(list_empty(&g_k.groups));
	tasklist_unlock();
}
END_TEST

static int send(struct task *t, int sig, int code, int value, bool group)
{
	struct siginfo_k info = {.si_signo = sig, .si_code = code};

	info.rt.value.sival_int = value;
	return signal_send_locked(t, &info, group);
}

START_TEST(queues)
{
	struct siginfo_k info;
	struct task *t;

	tasklist_lock();
	t = process(NULL);
	t->blocked = ~0ull & ~UNBLOCKABLE;
	ck_assert_int_eq(send(t, 40, SI_QUEUE, 1, true), 0);
	ck_assert_int_eq(send(t, 40, SI_QUEUE, 2, true), 0);
	ck_assert_int_eq(send(t, SIGUSR1, SI_USER, 3, true), 0);
	ck_assert_int_eq(send(t, SIGUSR1, SI_USER, 4, true), 0); /* merges */
	ck_assert_int_eq(send(t, SIGSEGV, SI_USER, 5, false), 0);
	ck_assert_int_eq(t->tg->sigqueue_count, 4);
	ck_assert_int_eq(signal_dequeue_locked(t, ~0ull, &info), SIGSEGV);
	ck_assert_int_eq(signal_dequeue_locked(t, ~0ull, &info), SIGUSR1);
	ck_assert_int_eq(info.rt.value.sival_int, 3);
	ck_assert_int_eq(signal_dequeue_locked(t, ~0ull, &info), 40);
	ck_assert_int_eq(info.rt.value.sival_int, 1);
	ck_assert_int_eq(signal_dequeue_locked(t, ~0ull, &info), 40);
	ck_assert_int_eq(info.rt.value.sival_int, 2);
	ck_assert_int_eq(signal_dequeue_locked(t, ~0ull, &info), 0);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(send(t, 41, SI_QUEUE, i, true), 0);
	ck_assert_int_eq(send(t, 41, SI_QUEUE, 0, true), -EAGAIN); /* RLIMIT_SIGPENDING */
	ck_assert_int_eq(send(t, SIGUSR2, SI_USER, 0, true), 0);   /* the kernel's always fit */
	sigpending_flush(&t->tg->pending);
	ck_assert_int_eq(t->tg->sigqueue_count, 0);
	tasklist_unlock();
}
END_TEST

START_TEST(ignoring)
{
	struct task *t;

	tasklist_lock();
	t = process(NULL);
	send(t, SIGCHLD, SI_USER, 0, true);
	ck_assert_uint_eq(t->tg->pending.mask, 0);
	t->sighand->action[SIGTERM - 1].handler = 1;
	send(t, SIGTERM, SI_USER, 0, true);
	ck_assert_uint_eq(t->tg->pending.mask, 0);
	t->blocked = SIGMASK(SIGTERM);
	send(t, SIGTERM, SI_USER, 0, true); /* blocked: it may be handled later */
	ck_assert_uint_eq(t->tg->pending.mask, SIGMASK(SIGTERM));
	send(t, SIGTSTP, SI_USER, 0, true);
	t->blocked |= SIGMASK(SIGCONT);
	send(t, SIGCONT, SI_USER, 0, true); /* takes stop signals away */
	ck_assert_uint_eq(t->tg->pending.mask, SIGMASK(SIGTERM) | SIGMASK(SIGCONT));
	t->tg->unkillable = true;
	t->sighand->action[SIGTERM - 1].handler = 0;
	t->blocked = 0;
	send(t, SIGKILL, SI_USER, 0, true);
	ck_assert(!t->tg->exiting);
	send(t, SIGKILL, SI_KERNEL_CODE, 0, true);
	ck_assert(t->tg->exiting);
	ck_assert_uint_eq(atomic_load(&t->work) & TW_KILL, TW_KILL);
	tasklist_unlock();
}
END_TEST

START_TEST(altstack)
{
	struct stack_k ss = {.sp = 0x10000, .size = 8192}, out;
	struct task *t;

	tasklist_lock();
	t = process(NULL);
	tasklist_unlock();
	altstack_get(t, &out, 0);
	ck_assert_int_eq(out.flags, 2); /* SS_DISABLE */
	ck_assert_int_eq(altstack_set(t, &ss, 0x5000, 2048), 0);
	ck_assert(altstack_on(t, 0x10001));
	ck_assert(altstack_on(t, 0x12000));
	ck_assert(!altstack_on(t, 0x10000));
	ck_assert(!altstack_on(t, 0x12001));
	ck_assert_int_eq(altstack_set(t, &ss, 0x11000, 2048), -EPERM);
	ss.size = 2047;
	ck_assert_int_eq(altstack_set(t, &ss, 0x5000, 2048), -ENOMEM);
	ss.flags = 4;
	ck_assert_int_eq(altstack_set(t, &ss, 0x5000, 2048), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("kernel_tree");
	TCase *tc = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, numbers);
	tcase_add_test(tc, sessions);
	tcase_add_test(tc, queues);
	tcase_add_test(tc, ignoring);
	tcase_add_test(tc, altstack);
	suite_add_tcase(s, tc);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
