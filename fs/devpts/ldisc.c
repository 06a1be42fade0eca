/* SPDX-License-Identifier: Apache-2.0 */
/* ldisc.c - the line discipline: editing, echo, signals, output processing (termios(3))
 *
 * The input ring holds finished lines up to in.canon and the line under edition up to in.head;
 * without ICANON both are the same. A byte that ends a line has its bit in in.ends; an end of file
 * (^D) is such a byte that read(2) does not return. All functions: tty->lock held.
 */
#include <signal.h>

#include "fs/devpts/tty.h"
#include "sentry/base/bug.h"

#define END_OF_FILE 0x00 /* ring byte of a ^D; its ends bit is set */

#define L(tty, flag) ((tty)->termios.c_lflag & (flag))
#define I(tty, flag) ((tty)->termios.c_iflag & (flag))
#define O(tty, flag) ((tty)->termios.c_oflag & (flag))

static bool is_cc(const struct tty *tty, unsigned which, u8 c)
{
	u8 cc = tty->termios.c_cc[which];

	return cc != 0 && cc == c;
}

/* --- output --------------------------------------------------------------------------------------
 */

u32 tty_out_room(const struct tty *tty)
{
	return TTY_OUT_SIZE - (tty->out_head - tty->out_tail);
}

static bool out_byte(struct tty *tty, u8 c)
{
	if (tty_out_room(tty) == 0)
		return false;
	tty->out[tty->out_head++ % TTY_OUT_SIZE] = c;
	return true;
}

static void move_column(struct tty *tty, u8 c)
{
	if (c == '\r')
		tty->column = 0;
	else if (c == '\b')
		tty->column -= tty->column > 0;
	else if (c == '\t')
		tty->column = (tty->column | 7) + 1;
	else if (c >= 0x20 && c != 0x7f && (c & 0xc0) != 0x80)
		tty->column++;
}

/* One byte through OPOST. False: no room, nothing done. */
static bool out_processed(struct tty *tty, u8 c)
{
	if (!O(tty, OPOST))
		return out_byte(tty, c);
	if (tty_out_room(tty) < 8)
		return false;
	if (c == '\n') {
		if (O(tty, ONLRET))
			tty->column = 0;
		if (O(tty, ONLCR)) {
			tty->column = 0;
			out_byte(tty, '\r');
		}
		return out_byte(tty, '\n');
	}
	if (c == '\r') {
		if (O(tty, ONOCR) && tty->column == 0)
			return true;
		if (O(tty, OCRNL))
			return out_processed(tty, '\n');
	}
	if (c == '\t' && O(tty, TABDLY) == XTABS) {
		do
			out_byte(tty, ' ');
		while (++tty->column & 7);
		return true;
	}
	if (O(tty, OLCUC) && c >= 'a' && c <= 'z')
		c -= 'a' - 'A';
	move_column(tty, c);
	return out_byte(tty, c);
}

size_t ldisc_write(struct tty *tty, const u8 *buf, size_t n)
{
	size_t i = 0;

	if (tty->stopped)
		return 0;
	while (i < n && out_processed(tty, buf[i]))
		i++;
	if (i > 0 && tty->driver->output)
		tty->driver->output(tty);
	return i;
}

/* --- echo ----------------------------------------------------------------------------------------
 */

static bool is_control(u8 c)
{
	return (c < 0x20 && c != '\t' && c != '\n') || c == 0x7f;
}

static void echo_raw(struct tty *tty, const char *s)
{
	while (*s)
		out_processed(tty, *s++);
}

static void echo(struct tty *tty, u8 c)
{
	if (!L(tty, ECHO) && !(c == '\n' && L(tty, ECHONL) && L(tty, ICANON)))
		return;
	if (L(tty, ECHOCTL) && is_control(c)) {
		out_processed(tty, '^');
		out_processed(tty, c ^ 0x40);
	} else {
		out_processed(tty, c);
	}
}

static unsigned echoed_width(struct tty *tty, u8 c)
{
	if (L(tty, ECHOCTL) && is_control(c))
		return 2;
	return (c & 0xc0) == 0x80 && I(tty, IUTF8) ? 0 : 1;
}

/* --- input ---------------------------------------------------------------------------------------
 */

static u32 in_room(const struct tty *tty)
{
	u32 used = tty->in.head - tty->in.tail;

	return used >= TTY_IN_SIZE - 1 ? 0 : TTY_IN_SIZE - 1 - used;
}

static void set_end(struct tty_input *in, u32 at, bool on)
{
	u64 bit = 1ull << (at % 64);

	at %= TTY_IN_SIZE;
	if (on)
		in->ends[at / 64] |= bit;
	else
		in->ends[at / 64] &= ~bit;
}

static bool is_end(const struct tty_input *in, u32 at)
{
	at %= TTY_IN_SIZE;
	return in->ends[at / 64] >> (at % 64) & 1;
}

