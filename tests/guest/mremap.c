/* SPDX-License-Identifier: Apache-2.0 */
/* mremap.c - mremap, mprotect, madvise, mincore, mlock, brk */
#include "tests/lib/guest.h"

#include <setjmp.h>
#include <sys/resource.h>

enum { PAGE = 4096, RW = PROT_READ | PROT_WRITE, PA = MAP_PRIVATE | MAP_ANONYMOUS };

static sigjmp_buf g_jump;

static void jump(int sig)
{
	siglongjmp(g_jump, sig);
}

static int faults(volatile char *p, int write_it)
{
	volatile char c = 0;
	int sig = sigsetjmp(g_jump, 1);

	if (sig)
		return sig;
	if (write_it)
		*p = 1;
	else
		c = *p;
	(void)c;
	return 0;
}

static char *map(size_t pages)
{
	return mmap(NULL, pages * PAGE, RW, PA, -1, 0);
}

#define MREMAP(...) (mremap(__VA_ARGS__) == MAP_FAILED ? -1 : 0)

static void test_mremap(void)
{
	CASE("shrink in place, grow in place, grow by moving")
	{
		char *m = map(8);

		memset(m, 'x', 8 * PAGE);
		CHECK(mremap(m, 8 * PAGE, 4 * PAGE, 0) == m);
		CHECK_EQ(faults(m + 4 * PAGE, 0), SIGSEGV);
		CHECK(mremap(m, 4 * PAGE, 6 * PAGE, 0) == m);
		CHECK_EQ(m[4 * PAGE], 0);
		char *wall = mmap(m + 6 * PAGE, PAGE, RW, PA | MAP_FIXED, -1, 0);

		CHECK_ERRNO(MREMAP(m, 6 * PAGE, 7 * PAGE, 0), ENOMEM);
		char *n = mremap(m, 6 * PAGE, 20 * PAGE, MREMAP_MAYMOVE);

		CHECK(n != MAP_FAILED && n != m);
		CHECK(n[0] == 'x' && n[4 * PAGE - 1] == 'x' && n[4 * PAGE] == 0 &&
		      n[19 * PAGE] == 0);
		CHECK_EQ(faults(m, 0), SIGSEGV);
		munmap(n, 20 * PAGE);
		munmap(wall, PAGE);
	}
	CASE("MREMAP_FIXED moves onto and replaces")
	{
		char *m = map(2), *to = map(4);

		m[0] = 'a';
		m[PAGE] = 'b';
		to[0] = 'o';
		CHECK(mremap(m, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
		CHECK(to[0] == 'a' && to[PAGE] == 'b' && to[2 * PAGE] == 0);
		CHECK_EQ(faults(m, 0), SIGSEGV);
		munmap(to, 4 * PAGE);
	}
	CASE("MREMAP_DONTUNMAP leaves an empty mapping")
	{
		char *m = map(2);

		m[0] = 'q';
		char *n = (char *)syscall(SYS_mremap, m, 2 * PAGE, 2 * PAGE,
					  MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);

		REQUIRE(n != MAP_FAILED);
		CHECK_EQ(n[0], 'q');
		CHECK_EQ(m[0], 0);
		munmap(m, 2 * PAGE);
		munmap(n, 2 * PAGE);
	}
	CASE("old size 0 duplicates a shared mapping")
	{
		char *m = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		char *n = mremap(m, 0, PAGE, MREMAP_MAYMOVE);

		REQUIRE(n != MAP_FAILED);
		m[7] = 'd';
		CHECK_EQ(n[7], 'd');
		munmap(m, PAGE);
		CHECK_EQ(n[7], 'd');
		munmap(n, PAGE);
	}
	CASE("a file mapping keeps its offset")
	{
		int fd = MUST(open("f", O_RDWR | O_CREAT, 0600));

		MUST(ftruncate(fd, 8 * PAGE));
		CHECK_EQ(pwrite(fd, "E", 1, 5 * PAGE), 1);
		char *m = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 2 * PAGE);
		char *n = mremap(m, 2 * PAGE, 5 * PAGE, MREMAP_MAYMOVE);

		REQUIRE(n != MAP_FAILED);
		CHECK_EQ(n[3 * PAGE], 'E');
		munmap(n, 5 * PAGE);
		close(fd);
	}
	CASE("errors")
	{
		char *m = map(4);

		CHECK_ERRNO(MREMAP(m + 1, PAGE, PAGE, 0), EINVAL);
		CHECK_ERRNO(MREMAP(m, PAGE, 0, 0), EINVAL);
		CHECK_ERRNO(MREMAP(m, PAGE, PAGE, 8), EINVAL);
		CHECK_ERRNO(MREMAP(m, PAGE, PAGE, MREMAP_FIXED, m), EINVAL);
		CHECK_ERRNO(MREMAP(m, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, m + PAGE),
			    EINVAL);
		munmap(m + PAGE, PAGE);
		CHECK_ERRNO(MREMAP(m + PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT);
		CHECK_ERRNO(MREMAP(m, 3 * PAGE, 9 * PAGE, MREMAP_MAYMOVE), EFAULT);
		munmap(m, 4 * PAGE);
	}
}

static void test_mprotect(void)
{
	CASE("each right is enforced and comes back")
	{
		char *m = map(3);

		m[PAGE] = 'k';
		CHECK_EQ(mprotect(m + PAGE, PAGE, PROT_READ), 0);
		CHECK_EQ(faults(m + PAGE, 1), SIGSEGV);
		CHECK_EQ(faults(m + PAGE, 0), 0);
		CHECK_EQ(mprotect(m + PAGE, PAGE, PROT_NONE), 0);
		CHECK_EQ(faults(m + PAGE, 0), SIGSEGV);
		CHECK_EQ(faults(m, 1) + faults(m + 2 * PAGE, 1), 0);
		CHECK_EQ(mprotect(m, 3 * PAGE, RW), 0);
		CHECK_EQ(m[PAGE], 'k');
		munmap(m, 3 * PAGE);
	}
	CASE("code written then made executable runs")
	{
		unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3};
		char *m = map(1);

		memcpy(m, code, sizeof(code));
		CHECK_EQ(mprotect(m, PAGE, PROT_READ | PROT_EXEC), 0);
		CHECK_EQ(((int (*)(void))(void *)m)(), 42);
		munmap(m, PAGE);
	}
	CASE("system calls obey rights: reading into PROT_READ memory is EFAULT, writing from "
	     "PROT_NONE too")
	{
		char *m = map(1);
		int p[2];

		MUST(pipe(p));
		CHECK_EQ(write(p[1], "abc", 3), 3);
		mprotect(m, PAGE, PROT_READ);
		CHECK_ERRNO(read(p[0], m, 3), EFAULT);
		mprotect(m, PAGE, PROT_NONE);
		CHECK_ERRNO(write(p[1], m, 3), EFAULT);
		close(p[0]);
		close(p[1]);
		munmap(m, PAGE);
	}
	CASE("errors: unaligned EINVAL, hole ENOMEM, unknown bits EINVAL, length 0 fine")
	{
		char *m = map(3);

		CHECK_ERRNO(mprotect(m + 1, PAGE, RW), EINVAL);
		CHECK_ERRNO(mprotect(m, PAGE, 0x40), EINVAL);
		CHECK_EQ(mprotect(m, 0, PROT_NONE), 0);
		munmap(m + PAGE, PAGE);
		CHECK_ERRNO(mprotect(m, 3 * PAGE, PROT_READ), ENOMEM);
		munmap(m, 3 * PAGE);
	}
}

static void test_locked(void)
{
	CASE("locked memory is not forgotten")
	{
		char *m = map(2);

		CHECK_EXIT(FORK(memset(m, 'l', 2 * PAGE);
				CHECK_EQ(madvise(m + PAGE, PAGE, MADV_DONTNEED), 0);
				CHECK_EQ(mlock(m, PAGE), 0);
				CHECK_ERRNO(madvise(m, PAGE, MADV_DONTNEED), EINVAL);
				CHECK_ERRNO(madvise(m, 2 * PAGE, MADV_DONTNEED), EINVAL);
				CHECK_ERRNO(madvise(m, PAGE, MADV_FREE), EINVAL);
				CHECK_EQ(m[0], 'l');
				CHECK_EXIT(FORK(CHECK_EQ(madvise(m, PAGE, MADV_DONTNEED), 0);
						CHECK_EQ(m[0], 0)),
					   0);
				CHECK_EQ(munlock(m, PAGE), 0);
				CHECK_EQ(madvise(m, PAGE, MADV_DONTNEED), 0); CHECK_EQ(m[0], 0)),
			   0);
		CHECK_EXIT(FORK(CHECK_EQ(mlockall(MCL_FUTURE), 0); char *f = map(1); f[0] = 'l';
				CHECK_ERRNO(madvise(f, PAGE, MADV_DONTNEED), EINVAL);
				CHECK_EQ(f[0], 'l')),
			   0);
		munmap(m, 2 * PAGE);
	}
}

static void test_madvise(void)
{
	CASE("MADV_DONTNEED zeroes private memory, rereads files, keeps shared memory")
	{
		char *m = map(2), *s = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		memset(m, 'n', 2 * PAGE);
		s[0] = 's';
		CHECK_EQ(madvise(m, PAGE, MADV_DONTNEED), 0);
		CHECK_EQ(m[0], 0);
		CHECK_EQ(m[PAGE], 'n');
		CHECK_EQ(madvise(s, PAGE, MADV_DONTNEED), 0);
		CHECK_EQ(s[0], 's');
		write_file("g", "file");
		int fd = MUST(open("g", O_RDONLY));
		char *f = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);

		f[0] = 'X';
		CHECK_EQ(madvise(f, PAGE, MADV_DONTNEED), 0);
		CHECK_EQ(f[0], 'f');
		munmap(f, PAGE);
		close(fd);
		munmap(m, 2 * PAGE);
		munmap(s, PAGE);
	}
	CASE("MADV_REMOVE punches shared memory; harmless advice is taken; errors")
	{
		char *m = map(2), *s = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		static const int ok[] = {MADV_NORMAL,	     MADV_RANDOM,  MADV_SEQUENTIAL,
					 MADV_WILLNEED,	     MADV_FREE,	   MADV_DONTDUMP,
					 MADV_DODUMP,	     MADV_DOFORK,  MADV_KEEPONFORK,
					 MADV_COLD,	     MADV_PAGEOUT, MADV_POPULATE_READ,
					 MADV_POPULATE_WRITE};

		for (unsigned i = 0; i < COUNT(ok); i++)
			CHECK_EQ(madvise(m, PAGE, ok[i]), 0);
		s[0] = 's';
		CHECK_EQ(madvise(s, PAGE, MADV_REMOVE), 0);
		CHECK_EQ(s[0], 0);
		CHECK_ERRNO(madvise(m, PAGE, 9999), EINVAL);
		CHECK_ERRNO(madvise(m + 1, PAGE, MADV_DONTNEED), EINVAL);
		munmap(m + PAGE, PAGE);
		CHECK_ERRNO(madvise(m, 2 * PAGE, MADV_DONTNEED), ENOMEM);
		munmap(m, 2 * PAGE);
		munmap(s, PAGE);
	}
	CASE("mincore tells touched pages; errors")
	{
		char *m = map(3);
		unsigned char vec[3];

		m[PAGE] = 1;
		CHECK_EQ(mincore(m, 3 * PAGE, vec), 0);
		CHECK_EQ(vec[0] & 1, 0);
		CHECK_EQ(vec[1] & 1, 1);
		CHECK_ERRNO(mincore(m + 1, PAGE, vec), EINVAL);
		CHECK_ERRNO(mincore(m, 3 * PAGE, BAD_PTR), EFAULT);
		munmap(m + 2 * PAGE, PAGE);
		CHECK_ERRNO(mincore(m, 3 * PAGE, vec), ENOMEM);
		munmap(m, 3 * PAGE);
	}
	CASE("mlock, mlock2, munlock, limits")
	{
		char *m = map(4);

		CHECK_EQ(mlock(m, PAGE), 0);
		CHECK_EQ(mlock2(m + PAGE, PAGE, MLOCK_ONFAULT), 0);
		CHECK_ERRNO(mlock2(m, PAGE, 8), EINVAL);
		CHECK_EQ(munlock(m, 4 * PAGE), 0);
		munmap(m + 2 * PAGE, PAGE);
		CHECK_ERRNO(mlock(m, 4 * PAGE), ENOMEM);
		CHECK_ERRNO(mlockall(0), EINVAL);
		CHECK_ERRNO(mlockall(64), EINVAL);
		CHECK_EQ(munlockall(), 0);
		CHECK_EXIT(FORK(struct rlimit r = {PAGE, PAGE}; setrlimit(RLIMIT_MEMLOCK, &r);
				if (geteuid() == 0) MUST(setresuid(4711, 4711, 4711));
				CHECK_EQ(mlock(m, PAGE), 0);
				CHECK_ERRNO(mlock(m, 2 * PAGE), ENOMEM)),
			   0);
		munmap(m, 4 * PAGE);
	}
}

