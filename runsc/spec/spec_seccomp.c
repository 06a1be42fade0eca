/* SPDX-License-Identifier: Apache-2.0 */
/* spec_seccomp.c - "linux.seccomp": checked, with a notice; the sentry is the filter of its guests
 */
#include "runsc/spec/node.h"

static bool in_list(const char *s, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(list[i], s))
			return true;
	return false;
}

static void check_name(const struct node *n, const char *key, const char *what,
		       const char *const *list, size_t count)
{
	char *s = NULL;

	node_string(n, key, &s);
	if (!node_failed(n) && s && !in_list(s, list, count))
		node_error(n, key, "\"%s\" is not a valid %s for seccomp", s, what);
}

static const char *const actions[] = {
	"SCMP_ACT_KILL",  "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD",
	"SCMP_ACT_TRAP",  "SCMP_ACT_ERRNO",	   "SCMP_ACT_TRACE",
	"SCMP_ACT_ALLOW", "SCMP_ACT_LOG",	   "SCMP_ACT_NOTIFY",
};
static const char *const operators[] = {
	"SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE",	    "SCMP_CMP_EQ",
	"SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ",
};
static const char *const arches[] = {
	"SCMP_ARCH_X86",     "SCMP_ARCH_X86_64",   "SCMP_ARCH_X32",	    "SCMP_ARCH_ARM",
	"SCMP_ARCH_AARCH64", "SCMP_ARCH_MIPS",	   "SCMP_ARCH_MIPS64",	    "SCMP_ARCH_MIPS64N32",
	"SCMP_ARCH_MIPSEL",  "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PPC",
	"SCMP_ARCH_PPC64",   "SCMP_ARCH_PPC64LE",  "SCMP_ARCH_S390",	    "SCMP_ARCH_S390X",
	"SCMP_ARCH_RISCV64",
};

static void check_rule(const struct node *rule)
{
	struct node args = node_array(rule, "args");
	char **names;
	u32 ret;

	node_strings(rule, "names", &names, NULL);
	check_name(rule, "action", "action", actions, array_size(actions));
	node_u32(rule, "errnoRet", &ret);
	for (size_t i = 0; i < node_count(&args); i++) {
		struct node a = node_element_object(&args, i);
		u64 value;
		u32 index;

		node_u32(&a, "index", &index);
		node_u64(&a, "value", &value);
		node_u64(&a, "valueTwo", &value);
		check_name(&a, "op", "operator", operators, array_size(operators));
	}
}

void spec_parse_seccomp(const struct node *linux_node, struct spec *s)
{
	struct node n = node_object(linux_node, "seccomp"), list;
	char **names = NULL;
	u32 count = 0;

	if (!n.v)
		return;
	check_name(&n, "defaultAction", "action", actions, array_size(actions));
	node_strings(&n, "architectures", &names, &count);
	for (u32 i = 0; !node_failed(&n) && i < count; i++)
		if (!in_list(names[i], arches, array_size(arches)))
			node_error(&n, "architectures", "\"%s\" is not a valid arch for seccomp",
				   names[i]);
	list = node_array(&n, "syscalls");
	for (size_t i = 0; i < node_count(&list); i++) {
		struct node rule = node_element_object(&list, i);

		check_rule(&rule);
	}
	spec_notice(n.doc->r, s, "config.json: linux.seccomp: the filter is not applied");
}
