/* SPDX-License-Identifier: Apache-2.0 */
/* futex_pi.c - robust lists and priority-inheriting mutexes */
#include "tests/lib/guest.h"

#include <linux/futex.h>
#include <pthread.h>

static pthread_mutex_t *g_mutex; /* shared with children */

static void mutex(int robust, int protocol)
{
	pthread_mutexattr_t a;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	if (robust)
		pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setprotocol(&a, protocol);
	CHECK_EQ(pthread_mutex_init(g_mutex, &a), 0);
}

static void *lock_and_leave(void *arg)
{
	pthread_mutex_lock(g_mutex);
	return arg;
}

static void test_robust(int protocol)
{
	CASE(protocol ? "robust PI: the owner process dies" : "robust: the owner process dies")
	{
		mutex(1, protocol);
		CHECK_EXIT(FORK(pthread_mutex_lock(g_mutex)), 0);
		CHECK_EQ(pthread_mutex_lock(g_mutex), EOWNERDEAD);
		CHECK_EQ(pthread_mutex_consistent(g_mutex), 0);
		CHECK_EQ(pthread_mutex_unlock(g_mutex), 0);
		CHECK_EQ(pthread_mutex_lock(g_mutex), 0);
		CHECK_EQ(pthread_mutex_unlock(g_mutex), 0);
	}
	CASE(protocol ? "robust PI: killed while another waits"
		      : "robust: killed while another waits")
	{
		int gate[2];
		char c;

		mutex(1, protocol);
		MUST(pipe(gate));
		pid_t p = FORK(pthread_mutex_lock(g_mutex); CHECK_EQ(write(gate[1], "x", 1), 1);
			       pause());

		CHECK_EQ(read(gate[0], &c, 1), 1);
		pid_t q = FORK(CHECK_EQ(pthread_mutex_lock(g_mutex), EOWNERDEAD);
			       CHECK_EQ(pthread_mutex_consistent(g_mutex), 0);
			       pthread_mutex_unlock(g_mutex));

		wait_sleeping(q);
		kill(p, SIGKILL);
		CHECK_KILLED(p, SIGKILL);
		CHECK_EXIT(q, 0);
		close(gate[0]);
		close(gate[1]);
	}
	CASE(protocol ? "robust PI: the owner thread ends" : "robust: the owner thread ends")
	{
		pthread_t t;

		mutex(1, protocol);
		pthread_create(&t, NULL, lock_and_leave, NULL);
		pthread_join(t, NULL);
		CHECK_EQ(pthread_mutex_trylock(g_mutex), EOWNERDEAD);
		CHECK_EQ(pthread_mutex_unlock(g_mutex), 0);
		CHECK_EQ(pthread_mutex_lock(g_mutex), ENOTRECOVERABLE);
	}
	CASE(protocol ? "robust PI: exec releases" : "robust: exec releases")
	{
		mutex(1, protocol);
		CHECK_EXIT(FORK(pthread_mutex_lock(g_mutex); execl("/bin/true", "true", NULL)), 0);
		CHECK_EQ(pthread_mutex_lock(g_mutex), EOWNERDEAD);
		pthread_mutex_consistent(g_mutex);
		CHECK_EQ(pthread_mutex_unlock(g_mutex), 0);
	}
}

static int g_counter;

static void *add(void *arg)
{
	for (int i = 0; i < 5000; i++) {
		pthread_mutex_lock(g_mutex);
		g_counter++;
		pthread_mutex_unlock(g_mutex);
	}
	return arg;
}

