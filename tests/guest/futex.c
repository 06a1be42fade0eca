/* SPDX-License-Identifier: Apache-2.0 */
/* futex.c - wait, wake, bitset, requeue, wake_op, time-outs; private, shared, between processes */
#include "tests/lib/guest.h"

#include <linux/futex.h>
#include <pthread.h>

static int *g_word; /* shared with children */

static long futex(int *w, int op, int val, const struct timespec *ts, int *w2, int val3)
{
	return syscall(SYS_futex, w, op, val, ts, w2, val3);
}

static void *waiter(void *arg)
{
	int *w = arg;

	return (void *)futex(w, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

static void *waiter_bits(void *arg)
{
	return (void *)futex(g_word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, (int)(intptr_t)arg);
}

/* Wakes until n waiters have been woken. */
static int wake_all(int *w, int op, int n, int bits)
{
	long long until = now_ms() + 5000;
	int woken = 0;

	while (woken < n && now_ms() < until) {
		woken += (int)futex(w, op, 1, NULL, NULL, bits);
		usleep(100);
	}
	return woken;
}

static void test_basics(void)
{
	int word = 5;

	CASE("a different value: EAGAIN; nobody waits: wake 0; errors")
	{
		CHECK_ERRNO(futex(&word, FUTEX_WAIT, 4, NULL, NULL, 0), EAGAIN);
		CHECK_EQ(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
		CHECK_ERRNO(futex((int *)((char *)&word + 1), FUTEX_WAIT, 5, NULL, NULL, 0),
			    EINVAL);
		CHECK_ERRNO(futex(BAD_PTR, FUTEX_WAIT, 5, NULL, NULL, 0), EFAULT);
		CHECK_ERRNO(futex(&word, 99, 5, NULL, NULL, 0), ENOSYS);
		CHECK_ERRNO(futex(&word, FUTEX_WAIT_BITSET, 5, NULL, NULL, 0), EINVAL);
		CHECK_ERRNO(futex(&word, FUTEX_WAIT, 5, BAD_PTR, NULL, 0), EFAULT);
		struct timespec bad = {.tv_nsec = 2000000000};

		CHECK_ERRNO(futex(&word, FUTEX_WAIT, 5, &bad, NULL, 0), EINVAL);
	}
	CASE("relative and absolute time-outs, not early")
	{
		struct timespec ts = {.tv_nsec = 10000000};
		long long t = now_ns();

		CHECK_ERRNO(futex(&word, FUTEX_WAIT, 5, &ts, NULL, 0), ETIMEDOUT);
		CHECK(now_ns() - t >= 10000000);
		clock_gettime(CLOCK_MONOTONIC, &ts);
		ts.tv_nsec += 10000000;
		if (ts.tv_nsec >= 1000000000) {
			ts.tv_sec++;
			ts.tv_nsec -= 1000000000;
		}
		CHECK_ERRNO(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 5, &ts, NULL, -1), ETIMEDOUT);
		CHECK(now_ns() - t >= 20000000);
		clock_gettime(CLOCK_REALTIME, &ts);
		CHECK_ERRNO(
			futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 5, &ts, NULL, -1),
			ETIMEDOUT);
		ts.tv_sec = 0;
		CHECK_ERRNO(
			futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 5, &ts, NULL, -1),
			ETIMEDOUT);
	}
	CASE("a wake wakes as many as asked for")
	{
		pthread_t t[4];
		int w = 0;
		void *r;

		for (int i = 0; i < 4; i++)
			pthread_create(&t[i], NULL, waiter, &w);
		CHECK_EQ(wake_all(&w, FUTEX_WAKE_PRIVATE, 4, 0), 4);
		for (int i = 0; i < 4; i++) {
			pthread_join(t[i], &r);
			CHECK(r == NULL);
		}
		CHECK_EQ(futex(&w, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0), 0);
	}
	CASE("bitsets: only waiters with a common bit")
	{
		pthread_t a, b;

		*g_word = 0;
		pthread_create(&a, NULL, waiter_bits, (void *)1L);
		pthread_create(&b, NULL, waiter_bits, (void *)2L);
		CHECK_EQ(wake_all(g_word, FUTEX_WAKE_BITSET_PRIVATE, 1, 2), 1);
		pthread_join(b, NULL);
		CHECK_EQ(futex(g_word, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 4), 0);
		CHECK_EQ(wake_all(g_word, FUTEX_WAKE_BITSET_PRIVATE, 1, 0xf), 1);
		pthread_join(a, NULL);
		CHECK_ERRNO(futex(g_word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0), EINVAL);
	}
}

