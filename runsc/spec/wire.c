/* SPDX-License-Identifier: Apache-2.0 */
/* wire.c - a process specification as bytes
 *
 * Layout: struct wire; room for the pointers to arguments and environment, each with a NULL at its
 * end; the groups; then the strings, ended by zeroes: working directory, arguments, environment.
 */
#include "runsc/spec/wire.h"

#include <errno.h>

#define WIRE_MAGIC 0x65786563u
#define COUNT_MAX  (1u << 18)

struct wire {
	u32 magic, size;
	u32 uid, gid, umask;
	u32 group_count, arg_count, env_count;
	u32 terminal, no_new_privileges;
	u32 ioprio, has_oom_score_adj;
	s32 oom_score_adj, nice, sched_policy, sched_priority;
	u64 bounding, effective, inheritable, permitted, ambient;
	u64 soft[SPEC_RLIMITS], hard[SPEC_RLIMITS];
	u32 rlimits_set, pad;
};
static_assert(sizeof(struct wire) % 8 == 0, "pointers follow");

static size_t head_size(u64 args, u64 env, u64 groups)
{
	return sizeof(struct wire) + (args + env + 2) * sizeof(char *) + groups * sizeof(u32);
}

size_t wire_size(const struct spec_process *p)
{
	size_t n = head_size(p->arg_count, p->env_count, p->group_count) + strlen(p->cwd) + 1;

	for (u32 i = 0; i < p->arg_count; i++)
		n += strlen(p->args[i]) + 1;
	for (u32 i = 0; i < p->env_count; i++)
		n += strlen(p->env[i]) + 1;
	return n;
}

static char *put_string(char *at, const char *s)
{
	size_t n = strlen(s) + 1;

	memcpy(at, s, n);
	return at + n;
}

void wire_encode(const struct spec_process *p, void *buf)
{
	struct wire *w = buf;
	char *at = (char *)buf + head_size(p->arg_count, p->env_count, 0);

	memset(buf, 0, (size_t)(at - (char *)buf));
	*w = (struct wire){
		.magic = WIRE_MAGIC,
		.size = (u32)wire_size(p),
		.uid = p->uid,
		.gid = p->gid,
		.umask = p->umask,
		.group_count = p->group_count,
		.arg_count = p->arg_count,
		.env_count = p->env_count,
		.terminal = p->terminal,
		.no_new_privileges = p->no_new_privileges,
		.ioprio = p->ioprio,
		.has_oom_score_adj = p->has_oom_score_adj,
		.oom_score_adj = p->oom_score_adj,
		.nice = p->nice,
		.sched_policy = p->sched_policy,
		.sched_priority = p->sched_priority,
		.bounding = p->bounding,
		.effective = p->effective,
		.inheritable = p->inheritable,
		.permitted = p->permitted,
		.ambient = p->ambient,
	};
	for (u32 i = 0; i < SPEC_RLIMITS; i++) {
		w->soft[i] = p->rlimits[i].soft;
		w->hard[i] = p->rlimits[i].hard;
		w->rlimits_set |= (u32)p->rlimits[i].set << i;
	}
	if (p->group_count)
		memcpy(at, p->groups, p->group_count * sizeof(u32));
	at = put_string(at + p->group_count * sizeof(u32), p->cwd);
	for (u32 i = 0; i < p->arg_count; i++)
		at = put_string(at, p->args[i]);
	for (u32 i = 0; i < p->env_count; i++)
		at = put_string(at, p->env[i]);
}

/* The next string of those that end before @end, or NULL. */
static char *take_string(char **at, char *end)
{
	char *s = *at, *zero = s < end ? memchr(s, 0, (size_t)(end - s)) : NULL;

	if (!zero)
		return NULL;
	*at = zero + 1;
	return s;
}

static int take_strings(char **list, u32 count, char **at, char *end)
{
	for (u32 i = 0; i < count; i++) {
		list[i] = take_string(at, end);
		if (!list[i])
			return -EBADMSG;
	}
	list[count] = NULL;
	return 0;
}

static void copy_numbers(const struct wire *w, struct spec_process *p)
{
	*p = (struct spec_process){
		.terminal = w->terminal,
		.no_new_privileges = w->no_new_privileges,
		.ioprio = w->ioprio & 0xffff,
		.has_oom_score_adj = w->has_oom_score_adj,
		.oom_score_adj = max(min(w->oom_score_adj, 1000), -1000),
		.nice = max(min(w->nice, 19), -20),
		.sched_policy = max(min(w->sched_policy, 6), 0),
		.sched_priority = max(min(w->sched_priority, 99), 0),
		.uid = w->uid,
		.gid = w->gid,
		.umask = w->umask & 0777,
		.group_count = w->group_count,
		.arg_count = w->arg_count,
		.env_count = w->env_count,
		.has_caps = true,
		.bounding = w->bounding,
		.effective = w->effective,
		.inheritable = w->inheritable,
		.permitted = w->permitted,
		.ambient = w->ambient,
	};
	for (u32 i = 0; i < SPEC_RLIMITS; i++)
		p->rlimits[i] =
			(struct spec_rlimit){w->rlimits_set >> i & 1, w->soft[i], w->hard[i]};
}

int wire_decode(void *buf, size_t size, struct spec_process *out)
{
	char *end = (char *)buf + size, *at;
	struct wire w;

	if (size < sizeof(w) || size > WIRE_MAX)
		return -EBADMSG;
	memcpy(&w, buf, sizeof(w));
	if (w.magic != WIRE_MAGIC || w.size != size || w.arg_count == 0 ||
	    w.arg_count > COUNT_MAX || w.env_count > COUNT_MAX || w.group_count > 65536 ||
	    w.uid == UINT32_MAX || w.gid == UINT32_MAX ||
	    head_size(w.arg_count, w.env_count, w.group_count) >= size)
		return -EBADMSG;
	copy_numbers(&w, out);
	out->args = (char **)((char *)buf + sizeof(w));
	out->env = out->args + w.arg_count + 1;
	out->groups = (u32 *)(out->env + w.env_count + 1);
	at = (char *)(out->groups + w.group_count);
	out->cwd = take_string(&at, end);
	if (!out->cwd || out->cwd[0] != '/' || take_strings(out->args, w.arg_count, &at, end) ||
	    take_strings(out->env, w.env_count, &at, end) || at != end)
		return -EBADMSG;
	return 0;
}
