/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what the files of platform/unotify share
 *
 * Who may touch what:
 *	[const]  after platform_create
 *	[P]	 under struct platform's lock
 *	[own]	 the owner of the context: the worker that has its event, in CALL or
 *		 REGS; a receiving worker hands ownership over by moving the state (acquire/release)
 *	[atomic]
 */
#ifndef PLATFORM_UNOTIFY_INTERNAL_H
#define PLATFORM_UNOTIFY_INTERNAL_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "platform/arch/x86_64/frame.h"
#include "platform/arch/x86_64/tramp.h"
#include "platform/platform.h"
#include "sentry/base/bug.h"
#include "sentry/base/list.h"
#include "sentry/base/lock.h"

#define FILTER_MAX  160
#define AREAS_MAX   (1u << 20) /* threads of a sandbox, at most */
#define CHUNK_AREAS 8	       /* areas that a process maps at once */
#define PIDS_MAX    (4u << 20) /* the host's own limit, PID_MAX_LIMIT */
#define WORKERS_MAX 64
#define POOL_TARGET 2	 /* clean stubs kept ready */
#define WANTED_MAX  4096 /* spawns that wait for the zygote */
#define PARK_ABOVE  32	 /* outstanding notifications before blocked calls are parked */
#define VDSO_ROOM   (64 * PAGE_SIZE)
#define POLLED_MAX  4 /* threads whose areas a poller looks at */
#define HOT_SLOTS   8 /* call sites of a thread that are counted at a time */

/* What the stub's own calls may say without asking (filter.c, order.c).
 * Advice that only forgets the caller's own pages or marks its own mapping. */
#define ADVICE_OWN                                                                         \
	(1u << MADV_DONTNEED | 1u << MADV_FREE | 1u << MADV_DONTFORK | 1u << MADV_DOFORK | \
	 1u << MADV_HUGEPAGE | 1u << MADV_NOHUGEPAGE)
#define MAP_OWN                                                                             \
	(MAP_PRIVATE | MAP_SHARED | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK | \
	 MAP_POPULATE | MAP_GROWSDOWN | MAP_FIXED_NOREPLACE)

/* State of a context; platform.h's, with the birth spelled out. Moves:
 *	UNBORN -> GUEST, REGS	birth.c, when the first notification comes
 *	GUEST -> CALL, REGS	recv.c
 *	COMMAND -> REGS		recv.c
 *	CALL, REGS -> GUEST, COMMAND	answer.c
 *	any -> FREE		space.c: failed clone, kill, death */
enum ctx_state { CTX_FREE, CTX_UNBORN, CTX_GUEST, CTX_CALL, CTX_REGS, CTX_COMMAND };

/* A blocked call's way out of the list of outstanding notifications (park.c).
 *	NONE	 the answer is a notification's reply
 *	GOING	 kicked and replied to; its event has not come yet
 *	ANSWERED the owner has answered meanwhile; who gets the event passes that on
 *	PARKED	 waits on its futex word; the answer is that word */
enum park { PARK_NONE, PARK_GOING, PARK_ANSWERED, PARK_PARKED };

/* Where the thread of a posted call is (posted.c). */
enum post { POST_NONE, POST_TAKEN, POST_JOINED, POST_HELD, POST_KICKED };

/* Shared with the guest, hence hostile: the layout of platform/arch/x86_64/stub.h. */
struct area {
	u64 frame;
	u32 start;
	_Atomic u32 park;
	u64 count;
	u64 flags;
	u64 set_tid;
	u32 tid;
	_Atomic u32 alive;
	u64 clear_tid;
	u64 birth;
	u64 child_nr, child_area, child_fd, child_off;
	u32 fd;
	_Atomic u32 host_tid, kicked, unused;
	struct pctx_share share;
	u8 hole[0x400 - 0x70 - sizeof(struct pctx_share)];
	struct {
		u64 nr, args[6], pad;
	} cmds[PCMD_MAX];
};

