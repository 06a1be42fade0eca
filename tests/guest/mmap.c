/* SPDX-License-Identifier: Apache-2.0 */
/* mmap.c - mmap, munmap, fixed, noreplace, growsdown, anonymous and file mappings, errors */
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

static int mapped(void *p)
{
	return msync(p, PAGE, MS_ASYNC) == 0;
}

static void test_anonymous(void)
{
	CASE("zero-filled, page-aligned, rounded up")
	{
		char *m = mmap(NULL, 5000, RW, PA, -1, 0);

		REQUIRE(m != MAP_FAILED);
		CHECK_EQ((uintptr_t)m & (PAGE - 1), 0);
		CHECK(m[0] == 0 && m[8191] == 0);
		m[8191] = 1;
		CHECK_EQ(munmap(m, 5000), 0);
		CHECK(!mapped(m) && !mapped(m + PAGE));
	}
	CASE("a hint is taken when free, moved when not, MAP_FIXED replaces, NOREPLACE refuses")
	{
		char *m = mmap(NULL, 8 * PAGE, RW, PA, -1, 0);

		munmap(m + 4 * PAGE, 4 * PAGE);
		CHECK(mmap(m + 4 * PAGE, PAGE, RW, PA, -1, 0) == m + 4 * PAGE);
		char *o = mmap(m, PAGE, RW, PA, -1, 0);

		CHECK(o != m && o != MAP_FAILED);
		m[0] = 7;
		CHECK(mmap(m, PAGE, RW, PA | MAP_FIXED, -1, 0) == m);
		CHECK_EQ(m[0], 0);
		CHECK_ERRNO(mmap(m, PAGE, RW, PA | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED ? -1
											     : 0,
			    EEXIST);
		CHECK(mmap(m + 6 * PAGE, PAGE, RW, PA | MAP_FIXED_NOREPLACE, -1, 0) ==
		      m + 6 * PAGE);
		munmap(o, PAGE);
		munmap(m, 8 * PAGE);
	}
	CASE("fixed over the middle of a mapping splits it")
	{
		char *m = mmap(NULL, 5 * PAGE, RW, PA, -1, 0);

		memset(m, 'a', 5 * PAGE);
		CHECK(mmap(m + 2 * PAGE, PAGE, PROT_READ, PA | MAP_FIXED, -1, 0) == m + 2 * PAGE);
		CHECK_EQ(m[2 * PAGE - 1], 'a');
		CHECK_EQ(m[2 * PAGE], 0);
		CHECK_EQ(m[3 * PAGE], 'a');
		CHECK_EQ(faults(m + 2 * PAGE, 1), SIGSEGV);
		munmap(m + PAGE, 3 * PAGE);
		CHECK(mapped(m) && !mapped(m + PAGE) && !mapped(m + 3 * PAGE) &&
		      mapped(m + 4 * PAGE));
		CHECK_EQ(m[4 * PAGE], 'a');
		munmap(m, 5 * PAGE);
	}
	CASE("munmap of nothing succeeds; bad lengths and addresses do not")
	{
		char *m = mmap(NULL, PAGE, RW, PA, -1, 0);

		CHECK_EQ(munmap(m, PAGE), 0);
		CHECK_EQ(munmap(m, PAGE), 0);
		CHECK_ERRNO(munmap(m + 1, PAGE), EINVAL);
		CHECK_ERRNO(munmap(m, 0), EINVAL);
		CHECK_ERRNO(munmap(m, (size_t)-PAGE), EINVAL);
	}
}

static void test_errors(void)
{
	CASE("mmap errors")
	{
#define MMAP(...) (mmap(__VA_ARGS__) == MAP_FAILED ? -1 : 0)
		volatile size_t huge = (size_t)1 << 62, max = (size_t)-1;

		CHECK_ERRNO(MMAP(NULL, 0, RW, PA, -1, 0), EINVAL);
		CHECK_ERRNO(MMAP(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0), EINVAL);
		CHECK_ERRNO(MMAP(NULL, PAGE, RW, MAP_PRIVATE, -1, 0), EBADF);
		CHECK_ERRNO(MMAP((void *)1, PAGE, RW, PA | MAP_FIXED, -1, 0), EINVAL);
		CHECK_ERRNO(MMAP(NULL, huge, RW, PA, -1, 0), ENOMEM);
		CHECK_ERRNO(MMAP(NULL, max, RW, PA, -1, 0), ENOMEM);
		CHECK_ERRNO(MMAP((void *)(0x8000000000000000ul), PAGE, RW, PA | MAP_FIXED, -1, 0),
			    ENOMEM);
		CHECK_ERRNO((int)syscall(SYS_mmap, 0, PAGE, RW, PA, -1, 1), EINVAL);
	}
	CASE("RLIMIT_AS gives ENOMEM")
	{
		CHECK_EXIT(FORK(struct rlimit r = {256 << 20, 256 << 20};
				MUST(setrlimit(RLIMIT_AS, &r));
				CHECK_ERRNO(MMAP(NULL, 1ul << 30, RW, PA, -1, 0), ENOMEM);
				CHECK_EQ(MMAP(NULL, 1 << 20, RW, PA, -1, 0), 0)),
			   0);
	}
	CASE("MAP_NORESERVE of 64 GiB, MAP_POPULATE, MAP_STACK, MAP_32BIT")
	{
		char *m = mmap(NULL, 1ul << 36, RW, PA | MAP_NORESERVE, -1, 0);

		REQUIRE(m != MAP_FAILED);
		m[(1ul << 36) - 1] = 1;
		CHECK_EQ(m[1ul << 35], 0);
		CHECK_EQ(munmap(m, 1ul << 36), 0);
		m = mmap(NULL, 4 * PAGE, RW, PA | MAP_POPULATE | MAP_STACK, -1, 0);
		unsigned char vec[4] = {0};

		CHECK_EQ(mincore(m, 4 * PAGE, vec), 0);
		CHECK(vec[0] & vec[1] & vec[2] & vec[3] & 1);
		munmap(m, 4 * PAGE);
		m = mmap(NULL, PAGE, RW, PA | MAP_32BIT, -1, 0);
		CHECK(m != MAP_FAILED && (uintptr_t)m < 1ul << 32);
		munmap(m, PAGE);
	}
	CASE("MAP_GROWSDOWN grows to a touched page below")
	{
		char *area = mmap(NULL, 600 * PAGE, PROT_NONE, PA, -1, 0);

		munmap(area, 600 * PAGE);
		char *m = mmap(area + 599 * PAGE, PAGE, RW, PA | MAP_GROWSDOWN | MAP_FIXED, -1, 0);

		REQUIRE(m != MAP_FAILED);
		m[0] = 1;
		CHECK_EQ(faults(m - 1, 1), 0);
		CHECK_EQ(faults(m - PAGE - 1, 1), 0);
		CHECK(mapped(m - 2 * PAGE));
		munmap(m - 2 * PAGE, 3 * PAGE);
	}
}

static void test_own_files(void)
{
	CASE("shared file mapping is shared with a child and outlives the descriptor and the name")
	{
		int g = MUST(open("gone", O_RDWR | O_CREAT, 0600));

		MUST(ftruncate(g, PAGE));
		char *a = mmap(NULL, PAGE, RW, MAP_SHARED, g, 0);

		close(g);
		unlink("gone");
		CHECK_EXIT(FORK(a[10] = 'z'), 0);
		CHECK_EQ(a[10], 'z');
		munmap(a, PAGE);
	}
	CASE("truncation: SIGBUS beyond, zeroes after growing again")
	{
		int g = MUST(open("t", O_RDWR | O_CREAT, 0600));

		MUST(ftruncate(g, 2 * PAGE));
		char *a = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, g, 0);

		a[PAGE] = 5;
		MUST(ftruncate(g, 100));
		CHECK_EQ(faults(a + PAGE, 0), SIGBUS);
		CHECK_EQ(faults(a + 200, 0), 0);
		MUST(ftruncate(g, 2 * PAGE));
		CHECK_EQ(faults(a + PAGE, 0), 0);
		CHECK_EQ(a[PAGE], 0);
		munmap(a, 2 * PAGE);
		close(g);
	}
	CASE("/dev/zero: private and shared")
	{
		int z = MUST(open("/dev/zero", O_RDWR));
		char *a = mmap(NULL, PAGE, RW, MAP_SHARED, z, 0),
		     *b = mmap(NULL, PAGE, RW, MAP_PRIVATE, z, 0);

		REQUIRE(a != MAP_FAILED && b != MAP_FAILED);
		CHECK_EQ(a[5] + b[5], 0);
		CHECK_EXIT(FORK(a[0] = 9; b[0] = 9), 0);
		CHECK_EQ(a[0], 9);
		CHECK_EQ(b[0], 0);
		munmap(a, PAGE);
		munmap(b, PAGE);
		close(z);
	}
}

