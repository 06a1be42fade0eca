/* SPDX-License-Identifier: Apache-2.0 */
/* boot_internal.h - what the parts of boot share while the sandbox is put together */
#ifndef RUNSC_BOOT_BOOT_INTERNAL_H
#define RUNSC_BOOT_BOOT_INTERNAL_H

#include "fs/vfs/vfs.h"
#include "runsc/boot/boot.h"
#include "sentry/kernel/kernel.h"

struct boot {
	const struct boot_config *c;
	struct caller caller; /* root's, for what boot itself does inside */
	u32 client;	      /* of the gofer */
	struct mnt_namespace *ns;
	struct platform *platform;
	bool paused;			       /* all stubs are stopped */
	struct task *init;		       /* process 1, prepared; NULL once it runs */
	struct file *extra[BOOT_EXTRA_MAX];    /* files of a process being made */
	struct rlimit64_pair rlimits[RLIMITS]; /* of process 1 at its start */
	struct seccomp_filter *filter;	       /* of linux.seccomp, or NULL */
	struct error error;
};

/* boot_fs.c: file system types; the root and all mounts. 0 or -errno with b->error. */
void boot_register_types(void);
int boot_mount_all(struct boot *b);
/* Directories along @path (absolute, inside) that are missing are made. 0 or -errno. */
int boot_mkdirs(struct boot *b, const char *path);

/* boot_copyup.c: all below @from (a directory) is copied below @to, by a path inside. 0 or -errno.
 */
int boot_copy_up(struct boot *b, const struct path *from, const char *to);

/* boot_dev.c: the nodes and links of /dev on a fresh tmpfs, as runc makes them. 0 or -errno. */
int boot_populate_dev(struct boot *b);
/* linux.devices. 0 or -errno with b->error. */
int boot_make_devices(struct boot *b);

/* boot_seccomp.c: b->filter out of linux.seccomp. True: the platform must be strict, because the
 * filter has an opinion of calls that are otherwise left to the host; boot_filtered_calls: which
 * others it must bring to the sentry (enum platform_own). */
bool boot_make_filter(struct boot *b);
u32 boot_filtered_calls(const struct boot *b);

/* boot_process.c: prepares process 1, and starts it unless config->hold. 0 or -errno with b->error.
 */
int boot_start_process(struct boot *b);
/* Prepares a process beside process 1. @stdio: descriptors of the host, taken over; @console
 * instead, or -1. 0 or -errno with b->error. I/O thread. */
struct exec_request {
	const struct spec_process *process;
	int stdio[3], console;
	const int *extra; /* descriptors for 3 and on */
	u32 extra_count;
	void *watch;
};
int boot_prepare_exec(struct boot *b, const struct exec_request *r, struct task **out,
		      struct tty **out_tty);

/* boot_stats.c: what has been counted so far, to the log. Safe from any thread. */
void boot_stats_write(const struct boot *b);

/* boot_control.c: the socket to the starter or proxy. */
int boot_control_init(void);
void boot_control_failed(const char *text);
void boot_control_exit(u32 wait_status);
void boot_control_ready(void);

/* boot_server.c: the control socket. No socket: 0. */
int boot_server_init(struct boot *b);

/* boot_exec.c: CONTROL_EXEC. All of @fds are taken over. 0 or -errno with b->error. I/O thread. */
int boot_exec(struct boot *b, const struct control_request *req, const int *fds);
/* A watched process has exited. Any thread. */
void boot_exec_exit(void *watch, u32 wait_status);

/* boot_debug.c: reports as text into the file @fd. 0 or -errno. */
int boot_write_ps(int fd);
int boot_write_debug(struct boot *b, int fd);

#endif