struct pctx {
	struct platform *p; /* [const] */
	struct pas *as;	    /* [const] */
	void *owner;	    /* [own] */
	struct area *area;  /* [const] the same address here and in the stub */
	_Atomic u32 state;
	_Atomic int tid;      /* host thread; 0 before birth */
	_Atomic u32 park;     /* enum park */
	_Atomic bool kicked;  /* a kick was asked for and not delivered */
	bool leader;	      /* [const] its thread is the host process's first */
	bool is_mapped;	      /* [const] the stub's process has the area mapped before birth */
	bool chunk_new;	      /* [own] its birth maps a chunk, and it has not been heard of since */
	bool exiting;	      /* [own] given up by pctx_exit; ends when it comes to the border */
	bool spawned;	      /* [const] a copy of the zygote */
	bool return_kick;     /* [own] the parked answer was pctx_return_kick */
	int nr;		      /* [own] in CALL: the call */
	bool at_birth;	      /* [own] the notification is its birth: the answer lets it be born */
	bool eintr;	      /* [own] came by a kick with -EINTR: perhaps a timed native wait */
	bool restarting;      /* [own] was sent back to go on with such a wait */
	_Atomic bool pending; /* a notification waits for our reply, and counts as outstanding */
	bool running;	      /* [own] commands are on order, until the next event */
	bool resume;	      /* [own] ... with PRUN_RESUME */
	u64 id;		      /* [own] notification to answer */
	long answer;	      /* [own] parked answer */
	u64 clear_tid;	      /* [own] exiting */
	struct frame *frame;  /* [own] in REGS: checked to be in the area */
	struct frame *outer;  /* [own] the guest's frame while restarting */
	u32 slot;	      /* [const] descriptor number of its own in the stub */
	u32 cookie;	      /* [const] proves a birth */
	struct pctx *child;   /* [P] whose clone is on order */
	struct pctx *maker;   /* [P] who makes the thread; meaningless after birth */
	struct list quiet;    /* [P] p->quiet: ordered, and nothing heard of it */
	struct list link;     /* [P] as->contexts, or the free list */
	unsigned count, next; /* [own] commands on order; the first not yet seen */
	int given;	      /* [own] the descriptor of ours that the stub has now, or -1 */
	struct pcmd cmds[PCMD_MAX]; /* [own] */
	struct {
		u64 ip;
		u32 count;
	} hot[HOT_SLOTS]; /* [own] rewrite.c */
	bool forks;	  /* [P] a copy of its process is on order */
	unsigned local;	  /* [own] in CALL: LOCAL_* of a call whose answer may be kept, or 0 */
	u64 local_gen;	  /* [own] the generation when it began */
	u64 shown, tail;  /* [own] in REGS: the frame says shown, but the thread is at tail */
	struct mutex post_lock;
	enum post post;	 /* under post_lock */
	bool blocked;	 /* under post_lock: the posted call will last */
	bool posted;	 /* [own] in CALL: the call came by its area */
	unsigned streak; /* [own] calls from rewritten sites in quick succession */
	u64 last_call;	 /* [own] when, in cycles */
};

struct pas {
	struct platform *p;
	void *owner;	      /* const once claimed */
	_Atomic int tgid;     /* host process; 0 before birth */
	int promised;	      /* [P] unborn: the process that the clone is said to have made */
	struct list contexts; /* [P] all that are not destroyed, also exiting ones */
	unsigned live;	      /* [P] contexts not given up */
	bool killed;	      /* [P] by pas_kill or its last pctx_exit: no PEV_DIED */
	bool doomed;	      /* [P] SIGKILL was sent, or must be at birth */
	bool dead;	      /* [P] reaped, or never born */
	bool untold;	      /* [P] never born, and somebody has to be told: platform_reap */
	bool claimed; /* [P] belongs to somebody; else a spare stub of the pool, or the zygote */
	u32 slots;    /* [P] numbers given to areas */
	u32 idle, idle_last;	 /* [P] chain of mapped areas without a thread, + 1 */
	struct list in_platform; /* [P] p->spaces */
	struct list link;	 /* [P] the free list */
	/* Rewritten call sites by their thunk: address of the call, or 0. Written under [P]. */
	_Atomic u64 sites[THUNKS];
	_Atomic bool rewritten; /* there are any */
	unsigned forking;	/* [P] copies of it on order */
};

