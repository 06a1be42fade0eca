/* SPDX-License-Identifier: Apache-2.0 */
/* stress_mm.c - threads that map, protect, unmap, fault and fork at once; many and large mappings
 */
#include "tests/lib/guest.h"

#include <pthread.h>

enum { PAGE = 4096, RW = PROT_READ | PROT_WRITE, PA = MAP_PRIVATE | MAP_ANONYMOUS, THREADS = 6 };

static volatile int g_stop;
static pthread_barrier_t g_barrier;

/* Maps, fills, checks, unmaps, all its own. */
static void *own_maps(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;

	for (int i = 0; i < 300; i++) {
		size_t pages = 1 + (seed = seed * 1103515245 + 12345) / 65536 % 32;
		char *m = mmap(NULL, pages * PAGE, RW, PA, -1, 0);

		if (m == MAP_FAILED)
			return "mmap";
		for (size_t p = 0; p < pages; p++)
			m[p * PAGE] = (char)(seed + p);
		if (mprotect(m, pages * PAGE, PROT_READ) != 0)
			return "mprotect";
		for (size_t p = 0; p < pages; p++)
			if (m[p * PAGE] != (char)(seed + p))
				return "content";
		if (i & 1 && mprotect(m, PAGE, RW) != 0)
			return "mprotect back";
		if (munmap(m, pages * PAGE) != 0)
			return "munmap";
	}
	return NULL;
}

/* Replaces parts of one shared area by fixed mappings; each thread has its own slot. */
static void *fixed_slots(void *arg)
{
	char *slot = arg;

	for (int i = 0; i < 300; i++) {
		if (mmap(slot, 4 * PAGE, RW, PA | MAP_FIXED, -1, 0) != slot)
			return "fixed";
		if (slot[0] || slot[3 * PAGE])
			return "not zero";
		slot[0] = slot[3 * PAGE] = (char)i;
		if (madvise(slot, PAGE, MADV_DONTNEED) != 0 || slot[0] != 0)
			return "dontneed";
		if (slot[3 * PAGE] != (char)i)
			return "neighbour";
		if (munmap(slot + PAGE, PAGE) != 0)
			return "munmap";
	}
	return NULL;
}

static void *forks(void *arg)
{
	for (int i = 0; i < 15; i++) {
		pid_t p = fork();

		if (p == 0)
			_exit(*(volatile char *)arg == 'f' ? 0 : 1);
		int st = wait_status(p);

		if (p < 0 || st != 0)
			return "child";
	}
	return NULL;
}

static void run_all(void *(*fn)(void *), void *(*arg)(long))
{
	pthread_t t[THREADS];
	void *r;

	for (long i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, fn, arg(i)), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i], &r);
		if (!CHECK(r == NULL))
			dprintf(1, "     thread %d: %s\n", i, (char *)r);
	}
}

static char *g_area;

static void *number(long i)
{
	return (void *)(i + 1);
}

static void *slot(long i)
{
	return g_area + i * 8 * PAGE;
}

static void test_threads(void)
{
	CASE("six threads map and unmap their own")
	{
		run_all(own_maps, number);
	}
	CASE("six threads replace neighbouring slots of one area")
	{
		g_area = mmap(NULL, THREADS * 8 * PAGE, PROT_NONE, PA, -1, 0);
		run_all(fixed_slots, slot);
		munmap(g_area, THREADS * 8 * PAGE);
	}
	CASE("one thread forks while others map")
	{
		pthread_t f, t[3];
		void *r;
		char *m = mmap(NULL, PAGE, RW, PA, -1, 0);

		*m = 'f';
		pthread_create(&f, NULL, forks, m);
		for (long i = 0; i < 3; i++)
			pthread_create(&t[i], NULL, own_maps, (void *)(i + 1));
		pthread_join(f, &r);
		CHECK(r == NULL);
		for (int i = 0; i < 3; i++) {
			pthread_join(t[i], &r);
			CHECK(r == NULL);
		}
		munmap(m, PAGE);
	}
}

static void *read_into(void *arg)
{
	char *m = arg;
	int fd = open("/dev/zero", O_RDONLY);

	while (!g_stop) {
		ssize_t n = read(fd, m, 8 * PAGE);

		if (n < 0 && errno != EFAULT)
			return "errno";
		if (n == 0)
			return "zero";
	}
	close(fd);
	return NULL;
}

