/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.h - what the targets share: the input as a stream of numbers and strings */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdlib.h>

#include "sentry/base/types.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* What does not hold is a finding. */
static inline void check(bool ok)
{
	if (!ok)
		abort();
}

struct input {
	const u8 *at, *end;
};

static inline bool more(const struct input *in)
{
	return in->at < in->end;
}

/* A number of @bytes bytes; zeroes behind the end. */
static inline u64 take(struct input *in, unsigned bytes)
{
	u64 v = 0;

	for (unsigned i = 0; i < bytes && in->at < in->end; i++)
		v |= (u64)*in->at++ << (8 * i);
	return v;
}

/* Up to @n bytes, borrowed; how many there are. */
static inline size_t take_bytes(struct input *in, size_t n, const u8 **out)
{
	size_t left = (size_t)(in->end - in->at);

	n = n < left ? n : left;
	*out = in->at;
	in->at += n;
	return n;
}

/* A string of up to @size - 1 bytes: its length is a byte of the input. */
static inline const char *take_string(struct input *in, char *buf, size_t size)
{
	const u8 *p;
	size_t n = take(in, 1);

	n = take_bytes(in, n < size ? n : size - 1, &p);
	memcpy(buf, p, n);
	buf[n] = 0;
	return buf;
}

#endif