/* Book-keeping of one area, in our own memory. */
struct area_info {
	struct pctx *unborn; /* [P] whose birth may come with this area */
	u32 slot;	     /* [P] mapped: its number in the address space */
	u32 next;	     /* [P] chain (as->idle, or free chunks), + 1 */
	u8 out;		     /* [P] first of a chunk: areas that have not come back */
	bool used;	     /* [P] not clean */
};

struct worker {
	_Atomic int tid;
	_Atomic u32 poke;    /* leave platform_recv's host call */
	_Atomic bool inside; /* is in that call */
	bool receiver;	     /* own: holds one of p->receivers */
	unsigned count;	     /* own: receives */
	bool poller;	     /* own: polls */
	u64 poll_since;	     /* own: last call, in cycles */
	u64 taken;	     /* own: calls since it polls */
	unsigned fast, slow; /* own: receives in a row that did not sleep, that did */
};

struct platform {
	int listener, memfd, procfd;  /* [const] */
	u64 text;		      /* [const] the stub's page */
	u64 vvar, vdso, vdso_end;     /* [const] in every stub */
	u8 *areas;		      /* [const] */
	size_t area_size;	      /* [const] */
	unsigned worker_count, cpus;  /* [const] */
	u64 fast_cycles;	      /* [const] a receive shorter than this did not sleep */
	_Atomic(struct pctx *) *tids; /* [atomic] by host thread id */
	struct pas **tgids;	      /* [P] by host process id */
	struct area_info *infos;      /* [P] */

	_Atomic int outstanding;	/* notifications received and not answered */
	_Atomic u32 receivers, allowed; /* workers in the host call; how many may be */
	_Atomic u32 follow;		/* futex: changes when a follower may try */
	_Atomic u32 followers;		/* asleep on it */
	_Atomic bool shutdown, wake;
	struct worker workers[WORKERS_MAX];

	struct mutex lock;
	u32 free_chunks, next_area;    /* [P] chain, + 1; first never used */
	struct list free_ctx, free_as; /* [P] */
	struct list spaces;	       /* [P] every address space */
	unsigned untold;	       /* [P] address spaces with untold */
	struct list quiet;	       /* [P] contexts whose first notification may be anything */
	bool strict;		       /* [const] */
	int oom_raise;		       /* [const] */
	enum prewrite rewrite;	       /* [const] */
	_Atomic u64 *truth;	       /* [const] TRAMP_TRUTH's page, or NULL */
	_Atomic u32 dice;	       /* PREWRITE_RANDOM */
	/* poll.c */
	_Atomic u32 poller;
	_Atomic(struct pctx *) poll_first, poll_held, polled[POLLED_MAX];
	_Atomic u64 poll_after, poll_wait; /* cycles; us */
	bool ready;			   /* the zygote is clean */
	struct pas *zygote_as;		   /* [const] */
	struct pctx *zygote;		   /* [P] NULL when it has died */
	struct pctx *spare[POOL_TARGET];   /* [P] unclaimed, born or not */
	unsigned spares;
	struct pctx *wanted[WANTED_MAX]; /* [P] claimed, the zygote has no order for them yet */
	unsigned wanted_count;
};

/* filter.c */
unsigned filter_build(struct sock_filter code[FILTER_MAX], u64 text, bool strict, u32 notified,
		      bool rewrite);

/* zygote.c: starts the process that all stubs are copies of. 0 or -errno. */
int zygote_start(struct platform *p, bool strict, u32 notified);

/* space.c: contexts, address spaces, areas. */
struct pctx *ctx_create(struct platform *p, struct pas *as, void *owner); /* [P]; NULL: no room */
void ctx_forget(struct pctx *c);					  /* [P] */
/* Nobody will answer @c's notification any more. */
void notif_forget(struct pctx *c);
struct pas *as_create(struct platform *p, void *owner); /* [P] */
void as_free(struct pas *as);				/* [P] has no context */
void as_forget_if_done(struct pas *as);			/* [P] */
/* Nothing will ever be born in @as: its maker has died, or has promised a process that is gone. */
void as_stillborn(struct pas *as); /* [P] */
/* One of those, for PEV_DIED. True: *out is an event. */
bool as_tell_untold(struct platform *p, struct pevent *out); /* [P] */
/* SIGKILL, now or at birth. @ours: nobody wants to hear of it. */
void as_doom(struct pas *as, bool ours); /* [P] */
/* The mmap of @c's birth has been carried out: the other areas of its chunk are idle. Not before: a
 * thread that is born in one of them relies on it. */