static void test_brk(void)
{
	CASE("brk grows by zero pages, shrinks, refuses nonsense by staying")
	{
		char *start = sbrk(0);

		CHECK((long)syscall(SYS_brk, 0) == (long)start);
		CHECK(sbrk(10 * PAGE) == start);
		CHECK_EQ(start[9 * PAGE], 0);
		memset(start, 1, 10 * PAGE);
		CHECK(sbrk(-10 * PAGE) == start + 10 * PAGE);
		CHECK(sbrk(10 * PAGE) == start);
		CHECK_EQ(start[9 * PAGE], 0);
		CHECK_EQ((long)syscall(SYS_brk, 1), (long)(start + 10 * PAGE));
		CHECK_EQ((long)syscall(SYS_brk, (long)-PAGE), (long)(start + 10 * PAGE));
		CHECK(sbrk(-10 * PAGE) == start + 10 * PAGE);
	}
	CASE("RLIMIT_DATA bounds it")
	{
		CHECK_EXIT(FORK(struct rlimit r = {1 << 20, 1 << 20};
				MUST(setrlimit(RLIMIT_DATA, &r));
				CHECK_ERRNO((long)sbrk(64 << 20), ENOMEM)),
			   0);
	}
	CASE("a mapping above stops brk")
	{
		CHECK_EXIT(FORK(char *b = sbrk(0);
				uintptr_t up = ((uintptr_t)b + 16 * PAGE) & ~(uintptr_t)(PAGE - 1);
				void *w = mmap((void *)up, PAGE, RW, PA | MAP_FIXED, -1, 0);
				CHECK((uintptr_t)w == up);
				CHECK_EQ(syscall(SYS_brk, up + 8 * PAGE), (long)b)),
			   0);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	on_signal(SIGSEGV, jump, 0);
	test_mremap();
	test_mprotect();
	test_madvise();
	test_locked();
	test_brk();
	return test_end();
}
