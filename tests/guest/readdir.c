/* SPDX-License-Identifier: Apache-2.0 */
/* readdir.c - getdents64, readdir, seekdir over changes, types, small buffers, removed directories
 */
#include "tests/lib/guest.h"

#include <dirent.h>

struct dents {
	uint64_t ino;
	int64_t off;
	uint16_t len;
	uint8_t type;
	char name[];
};

static int count(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;

	if (!d)
		return -1;
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void fill(const char *dir, int n)
{
	char p[64];

	MUST(mkdir(dir, 0755));
	for (int i = 0; i < n; i++) {
		snprintf(p, sizeof(p), "%s/file-%04d", dir, i);
		MUST(write_file(p, ""));
	}
}

static void test_content(void)
{
	CASE("an empty directory has . and .., with the right inode numbers")
	{
		MUST(mkdir("e", 0755));
		DIR *d = opendir("e");
		struct dirent *e;
		struct stat st, up;
		int n = 0;

		stat("e", &st);
		stat(".", &up);
		while ((e = readdir(d))) {
			n++;
			CHECK_EQ(e->d_ino, strcmp(e->d_name, ".") ? up.st_ino : st.st_ino);
			CHECK_EQ(e->d_type, DT_DIR);
		}
		CHECK_EQ(n, 2);
		closedir(d);
	}
	CASE("types and inode numbers agree with lstat")
	{
		MUST(mkdir("t", 0755));
		MUST(mkdir("t/dir", 0755));
		MUST(write_file("t/file", "x"));
		MUST(symlink("x", "t/link"));
		MUST(mkfifo("t/fifo", 0600));
		MUST(mknod("t/sock", S_IFSOCK | 0600, 0));
		DIR *d = opendir("t");
		struct dirent *e;
		struct stat st;

		while ((e = readdir(d))) {
			CHECK_EQ(fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW), 0);
			CHECK_EQ(e->d_type, IFTODT(st.st_mode));
			CHECK_EQ(e->d_ino, st.st_ino);
		}
		closedir(d);
	}
	CASE("700 entries, each once")
	{
		static unsigned char seen[700];
		DIR *d;
		struct dirent *e;
		int bad = 0;

		fill("big", 700);
		d = opendir("big");
		while ((e = readdir(d)))
			if (e->d_name[0] == 'f')
				seen[atoi(e->d_name + 5)]++;
		for (int i = 0; i < 700; i++)
			bad += seen[i] != 1;
		CHECK_EQ(bad, 0);
		rewinddir(d);
		int n = 0;

		while (readdir(d))
			n++;
		CHECK_EQ(n, 702);
		closedir(d);
	}
	CASE("telldir and seekdir return to the same entry")
	{
		DIR *d = opendir("big");
		struct dirent *e = NULL;
		char name[256];

		for (int i = 0; i < 300; i++)
			e = readdir(d);
		long pos = telldir(d);

		e = readdir(d);
		strcpy(name, e->d_name);
		for (int i = 0; i < 200; i++)
			e = readdir(d);
		seekdir(d, pos);
		e = readdir(d);
		CHECK_STR(e ? e->d_name : NULL, name);
		closedir(d);
	}
}

