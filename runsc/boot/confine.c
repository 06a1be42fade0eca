/* SPDX-License-Identifier: Apache-2.0 */
/* confine.c - what sentry and gofer do to themselves after the exec
 *
 * Each step is one function, and each failure is fatal: a half-confined process never serves. The
 * callers give the order (boot_sentry, boot_gofer).
 */
#include "runsc/boot/confine.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

void boot_check(int err, const char *what)
{
	char text[128];

	if (err == 0)
		return;
	log_error("%s: %s", what, error_name(err, text, sizeof(text)));
	_exit(126);
}

static void check_call(long result, const char *what)
{
	boot_check(result < 0 ? -errno : 0, what);
}

const struct boot_config *boot_open_config(void)
{
	struct region *r;
	const struct boot_config *c;
	int err = region_open(BOOT_FD_CONFIG, &r);

	boot_check(err, "configuration");
	close(BOOT_FD_CONFIG);
	c = region_root(r);
	for (int fd = BOOT_FD_GOFER; fd < BOOT_FD_COUNT; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	log_init(BOOT_FD_LOG, c->log_level, c->log_json);
	return c;
}

void confine_die_with_parent(int alive, bool detached)
{
	struct pollfd p = {.fd = alive, .events = POLLRDHUP};

	if (!detached)
		check_call(prctl(PR_SET_PDEATHSIG, SIGKILL), "PR_SET_PDEATHSIG");
	if (alive >= 0 && poll(&p, 1, 0) > 0 && p.revents & (POLLHUP | POLLRDHUP))
		_exit(126);
}

void confine_private_mounts(void)
{
	check_call(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL), "make mounts private");
}

int confine_new_root(const char **out_place)
{
	static const char *const places[] = {"/tmp", "/run", "/usr", "/etc", "/var", "/proc"};
	struct stat st;

	for (size_t i = 0; i < array_size(places); i++) {
		int fd;

		if (lstat(places[i], &st) < 0 || !S_ISDIR(st.st_mode))
			continue;
		check_call(mount("runsc", places[i], "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755"),
			   "mount an empty root");
		fd = open(places[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		check_call(fd, "open the empty root");
		*out_place = places[i];
		return fd;
	}
	boot_check(-ENOENT, "a directory to mount an empty root on");
	return -1;
}

void confine_pivot(int root_fd)
{
	check_call(fchdir(root_fd), "enter the empty root");
	check_call(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	check_call(umount2(".", MNT_DETACH), "forget the host's root");
	check_call(chdir("/"), "enter the empty root");
	check_call(mount("", "/", NULL,
			 MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL),
		   "make the root read-only");
	close(root_fd);
}

int confine_open_proc(void)
{
	int fs = (int)syscall(SYS_fsopen, "proc", FSOPEN_CLOEXEC), mnt = -1;

	if (fs < 0)
		return -1;
	if (syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "subset", "pid", 0) == 0 &&
	    syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		mnt = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC,
				   MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	close(fs);
	return mnt;
}

void confine_drop_capabilities(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	for (int cap = 0; cap <= 63; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno == EINVAL)
			break;
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	check_call(syscall(SYS_capset, &head, data), "drop capabilities");
}

void confine_no_new_privs(void)
{
	check_call(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS");
}
