/* SPDX-License-Identifier: Apache-2.0 */
/* devices.c - which device nodes the processes of a cgroup may open
 *
 * Theory of operation: the list of the specification, then what every container has (as runc adds
 * it). On v1 each rule is a line in devices.allow or devices.deny. On v2 there are no files: a BPF
 * program decides, with the last rule that matches. It is built here instruction by instruction and
 * given to the kernel with bpf(2); it needs no maps, so that a library would only add a dependency.
 *
 * Guests never open host devices themselves: this confines sentry and gofer, should one of them be
 * taken over.
 */
#include <linux/bpf.h>
#include <stddef.h>
#include <stdlib.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runsc/cgroup/cgroup_internal.h"

/* null, zero, full, random, urandom, tty, ptmx, pts/N, tun is not among them; making any node. */
static const struct spec_device_rule defaults[] = {
	{true, 'c', -1, -1, "m"}, {true, 'b', -1, -1, "m"}, {true, 'c', 1, 3, "rwm"},
	{true, 'c', 1, 8, "rwm"}, {true, 'c', 1, 7, "rwm"}, {true, 'c', 5, 0, "rwm"},
	{true, 'c', 1, 5, "rwm"}, {true, 'c', 1, 9, "rwm"}, {true, 'c', 136, -1, "rwm"},
	{true, 'c', 5, 2, "rwm"},
};

struct spec_device_rule *devices_rules(const struct spec_resources *res, u32 *out_count)
{
	u32 count = res->device_count + (u32)array_size(defaults);
	struct spec_device_rule *all = calloc(count, sizeof(*all));

	*out_count = 0;
	if (!all)
		return NULL;
	if (res->device_count)
		memcpy(all, res->devices, res->device_count * sizeof(*all));
	memcpy(all + res->device_count, defaults, sizeof(defaults));
	*out_count = count;
	return all;
}

static void number(char out[24], s64 n)
{
	if (n < 0)
		strcpy(out, "*");
	else
		snprintf(out, 24, "%lld", (long long)n);
}

static int write_rule(const char *dir, const struct spec_device_rule *d, struct error *e)
{
	const char *file = d->allow ? "devices.allow" : "devices.deny";
	const char *access = d->access[0] ? d->access : "rwm";
	char major[24], minor[24];

	if (d->type == 'a' && d->major < 0 && d->minor < 0 && strlen(access) == 3)
		return cgfile_write(dir, file, "a", e);
	number(major, d->major);
	number(minor, d->minor);
	if (d->type != 'a')
		return cgfile_printf(dir, file, e, "%c %s:%s %s", d->type, major, minor, access);
	return cgfile_printf(dir, file, e, "c %s:%s %s", major, minor, access) ||
			       cgfile_printf(dir, file, e, "b %s:%s %s", major, minor, access)
		       ? -EINVAL
		       : 0;
}

int devices_v1(struct cgroup *cg, const struct spec_resources *res, struct error *e)
{
	const char *dir = cg->paths[SUB_DEVICES];
	struct error ignored = {0};
	struct spec_device_rule *all;
	int err = 0;
	u32 count;

	if (!dir || !res->has_devices)
		return 0;
	all = devices_rules(res, &count);
	for (u32 i = 0; i < count && !err; i++)
		err = write_rule(dir, &all[i], cg->rootless ? &ignored : e);
	free(all);
	return cg->rootless ? 0 : err;
}

/* ---- v2 ---- */

#define INSNS_PER_RULE 8
#define INSNS_FRAME    8

struct program {
	struct bpf_insn *insns;
	u32 count;
};

static void emit(struct program *p, u8 code, u8 dst, u8 src, s16 off, s32 imm)
{
	p->insns[p->count++] = (struct bpf_insn){
		.code = code, .dst_reg = dst & 15, .src_reg = src & 15, .off = off, .imm = imm};
}

static s32 access_bits(const struct spec_device_rule *d)
{
	s32 bits = 0;

	for (const char *a = d->access[0] ? d->access : "rwm"; *a; a++) {
		if (*a == 'r')
			bits |= BPF_DEVCG_ACC_READ;
		else if (*a == 'w')
			bits |= BPF_DEVCG_ACC_WRITE;
		else
			bits |= BPF_DEVCG_ACC_MKNOD;
	}
	return bits;
}

