/* SPDX-License-Identifier: Apache-2.0 */
/* spec_seccomp.c - "linux.seccomp": the profile, which becomes a BPF program (seccomp_build.c) */
#include "runsc/spec/node.h"
#include "runsc/spec/seccomp_build.h"

static int find_name(const char *s, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(list[i], s))
			return (int)i;
	return -1;
}

/* The index of a name in a list; -1: absent, or a mistake has been told. */
static int get_name(const struct node *n, const char *key, const char *what,
		    const char *const *list, size_t count)
{
	char *s = NULL;
	int index;

	node_string(n, key, &s);
	if (node_failed(n) || !s)
		return -1;
	index = find_name(s, list, count);
	if (index < 0)
		node_error(n, key, "\"%s\" is not a valid %s for seccomp", s, what);
	return index;
}

enum action {
	ACT_KILL,
	ACT_KILL_PROCESS,
	ACT_KILL_THREAD,
	ACT_TRAP,
	ACT_ERRNO,
	ACT_TRACE,
	ACT_ALLOW,
	ACT_LOG,
	ACT_NOTIFY,
};
static const char *const actions[] = {
	[ACT_KILL] = "SCMP_ACT_KILL",
	[ACT_KILL_PROCESS] = "SCMP_ACT_KILL_PROCESS",
	[ACT_KILL_THREAD] = "SCMP_ACT_KILL_THREAD",
	[ACT_TRAP] = "SCMP_ACT_TRAP",
	[ACT_ERRNO] = "SCMP_ACT_ERRNO",
	[ACT_TRACE] = "SCMP_ACT_TRACE",
	[ACT_ALLOW] = "SCMP_ACT_ALLOW",
	[ACT_LOG] = "SCMP_ACT_LOG",
	[ACT_NOTIFY] = "SCMP_ACT_NOTIFY",
};
static const char *const operators[] = {
	[SECCOMP_NE] = "SCMP_CMP_NE",
	[SECCOMP_LT] = "SCMP_CMP_LT",
	[SECCOMP_LE] = "SCMP_CMP_LE",
	[SECCOMP_EQ] = "SCMP_CMP_EQ",
	[SECCOMP_GE] = "SCMP_CMP_GE",
	[SECCOMP_GT] = "SCMP_CMP_GT",
	[SECCOMP_MASKED_EQ] = "SCMP_CMP_MASKED_EQ",
};
static const char *const flags[] = {
	"SECCOMP_FILTER_FLAG_TSYNC",
	"SECCOMP_FILTER_FLAG_LOG",
	"SECCOMP_FILTER_FLAG_SPEC_ALLOW",
	"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
};
static const char *const arches[] = {
	"SCMP_ARCH_X86",     "SCMP_ARCH_X86_64",   "SCMP_ARCH_X32",	    "SCMP_ARCH_ARM",
	"SCMP_ARCH_AARCH64", "SCMP_ARCH_MIPS",	   "SCMP_ARCH_MIPS64",	    "SCMP_ARCH_MIPS64N32",
	"SCMP_ARCH_MIPSEL",  "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PPC",
	"SCMP_ARCH_PPC64",   "SCMP_ARCH_PPC64LE",  "SCMP_ARCH_S390",	    "SCMP_ARCH_S390X",
	"SCMP_ARCH_RISCV64",
};

/* What a program returns for an action; @ret: of ERRNO and TRACE, EPERM when absent. */
static u32 answer_of(const struct node *n, const char *key, int action, u32 ret)
{
	u32 data = ret == UINT32_MAX ? 1 : ret & SECCOMP_ANSWER_DATA;

	switch (action) {
	case ACT_KILL_PROCESS:
		return SECCOMP_ANSWER_KILL_PROCESS;
	case ACT_TRAP:
		return SECCOMP_ANSWER_TRAP;
	case ACT_ERRNO:
		return SECCOMP_ANSWER_ERRNO | data;
	case ACT_TRACE:
		return SECCOMP_ANSWER_TRACE | data;
	case ACT_ALLOW:
		return SECCOMP_ANSWER_ALLOW;
	case ACT_LOG:
		return SECCOMP_ANSWER_LOG;
	case ACT_NOTIFY:
		node_error(n, key, "SCMP_ACT_NOTIFY is not supported");
		return 0;
	default:
		return SECCOMP_ANSWER_KILL_THREAD;
	}
}

#define ARGS_MAX 32

