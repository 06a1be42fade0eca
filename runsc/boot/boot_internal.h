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
	struct error error;
};

/* boot_fs.c: file system types; the root and all mounts. 0 or -errno with b->error. */
void boot_register_types(void);
int boot_mount_all(struct boot *b);
/* Directories along @path (absolute, inside) that are missing are made. 0 or -errno. */
int boot_mkdirs(struct boot *b, const char *path);

/* boot_dev.c: the nodes and links of /dev on a fresh tmpfs, as runc makes them. 0 or -errno. */
int boot_populate_dev(struct boot *b);

/* boot_process.c: starts process 1. 0 or -errno with b->error. */
int boot_start_process(struct boot *b);

/* boot_stats.c: what has been counted so far, to the log. Safe from any thread. */
void boot_stats_write(const struct boot *b);

/* boot_control.c: the socket to runsc. */
int boot_control_init(void);
void boot_control_failed(const char *text);
void boot_control_exit(u32 wait_status);

#endif