static void test_races(void)
{
	CASE("reads into memory that another thread protects and unmaps")
	{
		pthread_t t;
		void *r;
		char *m = mmap(NULL, 8 * PAGE, RW, PA, -1, 0);

		g_stop = 0;
		pthread_create(&t, NULL, read_into, m);
		for (int i = 0; i < 300; i++) {
			mprotect(m + 4 * PAGE, PAGE, i & 1 ? RW : PROT_NONE);
			mmap(m + 6 * PAGE, PAGE, RW, PA | MAP_FIXED, -1, 0);
			munmap(m + 7 * PAGE, PAGE);
		}
		g_stop = 1;
		pthread_join(t, &r);
		CHECK(r == NULL);
		munmap(m, 8 * PAGE);
	}
	CASE("a signal storm over mmap, mprotect, munmap and brk")
	{
		pid_t me = getpid();

		on_signal(SIGUSR1, count_signal, SA_RESTART);
		pid_t p = FORK(for (int i = 0; i < 400; i++) {
			kill(me, SIGUSR1);
			usleep(100);
		});

		while (waitpid(p, NULL, WNOHANG) == 0) {
			char *m = mmap(NULL, 4 * PAGE, RW, PA, -1, 0);

			REQUIRE(m != MAP_FAILED);
			m[0] = m[3 * PAGE] = 1;
			CHECK_EQ(mprotect(m, 4 * PAGE, PROT_READ), 0);
			CHECK_EQ(m[3 * PAGE], 1);
			CHECK_EQ(munmap(m, 4 * PAGE), 0);
			void *b = sbrk(PAGE);

			CHECK(b != (void *)-1 && *(char *)b == 0);
			*(char *)b = 7;
			sbrk(-PAGE);
		}
		CHECK(g_signals > 10);
		signal(SIGUSR1, SIG_DFL);
	}
}

static void test_large(void)
{
	CASE("4,000 mappings with alternating rights; then gone in one call")
	{
		enum { N = 4000 };
		char *m = mmap(NULL, N * PAGE, PROT_READ, PA, -1, 0);
		int bad = 0;

		for (int i = 0; i < N; i += 2)
			bad += mprotect(m + (size_t)i * PAGE, PAGE, RW) != 0;
		CHECK_EQ(bad, 0);
		for (int i = 0; i < N; i += 2)
			m[(size_t)i * PAGE] = (char)i;
		for (int i = 0; i < N; i += 2)
			bad += m[(size_t)i * PAGE] != (char)i;
		CHECK_EQ(bad, 0);
		pid_t p = FORK(CHECK_EQ(m[2 * PAGE], 2));

		CHECK_EXIT(p, 0);
		CHECK_EQ(munmap(m, N * PAGE), 0);
	}
	CASE("256 MiB touched, forked, given back")
	{
		size_t size = 256u << 20;
		char *m = mmap(NULL, size, RW, PA, -1, 0);
		int bad = 0;

		for (size_t i = 0; i < size; i += 16 * PAGE)
			m[i] = (char)(i >> 16);
		pid_t p = FORK(for (size_t i = 0; i < size; i += 16 * PAGE) bad +=
			       m[i] != (char)(i >> 16);
			       m[0] = 'c'; CHECK_EQ(bad, 0));

		CHECK_EXIT(p, 0);
		CHECK_EQ(m[0], 0);
		CHECK_EQ(madvise(m, size, MADV_DONTNEED), 0);
		CHECK_EQ(m[16 * PAGE], 0);
		CHECK_EQ(munmap(m, size), 0);
	}
	CASE("a shared file written by two processes through mappings, at once")
	{
		int fd = MUST(open("shared", O_RDWR | O_CREAT, 0600));

		MUST(ftruncate(fd, 64 * PAGE));
		unsigned *m = mmap(NULL, 64 * PAGE, RW, MAP_SHARED, fd, 0);
		pid_t p[2];

		for (int k = 0; k < 2; k++)
			p[k] = FORK(for (int i = 0; i < 20000; i++) __atomic_fetch_add(
				&m[i % 64 * 1024], 1, __ATOMIC_SEQ_CST));
		CHECK_EXIT(p[0], 0);
		CHECK_EXIT(p[1], 0);
		unsigned sum = 0, v;

		for (int i = 0; i < 64; i++) {
			CHECK_EQ(pread(fd, &v, 4, (off_t)i * PAGE), 4);
			sum += v;
		}
		CHECK_EQ(sum, 40000);
		munmap(m, 64 * PAGE);
		close(fd);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	pthread_barrier_init(&g_barrier, NULL, THREADS);
	test_threads();
	test_races();
	test_large();
	return test_end();
}