static void put(struct tty *tty, u8 c, bool end)
{
	struct tty_input *in = &tty->in;

	in->ring[in->head % TTY_IN_SIZE] = c;
	set_end(in, in->head, end);
	in->head++;
	if (end || !L(tty, ICANON))
		in->canon = in->head;
}

/* Redraws a tab's erasure: columns from the start of the line under edition to @upto. */
static u32 column_of(struct tty *tty, u32 upto)
{
	u32 col = tty->in.column_start;

	for (u32 i = tty->in.canon; i != upto; i++) {
		u8 c = tty->in.ring[i % TTY_IN_SIZE];

		col = c == '\t' ? (col | 7) + 1 : col + echoed_width(tty, c);
	}
	return col;
}

static void erase_echo(struct tty *tty, u8 c)
{
	u32 width = echoed_width(tty, c);

	if (!L(tty, ECHO))
		return;
	if (!L(tty, ECHOE)) {
		echo(tty, tty->termios.c_cc[VERASE]);
		return;
	}
	if (c == '\t') {
		u32 target = column_of(tty, tty->in.head);

		width = tty->column > target ? min(tty->column - target, 8u) : 0;
		while (width-- > 0)
			out_processed(tty, '\b');
		return;
	}
	while (width-- > 0)
		echo_raw(tty, "\b \b");
}

/* Takes back one character (with its UTF-8 tail bytes). False: the line is empty. */
static bool erase_one(struct tty *tty)
{
	struct tty_input *in = &tty->in;
	u8 c;

	if (in->head == in->canon)
		return false;
	do {
		in->head--;
		c = in->ring[in->head % TTY_IN_SIZE];
	} while ((c & 0xc0) == 0x80 && I(tty, IUTF8) && in->head != in->canon);
	erase_echo(tty, c);
	return true;
}

static bool last_is_word(struct tty *tty)
{
	u8 c = tty->in.ring[(tty->in.head - 1) % TTY_IN_SIZE];

	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_' || c >= 0x80;
}

static void erase_word(struct tty *tty)
{
	while (tty->in.head != tty->in.canon && !last_is_word(tty))
		erase_one(tty);
	while (tty->in.head != tty->in.canon && last_is_word(tty))
		erase_one(tty);
}

static void erase_line(struct tty *tty)
{
	if (!L(tty, ECHO) || L(tty, ECHOKE)) {
		while (erase_one(tty))
			;
		return;
	}
	tty->in.head = tty->in.canon;
	echo(tty, tty->termios.c_cc[VKILL]);
	if (L(tty, ECHOK))
		out_processed(tty, '\n');
}

static void reprint(struct tty *tty)
{
	echo(tty, tty->termios.c_cc[VREPRINT]);
	out_processed(tty, '\n');
	for (u32 i = tty->in.canon; i != tty->in.head; i++)
		echo(tty, tty->in.ring[i % TTY_IN_SIZE]);
}

static int signal_of(struct tty *tty, u8 c)
{
	if (!L(tty, ISIG))
		return 0;
	if (is_cc(tty, VINTR, c))
		return SIGINT;
	if (is_cc(tty, VQUIT, c))
		return SIGQUIT;
	return is_cc(tty, VSUSP, c) ? SIGTSTP : 0;
}

void ldisc_flush_input(struct tty *tty)
{
	struct tty_input *in = &tty->in;

	in->tail = in->canon = in->head;
	in->lnext = false;
	memset(in->ends, 0, sizeof(in->ends));
	if (tty->driver->room)
		tty->driver->room(tty);
}

/* The editing characters of canonical mode. True: @c was one. */
static bool edit(struct tty *tty, u8 c)
{
	if (is_cc(tty, VERASE, c)) {
		erase_one(tty);
	} else if (is_cc(tty, VKILL, c)) {
		erase_line(tty);
	} else if (L(tty, IEXTEN) && is_cc(tty, VWERASE, c)) {
		erase_word(tty);
	} else if (L(tty, IEXTEN) && is_cc(tty, VREPRINT, c)) {
		reprint(tty);
	} else if (is_cc(tty, VEOF, c)) {
		put(tty, END_OF_FILE, true);
	} else if (c == '\n' || is_cc(tty, VEOL, c) || (L(tty, IEXTEN) && is_cc(tty, VEOL2, c))) {
		echo(tty, c);
		put(tty, c, true);
	} else {
		return false;
	}
	return true;
}

