/* SPDX-License-Identifier: Apache-2.0 */
/* args.c - arguments by the type that table.def gives them */
#include "sentry/mm/copy.h"
#include "sentry/strace/strace_internal.h"

#define BYTES_SHOWN  32
#define STRING_SHOWN 256
#define VECTOR_SHOWN 32

void strace_format_bytes(struct strbuf *s, const u8 *bytes, size_t size, bool cut)
{
	strbuf_printf(s, "\"");
	for (size_t i = 0; i < size; i++) {
		u8 c = bytes[i];

		if (c == '"' || c == '\\')
			strbuf_printf(s, "\\%c", c);
		else if (c == '\n')
			strbuf_printf(s, "\\n");
		else if (c == '\t')
			strbuf_printf(s, "\\t");
		else if (c == '\r')
			strbuf_printf(s, "\\r");
		else if (c < 0x20 || c >= 0x7f)
			strbuf_printf(s,
				      i + 1 < size && bytes[i + 1] >= '0' && bytes[i + 1] <= '9'
					      ? "\\%03o"
					      : "\\%o",
				      c);
		else
			strbuf_add(s, &c, 1);
	}
	strbuf_printf(s, cut ? "\"..." : "\"");
}

void strace_format_memory(const struct strace_arg *a, gva_t addr, u64 size)
{
	u8 buf[BYTES_SHOWN];
	size_t n = min(size, (u64)sizeof(buf));

	if (!addr.v)
		strbuf_printf(a->s, "NULL");
	else if (!a->t->mm || copy_in_some(a->t->mm, buf, addr, n) != n)
		strbuf_printf(a->s, "%#llx", (unsigned long long)addr.v);
	else
		strace_format_bytes(a->s, buf, n, size > n);
}

static void format_string(const struct strace_arg *a, gva_t addr)
{
	char buf[STRING_SHOWN];
	ssize_t n;

	if (!addr.v) {
		strbuf_printf(a->s, "NULL");
		return;
	}
	n = a->t->mm ? copy_in_str(a->t->mm, buf, addr, sizeof(buf)) : -EFAULT;
	if (n == -ENAMETOOLONG && copy_in_some(a->t->mm, buf, addr, sizeof(buf)) == sizeof(buf))
		strace_format_bytes(a->s, (u8 *)buf, sizeof(buf), true);
	else if (n < 0)
		strbuf_printf(a->s, "%#llx", (unsigned long long)addr.v);
	else
		strace_format_bytes(a->s, (u8 *)buf, (size_t)n, false);
}

/* A vector of strings; of an environment only the count. */
static void format_vector(const struct strace_arg *a, gva_t addr, bool count_only)
{
	u64 item;
	unsigned i = 0;

	if (count_only)
		strbuf_printf(a->s, "%#llx /* ", (unsigned long long)addr.v);
	else
		strbuf_printf(a->s, "[");
	for (; addr.v && a->t->mm && i < (count_only ? 4096 : VECTOR_SHOWN); i++) {
		if (copy_in_obj(a->t->mm, &item, gva_add(addr, i * sizeof(item))) || !item)
			break;
		if (count_only)
			continue;
		if (i)
			strbuf_printf(a->s, ", ");
		format_string(a, GVA(item));
	}
	if (count_only)
		strbuf_printf(a->s, "%u vars */", i);
	else
		strbuf_printf(a->s, i == VECTOR_SHOWN ? ", ...]" : "]");
}

static void format_iov(const struct strace_arg *a, gva_t addr, u64 count, u64 limit)
{
	struct iovec v[VECTOR_SHOWN];
	unsigned n = (unsigned)min(count, (u64)VECTOR_SHOWN);

	if (!addr.v || !a->t->mm || copy_in(a->t->mm, v, addr, n * sizeof(v[0]))) {
		strbuf_printf(a->s, "%#llx", (unsigned long long)addr.v);
		return;
	}
	strbuf_printf(a->s, "[");
	for (unsigned i = 0; i < n; i++) {
		u64 size = min((u64)v[i].iov_len, limit);

		strbuf_printf(a->s, "%s{iov_base=", i ? ", " : "");
		strace_format_memory(a, GVA(v[i].iov_base), size);
		strbuf_printf(a->s, ", iov_len=%zu}", v[i].iov_len);
		limit -= size;
	}
	strbuf_printf(a->s, count > n ? ", ...]" : "]");
}

static void format_dirfd(struct strbuf *s, int fd)
{
	if (fd == -100)
		strbuf_printf(s, "AT_FDCWD");
	else
		strbuf_printf(s, "%d", fd);
}

static bool is(const char *type, size_t size, const char *name)
{
	return strlen(name) == size && !memcmp(type, name, size);
}

/* Plain numbers; false: something else. */
static bool format_number(const struct strace_arg *a, const char *type, size_t size, u64 v)
{
	struct strbuf *s = a->s;

	if (is(type, size, "int") || is(type, size, "fd") || is(type, size, "pid"))
		strbuf_printf(s, "%d", (int)v);
	else if (is(type, size, "uint") || is(type, size, "salen"))
		strbuf_printf(s, "%u", (unsigned)v);
	else if (is(type, size, "long") || is(type, size, "off"))
		strbuf_printf(s, "%lld", (long long)v);
	else if (is(type, size, "size"))
		strbuf_printf(s, "%llu", (unsigned long long)v);
	else if (is(type, size, "oct"))
		strbuf_printf(s, "%#llo", (unsigned long long)v & 0177777);
	else if (is(type, size, "hex"))
		strbuf_printf(s, v ? "%#llx" : "0", (unsigned long long)v);
	else if (is(type, size, "ptr"))
		strbuf_printf(s, v ? "%#llx" : "NULL", (unsigned long long)v);
	else if (is(type, size, "dfd"))
		format_dirfd(s, (int)v);
	else if (is(type, size, "sig"))
		strace_format_signal(s, (int)v);
	else
		return false;
	return true;
}

void strace_format_arg(const struct strace_arg *a, const char *type, size_t size)
{
	u64 v = a->args->a[a->index], next = a->index < 5 ? a->args->a[a->index + 1] : 0;
	const struct strace_set *set;
	bool failed = a->result < 0 && a->result >= -4095;

	if (format_number(a, type, size, v))
		return;
	if (is(type, size, "path") || is(type, size, "str"))
		format_string(a, GVA(v));
	else if (is(type, size, "argv") || is(type, size, "env"))
		format_vector(a, GVA(v), is(type, size, "env"));
	else if (failed && (is(type, size, "buf") || is(type, size, "iov")))
		strbuf_printf(a->s, "%#llx", (unsigned long long)v);
	else if (is(type, size, "buf"))
		strace_format_memory(a, GVA(v), a->result > 0 ? (u64)a->result : next);
	else if (is(type, size, "iov"))
		format_iov(a, GVA(v), next, a->result > 0 ? (u64)a->result : UINT64_MAX);
	else if ((set = strace_set_find(type, size)) != NULL)
		strace_format_set(a->s, set, v);
	else if (v == 0)
		strbuf_printf(a->s, "NULL");
	else if (failed || !a->t->mm || !strace_format_struct(a, type, size))
		strbuf_printf(a->s, "%#llx", (unsigned long long)v);
}
