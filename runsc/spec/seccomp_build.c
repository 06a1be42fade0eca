/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp_build.c - rules of a seccomp profile -> BPF
 *
 * Theory of operation: each number of a call gets its rules. One without conditions decides alone;
 * otherwise the first rule whose conditions all hold does, and then the default. Neighbours with
 * the same answer are one segment, and the program finds the segment by halving: some ten steps for
 * a profile of 400 names. It takes microseconds where a library that adds each rule to a tree takes
 * milliseconds, which a container's start would pay.
 *
 * Numbers above all that the profile names answer ENOSYS, unless the default lets calls through: a
 * C library that tries a newer call then falls back to the older one (runc does so, too).
 */
#include "runsc/spec/seccomp_build.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define NUMBERS	  1024
#define INSNS_MAX 4096
#define ALL_HOLD  254 /* marks of jumps until the end of a rule is known */
#define NEXT_RULE 255

struct name {
	const char *name;
	u16 nr;
};
#define SYSCALL(number, name, handler, support, signature, note) {#name, number},
static const struct name names[] = {
#include "syscalls/table.def"
};
#undef SYSCALL

struct rule {
	struct rule *next;
	u32 answer, count;
	struct seccomp_arg args[];
};

struct segment {
	u32 first;
	u32 answer;
	const struct rule *rules; /* with conditions; NULL: the answer is certain */
};

struct seccomp_build {
	u32 default_answer;
	int last; /* largest number that a rule names; -1 */
	struct rule *rules[NUMBERS];
	struct segment segments[NUMBERS + 2];
	u32 segment_count;
	struct spec_bpf prog[INSNS_MAX];
	u32 len;
	bool full;
	const struct name *sorted[array_size(names)];
};

static void *must(void *p)
{
	if (!p) {
		fprintf(stderr, "runsc: out of memory\n");
		exit(1);
	}
	return p;
}

static int compare(const void *a, const void *b)
{
	return strcmp((*(const struct name *const *)a)->name,
		      (*(const struct name *const *)b)->name);
}

struct seccomp_build *seccomp_build_start(u32 default_answer)
{
	struct seccomp_build *b = must(calloc(1, sizeof(*b)));

	b->default_answer = default_answer;
	b->last = -1;
	for (size_t i = 0; i < array_size(names); i++)
		b->sorted[i] = &names[i];
	qsort(b->sorted, array_size(names), sizeof(b->sorted[0]), compare);
	return b;
}

static void drop_rules(struct rule **list)
{
	while (*list) {
		struct rule *r = *list;

		*list = r->next;
		free(r);
	}
}

void seccomp_build_end(struct seccomp_build *b)
{
	for (u32 i = 0; i < NUMBERS; i++)
		drop_rules(&b->rules[i]);
	free(b);
}

void seccomp_build_rule(struct seccomp_build *b, const char *name, u32 answer,
			const struct seccomp_arg *args, u32 count)
{
	struct name key = {.name = name};
	const struct name *want = &key, **found;
	struct rule **at, *r;

	found = bsearch(&want, b->sorted, array_size(names), sizeof(b->sorted[0]), compare);
	if (!found || (*found)->nr >= NUMBERS)
		return;
	b->last = max(b->last, (int)(*found)->nr);
	at = &b->rules[(*found)->nr];
	if (*at && (*at)->count == 0)
		return; /* decided already */
	if (count == 0)
		drop_rules(at);
	while (*at)
		at = &(*at)->next;
	r = must(calloc(1, sizeof(*r) + count * sizeof(*args)));
	r->answer = answer;
	r->count = count;
	if (count)
		memcpy(r->args, args, count * sizeof(*args));
	*at = r;
}

/* --- segments --------------------------------------------------------------------------------- */

static void add_segment(struct seccomp_build *b, u32 first, u32 answer, const struct rule *rules)
{
	struct segment *last = b->segment_count ? &b->segments[b->segment_count - 1] : NULL;

	if (last && !rules && !last->rules && last->answer == answer)
		return;
	b->segments[b->segment_count++] =
		(struct segment){.first = first, .answer = answer, .rules = rules};
}

static bool lets_through(u32 answer)
{
	answer &= ~SECCOMP_ANSWER_DATA;
	return answer == SECCOMP_ANSWER_ALLOW || answer == SECCOMP_ANSWER_LOG ||
	       answer == SECCOMP_ANSWER_TRACE;
}

static void make_segments(struct seccomp_build *b)
{
	u32 above =
		lets_through(b->default_answer) ? b->default_answer : SECCOMP_ANSWER_ERRNO | ENOSYS;

	for (int nr = 0; nr <= b->last; nr++) {
		const struct rule *r = b->rules[nr];

		if (r && r->count == 0)
			add_segment(b, (u32)nr, r->answer, NULL);
		else
			add_segment(b, (u32)nr, b->default_answer, r);
	}
	add_segment(b, (u32)(b->last + 1), b->last < 0 ? b->default_answer : above, NULL);
}

/* --- instructions ----------------------------------------------------------------------------- */

static u32 emit(struct seccomp_build *b, u16 code, u32 k, u8 jt, u8 jf)
{
	if (b->len >= INSNS_MAX) {
		b->full = true;
		return 0;
	}
	b->prog[b->len] = (struct spec_bpf){.code = code, .k = k, .jt = jt, .jf = jf};
	return b->len++;
}

