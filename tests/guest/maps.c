/* SPDX-License-Identifier: Apache-2.0 */
/* maps.c - /proc/self/{maps,smaps,statm,status,mem,pagemap} against what the program did */
#include "tests/lib/guest.h"

#include <sys/uio.h>

enum { PAGE = 4096, RW = PROT_READ | PROT_WRITE, PA = MAP_PRIVATE | MAP_ANONYMOUS };

struct entry {
	unsigned long start, end, offset, inode;
	char rights[5], path[512];
};

/* Finds the mapping that holds the address. */
static int find(const void *addr, struct entry *e)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[1024];
	int found = 0;

	while (f && !found && fgets(line, sizeof(line), f)) {
		unsigned a, b;

		e->path[0] = 0;
		if (sscanf(line, "%lx-%lx %4s %lx %x:%x %lu %511[^\n]", &e->start, &e->end,
			   e->rights, &e->offset, &a, &b, &e->inode, e->path) < 7)
			break;
		found = (unsigned long)addr >= e->start && (unsigned long)addr < e->end;
	}
	if (f)
		fclose(f);
	return found;
}

static void test_maps(void)
{
	struct entry e;

	CASE("a mapping appears with its rights, changes with mprotect, splits, merges, goes")
	{
		char *m = mmap(NULL, 16 * PAGE, PROT_NONE, PA, -1, 0), *p = m + 4 * PAGE;

		CHECK_EQ(mprotect(p, 3 * PAGE, RW), 0);
		CHECK(find(p, &e));
		CHECK_EQ(e.start, (unsigned long)p);
		CHECK_EQ(e.end, (unsigned long)p + 3 * PAGE);
		CHECK_STR(e.rights, "rw-p");
		CHECK_EQ(e.inode, 0);
		CHECK_STR(e.path, "");
		mprotect(p + PAGE, PAGE, PROT_READ | PROT_EXEC);
		CHECK(find(p + PAGE, &e));
		CHECK_STR(e.rights, "r-xp");
		CHECK_EQ(e.end - e.start, PAGE);
		mprotect(p + PAGE, PAGE, RW);
		CHECK(find(p, &e));
		CHECK_EQ(e.end - e.start, 3 * PAGE);
		munmap(m, 16 * PAGE);
		CHECK(!find(p, &e));
	}
	CASE("a file mapping names its file, offset and inode; (deleted) after unlink; shared has "
	     "s")
	{
		char want[5000];
		struct stat st;
		int fd = MUST(open("file name", O_RDWR | O_CREAT, 0600));

		MUST(ftruncate(fd, 4 * PAGE));
		fstat(fd, &st);
		char *m = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 2 * PAGE);

		snprintf(want, sizeof(want), "%s/file name", g_dir);
		CHECK(find(m, &e));
		CHECK_STR(e.path, want);
		CHECK_EQ(e.offset, 2 * PAGE);
		CHECK_EQ(e.inode, st.st_ino);
		CHECK_STR(e.rights, "rw-s");
		unlink("file name");
		CHECK(find(m, &e));
		strcat(want, " (deleted)");
		CHECK_STR(e.path, want);
		munmap(m, PAGE);
		close(fd);
	}
	CASE("[heap], [stack], [vdso], the program itself; sorted without overlap")
	{
		int here;
		static int data;

		CHECK(find(&here, &e));
		CHECK_STR(e.path, "[stack]");
		CHECK(find(sbrk(0) == NULL ? NULL : (char *)sbrk(PAGE), &e));
		CHECK_STR(e.path, "[heap]");
		sbrk(-PAGE);
		CHECK(find((void *)test_maps, &e));
		CHECK_STR(e.path, g_self);
		CHECK_STR(e.rights, "r-xp");
		CHECK(find(&data, &e));
		CHECK_STR(e.rights, "rw-p");
		FILE *f = fopen("/proc/self/maps", "re");
		char line[1024];
		unsigned long last = 0, a, b;

		while (fgets(line, sizeof(line), f)) {
			CHECK_EQ(sscanf(line, "%lx-%lx", &a, &b), 2);
			CHECK(a >= last && b > a);
			last = b;
		}
		fclose(f);
	}
	CASE("the vdso's address is AT_SYSINFO_EHDR and an ELF image")
	{
		FILE *f = fopen("/proc/self/auxv", "re");
		unsigned long v[2], base = 0;

		while (f && fread(v, sizeof(v), 1, f) == 1)
			if (v[0] == 33)
				base = v[1];
		if (f)
			fclose(f);
		if (!base)
			SKIP("no vdso");
		CHECK(memcmp((void *)base, "\177ELF", 4) == 0);
		CHECK(find((void *)base, &e));
		CHECK_STR(e.path, "[vdso]");
	}
}

