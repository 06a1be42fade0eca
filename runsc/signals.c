/* SPDX-License-Identifier: Apache-2.0 */
/* signals.c - names of signals */
#include "runsc/signals.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FIRST_RT 34 /* what the host's C library leaves of them */
#define LAST_RT	 64

static int real_time(const char *name)
{
	int base, step = 1, n = 0;

	if (strncasecmp(name, "RTMIN", 5) == 0)
		base = FIRST_RT;
	else if (strncasecmp(name, "RTMAX", 5) == 0)
		base = LAST_RT;
	else
		return -1;
	name += 5;
	if (*name == '-')
		step = -1;
	if (*name) {
		char *end;

		n = (int)strtol(name + 1, &end, 10);
		if ((*name != '+' && *name != '-') || end == name + 1 || *end)
			return -1;
	}
	n = base + step * n;
	return n >= FIRST_RT && n <= LAST_RT ? n : -1;
}

int signal_parse(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (end != text)
		return !*end && n >= 1 && n <= LAST_RT ? (int)n : -1;
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (int sig = 1; sig < 32; sig++) {
		const char *name = sigabbrev_np(sig);

		if (name && strcasecmp(name, text) == 0)
			return sig;
	}
	if (strcasecmp(text, "IOT") == 0)
		return SIGABRT;
	if (strcasecmp(text, "CLD") == 0)
		return SIGCHLD;
	if (strcasecmp(text, "POLL") == 0)
		return SIGIO;
	return real_time(text);
}
