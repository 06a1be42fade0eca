/* SPDX-License-Identifier: Apache-2.0 */
/* exec_script.c - #! lines, and every way in which exec refuses a file */
#include "tests/lib/guest.h"

/* As an interpreter of scripts: prints its arguments, one a line. */
static int show_args(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		printf("%s\n", argv[i]);
	return 0;
}

static void script(const char *name, const char *fmt, const char *interp)
{
	char text[8192];

	snprintf(text, sizeof(text), fmt, interp);
	write_file(name, text);
	chmod(name, 0755);
}

/* Runs a script with two arguments and gives what it printed. */
static const char *output(const char *path)
{
	static char buf[4096];
	int fds[2];
	size_t len = 0;
	ssize_t n;

	if (pipe(fds))
		return NULL;
	pid_t p = FORK(dup2(fds[1], 1); close(fds[0]); close(fds[1]);
		       execl(path, "zero", "one", "two", NULL); dprintf(1, "errno %d", errno));

	close(fds[1]);
	while ((n = read(fds[0], buf + len, sizeof(buf) - 1 - len)) > 0)
		len += (size_t)n;
	buf[len] = 0;
	close(fds[0]);
	wait_status(p);
	return buf;
}

static void test_lines(void)
{
	CASE("interpreter gets script path and arguments; argv[0] is lost")
	{
		script("s1", "#!%s\nrest\n", g_self);
		CHECK_STR(output("./s1"), "./s1\none\ntwo\n");
	}
	CASE("one optional argument, not split, blanks trimmed")
	{
		script("s2", "#! \t%s  -a b  c \t\n", g_self);
		CHECK_STR(output("./s2"), "-a b  c\n./s2\none\ntwo\n");
	}
	CASE("no newline at the end of the file")
	{
		script("s3", "#!%s", g_self);
		CHECK_STR(output("./s3"), "./s3\none\ntwo\n");
	}
	CASE("a script whose interpreter is a script")
	{
		script("s4", "#!./s1\n%s", "");
		CHECK_STR(output("./s4"), "./s1\n./s4\none\ntwo\n");
		script("s5", "#!./s2 x y\n%s", "");
		CHECK_STR(output("./s5"), "-a b  c\n./s2\nx y\n./s5\none\ntwo\n");
	}
	CASE("nesting deeper than five levels is ELOOP")
	{
		script("d0", "#!%s\n", g_self);
		char name[8], line[32];

		for (int i = 1; i < 7; i++) {
			snprintf(name, sizeof(name), "d%d", i);
			snprintf(line, sizeof(line), "#!./d%d\n", i - 1);
			script(name, "%s", line);
		}
		CHECK_STR(output("./d4"), "./d0\n./d1\n./d2\n./d3\n./d4\none\ntwo\n");
		CHECK_ERRNO(execl("./d5", "x", NULL), ELOOP);
		script("self", "#!./self\n%s", "");
		CHECK_ERRNO(execl("./self", "x", NULL), ELOOP);
	}
	CASE("empty #! line is ENOEXEC, interpreter missing is ENOENT, not executable EACCES")
	{
		script("e1", "#!\n%s", "");
		CHECK_ERRNO(execl("./e1", "x", NULL), ENOEXEC);
		script("e2", "#!/nonexistent/interp\n%s", "");
		CHECK_ERRNO(execl("./e2", "x", NULL), ENOENT);
		write_file("plain", "x");
		script("e3", "#!./plain\n%s", "");
		CHECK_ERRNO(execl("./e3", "x", NULL), EACCES);
		script("e4", "#!%s\n", "/");
		CHECK_ERRNO(execl("./e4", "x", NULL), EACCES);
	}
	CASE("an interpreter path too long for the line is ENOEXEC")
	{
		char path[300];

		memset(path, 'p', 299);
		path[0] = '/';
		path[299] = 0;
		script("long", "#!%s\n", path);
		CHECK_ERRNO(execl("./long", "x", NULL), ENOEXEC);
	}
	CASE("execveat of a script descriptor: /dev/fd path, with O_CLOEXEC ENOENT")
	{
		int fd = MUST(open("s1", O_RDONLY));
		char want[64];

		snprintf(want, sizeof(want), "/dev/fd/%d", fd);
		int out[2];
		char buf[256] = "";
		char *av[] = {"zero", NULL}, *ev[] = {NULL};

		MUST(pipe(out));
		CHECK_EXIT(
			FORK(dup2(out[1], 1); syscall(SYS_execveat, fd, "", av, ev, AT_EMPTY_PATH)),
			0);
		CHECK(read(out[0], buf, sizeof(buf) - 1) > 0);
		buf[strcspn(buf, "\n")] = 0;
		CHECK_STR(buf, want);
		close(fd);
		fd = MUST(open("s1", O_RDONLY | O_CLOEXEC));
		CHECK_ERRNO(syscall(SYS_execveat, fd, "", av, ev, AT_EMPTY_PATH), ENOENT);
		close(fd);
		close(out[0]);
		close(out[1]);
	}
}