static long status_kb(const char *key)
{
	char buf[8192], *p;

	if (read_file("/proc/self/status", buf, sizeof(buf)) <= 0 || !(p = strstr(buf, key)))
		return -1;
	return atol(p + strlen(key));
}

static void test_sizes(void)
{
	CASE("VmSize and statm follow mmap, VmRSS follows touching")
	{
		long size = status_kb("VmSize:"), rss = status_kb("VmRSS:");
		char *m = mmap(NULL, 32 << 20, RW, PA, -1, 0);

		CHECK(size > 0 && rss > 0);
		CHECK(status_kb("VmSize:") - size >= 32 << 10);
		memset(m, 1, 16 << 20);
		CHECK(status_kb("VmRSS:") - rss >= 15 << 10);
		CHECK(status_kb("VmPeak:") >= status_kb("VmSize:"));
		CHECK(status_kb("VmHWM:") >= status_kb("VmRSS:"));
		munmap(m, 32 << 20);
		CHECK(status_kb("VmSize:") - size < 1024);
		char buf[256];
		long a, b, c;

		CHECK(read_file("/proc/self/statm", buf, sizeof(buf)) > 0);
		CHECK_EQ(sscanf(buf, "%ld %ld %ld", &a, &b, &c), 3);
		CHECK(a >= b && b > 0);
	}
	CASE("smaps has an entry per mapping with Size, Rss, VmFlags")
	{
		static char buf[1 << 20];
		char want[64];
		char *m = mmap(NULL, 8 * PAGE, RW, PA, -1, 0);

		m[0] = 1;
		mprotect(m + 4 * PAGE, 4 * PAGE, PROT_NONE);
		CHECK(read_file("/proc/self/smaps", buf, sizeof(buf)) > 0);
		snprintf(want, sizeof(want), "%lx-", (unsigned long)m + 4 * PAGE);
		char *p = strstr(buf, want);

		REQUIRE(p != NULL);
		p = strstr(p, "Size:");
		CHECK(p && atol(p + 5) == 16);
		CHECK(strstr(buf, "\nRss: ") && strstr(buf, "\nPss: ") &&
		      strstr(buf, "\nPrivate_Dirty: "));
		munmap(m, 8 * PAGE);
	}
}

static void test_access(void)
{
	CASE("/proc/self/mem reads and writes memory, holes give EIO")
	{
		static char word[] = "hello";
		char buf[6] = "";
		int fd = MUST(open("/proc/self/mem", O_RDWR));

		CHECK_EQ(pread(fd, buf, 6, (off_t)(uintptr_t)word), 6);
		CHECK_STR(buf, "hello");
		CHECK_EQ(pwrite(fd, "J", 1, (off_t)(uintptr_t)word), 1);
		CHECK_STR(word, "Jello");
		CHECK_ERRNO(pread(fd, buf, 1, 16), EIO);
		close(fd);
	}
	CASE("process_vm_readv and writev of a child and of oneself")
	{
		char *m = mmap(NULL, PAGE, RW, PA, -1, 0);
		char buf[16] = "";

		strcpy(m, "parent");
		pid_t p = FORK(for (;;) pause());
		struct iovec l = {buf, 7}, r = {m, 7};

		CHECK_EQ(process_vm_readv(p, &l, 1, &r, 1, 0), 7);
		CHECK_STR(buf, "parent");
		memcpy(buf, "CHILD!", 7);
		CHECK_EQ(process_vm_writev(p, &l, 1, &r, 1, 0), 7);
		CHECK_STR(m, "parent");
		memset(buf, 0, 7);
		CHECK_EQ(process_vm_readv(p, &l, 1, &r, 1, 0), 7);
		CHECK_STR(buf, "CHILD!");
		r.iov_base = BAD_PTR;
		CHECK_ERRNO(process_vm_readv(p, &l, 1, &r, 1, 0), EFAULT);
		CHECK_ERRNO(process_vm_readv(p, &l, 1, &r, 1, 1), EINVAL);
		kill(p, SIGKILL);
		CHECK_KILLED(p, SIGKILL);
		CHECK_ERRNO(process_vm_readv(p, &l, 1, &r, 1, 0), ESRCH);
		munmap(m, PAGE);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_maps();
	test_sizes();
	test_access();
	return test_end();
}