static void test_changes(void)
{
	CASE("entries that stay are seen exactly once while others come and go")
	{
		static unsigned char seen[400];
		struct dirent *e;
		char p[64];
		int bad = 0, n = 0;

		fill("c", 400);
		DIR *d = opendir("c");

		while ((e = readdir(d))) {
			if (e->d_name[0] == 'f')
				seen[atoi(e->d_name + 5)]++;
			if (n < 50) {
				/* remove an odd file and add another one */
				snprintf(p, sizeof(p), "c/file-%04d", n * 2 + 1);
				unlink(p);
				snprintf(p, sizeof(p), "c/new-%04d", n);
				write_file(p, "");
			}
			n++;
		}
		for (int i = 0; i < 400; i += 2)
			bad += seen[i] != 1;
		for (int i = 1; i < 400; i += 2)
			bad += seen[i] > 1;
		CHECK_EQ(bad, 0);
		closedir(d);
		CHECK_EQ(count("c"), 402);
	}
	CASE("rm -r style: read and remove as one goes")
	{
		struct dirent *e;
		char p[300];

		fill("r", 300);
		DIR *d = opendir("r");

		while ((e = readdir(d))) {
			if (e->d_name[0] == '.')
				continue;
			snprintf(p, sizeof(p), "r/%s", e->d_name);
			CHECK_EQ(unlink(p), 0);
		}
		closedir(d);
		CHECK_EQ(rmdir("r"), 0);
	}
	CASE("a removed directory still open reads ENOENT or nothing")
	{
		char b[512];

		MUST(mkdir("x", 0755));
		int fd = MUST(open("x", O_RDONLY | O_DIRECTORY));

		MUST(rmdir("x"));
		long n = syscall(SYS_getdents64, fd, b, sizeof(b));

		CHECK(n == 0 || (n == -1 && errno == ENOENT));
		close(fd);
	}
}

static void test_raw(void)
{
	char b[4096];

	CASE("raw records: aligned, offsets usable by lseek, end gives 0")
	{
		int fd = MUST(open("t", O_RDONLY | O_DIRECTORY));
		long n = MUST(syscall(SYS_getdents64, fd, b, sizeof(b))), second = -1;
		char name[64] = "";
		int k = 0;

		for (long i = 0; i < n; k++) {
			struct dents *d = (void *)(b + i);

			CHECK_EQ(d->len % 8, 0);
			if (k == 2)
				second = d->off;
			if (k == 3)
				strcpy(name, d->name);
			i += d->len;
		}
		CHECK_EQ(k, 7);
		CHECK_EQ(syscall(SYS_getdents64, fd, b, sizeof(b)), 0);
		CHECK_EQ(lseek(fd, second, SEEK_SET), second);
		CHECK(syscall(SYS_getdents64, fd, b, sizeof(b)) > 0);
		CHECK_STR(((struct dents *)(void *)b)->name, name);
		CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
		CHECK_EQ(syscall(SYS_getdents64, fd, b, sizeof(b)), n);
		close(fd);
	}
	CASE("small buffers: EINVAL when not even one fits, else one at a time")
	{
		int fd = MUST(open("t", O_RDONLY | O_DIRECTORY)), k = 0;

		CHECK_ERRNO(syscall(SYS_getdents64, fd, b, 8), EINVAL);
		while (syscall(SYS_getdents64, fd, b, 32) > 0)
			k++;
		CHECK_EQ(k, 7);
		close(fd);
	}
	CASE("errors: not a directory, bad descriptor, bad pointer; old getdents")
	{
		int f = MUST(open("t/file", O_RDONLY)), d = MUST(open("t", O_RDONLY));

		CHECK_ERRNO(syscall(SYS_getdents64, f, b, sizeof(b)), ENOTDIR);
		CHECK_ERRNO(syscall(SYS_getdents64, 999, b, sizeof(b)), EBADF);
		CHECK_ERRNO(syscall(SYS_getdents64, d, BAD_PTR, 4096), EFAULT);
		CHECK(syscall(SYS_getdents, d, b, sizeof(b)) > 0);
		close(f);
		close(d);
	}
	CASE("two descriptors of one directory have their own positions, duplicates share")
	{
		int a = MUST(open("t", O_RDONLY)), c = MUST(open("t", O_RDONLY)), d = MUST(dup(a));

		CHECK(syscall(SYS_getdents64, a, b, sizeof(b)) > 0);
		CHECK_EQ(syscall(SYS_getdents64, d, b, sizeof(b)), 0);
		CHECK(syscall(SYS_getdents64, c, b, sizeof(b)) > 0);
		close(a);
		close(c);
		close(d);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_content();
	test_changes();
	test_raw();
	return test_end();
}
