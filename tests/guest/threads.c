/* SPDX-License-Identifier: Apache-2.0 */
/* threads.c - pthreads: create and join, TLS, barriers, rwlocks, condition variables, cancellation,
 * names, /proc */
#include "tests/lib/guest.h"

#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/prctl.h>

static _Thread_local long g_tls = 3;
static pthread_barrier_t g_barrier;
static pthread_rwlock_t g_rw = PTHREAD_RWLOCK_INITIALIZER;
static pthread_mutex_t g_m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t g_c = PTHREAD_COND_INITIALIZER;
static sem_t g_sem;
static int g_n, g_turn, g_serial;
static long g_a, g_b;

static void *tls_body(void *arg)
{
	if (g_tls != 3)
		return "bad";
	g_tls = (long)(intptr_t)arg;
	for (int i = 0; i < 100; i++) {
		sched_yield();
		if (g_tls != (long)(intptr_t)arg)
			return "bad";
	}
	return NULL;
}

static void *barrier_body(void *arg)
{
	for (int i = 0; i < 200; i++) {
		int r = pthread_barrier_wait(&g_barrier);

		if (r == PTHREAD_BARRIER_SERIAL_THREAD)
			__atomic_fetch_add(&g_serial, 1, __ATOMIC_SEQ_CST);
	}
	return arg;
}

static void *rw_writer(void *arg)
{
	for (int i = 0; i < 2000; i++) {
		pthread_rwlock_wrlock(&g_rw);
		g_a++;
		g_b++;
		pthread_rwlock_unlock(&g_rw);
	}
	return arg;
}

static void *rw_reader(void *arg)
{
	for (int i = 0; i < 2000; i++) {
		pthread_rwlock_rdlock(&g_rw);
		long a = g_a, b = g_b;

		pthread_rwlock_unlock(&g_rw);
		if (a != b)
			return "torn";
	}
	(void)arg;
	return NULL;
}

static void *ping(void *arg)
{
	int me = (int)(intptr_t)arg;

	for (int i = 0; i < 300; i++) {
		pthread_mutex_lock(&g_m);
		while (g_turn != me)
			pthread_cond_wait(&g_c, &g_m);
		g_turn = 1 - me;
		g_n++;
		pthread_cond_broadcast(&g_c);
		pthread_mutex_unlock(&g_m);
	}
	return NULL;
}

static void test_sync(void)
{
	pthread_t t[8];
	void *r;

	CASE("eight threads, TLS, values through join")
	{
		for (long i = 0; i < 8; i++)
			CHECK_EQ(pthread_create(&t[i], NULL, tls_body, (void *)(i + 10)), 0);
		for (int i = 0; i < 8; i++) {
			CHECK_EQ(pthread_join(t[i], &r), 0);
			CHECK(r == NULL);
		}
		CHECK_EQ(g_tls, 3);
	}
	CASE("200 rounds of a barrier of eight")
	{
		pthread_barrier_init(&g_barrier, NULL, 8);
		for (int i = 0; i < 8; i++)
			pthread_create(&t[i], NULL, barrier_body, NULL);
		for (int i = 0; i < 8; i++)
			pthread_join(t[i], NULL);
		CHECK_EQ(g_serial, 200);
		pthread_barrier_destroy(&g_barrier);
	}
	CASE("reader-writer lock")
	{
		for (int i = 0; i < 4; i++)
			pthread_create(&t[i], NULL, i & 1 ? rw_reader : rw_writer, NULL);
		for (int i = 0; i < 4; i++) {
			pthread_join(t[i], &r);
			CHECK(r == NULL);
		}
		CHECK_EQ(g_a, 4000);
	}
	CASE("condition variable ping-pong, timed wait")
	{
		for (long i = 0; i < 2; i++)
			pthread_create(&t[i], NULL, ping, (void *)i);
		for (int i = 0; i < 2; i++)
			pthread_join(t[i], NULL);
		CHECK_EQ(g_n, 600);
		struct timespec ts;

		clock_gettime(CLOCK_REALTIME, &ts);
		pthread_mutex_lock(&g_m);
		CHECK_EQ(pthread_cond_timedwait(&g_c, &g_m, &ts), ETIMEDOUT);
		pthread_mutex_unlock(&g_m);
	}
	CASE("semaphores between processes")
	{
		sem_t *s =
			mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		sem_init(s, 1, 0);
		pid_t p = FORK(for (int i = 0; i < 100; i++) sem_post(s));

		for (int i = 0; i < 100; i++)
			CHECK_EQ(sem_wait(s), 0);
		CHECK_ERRNO(sem_trywait(s), EAGAIN);
		CHECK_EXIT(p, 0);
		munmap(s, 4096);
	}
}

static void cleanup(void *arg)
{
	*(int *)arg = 1;
}

