/* SPDX-License-Identifier: Apache-2.0 */
/* tty.h - terminals: pseudo-terminal pairs and the console, one line discipline for both
 * (tty_ioctl(4), termios(3), pty(7))
 *
 * Theory of operation: a struct tty is the terminal that programs sit at (the slave of a pair).
 * What is typed comes in through tty_receive(): from the writer of a pty master, or from the host's
 * terminal for the console. It is edited and echoed by the line discipline (ldisc.c) into the input
 * ring; what programs write is processed into the output ring, which the master reads, or the
 * console driver sends to the host. The session and foreground group are numbers; they are changed
 * under the tasklist lock and the tty's, and signals are sent after the tty's lock is given up.
 */
#ifndef FS_DEVPTS_TTY_H
#define FS_DEVPTS_TTY_H

#include "sentry/abi/termios.h"
#include "sentry/kernel/task.h"

#define TTY_IN_SIZE  4096u
#define TTY_OUT_SIZE 16384u

struct tty;

struct tty_driver {
	/* There is output in the ring (lock held): get it moving. NULL: a reader is woken by
	 * out_wait. */
	void (*output)(struct tty *tty);
	/* There is room for input again (lock held). */
	void (*room)(struct tty *tty);
	/* The window size was set from inside (lock held). */
	void (*winsize)(struct tty *tty);
};

struct tty_input {
	u8 ring[TTY_IN_SIZE];
	u64 ends[TTY_IN_SIZE / 64]; /* bit: this byte ends a line (canonical mode) */
	u32 head;		    /* where the next byte goes; counters run free */
	u32 canon;		    /* end of the complete lines */
	u32 tail;		    /* next byte to read */
	u32 column_start;	    /* output column where the line under edition began */
	bool lnext;		    /* the next byte is taken as it is */
};

struct tty {
	struct ref ref;
	struct mutex lock;		 /* LR_TTY; guards all below */
	const struct tty_driver *driver; /* const; tables */
	u32 index;			 /* const: minor of pts; UINT32_MAX: console */
	u64 rdev;			 /* const */
	struct termios_k termios;
	struct winsize_k winsize;
	s32 session, pgrp; /* 0: none. Written under [T] too */
	struct tty_input in;
	u8 out[TTY_OUT_SIZE];
	u32 out_head, out_tail, column;
	bool stopped; /* ^S or TCOOFF */
	bool hungup;  /* reads give 0, writes EIO */
	bool exclusive;
	bool locked;	 /* unlockpt not yet done */
	bool slave_seen; /* was open once: a master reads EIO after the last close */
	u32 slaves;	 /* open slave files */
	bool master;	 /* the master is open */
	bool packet;	 /* TIOCPKT */
	u8 packet_event;
	struct waitq in_wait;  /* slave: input, room for output, hangup */
	struct waitq out_wait; /* master: output, room for input */
	struct inode *inode;   /* of the slave in devpts: borrowed, while it exists */
	void *driver_data;
};

/* Makes a terminal with the usual settings. One reference. */
struct tty *tty_create(const struct tty_driver *driver, u32 index, u64 rdev);
struct tty *tty_get(struct tty *tty);
void tty_put(struct tty *tty);
/* Bytes typed: the number taken (the rest: no room). Sends what signals they mean. */
size_t tty_receive(struct tty *tty, const u8 *buf, size_t n);
void tty_hangup(struct tty *tty);
void tty_set_winsize(struct tty *tty,
		     const struct winsize_k *ws); /* SIGWINCH to the foreground group */
/* An open file of the terminal, on its devpts inode's or console's path. */
extern const struct file_ops tty_file_ops;

/* ldisc.c, lock held. Returns signals to send to the foreground group (mask) once the lock is given
 * up. */
u64 ldisc_receive(struct tty *tty, const u8 *buf, size_t n, size_t *out_taken);
bool ldisc_readable(const struct tty *tty);
/* Takes input for read(2) into @buf: bytes; *out_eof when a ^D ended the line with nothing. */
size_t ldisc_read(struct tty *tty, u8 *buf, size_t n, bool *out_eof);
size_t ldisc_write(struct tty *tty, const u8 *buf, size_t n);
size_t ldisc_available(const struct tty *tty); /* FIONREAD */
void ldisc_flush_input(struct tty *tty);
void ldisc_mode_changed(struct tty *tty, const struct termios_k *old);
u32 tty_out_room(const struct tty *tty);

/* jobctl.c */
/* May @t's process read from (SIGTTIN) or change (SIGTTOU) the terminal? 0, -EIO, or -ERESTARTSYS
 * with the signal sent. */
long tty_check_job(struct task *t, struct tty *tty, int sig);
long tty_ioctl_job(struct task *t, struct file *f, struct tty *tty, u32 cmd,
		   u64 arg); /* -ENOIOCTL: not one of its */
#define ENOIOCTL 515
/* After an open without O_NOCTTY: makes it the controlling terminal when the opener leads a session
 * without one. */
void tty_open_ctty(struct task *t, struct tty *tty);
struct tty *tty_controlling(struct task *t); /* reference, or NULL */
void tty_signal_pgrp(struct tty *tty, u64 signals);
void tty_disassociate(struct tty *tty,
		      s32 sid); /* hangs the session up: nobody's controlling terminal any more */
extern const struct tty_hooks tty_kernel_hooks;

/* At boot: devices 5:0 and 5:2, type devpts. */
int devpts_init(void);
/* A console: a terminal whose other side is the host terminal @hostfd, which is non-blocking and
 * raw (runsc's business) and taken over. Its size is taken over too. An open file for stdio in
 * *out_file. @first: it is /dev/console and stays, there is one at most; others are slaves of
 * devpts, until console_destroy. I/O thread, or at boot. */
int console_create(struct caller *c, int hostfd, bool first, struct tty **out_tty,
		   struct file **out_file);
/* The host's window changed: read it anew. NULL: of the first. Any thread. */
void console_winch(struct tty *tty);
/* Waits (two seconds at most) until the host has taken all output. NULL: of the first, if any. */
void console_drain(struct tty *tty);
/* Drains, hangs up, closes the descriptor, and gives the reference back. I/O thread. */
void console_destroy(struct tty *tty);

#endif
