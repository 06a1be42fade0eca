/* SPDX-License-Identifier: Apache-2.0 */
/* client.h - the sentry's side of a gofer
 *
 * Theory of operation: a client is one connection. A call takes a channel of the CPU it runs on
 * (LR_GOFER), writes the request, sleeps until the answer is there, and copies it out, checked:
 * sizes, names, types, times. A gofer that says what it may not is treated as dead, like one whose
 * socket hangs up: every call then gives -EIO, and the death handler runs once. Calls are made with
 * locks up to LR_FSPRIV held, from any thread. They sleep in the host for as long as the gofer
 * works (5 us when no disk is involved). Clients are not in the arena: they are host resources,
 * named by their index.
 */
#ifndef GOFER_CLIENT_H
#define GOFER_CLIENT_H

#include "gofer/proto.h"

#define GOFER_CLIENT_MAX 64

struct gofer_client;

/* Takes over @sock and @shm_fd (the gofer has the other end, and the same memory, made for @cpus).
 * The index in *@out. 0 or -errno. */
int gofer_client_create(int sock, int shm_fd, u32 cpus, u32 *out_index);
/* No call may be under way. */
void gofer_client_destroy(u32 index);
/* BUG when there is no such client. */
struct gofer_client *gofer_client_at(u32 index);
/* The socket to watch for EPOLLHUP, which gofer_client_hangup() is to be told. */
int gofer_client_socket(const struct gofer_client *c);
/* The gofer is dead: calls fail from now on, sleeping ones at once. */
void gofer_client_hangup(struct gofer_client *c);
bool gofer_client_dead(const struct gofer_client *c);
/* @fn runs once when the gofer dies, in the thread that notices, with any locks held: it marks,
 * kicks and returns. @why is a constant text. */
void gofer_client_on_death(struct gofer_client *c, void (*fn)(void *arg, const char *why),
			   void *arg);
/* Requests sent since the start: tests and figures. */
u64 gofer_client_requests(const struct gofer_client *c);

/* Ids that are held now. */
u32 gofer_client_ids(const struct gofer_client *c);
/* Are nearly all ids in use that the gofer allows? */
bool gofer_client_full(const struct gofer_client *c);

struct gofer_name {
	const char *s;
	u32 size;
};

/* All below: 0 or -errno, of which -EIO also means a dead gofer; results only on success. */

int gofer_attach(struct gofer_client *c, u32 tree, struct gofer_attach_rsp *out);

struct gofer_walk_result {
	u32 count; /* nodes; their ids are the caller's to release */
	int error; /* why the walk ended before all names were walked and at no symlink or file */
	int fd;	   /* donated with GOFER_WALK_OPEN_READ, or -1 */
	u32 target_size;	  /* of the symbolic link that ended it; 0 when there is none */
	struct gofer_node *nodes; /* the caller's: room for as many as names */
};
/* @target has room for GOFER_LINK_MAX bytes, or is NULL. */
int gofer_walk(struct gofer_client *c, gofer_id dir, gofer_id known, u32 flags,
	       const struct gofer_name *names, u32 count, struct gofer_walk_result *out,
	       char *target);
/* Gives @id back, with one of the next requests; at once when @now. Never fails. */
void gofer_release(struct gofer_client *c, gofer_id id, bool now);
int gofer_getattr(struct gofer_client *c, gofer_id id, struct gofer_attr *out);
int gofer_setattr(struct gofer_client *c, gofer_id id, u32 flags,
		  const struct gofer_setattr_req *req, struct gofer_attr *out);
/* *@out_fd is the caller's, here and below. */
int gofer_open(struct gofer_client *c, gofer_id id, u32 flags, struct gofer_attr *out, int *out_fd);
/* Opens @count (<= GOFER_FDS_MAX) names of @dir for reading: what each leads to, and its descriptor
 * (-1: no regular file, or it cannot be opened) in out_fds. */
int gofer_open_names(struct gofer_client *c, gofer_id dir, const struct gofer_name *names,
		     u32 count, struct gofer_opened *out, int *out_fds);
/* @name NULL: a file without a name (O_TMPFILE). */
int gofer_create(struct gofer_client *c, gofer_id dir, const char *name, u32 flags,
		 const struct gofer_make_req *req, struct gofer_node *out, int *out_fd);
int gofer_mknod(struct gofer_client *c, gofer_id dir, const char *name,
		const struct gofer_make_req *req, struct gofer_node *out);
int gofer_symlink(struct gofer_client *c, gofer_id dir, const char *name, const char *target,
		  u32 uid, u32 gid, struct gofer_node *out);
int gofer_link(struct gofer_client *c, gofer_id source, gofer_id dir, const char *name,
	       struct gofer_attr *out);
int gofer_unlink(struct gofer_client *c, gofer_id dir, const char *name, u32 flags);
int gofer_rename(struct gofer_client *c, gofer_id dir, const char *name, gofer_id to_dir,
		 const char *to_name, u32 flags);
/* Length of the target, not terminated. @buf has room for GOFER_LINK_MAX bytes. */
ssize_t gofer_readlink(struct gofer_client *c, gofer_id id, char *buf);

/* Called for each entry, with a channel's lock held: may take locks above LR_GOFER only. @attr is
 * NULL when there is none. Not 0 ends the listing with that result. */
typedef int gofer_entry_fn(void *arg, const struct gofer_dirent *ent, const struct gofer_attr *attr,
			   const char *name);
/* One message; *@cookie moves on, *@out_end tells that nothing is left. */
int gofer_readdir(struct gofer_client *c, gofer_id dir, u32 flags, u64 *cookie, gofer_entry_fn *fn,
		  void *arg, bool *out_end);
/* The same from the start of the directory @name below @dir, whose node (its id is the caller's)
 * comes along. */
int gofer_readdir_name(struct gofer_client *c, gofer_id dir, const struct gofer_name *name,
		       u32 flags, struct gofer_node *out, u64 *out_cookie, gofer_entry_fn *fn,
		       void *arg, bool *out_end);
int gofer_statfs(struct gofer_client *c, gofer_id id, struct gofer_statfs_rsp *out);
int gofer_fsync(struct gofer_client *c, gofer_id id, u32 flags);
int gofer_fallocate(struct gofer_client *c, gofer_id id, u32 mode, u64 offset, u64 size);
/* Size of the value or list; -ERANGE when @size is not 0 and too small. */
ssize_t gofer_getxattr(struct gofer_client *c, gofer_id id, const char *name, void *buf,
		       size_t size);
ssize_t gofer_listxattr(struct gofer_client *c, gofer_id id, char *buf, size_t size);
int gofer_setxattr(struct gofer_client *c, gofer_id id, const char *name, const void *value,
		   size_t size, u32 flags);
int gofer_removexattr(struct gofer_client *c, gofer_id id, const char *name);

#endif