static u32 parse_args(const struct node *rule, struct seccomp_arg *out)
{
	struct node list = node_array(rule, "args");
	u32 count = (u32)node_count(&list);

	if (count > ARGS_MAX) {
		node_error(rule, "args", "more than %d conditions", ARGS_MAX);
		return 0;
	}
	for (u32 i = 0; i < count; i++) {
		struct node a = node_element_object(&list, i);
		int op;

		out[i] = (struct seccomp_arg){.op = SECCOMP_EQ};
		node_u32(&a, "index", &out[i].index);
		node_u64(&a, "value", &out[i].value);
		node_u64(&a, "valueTwo", &out[i].value_two);
		op = get_name(&a, "op", "operator", operators, array_size(operators));
		if (op >= 0)
			out[i].op = (enum seccomp_op)op;
		if (!node_failed(&a) && out[i].index > 5)
			node_error(&a, "index", "%u is above 5", out[i].index);
	}
	return count;
}

static bool repeats_index(const struct seccomp_arg *args, u32 count)
{
	u32 seen = 0;

	for (u32 i = 0; i < count; i++) {
		if (seen >> args[i].index & 1)
			return true;
		seen |= 1u << args[i].index;
	}
	return false;
}

static void parse_rule(const struct node *rule, struct seccomp_build *b)
{
	struct seccomp_arg args[ARGS_MAX];
	u32 ret = UINT32_MAX, count, answer;
	char **names = NULL;
	int action;

	node_strings(rule, "names", &names, NULL);
	action = get_name(rule, "action", "action", actions, array_size(actions));
	node_u32(rule, "errnoRet", &ret);
	count = parse_args(rule, args);
	if (node_failed(rule))
		return;
	if (action < 0) {
		node_error(rule, "action", "must not be empty");
		return;
	}
	answer = answer_of(rule, "action", action, ret);
	for (u32 i = 0; names && names[i] && !node_failed(rule); i++) {
		/* Conditions on the same argument are alternatives, as under runc. */
		if (!repeats_index(args, count)) {
			seccomp_build_rule(b, names[i], answer, args, count);
			continue;
		}
		for (u32 k = 0; k < count; k++)
			seccomp_build_rule(b, names[i], answer, &args[k], 1);
	}
}

static void check_list(const struct node *n, const char *key, const char *what,
		       const char *const *known, size_t known_count)
{
	char **names = NULL;
	u32 count = 0;

	node_strings(n, key, &names, &count);
	for (u32 i = 0; !node_failed(n) && i < count; i++)
		if (find_name(names[i], known, known_count) < 0)
			node_error(n, key, "\"%s\" is not a valid %s for seccomp", names[i], what);
}

/* Builds the program out of what has been read. */
static void finish(const struct node *n, struct seccomp_build *b, struct spec *s)
{
	u32 len = 0;
	const struct spec_bpf *prog = seccomp_build_program(b, &len);

	if (!prog) {
		node_error(n, NULL, "the profile is too large");
		return;
	}
	s->seccomp = region_alloc(n->doc->r, len * sizeof(*prog));
	memcpy(s->seccomp, prog, len * sizeof(*prog));
	s->seccomp_len = len;
}

void spec_parse_seccomp(const struct node *linux_node, struct spec *s)
{
	struct node n = node_object(linux_node, "seccomp"), list;
	char *listener = NULL;
	u32 ret = UINT32_MAX;
	struct seccomp_build *b;
	int action;

	if (!n.v)
		return;
	action = get_name(&n, "defaultAction", "action", actions, array_size(actions));
	node_u32(&n, "defaultErrnoRet", &ret);
	node_string(&n, "listenerPath", &listener);
	check_list(&n, "architectures", "arch", arches, array_size(arches));
	check_list(&n, "flags", "flag", flags, array_size(flags));
	list = node_array(&n, "syscalls");
	/* A profile that says nothing is none, as under runc. */
	if (node_failed(&n) || (action < 0 && node_count(&list) == 0))
		return;
	if (action < 0) {
		node_error(&n, "defaultAction", "must not be empty");
		return;
	}
	b = seccomp_build_start(answer_of(&n, "defaultAction", action, ret));
	for (size_t i = 0; i < node_count(&list) && !node_failed(&n); i++) {
		struct node rule = node_element_object(&list, i);

		parse_rule(&rule, b);
	}
	if (!node_failed(&n) && listener && *listener)
		spec_notice(
			n.doc->r, s,
			"config.json: linux.seccomp.listenerPath: nothing is told to listeners");
	if (!node_failed(&n))
		finish(&n, b, s);
	seccomp_build_end(b);
}