void chunk_mapped(struct pctx *c); /* [P] */
/* pas_kill. */
void as_kill_locked(struct pas *as); /* [P] */
/* The guest broke the stub's protocol: its process dies, and PEV_DIED tells. */
void as_fatal(struct pctx *c, const char *why);
int platform_create_spaces(struct platform *p);

static inline struct pctx *ctx_by_tid(struct platform *p, u32 tid)
{
	return tid < PIDS_MAX ? atomic_load_explicit(&p->tids[tid], memory_order_acquire) : NULL;
}

#define CTL_PAGE PAGE_SIZE

static inline struct frame_bounds ctx_bounds(const struct pctx *c)
{
	u64 at = (u64)c->area;

	return (struct frame_bounds){at + CTL_PAGE, at + c->p->area_size};
}

/* What is written before the reply to a thread's notification is seen by who receives the
 * thread's next one: the host sees to that, ThreadSanitizer has to be told. */
#define ctx_sent(c)	to_host(&(c)->id)
#define ctx_received(c) from_host(&(c)->id)

static inline bool ctx_move(struct pctx *c, enum ctx_state from, enum ctx_state to)
{
	u32 f = from;

	return atomic_compare_exchange_strong_explicit(&c->state, &f, to, memory_order_acq_rel,
						       memory_order_acquire);
}

static inline enum ctx_state ctx_state(const struct pctx *c)
{
	return atomic_load_explicit(&c->state, memory_order_acquire);
}

/* answer.c: replies to a notification; a thread that was killed meanwhile is no error. */
void notif_reply(struct platform *p, u64 id, s64 value, u32 flags);
void notif_send(struct pctx *c, s64 value, u32 flags);
/* Lets the thread in the event loop load its frame. */
void notif_resume(struct pctx *c);
/* Tells a context in the stub's event loop what to do (STUB_*). */
void ctx_tell(struct pctx *c, unsigned what);
/* The host thread's id, 0: there is none yet. */
int ctx_tid(struct pctx *c);
/* Sends the kick signal, if there is a thread. */
void ctx_kick_thread(struct pctx *c);

/* exit.c: an exiting context has come to the stub's event loop. */
void exit_finish(struct pctx *c); /* [P] */

/* birth.c: the first notification of a thread. True: *out is an event. */
bool birth(struct platform *p, const struct seccomp_notif *q, struct pevent *out);
/* The context of a thread that began quietly and makes itself heard by @q; NULL: there is none. */
struct pctx *birth_adopt(struct platform *p, const struct seccomp_notif *q);
/* Lets the thread go on from its birth, to what area->start says. */
void birth_finish(struct pctx *c);
/* Has @parent (REGS) make the thread of @child by the host's clone. @flags: PRUN_* */
void birth_order(struct pctx *parent, struct pctx *child, u64 host_flags, u64 tls, unsigned flags);
/* The order has ended with *result: the child's process or thread, as the parent says. */
void birth_ordered(struct pctx *parent, long *result);

/* order.c: a call from the stub's page that is no event. */
void order_seen(struct pctx *c, const struct seccomp_notif *q);
bool order_complete(const struct pctx *c, unsigned count);
void order_write(struct pctx *c, const struct pcmd *cmds, unsigned count, unsigned flags);

/* local.c */
/* A fresh context's share; @parent: the thread that it is a copy of, or NULL. */
void local_init(struct pctx *c, const struct pctx *parent);
/* A fault of the stub's on behalf of a call that it wanted to answer: c->frame is that of the call
 * again, *out_info its siginfo. False: it is not. */
bool local_fault(struct pctx *c, u64 *out_info);

/* park.c */
void park_answer(struct pctx *c, long value, bool kick);
/* The event of a context in GOING or ANSWERED. True: *out is an event. */
bool park_event(struct pctx *c, struct pevent *out);

