/* SPDX-License-Identifier: Apache-2.0 */
/* signals.h - signals by name or number, as `runsc kill` takes them */
#ifndef RUNSC_SIGNALS_H
#define RUNSC_SIGNALS_H

/* "TERM", "SIGTERM", "sigterm", "15", "RTMIN+1": its number, or -1. */
int signal_parse(const char *text);

#endif
