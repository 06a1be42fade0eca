/* SPDX-License-Identifier: Apache-2.0 */
/* server_internal.h - what the gofer's parts share: open inodes, one call, the decoder */
#ifndef GOFER_SERVER_INTERNAL_H
#define GOFER_SERVER_INTERNAL_H

#include <pthread.h>

#include "gofer/channel.h"
#include "gofer/server.h"

/* An inode that the client holds by id. @fd, @tree and @type are const while the slot is in use;
 * the rest is guarded by the server's lock. */
struct slot {
	int fd; /* O_PATH */
	u16 tree;
	u16 type;    /* S_IFMT bits */
	u32 gen;     /* changes when the slot is freed */
	u32 users;   /* calls at work with it; freed when 0 and not held */
	bool held;   /* the client has the id */
	int dir_fd;  /* open directory of an unfinished listing, or -1 */
	u64 dir_pos; /* where dir_fd stands */
	u32 next_free;
};

struct gofer_server {
	/* const after init */
	struct gofer_tree *trees;
	u32 tree_count;
	u32 id_max;
	int proc_fd;
	bool allow_devices, drop_owner;

	pthread_mutex_t lock; /* guards all below */
	struct slot *slots;   /* id_max + 1; slot 0 is never used */
	u32 slot_used;	      /* slots that were ever used: 1..slot_used */
	u32 slot_free;	      /* head of the free list, 0: none */
	u32 id_count;	      /* slots in use */
	u32 dir_count;	      /* slots with a dir_fd */
};

/* One request at work. The request lies in memory of the gofer's own; the answer's memory is shared
 * and only written. */
struct gofer_call {
	struct gofer_server *s;
	struct gofer_req req;
	const u8 *in, *in_end; /* what of the request was not decoded yet */
	u8 *out;	       /* behind the gofer_rsp */
	u32 out_len, out_max;
	struct gofer_fds fds; /* to donate */
};

/* server.c */
int server_create(const struct gofer_config *cfg, struct gofer_server **out);
void server_destroy(struct gofer_server *s);

/* call.c: decoder. Each returns 0 or -EINVAL (-ENAMETOOLONG for names). */
/* Runs the request (@n bytes at @req, private memory) and writes the answer to @rsp (GOFER_RSP_MAX
 * bytes). Returns the answer's size; *@out_fds are the descriptors to donate. Thread-safe. */
u32 call_run(struct gofer_server *s, const void *req, size_t n, void *rsp,
	     struct gofer_fds *out_fds);
/* Gives @fd along with the answer; at most GOFER_FDS_MAX. */
void call_donate(struct gofer_call *c, int fd);
int call_take(struct gofer_call *c, void *p, size_t n);
/* One name of a directory's entry, terminated by NUL. */
int call_name(struct gofer_call *c, char name[GOFER_NAME_MAX + 1]);
/* A string of 1..@max bytes without NUL in it; @p has room for @max + 1. */
int call_string(struct gofer_call *c, char *p, size_t max);
/* The request ends here, and has no flags but @flags. */
int call_end(const struct gofer_call *c, u32 flags);
/* Appends to the answer; -EOVERFLOW when it does not fit. */
int call_put(struct gofer_call *c, const void *p, size_t n);
/* The inode of @id. With @write, -EROFS when its tree is read-only. Give it back with slot_put().
 */
int call_slot(struct gofer_call *c, gofer_id id, bool write, struct slot **out);
/* The same, and it must be a directory. */
int call_dir(struct gofer_call *c, gofer_id id, bool write, struct slot **out);
/* Makes an id for the inode behind @fd (O_PATH; always taken over) in @tree, and its node. */
int call_node(struct gofer_call *c, int fd, u32 tree, struct gofer_node *out);

/* slot.c */
/* A slot, held and used by the caller, for @fd, which it takes over; closes it on failure
 * (-ENFILE). */