static void *cancel_me(void *arg)
{
	pthread_cleanup_push(cleanup, arg);
	sem_post(&g_sem);
	pause();
	pthread_cleanup_pop(0);
	return NULL;
}

static void *cancel_async(void *arg)
{
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	sem_post(&g_sem);
	for (;;)
		__asm__ volatile("" ::: "memory");
	return arg;
}

static void *cancel_disabled(void *arg)
{
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	sem_post(&g_sem);
	sleep_ms(5);
	*(int *)arg = 2;
	return NULL;
}

static void test_cancel(void)
{
	pthread_t t;
	void *r;

	sem_init(&g_sem, 0, 0);
	CASE("deferred: in a blocking call, cleanup runs")
	{
		int done = 0;

		pthread_create(&t, NULL, cancel_me, &done);
		sem_wait(&g_sem);
		pthread_cancel(t);
		pthread_join(t, &r);
		CHECK(r == PTHREAD_CANCELED);
		CHECK_EQ(done, 1);
	}
	CASE("asynchronous: in a loop")
	{
		pthread_create(&t, NULL, cancel_async, NULL);
		sem_wait(&g_sem);
		pthread_cancel(t);
		pthread_join(t, &r);
		CHECK(r == PTHREAD_CANCELED);
	}
	CASE("disabled: goes on")
	{
		int done = 0;

		pthread_create(&t, NULL, cancel_disabled, &done);
		sem_wait(&g_sem);
		pthread_cancel(t);
		pthread_join(t, &r);
		CHECK(r == NULL);
		CHECK_EQ(done, 2);
	}
}

static void *named(void *arg)
{
	char buf[32] = "";

	prctl(PR_SET_NAME, "a-name-that-is-too-long");
	prctl(PR_GET_NAME, buf);
	CHECK_STR(buf, "a-name-that-is-");
	*(pid_t *)arg = gettid();
	sem_post(&g_sem);
	while (g_turn != 99)
		usleep(200);
	return NULL;
}

static int count_tasks(void)
{
	DIR *d = opendir("/proc/self/task");
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n - 2;
}

static void *recurse(void *arg)
{
	volatile char big[512 << 10];

	big[0] = big[sizeof(big) - 1] = 1;
	return big[0] ? NULL : arg;
}

static void *nothing(void *arg)
{
	return arg;
}

static void *wait_barrier(void *arg)
{
	pthread_barrier_wait(&g_barrier);
	return arg;
}

static void test_proc(void)
{
	pthread_t t;

	CASE("name in /proc/self/task/TID/comm, readable and writable by others of the process")
	{
		pid_t tid = 0;
		char path[96], buf[64];

		pthread_create(&t, NULL, named, &tid);
		sem_wait(&g_sem);
		snprintf(path, sizeof(path), "/proc/self/task/%d/comm", tid);
		CHECK(read_file(path, buf, sizeof(buf)) > 0);
		CHECK_STR(buf, "a-name-that-is-\n");
		CHECK_EQ(write_file(path, "other"), 0);
		CHECK(read_file(path, buf, sizeof(buf)) > 0);
		CHECK_STR(buf, "other\n");
		CHECK_EQ(count_tasks(), 2);
		snprintf(path, sizeof(path), "/proc/%d/status", tid);
		char st[4096];

		CHECK(read_file(path, st, sizeof(st)) > 0);
		CHECK(strstr(st, "Threads:\t2\n") != NULL);
		snprintf(buf, sizeof(buf), "Tgid:\t%d\n", getpid());
		CHECK(strstr(st, buf) != NULL);
		g_turn = 99;
		pthread_join(t, NULL);
		EVENTUALLY(count_tasks() == 1);
	}
	CASE("stacks of a wished size; 1,000 threads one after the other")
	{
		pthread_attr_t a;

		pthread_attr_init(&a);
		pthread_attr_setstacksize(&a, 1 << 20);
		CHECK_EQ(pthread_create(&t, &a, recurse, NULL), 0);
		pthread_join(t, NULL);
		for (int i = 0; i < 1000; i++) {
			if (pthread_create(&t, NULL, nothing, NULL) != 0 ||
			    pthread_join(t, NULL) != 0) {
				CHECK(false);
				break;
			}
		}
	}
	CASE("100 threads at once")
	{
		static pthread_t many[100];

		g_turn = 0;
		pthread_barrier_init(&g_barrier, NULL, 101);
		g_serial = 0;
		for (int i = 0; i < 100; i++)
			CHECK_EQ(pthread_create(&many[i], NULL, wait_barrier, NULL), 0);
		CHECK_EQ(count_tasks(), 101);
		pthread_barrier_wait(&g_barrier);
		for (int i = 0; i < 100; i++)
			pthread_join(many[i], NULL);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_sync();
	test_cancel();
	test_proc();
	return test_end();
}
