/* SPDX-License-Identifier: Apache-2.0 */
/* cpu.c - which CPU runs this thread, without a host call
 *
 * Linux keeps the number in the limit of a segment descriptor that user code may read (the vdso's
 * getcpu does the same).
 */
#include "gofer/client_internal.h"

#define CPUNODE_SELECTOR 0x7b
#define CPU_MASK	 0xfffu

u32 client_cpu(void)
{
	u32 limit = 0;

	__asm__ volatile("lsl %1, %0" : "+r"(limit) : "r"(CPUNODE_SELECTOR) : "cc");
	return limit & CPU_MASK;
}
