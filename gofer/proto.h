/* SPDX-License-Identifier: Apache-2.0 */
/* proto.h - what the sentry's client and the gofer say to each other
 *
 * A request is a gofer_req, the structure of its operation and a tail of names or bytes; an answer
 * is a gofer_rsp, the structure of the operation and a tail. Both lie in shared memory (channel.h),
 * are little-endian as the CPU is, and are copied out before a field is looked at: each side takes
 * the other for hostile. README.md lists the operations in prose.
 *
 * Names: a u16 length and that many bytes, neither padded nor terminated. A name is 1..255 bytes
 * without '/' and NUL, and neither "." nor "..".
 */
#ifndef GOFER_PROTO_H
#define GOFER_PROTO_H

#include "sentry/base/types.h"

#define GOFER_VERSION	  1u
#define GOFER_NAME_MAX	  255
#define GOFER_LINK_MAX	  4095	       /* bytes of a symbolic link's target */
#define GOFER_XATTR_MAX	  (64u << 10)  /* bytes of an attribute's value and of a list */
#define GOFER_WALK_MAX	  64	       /* names of one walk */
#define GOFER_RELEASE_MAX 64	       /* ids given back with one request */
#define GOFER_REQ_MAX	  (72u << 10)  /* bytes of a request, head included */
#define GOFER_RSP_MAX	  (128u << 10) /* bytes of an answer, head included */
#define GOFER_FDS_MAX	  16	       /* descriptors of one answer */

/* An inode that the gofer holds open for the client: slot of its table, and the slot's generation,
 * so that an id that was released is refused (-ESTALE) when the slot has a new tenant. 0 is no id.
 */
typedef u64 gofer_id;
#define GOFER_ID(slot, gen) ((u64)(gen) << 32 | (slot))
#define GOFER_ID_SLOT(id)   ((u32)(id))
#define GOFER_ID_GEN(id)    ((u32)((id) >> 32))

enum gofer_op {
	GOFER_ATTACH = 1, /* index of a tree -> id and attributes of its root */
	GOFER_WALK,	  /* names below a directory -> id and attributes of each */
	GOFER_NOP,	  /* carries ids that are given back */
	GOFER_GETATTR,
	GOFER_SETATTR,
	GOFER_OPEN,   /* regular file -> donated descriptor */
	GOFER_CREATE, /* new regular file, and its descriptor */
	GOFER_MKNOD,  /* new directory, FIFO, socket, device */
	GOFER_SYMLINK,
	GOFER_LINK,
	GOFER_UNLINK,
	GOFER_RENAME,
	GOFER_READLINK,
	GOFER_READDIR,
	GOFER_STATFS,
	GOFER_FSYNC,
	GOFER_FALLOCATE,
	GOFER_GETXATTR,
	GOFER_SETXATTR,
	GOFER_LISTXATTR,
	GOFER_REMOVEXATTR,
	GOFER_TMPFILE,	  /* new regular file without a name, and its descriptor */
	GOFER_OPEN_NAMES, /* names in a directory -> a descriptor for reading of each regular file
			   */
	GOFER_OP_COUNT,
};

/* @release ids that the client gives back follow at once, before the structure of the operation;
 * ids that it does not hold are skipped. */
struct gofer_req {
	u16 op;	     /* enum gofer_op */
	u16 release; /* <= GOFER_RELEASE_MAX */
	u32 flags;   /* GOFER_*_ of the operation; unknown ones are refused */
	gofer_id id; /* the inode that the operation is about; a directory where names follow */
};
static_assert(sizeof(struct gofer_req) == 16, "wire");
static_assert(offsetof(struct gofer_req, id) == 8, "wire");

struct gofer_rsp {
	s32 result; /* 0, or -errno: then nothing else follows, save where the operation says so */
	u32 fds;    /* descriptors queued on the channel's socket, in one message, before this */
};
static_assert(sizeof(struct gofer_rsp) == 8, "wire");

struct gofer_time {
	s64 sec;
	u32 nsec;
	u32 zero;
};
static_assert(sizeof(struct gofer_time) == 16, "wire");

