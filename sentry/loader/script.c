/* SPDX-License-Identifier: Apache-2.0 */
/* script.c - #! lines
 *
 * The line is "#!", blanks, the interpreter's path, and optionally blanks and one argument that
 * reaches to the end of the line, blanks at its end cut off. Only the first 256 bytes of the file
 * count: an interpreter's path that is not complete there makes the file no script, an argument is
 * cut.
 */
#include "sentry/loader/loader.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

int script_parse(char head[EXEC_HEAD_SIZE], char **out_interp, char **out_arg)
{
	char *end = memchr(head, '\n', EXEC_HEAD_SIZE), *p = head + 2,
	     *limit = head + EXEC_HEAD_SIZE;
	bool whole = end != NULL;

	if (head[0] != '#' || head[1] != '!')
		return -ENOEXEC;
	if (!end) { /* the file may end within the buffer, which then ends with zeroes */
		end = memchr(head, 0, EXEC_HEAD_SIZE);
		whole = end != NULL;
		if (!end)
			end = limit - 1;
	}
	while (p < end && is_blank(*p))
		p++;
	if (p == end)
		return -ENOEXEC;
	*out_interp = p;
	while (p < end && *p && !is_blank(*p))
		p++;
	if (p == end && !whole)
		return -ENOEXEC;
	while (end > p && is_blank(end[-1]))
		end--;
	*end = 0;
	*out_arg = NULL;
	if (p >= end || *p == 0)
		return 0;
	*p++ = 0;
	while (p < end && is_blank(*p))
		p++;
	if (p < end && *p)
		*out_arg = p;
	return 0;
}