static void test_file(void)
{
	int fd = MUST(open("f", O_RDWR | O_CREAT | O_TRUNC, 0600));
	char text[3 * PAGE];

	for (int i = 0; i < 3 * PAGE; i++)
		text[i] = (char)('a' + i / PAGE);
	CHECK_EQ(write(fd, text, sizeof(text)), sizeof(text));
	CASE("shared: writes reach the file and other mappings at once; read and write see them")
	{
		char *a = mmap(NULL, 3 * PAGE, RW, MAP_SHARED, fd, 0),
		     *b = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
		char c;

		CHECK_EQ(b[0], 'b');
		a[PAGE] = 'X';
		CHECK_EQ(b[0], 'X');
		CHECK_EQ(pread(fd, &c, 1, PAGE), 1);
		CHECK_EQ(c, 'X');
		CHECK_EQ(pwrite(fd, "Y", 1, PAGE), 1);
		CHECK_EQ(a[PAGE], 'Y');
		CHECK_EQ(msync(a, 3 * PAGE, MS_SYNC), 0);
		CHECK_ERRNO(msync(a, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
		CHECK_ERRNO(msync(a + 1, PAGE, MS_SYNC), EINVAL);
		munmap(a, 3 * PAGE);
		munmap(b, PAGE);
	}
	CASE("private: writes stay private, unwritten pages show the file")
	{
		char *a = mmap(NULL, 3 * PAGE, RW, MAP_PRIVATE, fd, 0);
		char c;

		a[0] = 'P';
		CHECK_EQ(pread(fd, &c, 1, 0), 1);
		CHECK_EQ(c, 'a');
		CHECK_EQ(pwrite(fd, "Q", 1, 1), 1);
		CHECK_EQ(a[1], 'a');
		CHECK_EQ(a[2 * PAGE], 'c');
		CHECK_EXIT(FORK(CHECK_EQ(a[0], 'P'); a[0] = 'R'), 0);
		CHECK_EQ(a[0], 'P');
		munmap(a, 3 * PAGE);
	}
	CASE("rights: shared writing needs O_RDWR, any mapping needs reading; other kinds ENODEV, "
	     "EACCES")
	{
		int ro = MUST(open("f", O_RDONLY)), wo = MUST(open("f", O_WRONLY)), p[2],
		    dir = MUST(open(".", O_RDONLY));

		MUST(pipe(p));
		CHECK_ERRNO(MMAP(NULL, PAGE, RW, MAP_SHARED, ro, 0), EACCES);
		CHECK_EQ(MMAP(NULL, PAGE, RW, MAP_PRIVATE, ro, 0), 0);
		CHECK_ERRNO(MMAP(NULL, PAGE, PROT_READ, MAP_PRIVATE, wo, 0), EACCES);
		CHECK_ERRNO(MMAP(NULL, PAGE, PROT_WRITE, MAP_SHARED, wo, 0), EACCES);
		char *m = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ro, 0);

		CHECK_ERRNO(mprotect(m, PAGE, RW), EACCES);
		CHECK_ERRNO(MMAP(NULL, PAGE, PROT_READ, MAP_PRIVATE, p[0], 0), ENODEV);
		CHECK_ERRNO(MMAP(NULL, PAGE, PROT_READ, MAP_PRIVATE, dir, 0), ENODEV);
		CHECK_ERRNO(MMAP(NULL, PAGE, PROT_READ, MAP_PRIVATE, ro, 100), EINVAL);
		CHECK_ERRNO(MMAP(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | 0x800000, ro, 0),
			    EOPNOTSUPP);
		munmap(m, PAGE);
		close(ro);
		close(wo);
		close(dir);
		close(p[0]);
		close(p[1]);
	}
	CASE("writes into and reads from mapped memory by system calls, over page borders")
	{
		char *m = mmap(NULL, 3 * PAGE, RW, PA, -1, 0);

		CHECK_EQ(pread(fd, m + 100, 2 * PAGE, 0), 2 * PAGE);
		CHECK_EQ(m[100 + PAGE + 5], 'b');
		munmap(m + PAGE, PAGE);
		CHECK(pread(fd, m + PAGE - 10, 20, 0) == 10 || errno == EFAULT);
		CHECK_ERRNO(pread(fd, m + PAGE, 20, 0), EFAULT);
		munmap(m, 3 * PAGE);
	}
	close(fd);
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	on_signal(SIGSEGV, jump, 0);
	on_signal(SIGBUS, jump, 0);
	test_anonymous();
	test_errors();
	test_file();
	test_own_files();
	return test_end();
}