/* Attributes, as statx gives them. */
struct gofer_attr {
	u64 ino;
	u64 size;
	u64 blocks; /* of 512 bytes */
	u64 dev;    /* major << 32 | minor of the file system: tells inodes of two of them apart */
	u32 mode;
	u32 nlink;
	u32 uid;
	u32 gid;
	u32 blksize;
	u32 rdev_major;
	u32 rdev_minor;
	u32 attributes; /* STATX_ATTR_*: immutable, append-only and the like */
	struct gofer_time atime, mtime, ctime;
	struct gofer_time btime; /* 0 where the file system has none */
};
static_assert(sizeof(struct gofer_attr) == 128, "wire");
static_assert(offsetof(struct gofer_attr, mode) == 32, "wire");
static_assert(offsetof(struct gofer_attr, atime) == 64, "wire");

/* An inode as answers give it. */
struct gofer_node {
	gofer_id id;
	struct gofer_attr attr;
};
static_assert(sizeof(struct gofer_node) == 136, "wire");

/* ATTACH: req.id is the index of the tree. Answer: */
struct gofer_attach_rsp {
	u32 version; /* GOFER_VERSION */
	u32 readonly;
	u32 tree_count;
	u32 id_max; /* ids the client may hold at once */
	struct gofer_node root;
};
static_assert(sizeof(struct gofer_attach_rsp) == 152, "wire");

/* WALK: this, then @count names, each below the one before. @known: an id the client has for the
 * first name; when the name still leads to that inode, the answer carries it instead of a new one.
 */
struct gofer_walk_req {
	gofer_id known;
	u32 count;
	u32 zero;
};
static_assert(sizeof(struct gofer_walk_req) == 16, "wire");
/* Answer: this, @count nodes, @target_size bytes (the target of the last node when it is a symbolic
 * link). The walk ends early at a symbolic link or what else is no directory (error 0), and at a
 * name that fails (error). With @error 0 and GOFER_WALK_OPEN_* set and the last one a regular file,
 * rsp.fds tells whether its descriptor came along. */
struct gofer_walk_rsp {
	s32 error;
	u32 count;
	u32 target_size;
	u32 zero;
};
static_assert(sizeof(struct gofer_walk_rsp) == 16, "wire");
#define GOFER_WALK_OPEN_READ 1u /* open the last one for reading when all names were walked */

/* GETATTR: answer is a gofer_attr. SETATTR: this; answer is the gofer_attr afterwards. Steps are
 * made in the order of the flags; the first that fails ends the operation. */
struct gofer_setattr_req {
	u32 mode;     /* 07777 */
	u32 uid, gid; /* ~0: unchanged */
	u32 zero;
	u64 size;
	struct gofer_time atime, mtime;
};
static_assert(sizeof(struct gofer_setattr_req) == 56, "wire");
#define GOFER_SET_SIZE	    1u
#define GOFER_SET_OWNER	    2u
#define GOFER_SET_MODE	    4u
#define GOFER_SET_ATIME	    8u
#define GOFER_SET_MTIME	    16u
#define GOFER_SET_ATIME_NOW 32u
#define GOFER_SET_MTIME_NOW 64u
#define GOFER_SET_ALL	    127u

/* OPEN: no structure. Donates a descriptor; answer is a gofer_attr. */
#define GOFER_OPEN_READ	 1u
#define GOFER_OPEN_WRITE 2u
#define GOFER_OPEN_TRUNC 4u /* needs GOFER_OPEN_WRITE */
#define GOFER_OPEN_ALL	 7u

/* OPEN_NAMES: this and @count names, all in the directory req.id. Answer: a gofer_opened for each.
 * The descriptors, open for reading, are in the order of the names; no id is made. */
struct gofer_open_names_req {
	u32 count; /* <= GOFER_FDS_MAX */
	u32 zero;
};
static_assert(sizeof(struct gofer_open_names_req) == 8, "wire");
struct gofer_opened {
	u64 ino, dev; /* as in gofer_attr */
	u32 has_fd;   /* 0: no regular file, or it may not be opened; nothing else is told */
	u32 zero;
};
static_assert(sizeof(struct gofer_opened) == 24, "wire");

/* CREATE, MKNOD: this and one name. Answer: a gofer_node; CREATE donates a descriptor (flags as of
 * OPEN) and fails with -EEXIST when the name is there. MKNOD's mode carries the type. TMPFILE is
 * CREATE without a name; LINK gives it one. */