static void test_pi(void)
{
	CASE("a PI mutex excludes threads")
	{
		pthread_t t[4];

		mutex(0, PTHREAD_PRIO_INHERIT);
		for (int i = 0; i < 4; i++)
			pthread_create(&t[i], NULL, add, NULL);
		for (int i = 0; i < 4; i++)
			pthread_join(t[i], NULL);
		CHECK_EQ(g_counter, 20000);
	}
	CASE("PI between processes, time-out, deadlock, wrong unlocker")
	{
		struct timespec ts;

		mutex(0, PTHREAD_PRIO_INHERIT);
		pthread_mutex_lock(g_mutex);
		pid_t p = FORK(clock_gettime(CLOCK_REALTIME, &ts); ts.tv_nsec += 10000000;
			       if (ts.tv_nsec >= 1000000000) {
				       ts.tv_sec++;
				       ts.tv_nsec -= 1000000000;
			       } CHECK_EQ(pthread_mutex_timedlock(g_mutex, &ts), ETIMEDOUT);
			       CHECK_EQ(pthread_mutex_trylock(g_mutex), EBUSY));

		CHECK_EXIT(p, 0);
		pthread_mutex_unlock(g_mutex);
	}
	CASE("raw LOCK_PI, TRYLOCK_PI, UNLOCK_PI")
	{
		static int w;

		CHECK_EQ(syscall(SYS_futex, &w, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
		CHECK_EQ(w & FUTEX_TID_MASK, gettid());
		CHECK_ERRNO(syscall(SYS_futex, &w, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EDEADLK);
		CHECK_ERRNO(syscall(SYS_futex, &w, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), EDEADLK);
		CHECK_EQ(syscall(SYS_futex, &w, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
		CHECK_EQ(w, 0);
		CHECK_ERRNO(syscall(SYS_futex, &w, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EPERM);
		w = 0x3fffff;
		CHECK_ERRNO(syscall(SYS_futex, &w, FUTEX_LOCK_PI, 0, NULL, NULL, 0), ESRCH);
	}
}

static struct robust_list_head g_head;
static struct {
	struct robust_list list;
	int word;
} g_entry;

static void *raw_robust(void *arg)
{
	g_head.list.next = &g_entry.list;
	g_entry.list.next = &g_head.list;
	g_head.futex_offset = (long)offsetof(__typeof__(g_entry), word);
	syscall(SYS_set_robust_list, &g_head, sizeof(g_head));
	g_entry.word = gettid() | (int)FUTEX_WAITERS;
	syscall(SYS_exit, 0);
	return arg;
}

static void *raw_endless(void *arg)
{
	static struct robust_list_head head;
	static struct robust_list a, b;

	head.list.next = &a;
	a.next = &b;
	b.next = &a;
	syscall(SYS_set_robust_list, &head, sizeof(head));
	return arg;
}

static void *raw_bad(void *arg)
{
	syscall(SYS_set_robust_list, BAD_PTR, sizeof(struct robust_list_head));
	return arg;
}

static void test_raw(void)
{
	CASE("set and get the list; size is checked")
	{
		void *head = NULL;
		size_t len = 0;

		CHECK_EQ(syscall(SYS_get_robust_list, 0, &head, &len), 0);
		CHECK_EQ(len, 24);
		CHECK(head != NULL);
		CHECK_ERRNO(syscall(SYS_set_robust_list, head, 23), EINVAL);
		CHECK_ERRNO(syscall(SYS_get_robust_list, 0x3fffff, &head, &len), ESRCH);
	}
	CASE("a thread's end marks its words FUTEX_OWNER_DIED and keeps the waiters bit")
	{
		pthread_t t;

		pthread_create(&t, NULL, raw_robust, NULL);
		EVENTUALLY(*(volatile int *)&g_entry.word ==
			   (int)(FUTEX_OWNER_DIED | FUTEX_WAITERS));
		pthread_join(t, NULL);
	}
	CASE("an endless list and a bad pointer hurt nobody")
	{
		pthread_t t;

		pthread_create(&t, NULL, raw_endless, NULL);
		pthread_join(t, NULL);
		pthread_create(&t, NULL, raw_bad, NULL);
		pthread_join(t, NULL);
		CHECK(true);
	}
}

/* --- requeueing, as condition variables with PI mutexes did it */

static struct {
	volatile int cond, lock, taken, result[4];
} g_rq;

static long futex(volatile int *a, int op, int v, unsigned long v2, volatile int *b, int v3)
{
	return syscall(SYS_futex, a, op | FUTEX_PRIVATE_FLAG, v, v2, b, v3);
}

static void *requeued(void *arg)
{
	int i = (int)(intptr_t)arg;
	int tid = (int)syscall(SYS_gettid);

	if (futex(&g_rq.cond, FUTEX_WAIT_REQUEUE_PI, 0, 0, &g_rq.lock, 0) == 0) {
		g_rq.result[i] = (g_rq.lock & FUTEX_TID_MASK) == tid ? 1 : 2;
		__atomic_add_fetch(&g_rq.taken, 1, __ATOMIC_SEQ_CST);
		if (!__sync_bool_compare_and_swap(&g_rq.lock, tid, 0))
			futex(&g_rq.lock, FUTEX_UNLOCK_PI, 0, 0, NULL, 0);
	} else {
		g_rq.result[i] = -errno;
	}
	return NULL;
}

static void test_requeue(void)
{
	pthread_t t[4];

	CASE("waiters are moved to a PI futex, and each of them owns it in turn")
	{
		int tid = (int)syscall(SYS_gettid), moved = 0;

		memset(&g_rq, 0, sizeof(g_rq));
		g_rq.lock = tid;
		for (int i = 0; i < 4; i++)
			pthread_create(&t[i], NULL, requeued, (void *)(intptr_t)i);
		while (moved < 4) {
			long n = futex(&g_rq.cond, FUTEX_CMP_REQUEUE_PI, 1, 100, &g_rq.lock, 0);

			REQUIRE(n >= 0);
			moved += (int)n;
			sched_yield();
		}
		CHECK_EQ(g_rq.taken, 0);
		if (!__sync_bool_compare_and_swap(&g_rq.lock, tid, 0))
			CHECK_EQ(futex(&g_rq.lock, FUTEX_UNLOCK_PI, 0, 0, NULL, 0), 0);
		for (int i = 0; i < 4; i++) {
			pthread_join(t[i], NULL);
			CHECK_EQ(g_rq.result[i], 1);
		}
		CHECK_EQ(g_rq.taken, 4);
		CHECK_EQ(g_rq.lock & FUTEX_TID_MASK, 0);
	}
	CASE("a free futex goes to the first")
	{
		memset(&g_rq, 0, sizeof(g_rq));
		pthread_create(&t[0], NULL, requeued, (void *)0);
		while (futex(&g_rq.cond, FUTEX_CMP_REQUEUE_PI, 1, 0, &g_rq.lock, 0) == 0)
			sched_yield();
		pthread_join(t[0], NULL);
		CHECK_EQ(g_rq.result[0], 1);
	}
	CASE("arguments, values, time-outs")
	{
		struct timespec past = {0, 1};

		memset(&g_rq, 0, sizeof(g_rq));
		CHECK_ERRNO(futex(&g_rq.cond, FUTEX_WAIT_REQUEUE_PI, 1, 0, &g_rq.lock, 0), EAGAIN);
		CHECK_ERRNO(futex(&g_rq.cond, FUTEX_WAIT_REQUEUE_PI, 0, 0, &g_rq.cond, 0), EINVAL);
		CHECK_ERRNO(futex(&g_rq.cond, FUTEX_WAIT_REQUEUE_PI, 0, (unsigned long)&past,
				  &g_rq.lock, 0),
			    ETIMEDOUT);
		CHECK_ERRNO(futex(&g_rq.cond, FUTEX_CMP_REQUEUE_PI, 1, 1, &g_rq.lock, 7), EAGAIN);
		CHECK_ERRNO(futex(&g_rq.cond, FUTEX_CMP_REQUEUE_PI, 2, 1, &g_rq.lock, 0), EINVAL);
		CHECK_EQ(futex(&g_rq.cond, FUTEX_CMP_REQUEUE_PI, 1, 1, &g_rq.lock, 0), 0);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	g_mutex = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	test_robust(PTHREAD_PRIO_NONE);
	test_robust(PTHREAD_PRIO_INHERIT);
	test_pi();
	test_raw();
	test_requeue();
	return test_end();
}