/* pool.c */
void pool_refill(struct platform *p);	     /* [P] taken inside */
void pool_refill_locked(struct platform *p); /* [P] */
/* A spare stub or the zygote has died. */
void pool_lost(struct platform *p, struct pas *as); /* [P] */
/* @c does not wait for the zygote any more. */
void pool_unwant(struct platform *p, struct pctx *c); /* [P] */
/* A stub of the zygote was born: true when somebody waits for it. */
bool pool_born(struct pctx *c); /* [P] */

/* recv.c: handles one notification. True: *out is an event. */
/* Kills the thread of a notification that nobody expects. */
void stranger(struct platform *p, const struct seccomp_notif *q);
bool receive(struct platform *p, const struct seccomp_notif *q, struct pevent *out);

/* rewrite.c */
/* Can sites be rewritten here, and shall they? Sets p->rewrite and p->truth. 0 or -errno. */
int rewrite_init(struct platform *p, enum prewrite mode);
/* In the zygote: its pages. 0 or -errno of the host. */
long rewrite_map(const struct platform *p);
/* A plain call of @c has come: counts its site; a rewritten one's is shown as the guest sees it. */
void rewrite_seen(struct pctx *c, struct pevent *out);
/* The answer of a call with c->local: kept for the next time. */
void rewrite_keep(struct pctx *c, long value);
/* A new thread in an area that others may have had. */
void rewrite_area(struct pctx *c);
/* @to will be a copy of @parent's process: from here until the order is over no site is patched. */
void rewrite_fork(struct pas *to, struct pctx *parent); /* [P] */
void rewrite_forked(struct pctx *parent);		/* [P] */

/* A number for PREWRITE_RANDOM. */
u32 rewrite_dice(struct platform *p);
/* Where the call of a thread in the trampoline's common code returns to. False: it says nonsense.
 */
bool rewrite_ip(const struct pctx *c, u64 *out, unsigned *out_thunk);

/* posted.c */
/* The call that the thread has posted, if any: *out is an event, the context in CALL. */
bool posted_take(struct pctx *c, struct pevent *out);
/* pctx_return and pctx_return_kick, pctx_blocked, pctx_exit of a context with c->posted. */
void posted_answer(struct pctx *c, long value, bool kick);
void posted_blocked(struct pctx *c);
void posted_exit(struct pctx *c); /* [P] */
/* The thread says that it waits. */
void posted_join(struct pctx *c, const struct seccomp_notif *q);
/* A signal has brought the thread to the event loop: its frame is put right. True: it stays there
 * until its call is answered. */
bool posted_event(struct pctx *c);

/* poll.c */
bool poll_possible(const struct platform *p);
/* A call came from a rewritten site by notification. */
void poll_note(struct pctx *c);
/* @c is about to be freed: nobody looks at it any more. */
void poll_forget(struct pctx *c); /* [P] */
/* Shall @w poll? */
bool poll_begin(struct platform *p, struct worker *w);
/* Polls: true with an event, false when it has ended. */
bool poll_recv(struct platform *p, struct worker *w, struct pevent *out);

/* rewrite_fix.c: a signal found the thread in the trampoline, or in the middle of a rewritten site:
 * its frame is made to show the guest before or behind its own instruction. True: the signal is
 * the rewriting's own doing, and the frame is to be resumed. */
bool rewrite_fix(struct pctx *c, int sig);
/* The frame shows the guest behind the call of @thunk, which was not so long ago in the thunk: if
 * it is resumed as it stands, it goes on there, and needs no repair. */
void rewrite_shown(struct pctx *c, unsigned thunk, u64 ip);
static inline void rewrite_resume(struct pctx *c)
{
	if (unlikely(c->shown) && c->frame->rip == c->shown)
		c->frame->rip = c->tail;
	c->shown = 0;
}
/* The bytes of a rewritten site. */
void rewrite_patch(unsigned thunk, u8 out[PATCH_SIZE]);
/* Is @ip a rewritten site of @as? */
bool rewrite_is_site(const struct pas *as, u64 ip);

/* workers.c */
int pworkers_init(struct platform *p);
/* Lets one sleeping follower look whether it is needed. */
void workers_follow(struct platform *p);

#endif
