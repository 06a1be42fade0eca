/* SPDX-License-Identifier: Apache-2.0 */
/* wire.h - a process specification as bytes, for a sandbox that runs already
 *
 * The receiver owns the buffer, which the decoder turns into a struct spec_process in place: all
 * that points, points into it. It trusts nothing: each length, offset and string is checked.
 */
#ifndef RUNSC_SPEC_WIRE_H
#define RUNSC_SPEC_WIRE_H

#include "runsc/spec/spec.h"

#define WIRE_MAX (8u << 20)

/* Bytes that @p takes. */
size_t wire_size(const struct spec_process *p);
/* Writes them to @buf, which has room. */
void wire_encode(const struct spec_process *p, void *buf);
/* @buf (aligned to 8) holds @size bytes. 0, or -EBADMSG: nothing of @out may be used. */
int wire_decode(void *buf, size_t size, struct spec_process *out);

#endif