int slot_create(struct gofer_server *s, int fd, u32 tree, u32 type, gofer_id *out_id);
/* -ESTALE unless the client holds @id. */
int slot_get(struct gofer_server *s, gofer_id id, struct slot **out);
void slot_put(struct gofer_server *s, struct slot *slot);
/* The client gives @id back. */
void slot_release(struct gofer_server *s, gofer_id id);
/* Takes the open directory of @slot out if it stands at @pos; -1 when there is none. */
int slot_take_dir(struct gofer_server *s, struct slot *slot, u64 pos);
/* Leaves @fd, which stands at @pos, for the next listing; or closes it. */
void slot_keep_dir(struct gofer_server *s, struct slot *slot, int fd, u64 pos);

/* open.c: host files */
/* Opens the entry @name of @dir as O_PATH without following anything. Descriptor or -errno. */
int path_open(int dir, const char *name);
/* Opens the inode behind the O_PATH descriptor @fd with @flags. Only for regular files and
 * directories. */
int path_reopen(const struct gofer_server *s, int fd, int flags);
/* Name of @fd relative to the working directory, which is /proc/self/fd. */
struct fd_name {
	char s[12];
};
struct fd_name fd_name(int fd);
/* Attributes of @dir's entry @name, or of @dir itself when @name is "". 0 or -errno. */
int path_attr(int dir, const char *name, struct gofer_attr *out);

/* owner.c: ids as the client knows them, and as the host does. */
void owner_init(const struct gofer_config *cfg);
u32 owner_uid_out(u32 uid);
u32 owner_gid_out(u32 gid);
/* Translates ids of the client's (~0: none); -EPERM: nobody that the gofer knows. */
int owner_in(u32 *uid, u32 *gid);

/* op_attr.c */
int attr_set_mode(const struct gofer_server *s, const struct slot *slot, u32 mode);
int attr_set_owner(const struct slot *slot, u32 uid, u32 gid);
/* op_open.c: host flags for GOFER_OPEN_*; -EINVAL for what makes no sense. */
int open_flags(u32 flags);

/* op_*.c: 0 or -errno; what they put counts only when they return 0 */
int op_attach(struct gofer_call *c);
int op_walk(struct gofer_call *c);
int op_nop(struct gofer_call *c);
int op_getattr(struct gofer_call *c);
int op_setattr(struct gofer_call *c);
int op_open(struct gofer_call *c);
int op_open_names(struct gofer_call *c);
int op_create(struct gofer_call *c);
int op_tmpfile(struct gofer_call *c);
int op_mknod(struct gofer_call *c);
int op_symlink(struct gofer_call *c);
int op_link(struct gofer_call *c);
int op_unlink(struct gofer_call *c);
int op_rename(struct gofer_call *c);
int op_readlink(struct gofer_call *c);
int op_readdir(struct gofer_call *c);
int op_statfs(struct gofer_call *c);
int op_fsync(struct gofer_call *c);
int op_fallocate(struct gofer_call *c);
int op_getxattr(struct gofer_call *c);
int op_setxattr(struct gofer_call *c);
int op_listxattr(struct gofer_call *c);
int op_removexattr(struct gofer_call *c);

/* confine.c: gives up what the gofer does not need; 0 or -errno */
int confine(const struct gofer_server *s);

/* landlock.c: LANDLOCK_ACCESS_FS_* */
/* What a rule set of a host with this version of Landlock handles; 0: too old, or none. */
u64 landlock_handled(long version);
/* Of these, what a tree gets, whose root is a directory or a file. */
u64 landlock_rights(u64 handled, bool readonly, bool is_dir);
/* From here on this process has no paths but @trees, for good. Needs no_new_privs. 0, also where
 * the host has no Landlock, or -errno. */
int landlock_confine(const struct gofer_tree *trees, u32 count);
/* filter.c: installs the seccomp filter for all later calls of the process. */
int filter_install(void);

#endif
