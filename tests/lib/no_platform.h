/* SPDX-License-Identifier: Apache-2.0 */
/* no_platform.h - the platform, as far as sentry/mm calls it, for tests without guests
 *
 * Weak: a test that links the real one has that.
 */
#ifndef TESTS_LIB_NO_PLATFORM_H
#define TESTS_LIB_NO_PLATFORM_H

#include "platform/platform.h"

static unsigned g_kicks;
__attribute__((weak)) void pctx_kick(struct pctx *c)
{
	g_kicks++;
}

__attribute__((weak)) int pas_open_smaps(struct pas *as)
{
	return -ENOSYS;
}

__attribute__((weak)) ssize_t pas_readv(struct pas *as, const struct iovec *local, unsigned nlocal,
					const struct iovec *guest, unsigned nguest)
{
	return -EFAULT;
}

__attribute__((weak)) ssize_t pas_writev(struct pas *as, const struct iovec *local, unsigned nlocal,
					 const struct iovec *guest, unsigned nguest)
{
	return -EFAULT;
}

#endif