/* Start and stop characters. True: @c was one. */
static bool flow(struct tty *tty, u8 c)
{
	if (!I(tty, IXON))
		return false;
	if (is_cc(tty, VSTOP, c) && !(is_cc(tty, VSTART, c) && tty->stopped)) {
		tty->stopped = true;
		return true;
	}
	if (is_cc(tty, VSTART, c) || (tty->stopped && I(tty, IXANY))) {
		tty->stopped = false;
		waitq_wake(&tty->in_wait, 0x4 | 0x100); /* EPOLLOUT | EPOLLWRNORM */
		return is_cc(tty, VSTART, c);
	}
	return false;
}

static u8 map_input(struct tty *tty, u8 c, bool *out_ignore)
{
	*out_ignore = false;
	if (I(tty, ISTRIP))
		c &= 0x7f;
	if (c == '\r') {
		*out_ignore = I(tty, IGNCR) != 0;
		return I(tty, ICRNL) ? '\n' : c;
	}
	return c == '\n' && I(tty, INLCR) ? '\r' : c;
}

/* One byte typed; returns the signal that it means, or 0. */
static int receive(struct tty *tty, u8 c)
{
	struct tty_input *in = &tty->in;
	bool ignore, full;
	int sig;

	if (in->head == in->canon)
		in->column_start = tty->column;
	if (in->lnext) {
		in->lnext = false;
		echo(tty, c);
		if (in_room(tty) > 1)
			put(tty, c, false);
		return 0;
	}
	c = map_input(tty, c, &ignore);
	if (ignore || flow(tty, c))
		return 0;
	sig = signal_of(tty, c);
	if (sig) {
		if (!L(tty, NOFLSH)) {
			ldisc_flush_input(tty);
			tty->out_tail = tty->out_head;
		}
		echo(tty, c);
		return sig;
	}
	if (L(tty, ICANON) && L(tty, IEXTEN) && is_cc(tty, VLNEXT, c)) {
		in->lnext = true;
		if (L(tty, ECHO) && L(tty, ECHOCTL))
			echo_raw(tty, "^\b");
		return 0;
	}
	if (L(tty, ICANON) && edit(tty, c))
		return 0;
	full = in_room(tty) <= (L(tty, ICANON) ? 1 : 0);
	if (full) {
		if (I(tty, IMAXBEL))
			out_processed(tty, '\a');
		return 0;
	}
	echo(tty, c);
	put(tty, c, false);
	return 0;
}

u64 ldisc_receive(struct tty *tty, const u8 *buf, size_t n, size_t *out_taken)
{
	u64 signals = 0;
	size_t i;
	int sig;

	for (i = 0; i < n; i++) {
		/* A full ring holds the sender back, unless a line is under edition that nobody can
		 * finish. */
		if (in_room(tty) == 0 && (!L(tty, ICANON) || tty->in.canon != tty->in.tail))
			break;
		sig = receive(tty, buf[i]);
		if (sig)
			signals |= SIGMASK(sig);
	}
	*out_taken = i;
	if (tty->out_head != tty->out_tail && tty->driver->output)
		tty->driver->output(tty);
	return signals;
}

size_t ldisc_available(const struct tty *tty)
{
	return tty->in.canon - tty->in.tail;
}

bool ldisc_readable(const struct tty *tty)
{
	u32 want = tty->termios.c_cc[VTIME] ? 1 : max(tty->termios.c_cc[VMIN], 1);

	return ldisc_available(tty) >= (L(tty, ICANON) ? 1 : want);
}

static size_t read_line(struct tty *tty, u8 *buf, size_t n, bool *out_eof)
{
	struct tty_input *in = &tty->in;
	size_t done = 0;
	bool end = false;

	while (!end && in->tail != in->canon) {
		u8 c = in->ring[in->tail % TTY_IN_SIZE];

		end = is_end(in, in->tail);
		if (end && c == END_OF_FILE) {
			set_end(in, in->tail++, false);
			*out_eof = done == 0;
			break;
		}
		if (done == n)
			break;
		buf[done++] = c;
		set_end(in, in->tail++, false);
	}
	return done;
}

size_t ldisc_read(struct tty *tty, u8 *buf, size_t n, bool *out_eof)
{
	struct tty_input *in = &tty->in;
	size_t done = 0;

	*out_eof = false;
	if (L(tty, ICANON)) {
		done = read_line(tty, buf, n, out_eof);
	} else {
		while (done < n && in->tail != in->canon) {
			set_end(in, in->tail, false);
			buf[done++] = in->ring[in->tail++ % TTY_IN_SIZE];
		}
	}
	if (tty->driver->room)
		tty->driver->room(tty);
	return done;
}

void ldisc_mode_changed(struct tty *tty, const struct termios_k *old)
{
	struct tty_input *in = &tty->in;
	bool was = old->c_lflag & ICANON, is = L(tty, ICANON);

	if (was && !is)
		in->canon = in->head;
	if (!was && is && in->head != in->tail)
		set_end(in, in->head - 1, true);
	if (!I(tty, IXON) && tty->stopped)
		tty->stopped = false;
}
