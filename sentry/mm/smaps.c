/* SPDX-License-Identifier: Apache-2.0 */
/* smaps.c - what the host says of a stub's mappings, for /proc/pid/smaps
 *
 * The host's text is a line with the range, then lines "Name:   N kB", for each mapping. A VMA may
 * be several mappings of the host: their figures are added up. Both are in address order, so one
 * pass over the text is enough. It comes from the host's kernel and is trusted; a mapping that is
 * changed meanwhile may be counted with the wrong VMA.
 */
#include <stdlib.h>

#include "platform/host/host.h"
#include "sentry/mm/mm_internal.h"

static const char *const g_names[] = {
	"Rss",
	"Pss",
	"Pss_Dirty",
	"Shared_Clean",
	"Shared_Dirty",
	"Private_Clean",
	"Private_Dirty",
	"Referenced",
	"Anonymous",
	"KSM",
	"LazyFree",
	"AnonHugePages",
	"ShmemPmdMapped",
	"FilePmdMapped",
	"Shared_Hugetlb",
	"Private_Hugetlb",
	"Swap",
	"SwapPss",
	"Locked",
};
#define NAMES array_size(g_names)
static_assert(NAMES <= array_size(((struct smaps *)0)->kb), "room for the figures");

/* The next line without its end, cut to @size; false at the end of the text. */
static bool next_line(struct smaps *m, char *line, size_t size)
{
	size_t n = 0;

	for (;;) {
		if (m->pos == m->len) {
			long got = host_read(m->fd, m->buf, sizeof(m->buf));

			if (got <= 0)
				return false;
			m->pos = 0;
			m->len = (size_t)got;
		}
		char c = m->buf[m->pos++];

		if (c == '\n')
			break;
		if (n < size - 1)
			line[n++] = c;
	}
	line[n] = 0;
	return true;
}

/* Is @line the first one of a mapping? */
static bool parse_range(const char *line, u64 *start, u64 *end)
{
	char *at;

	*start = strtoull(line, &at, 16);
	if (at == line || *at != '-')
		return false;
	*end = strtoull(at + 1, &at, 16);
	return *at == ' ';
}

static void parse_figure(struct smaps *m, const char *line)
{
	const char *colon = strchr(line, ':');

	for (unsigned i = 0; colon && i < NAMES; i++)
		if (strlen(g_names[i]) == (size_t)(colon - line) &&
		    memcmp(line, g_names[i], (size_t)(colon - line)) == 0) {
			m->kb[i] = (u32)strtoul(colon + 1, NULL, 10);
			return;
		}
}

/* Reads the figures of the next mapping, up to the first line of the one behind it. */
static void advance(struct smaps *m)
{
	char line[128];

	m->have = m->have_next;
	m->start = m->next_start;
	m->end = m->next_end;
	m->have_next = false;
	memset(m->kb, 0, sizeof(m->kb));
	while (next_line(m, line, sizeof(line))) {
		if (parse_range(line, &m->next_start, &m->next_end)) {
			m->have_next = true;
			break;
		}
		parse_figure(m, line);
	}
}

void smaps_open(struct smaps *m, struct pas *as)
{
	m->fd = as ? pas_open_smaps(as) : -1;
	m->pos = m->len = 0;
	m->have = m->have_next = false;
	if (m->fd < 0)
		return;
	advance(m); /* to the first line */
	advance(m);
}

void smaps_close(struct smaps *m)
{
	if (m->fd >= 0)
		host_close(m->fd);
}

void smaps_show(struct smaps *m, u64 start, u64 end, struct strbuf *s)
{
	u32 sum[NAMES] = {0};

	for (; m->have && m->start < end; advance(m))
		for (unsigned i = 0; m->start >= start && i < NAMES; i++)
			sum[i] += m->kb[i];
	for (unsigned i = 0; i < NAMES; i++)
		strbuf_printf(s, "%s:%*s%8u kB\n", g_names[i], 15 - (int)strlen(g_names[i]), "",
			      sum[i]);
}