struct gofer_make_req {
	u32 mode;
	u32 uid, gid;
	u32 rdev_major, rdev_minor;
	u32 zero;
};
static_assert(sizeof(struct gofer_make_req) == 24, "wire");

/* SYMLINK: this, one name, the target (a name of up to GOFER_LINK_MAX free bytes). Answer: node. */
struct gofer_symlink_req {
	u32 uid, gid;
};
static_assert(sizeof(struct gofer_symlink_req) == 8, "wire");

/* LINK: req.id is the directory; this and one name: @source becomes known by it. Answer: the
 * gofer_attr of @source. */
struct gofer_link_req {
	gofer_id source;
};
static_assert(sizeof(struct gofer_link_req) == 8, "wire");

/* UNLINK: one name. No answer structure. */
#define GOFER_UNLINK_DIR 1u

/* RENAME: req.id is the old directory, flags are Linux's RENAME_*; this, old name, new name. */
struct gofer_rename_req {
	gofer_id to_dir;
};
static_assert(sizeof(struct gofer_rename_req) == 8, "wire");

/* READLINK: answer is the target's bytes, to the end. */

/* READDIR: this. @cookie is 0 for the start, else the @cookie of an answer or of one of its
 * entries. */
struct gofer_readdir_req {
	u64 cookie;
	u32 size; /* the answer stays below this many bytes (at least 4096) */
	u32 zero;
};
static_assert(sizeof(struct gofer_readdir_req) == 16, "wire");
#define GOFER_READDIR_ATTR 1u /* entries carry attributes */
#define GOFER_READDIR_NAME 2u /* one name follows: that directory below req.id is listed */
#define GOFER_READDIR_ALL  3u
/* Answer: this, with READDIR_NAME the gofer_node of the directory, then @count entries: a
 * gofer_dirent, the gofer_attr when has_attr, the name's bytes. */
struct gofer_readdir_rsp {
	u64 cookie; /* go on from here; also when @count is 0 and @end is set */
	u32 count;
	u32 end; /* 1: nothing is left */
};
static_assert(sizeof(struct gofer_readdir_rsp) == 16, "wire");
struct gofer_dirent {
	u64 ino;
	u64 cookie; /* of what comes after this one */
	u8 type;    /* DT_* */
	u8 name_size;
	u8 has_attr;
	u8 zero[5];
};
static_assert(sizeof(struct gofer_dirent) == 24, "wire");

/* STATFS: no structure. Answer: */
struct gofer_statfs_rsp {
	u64 type, bsize, blocks, bfree, bavail, files, ffree, namelen, frsize, flags, fsid;
};
static_assert(sizeof(struct gofer_statfs_rsp) == 88, "wire");

/* FSYNC: no structures. */
#define GOFER_FSYNC_DATA 1u

struct gofer_fallocate_req {
	u64 offset, size;
	u32 mode; /* FALLOC_FL_* */
	u32 zero;
};
static_assert(sizeof(struct gofer_fallocate_req) == 24, "wire");

/* GETXATTR, LISTXATTR: this and (GETXATTR) a name. Answer: u32 size, u32 0, then that many bytes;
 * with @size 0 only the size is told and no bytes follow. SETXATTR: this, a name, @size bytes;
 * flags are Linux's XATTR_*. REMOVEXATTR: a name. */
struct gofer_xattr_req {
	u32 size;
	u32 zero;
};
static_assert(sizeof(struct gofer_xattr_req) == 8, "wire");
struct gofer_xattr_rsp {
	u32 size;
	u32 zero;
};
static_assert(sizeof(struct gofer_xattr_rsp) == 8, "wire");

/* On the socket: the client asks for a channel, the gofer answers with its index and, by
 * SCM_RIGHTS, the socket over which that channel's descriptors come. */
struct gofer_sock_req {
	u32 magic;   /* GOFER_SOCK_MAGIC */
	u32 cpu;     /* that the channel's thread shall stay on */
	u32 channel; /* index, below the count that the shared memory has room for */
	u32 zero;
};
static_assert(sizeof(struct gofer_sock_req) == 16, "wire");
struct gofer_sock_rsp {
	u32 magic;
	s32 result;
	u32 channel;
	u32 zero;
};
static_assert(sizeof(struct gofer_sock_rsp) == 16, "wire");
#define GOFER_SOCK_MAGIC 0x626b6731u

#endif