static void test_requeue(void)
{
	CASE("requeue moves waiters to another word; cmp checks the value")
	{
		int a = 0, b = 0, queued = 0;
		pthread_t t[3];

		for (int i = 0; i < 3; i++)
			pthread_create(&t[i], NULL, waiter, &a);
		CHECK_ERRNO(futex(&a, FUTEX_CMP_REQUEUE_PRIVATE, 0, (void *)10L, &b, 1), EAGAIN);
		EVENTUALLY((queued +=
			    (int)futex(&a, FUTEX_CMP_REQUEUE_PRIVATE, 0, (void *)10L, &b, 0)) == 3);
		CHECK_EQ(futex(&a, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0), 0);
		CHECK_EQ(futex(&b, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0), 3);
		for (int i = 0; i < 3; i++)
			pthread_join(t[i], NULL);
		CHECK_ERRNO(futex(&a, FUTEX_CMP_REQUEUE, -1, (void *)1L, &b, 0), EINVAL);
	}
	CASE("wake_op: the operation, the comparison, both words")
	{
		int a = 0, b = 0;
		pthread_t t[2];

		pthread_create(&t[0], NULL, waiter, &a);
		pthread_create(&t[1], NULL, waiter, &b);
		int woken = 0;

		/* b = 0 | 0 each time, so that both waiters stay asleep until woken */
		EVENTUALLY((woken += (int)futex(&a, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1L, &b,
						FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, 0))) ==
			   2);
		pthread_join(t[0], NULL);
		pthread_join(t[1], NULL);
		b = 10;
		CHECK_EQ(futex(&a, FUTEX_WAKE_OP, 1, (void *)1L, &b,
			       FUTEX_OP(FUTEX_OP_SET, 7, FUTEX_OP_CMP_GT, 5)),
			 0);
		CHECK_EQ(b, 7);
		futex(&a, FUTEX_WAKE_OP, 1, (void *)1L, &b,
		      FUTEX_OP(FUTEX_OP_ADD, 5, FUTEX_OP_CMP_EQ, 0));
		CHECK_EQ(b, 12);
		futex(&a, FUTEX_WAKE_OP, 1, (void *)1L, &b,
		      FUTEX_OP(FUTEX_OP_OR, 3, FUTEX_OP_CMP_EQ, 0));
		CHECK_EQ(b, 15);
		futex(&a, FUTEX_WAKE_OP, 1, (void *)1L, &b,
		      FUTEX_OP(FUTEX_OP_ANDN, 6, FUTEX_OP_CMP_EQ, 0));
		CHECK_EQ(b, 9);
		futex(&a, FUTEX_WAKE_OP, 1, (void *)1L, &b,
		      FUTEX_OP(FUTEX_OP_XOR, 1, FUTEX_OP_CMP_EQ, 0));
		CHECK_EQ(b, 8);
		futex(&a, FUTEX_WAKE_OP, 1, (void *)1L, &b,
		      FUTEX_OP((FUTEX_OP_OR | FUTEX_OP_OPARG_SHIFT), 4, FUTEX_OP_CMP_EQ, 0));
		CHECK_EQ(b, 24);
		CHECK_ERRNO(futex(&a, FUTEX_WAKE_OP, 1, (void *)1L, BAD_PTR, 0), EFAULT);
	}
}

static void test_processes(void)
{
	CASE("shared memory: a child waits, the parent wakes; private operations do not meet")
	{
		*g_word = 0;
		pid_t p = FORK(_exit(futex(g_word, FUTEX_WAIT, 0, NULL, NULL, 0) == 0 ? 0 : 1));

		wait_sleeping(p);
		CHECK_EQ(futex(g_word, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0), 0);
		CHECK_EQ(wake_all(g_word, FUTEX_WAKE, 1, 0), 1);
		CHECK_EXIT(p, 0);
	}
	CASE("a file mapped twice is one futex")
	{
		int fd = MUST(open("f", O_RDWR | O_CREAT, 0600));

		MUST(ftruncate(fd, 4096));
		int *a = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		int *b = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		pid_t p = FORK(_exit(futex(a, FUTEX_WAIT, 0, NULL, NULL, 0) == 0 ? 0 : 1));

		CHECK_EQ(wake_all(b, FUTEX_WAKE, 1, 0), 1);
		CHECK_EXIT(p, 0);
		munmap(a, 4096);
		munmap(b, 4096);
		close(fd);
	}
	CASE("private memory after fork is two futexes")
	{
		int local = 0;
		struct timespec ts = {.tv_nsec = 20000000};
		pid_t p = FORK(CHECK_ERRNO(futex(&local, FUTEX_WAIT, 0, &ts, NULL, 0), ETIMEDOUT));

		wait_sleeping(p);
		CHECK_EQ(futex(&local, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
		CHECK_EXIT(p, 0);
	}
	CASE("a waiter that is killed is gone from the queue")
	{
		*g_word = 0;
		pid_t p = FORK(futex(g_word, FUTEX_WAIT, 0, NULL, NULL, 0));

		wait_sleeping(p);
		kill(p, SIGKILL);
		CHECK_KILLED(p, SIGKILL);
		CHECK_EQ(futex(g_word, FUTEX_WAKE, 10, NULL, NULL, 0), 0);
	}
	CASE("futex_waitv and futex2 are there or ENOSYS")
	{
		struct futex_waitv v = {.val = 1, .uaddr = (uintptr_t)g_word, .flags = FUTEX_32};

		*g_word = 0;
		long r = syscall(449 /* futex_waitv */, &v, 1, 0, NULL, 0);

		CHECK(r == -1 && (errno == EAGAIN || errno == ENOSYS));
	}
}

static void test_contention(void)
{
	CASE("a mutex between two processes counts right")
	{
		struct both {
			pthread_mutex_t m;
			long n;
		} *b = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		pthread_mutexattr_t a;

		pthread_mutexattr_init(&a);
		pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
		pthread_mutex_init(&b->m, &a);
		pid_t p[3];

		for (int i = 0; i < 3; i++)
			p[i] = FORK(for (int k = 0; k < 20000; k++) {
				pthread_mutex_lock(&b->m);
				b->n++;
				pthread_mutex_unlock(&b->m);
			});
		for (int i = 0; i < 3; i++)
			CHECK_EXIT(p[i], 0);
		CHECK_EQ(b->n, 60000);
		munmap(b, 4096);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	g_word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	test_basics();
	test_requeue();
	test_processes();
	test_contention();
	return test_end();
}