/* r2: type, r3: access, r4: major, r5: minor. Jumps of what does not match lead behind the rule.
 * False: it matches everything. */
static bool emit_rule(struct program *p, const struct spec_device_rule *d)
{
	s32 access = access_bits(d);
	u32 jumps[4], jump_count = 0;

	if (d->type != 'a') {
		jumps[jump_count++] = p->count;
		emit(p, BPF_JMP | BPF_JNE | BPF_K, 2, 0, 0,
		     d->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	}
	if (access != 7) {
		emit(p, BPF_ALU | BPF_MOV | BPF_X, 1, 3, 0, 0);
		emit(p, BPF_ALU | BPF_AND | BPF_K, 1, 0, 0, access);
		jumps[jump_count++] = p->count;
		if (d->allow) /* all that is asked must be in the rule */
			emit(p, BPF_JMP | BPF_JNE | BPF_X, 1, 3, 0, 0);
		else /* one of it is enough */
			emit(p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0, 0);
	}
	if (d->major >= 0) {
		jumps[jump_count++] = p->count;
		emit(p, BPF_JMP | BPF_JNE | BPF_K, 4, 0, 0, (s32)d->major);
	}
	if (d->minor >= 0) {
		jumps[jump_count++] = p->count;
		emit(p, BPF_JMP | BPF_JNE | BPF_K, 5, 0, 0, (s32)d->minor);
	}
	emit(p, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, d->allow);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	for (u32 i = 0; i < jump_count; i++)
		p->insns[jumps[i]].off = (s16)(p->count - jumps[i] - 1);
	return jump_count > 0;
}

static void emit_program(struct program *p, const struct spec_device_rule *rules, u32 count)
{
	emit(p, BPF_LDX | BPF_W | BPF_MEM, 2, 1, offsetof(struct bpf_cgroup_dev_ctx, access_type),
	     0);
	emit(p, BPF_ALU | BPF_MOV | BPF_X, 3, 2, 0, 0);
	emit(p, BPF_ALU | BPF_AND | BPF_K, 2, 0, 0, 0xffff);
	emit(p, BPF_ALU | BPF_RSH | BPF_K, 3, 0, 0, 16);
	emit(p, BPF_LDX | BPF_W | BPF_MEM, 4, 1, offsetof(struct bpf_cgroup_dev_ctx, major), 0);
	emit(p, BPF_LDX | BPF_W | BPF_MEM, 5, 1, offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
	/* The kernel refuses instructions that nothing leads to. */
	for (u32 i = count; i-- > 0;)
		if (!emit_rule(p, &rules[i]))
			return;
	emit(p, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static int attach(const char *dir, const struct program *p)
{
	union bpf_attr load = {
		.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
		.insn_cnt = p->count,
		.insns = (u64)(uintptr_t)p->insns,
		.license = (u64)(uintptr_t) "Apache-2.0",
	};
	int prog = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load));
	int cgroup = open(dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC), err = 0;
	union bpf_attr bind = {
		.target_fd = (u32)cgroup,
		.attach_bpf_fd = (u32)prog,
		.attach_type = BPF_CGROUP_DEVICE,
		.attach_flags = BPF_F_ALLOW_MULTI,
	};

	if (prog < 0 || cgroup < 0 || syscall(SYS_bpf, BPF_PROG_ATTACH, &bind, sizeof(bind)) < 0)
		err = -errno;
	if (prog >= 0)
		close(prog);
	if (cgroup >= 0)
		close(cgroup);
	return err;
}

int devices_v2(struct cgroup *cg, const struct spec_resources *res, struct error *e)
{
	const char *dir = cg->paths[SUB_UNIFIED];
	struct spec_device_rule *all;
	struct program p = {0};
	u32 count;
	int err;

	if (!dir || !res->has_devices || cg->rootless)
		return 0;
	all = devices_rules(res, &count);
	p.insns = calloc(count * INSNS_PER_RULE + INSNS_FRAME, sizeof(*p.insns));
	if (!all || !p.insns) {
		err = -ENOMEM;
	} else {
		emit_program(&p, all, count);
		err = attach(dir, &p);
	}
	free(all);
	free(p.insns);
	return err ? error_set_errno(e, err, "failed to load the device filter of %s", dir) : 0;
}
