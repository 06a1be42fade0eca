/* SPDX-License-Identifier: Apache-2.0 */
/* listing.h - the inside of a listing: listing.c makes it and asks it, ahead.c keeps descriptors in
 * it */
#ifndef FS_GOFERFS_LISTING_H
#define FS_GOFERFS_LISTING_H

#include "fs/goferfs/goferfs_internal.h"

enum {
	REC_REMOVED = 1, /* the name went; stays */
	REC_ATTR = 2,	 /* the attributes are right, and no inode has them */
	REC_WRITING = 4, /* an inode that goes writes them */
};

struct record {
	u64 ino;
	u32 self; /* place of this record: tells records from other bytes */
	u32 hash_next;
	u32 hash;
	u8 type;
	u8 name_size;
	_Atomic u8 flags; /* REC_*, or 0; REC_ATTR is taken away, REC_REMOVED set under the
			   * directory's inode lock */
	u8 attr_size;	  /* of the gofer_attr behind the head: all or 0 */
	_Atomic s32 fd;	  /* opened ahead (ahead.c), or -1; whoever exchanges it has it */
	u32 unused;
	/* attributes, name */
};
static_assert(sizeof(struct record) == 32 && sizeof(struct gofer_attr) <= UINT8_MAX, "record");

#define NO_RECORD UINT32_MAX

struct listing {
	struct ref ref;
	u32 count, used, size; /* const once loaded, as buf, heads and order */
	u8 *buf;
	u32 *heads;
	u32 order;
	bool names_stale; /* the directory's inode lock */

	/* ahead.c: guarded by its lock */
	struct list ahead_lru;
	u32 ahead_count; /* descriptors in the records */
	u32 window;	 /* names of the last message */
	bool by_number;	 /* that follow each other by inode number, not by place */
	u32 last_place;	 /* of the last name that was opened: record... */
	u64 last_ino;	 /* ...and its inode number */
	u32 first_place; /* const once loaded: the first regular file; NO_RECORD: none */
	u64 least_ino;	 /* const: the regular file with the least inode number */
};

static inline struct record *record_at(const struct listing *l, u32 place)
{
	return (struct record *)(l->buf + place);
}
static inline const char *record_name(const struct record *r)
{
	return (const char *)(r + 1) + r->attr_size;
}
static inline u32 record_size(const struct record *r)
{
	return align_up((u32)sizeof(*r) + r->attr_size + r->name_size, 8u);
}
/* The record of a name, or NULL. */
struct record *listing_find(const struct listing *l, const char *name, u32 size);

/* ahead.c */
/* @l is complete: what ahead_open() wants to know of it. */
void ahead_loaded(struct listing *l);
/* Closes the descriptor in a record, all in a listing. */
void ahead_drop(struct listing *l, struct record *r);
void ahead_drop_all(struct listing *l);

#endif
