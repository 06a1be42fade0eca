/* SPDX-License-Identifier: Apache-2.0 */
/* pipe_internal.h - the pipe itself, between pipe.c and splice.c */
#ifndef FS_PIPE_PIPE_INTERNAL_H
#define FS_PIPE_PIPE_INTERNAL_H

#include "fs/pipe/pipe.h"

struct pipe {
	struct mutex lock; /* LR_PIPE; guards all below but files */
	u8 *buf;	   /* ring of size bytes; NULL before the first write */
	u32 size;	   /* a power of two, at least a page */
	u32 head, used;	   /* first byte to read, and how many there are */
	u32 readers, writers;
	u32 reader_opens, writer_opens; /* ever */
	bool packets;			/* const */
	bool anonymous;			/* const: opening one end never waits for the other */
	bool read_busy;			/* between pipe_read_begin and its end: head stays */
	bool write_busy;		/* the same for head + used */
	u32 files;			/* open files; guarded by g_rendezvous_lock */
	struct waitq q;
};

/* The pipe's lock is held for all of these. */
u32 pipe_room(const struct pipe *p);
bool pipe_writable(const struct pipe *p);
/* False: no memory. */
bool pipe_make_ring(struct pipe *p);
unsigned pipe_pieces(const struct pipe *p, u32 off, u32 n, struct iovec seg[2]);
void pipe_consume(struct pipe *p, u32 n);

#endif