static void test_refused(void)
{
	CASE("ENOENT, ENOTDIR, ENAMETOOLONG, ELOOP, EACCES")
	{
		char name[300];

		memset(name, 'n', 299);
		name[299] = 0;
		write_file("file", "x");
		MUST(symlink("loop", "loop"));
		MUST(symlink("nowhere", "dangling"));
		CHECK_ERRNO(execl("", "x", NULL), ENOENT);
		CHECK_ERRNO(execl("./none", "x", NULL), ENOENT);
		CHECK_ERRNO(execl("./dangling", "x", NULL), ENOENT);
		CHECK_ERRNO(execl("./file/x", "x", NULL), ENOTDIR);
		CHECK_ERRNO(execl(name, "x", NULL), ENAMETOOLONG);
		CHECK_ERRNO(execl("./loop", "x", NULL), ELOOP);
		CHECK_ERRNO(execl("./file", "x", NULL), EACCES);
		CHECK_ERRNO(execl(".", "x", NULL), EACCES);
		CHECK_ERRNO(execl("/dev/null", "x", NULL), EACCES);
	}
	CASE("not a program: ENOEXEC for text, empty files and a cut ELF header")
	{
		script("text", "hello\n%s", "");
		CHECK_ERRNO(execl("./text", "x", NULL), ENOEXEC);
		script("empty", "%s", "");
		CHECK_ERRNO(execl("./empty", "x", NULL), ENOEXEC);
		script("elf", "\177ELF%s", "");
		CHECK_ERRNO(execl("./elf", "x", NULL), ENOEXEC);
	}
	CASE("ETXTBSY while the file is open for writing, and open for writing while it runs")
	{
		script("busy", "#!%s\n", g_self);
		int fd = MUST(open("busy", O_WRONLY));

		CHECK_ERRNO(execl("./busy", "x", NULL), ETXTBSY);
		close(fd);
		char buf[65536];
		int in = MUST(open("/bin/sleep", O_RDONLY)),
		    out = MUST(open("prog", O_WRONLY | O_CREAT, 0755));
		ssize_t n;

		while ((n = read(in, buf, sizeof(buf))) > 0)
			CHECK_EQ(write(out, buf, (size_t)n), n);
		close(in);
		close(out);
		pid_t p = FORK(execl("./prog", "prog", "60", NULL));

		EVENTUALLY(proc_state(p) == 'S');
		CHECK_ERRNO(open("prog", O_WRONLY), ETXTBSY);
		CHECK_ERRNO(truncate("prog", 0), ETXTBSY);
		CHECK_EQ(unlink("prog"), 0);
		kill(p, SIGKILL);
		CHECK_KILLED(p, SIGKILL);
	}
	CASE("the shell falls back for ENOEXEC, execvp too")
	{
		script("noline", "exit 6%s\n", "");
		CHECK_EXIT(FORK(execlp("./noline", "noline", NULL)), 6);
	}
	CASE("x bit only for others: root needs one, the owner needs his")
	{
		script("bits", "#!%s\n", g_self);
		MUST(chmod("bits", 0001));
		if (geteuid() == 0)
			CHECK_EXIT(FORK(close(1); open("/dev/null", O_WRONLY);
					execl("./bits", "x", NULL)),
				   0);
		else
			CHECK_ERRNO(execl("./bits", "x", NULL), EACCES);
		MUST(chmod("bits", 0644));
		CHECK_ERRNO(execl("./bits", "x", NULL), EACCES);
	}
}

int main(int argc, char **argv)
{
	char dummy[] = "-";

	if (argc > 1 && strcmp(argv[1], dummy) != 0)
		return show_args(argc, argv);
	test_begin(argc, argv);
	test_lines();
	test_refused();
	return test_end();
}