static void load(struct seccomp_build *b, size_t offset)
{
	emit(b, BPF_LD | BPF_W | BPF_ABS, (u32)offset, 0, 0);
}

static void answer(struct seccomp_build *b, u32 value)
{
	emit(b, BPF_RET | BPF_K, value, 0, 0);
}

/* The high words decide unless they are equal: where to when above and when below. */
static void compare_high(struct seccomp_build *b, u32 value, u8 above, u8 below)
{
	if (above == below) {
		emit(b, BPF_JMP | BPF_JEQ | BPF_K, value, 0, above);
		return;
	}
	emit(b, BPF_JMP | BPF_JGT | BPF_K, value, above, 0);
	emit(b, BPF_JMP | BPF_JEQ | BPF_K, value, 0, below);
}

/* One condition. Jumps to ALL_HOLD mean "this one holds", falling through means so, too. */
static void emit_condition(struct seccomp_build *b, const struct seccomp_arg *a)
{
	size_t at = offsetof(struct seccomp_data, args) + 8 * a->index;
	u32 high = (u32)(a->value >> 32), low = (u32)a->value;
	bool greater = a->op == SECCOMP_GT || a->op == SECCOMP_GE;

	load(b, at + 4);
	if (a->op == SECCOMP_MASKED_EQ) {
		u64 wanted = a->value_two & a->value; /* as libseccomp takes it */

		emit(b, BPF_ALU | BPF_AND | BPF_K, high, 0, 0);
		compare_high(b, (u32)(wanted >> 32), NEXT_RULE, NEXT_RULE);
		load(b, at);
		emit(b, BPF_ALU | BPF_AND | BPF_K, low, 0, 0);
		emit(b, BPF_JMP | BPF_JEQ | BPF_K, (u32)wanted, ALL_HOLD, NEXT_RULE);
		return;
	}
	if (a->op == SECCOMP_EQ || a->op == SECCOMP_NE) {
		u8 equal = a->op == SECCOMP_EQ ? ALL_HOLD : NEXT_RULE;
		u8 other = a->op == SECCOMP_EQ ? NEXT_RULE : ALL_HOLD;

		compare_high(b, high, other, other);
		load(b, at);
		emit(b, BPF_JMP | BPF_JEQ | BPF_K, low, equal, other);
		return;
	}
	compare_high(b, high, greater ? ALL_HOLD : NEXT_RULE, greater ? NEXT_RULE : ALL_HOLD);
	load(b, at);
	if (a->op == SECCOMP_GT || a->op == SECCOMP_LE)
		emit(b, BPF_JMP | BPF_JGT | BPF_K, low, greater ? ALL_HOLD : NEXT_RULE,
		     greater ? NEXT_RULE : ALL_HOLD);
	else
		emit(b, BPF_JMP | BPF_JGE | BPF_K, low, greater ? ALL_HOLD : NEXT_RULE,
		     greater ? NEXT_RULE : ALL_HOLD);
}

/* Gives jumps of [from, to) that are marked @mark the target @target. */
static void patch(struct seccomp_build *b, u32 from, u32 to, u8 mark, u32 target)
{
	for (u32 i = from; i < to; i++) {
		if (BPF_CLASS(b->prog[i].code) != BPF_JMP)
			continue;
		if (b->prog[i].jt == mark)
			b->prog[i].jt = (u8)(target - i - 1);
		if (b->prog[i].jf == mark)
			b->prog[i].jf = (u8)(target - i - 1);
	}
}

static void emit_rules(struct seccomp_build *b, const struct rule *r)
{
	for (; r; r = r->next) {
		u32 start = b->len;

		for (u32 i = 0; i < r->count; i++) {
			u32 from = b->len;

			emit_condition(b, &r->args[i]);
			patch(b, from, b->len, ALL_HOLD, b->len);
		}
		answer(b, r->answer);
		patch(b, start, b->len, NEXT_RULE, b->len);
	}
	answer(b, b->default_answer);
}

/* The number is in A; one of the segments [from, to) has it. */
static void emit_tree(struct seccomp_build *b, u32 from, u32 to)
{
	u32 middle = (from + to) / 2, jump;

	if (to - from == 1) {
		if (b->segments[from].rules)
			emit_rules(b, b->segments[from].rules);
		else
			answer(b, b->segments[from].answer);
		return;
	}
	emit(b, BPF_JMP | BPF_JGE | BPF_K, b->segments[middle].first, 0, 1);
	jump = emit(b, BPF_JMP | BPF_JA, 0, 0, 0);
	emit_tree(b, from, middle);
	if (!b->full)
		b->prog[jump].k = b->len - jump - 1;
	emit_tree(b, middle, to);
}

const struct spec_bpf *seccomp_build_program(struct seccomp_build *b, u32 *out_len)
{
	make_segments(b);
	load(b, offsetof(struct seccomp_data, arch));
	emit(b, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	answer(b, SECCOMP_ANSWER_ERRNO | ENOSYS); /* no other ABI is there */
	load(b, offsetof(struct seccomp_data, nr));
	emit_tree(b, 0, b->segment_count);
	*out_len = b->len;
	return b->full ? NULL : b->prog;
}
