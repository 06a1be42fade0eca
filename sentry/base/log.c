/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - one line, one write
 *
 * Text lines say "runsc: level: message"; JSON lines are an object with time, level and msg, the
 * members that container engines look for in a runtime's log. Messages may hold bytes of the guest:
 * control characters never reach the descriptor as such.
 */
#include "sentry/base/log.h"

#include "sentry/base/rawcall.h"
#include "sentry/base/strbuf.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#define LINE_MAX_SIZE 1024

static int g_fd = 2;
static enum log_level g_level = LOG_WARNING;
static bool g_json;

static const char *const level_names[] = {"error", "warning", "info", "debug"};
static_assert(array_size(level_names) == LOG_DEBUG + 1, "a name for each level");

void log_init(int fd, enum log_level level, bool json)
{
	g_fd = fd;
	g_level = level;
	g_json = json;
}

bool log_enabled(enum log_level level)
{
	return level <= g_level;
}

/* Seconds since the epoch as RFC 3339 in UTC (days to date: counted in eras of 400 years). */
static void add_time(struct strbuf *s)
{
	struct timespec ts;
	s64 days, era, doe, yoe, doy, mp, sod;

	clock_gettime(CLOCK_REALTIME, &ts);
	sod = ts.tv_sec % 86400;
	days = ts.tv_sec / 86400 + 719468;
	era = days / 146097;
	doe = days - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	strbuf_printf(s, "%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ",
		      (int)(yoe + era * 400 + (mp >= 10)), (int)(mp < 10 ? mp + 3 : mp - 9),
		      (int)(doy - (153 * mp + 2) / 5 + 1), (int)(sod / 3600), (int)(sod / 60 % 60),
		      (int)(sod % 60), ts.tv_nsec / 1000);
}

static void add_text(struct strbuf *s, const char *text)
{
	for (const u8 *p = (const u8 *)text; *p; p++) {
		if (s->size - s->len <= 6)
			break; /* an escape is never cut in two */
		if (g_json && (*p == '"' || *p == '\\'))
			strbuf_printf(s, "\\%c", *p);
		else if (*p < 0x20 || *p == 0x7f || (g_json && *p >= 0x80))
			strbuf_printf(s, g_json ? "\\u%04x" : "\\x%02x", *p);
		else
			strbuf_add(s, p, 1);
	}
}

void log_line(enum log_level level, const char *fmt, ...)
{
	char text[LINE_MAX_SIZE], line[LINE_MAX_SIZE + 128];
	struct strbuf s;
	va_list ap;

	if (!log_enabled(level))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* keep room for the end of the line, so that a cut line is still one */
	strbuf_init(&s, line, sizeof(line) - 3);
	if (g_json) {
		strbuf_printf(&s, "{\"time\":\"");
		add_time(&s);
		strbuf_printf(&s, "\",\"level\":\"%s\",\"msg\":\"", level_names[level]);
	} else {
		strbuf_printf(&s, "runsc: %s: ", level_names[level]);
	}
	add_text(&s, text);
	s.size = sizeof(line);
	strbuf_add(&s, g_json ? "\"}\n" : "\n", g_json ? 3 : 1);
	raw_write(g_fd, s.buf, s.len);
}
