/* SPDX-License-Identifier: Apache-2.0 */
/* scm.c - descriptors and credentials beside the data (unix(7), cmsg(3))
 *
 * Control messages arrive here in a buffer of ours, copied once; their lengths are the sender's and
 * are checked one by one. Files of a message hold references of their own from here to the
 * receiver's descriptor table.
 */
#include <linux/capability.h>

#include "net/socket/socket.h"
#include "sentry/auth/userns.h"
#include "sentry/kernel/process.h"

#define CMSG_UP(n) align_up((size_t)(n), sizeof(u64))

struct cmsghdr_k { /* struct cmsghdr */
	u64 len;
	s32 level, type;
};
static_assert(sizeof(struct cmsghdr_k) == 16, "struct cmsghdr");

struct ucred_k {
	s32 pid;
	u32 uid, gid;
};

void scm_drop(struct scm *scm)
{
	for (u32 i = 0; i < scm->count; i++)
		file_put(scm->files[i]);
	if (scm->files)
		kfree(scm->files, scm->count * sizeof(*scm->files));
	*scm = (struct scm){0};
}

static int parse_rights(struct task *t, const u8 *data, size_t n, struct scm *out)
{
	u32 add = (u32)(n / sizeof(int)), total = out->count + add;
	struct file **files;

	if (add == 0)
		return 0;
	if (n / sizeof(int) > SCM_MAX_FDS || total > SCM_MAX_FDS)
		return -EINVAL;
	files = kalloc(total * sizeof(*files));
	if (!files)
		return -ENOMEM;
	for (u32 i = 0; i < add; i++) {
		int fd;

		memcpy(&fd, data + i * sizeof(int), sizeof(fd));
		files[out->count + i] = fd_lookup_path(t, fd);
		if (files[out->count + i])
			continue;
		while (i-- > 0)
			file_put(files[out->count + i]);
		kfree(files, total * sizeof(*files));
		return -EBADF;
	}
	if (out->files) {
		memcpy(files, out->files, out->count * sizeof(*files));
		kfree(out->files, out->count * sizeof(*files));
	}
	out->files = files;
	out->count = total;
	return 0;
}

/* A number of the sender's to that of the first pid namespace. */
static int pid_to_first(struct task *t, s32 *pid)
{
	struct pid *p;

	tasklist_lock();
	p = pid_find_in(t->tg->pid_ns, *pid);
	*pid = p ? p->number.nr : 0;
	tasklist_unlock();
	return *pid ? 0 : -ESRCH;
}

static int parse_creds(struct task *t, const u8 *data, size_t n, struct scm *out)
{
	const struct cred *c = t->cred;
	struct ucred_k u;

	if (n != sizeof(u))
		return -EINVAL;
	memcpy(&u, data, sizeof(u));
	u.uid = uid_in(c, u.uid);
	u.gid = gid_in(c, u.gid);
	if (u.uid == NO_ID || u.gid == NO_ID)
		return -EINVAL;
	if ((u.pid != t->tg->vtgid &&
	     !cred_capable_in(c, t->tg->pid_ns->ns.owner, CAP_SYS_ADMIN)) ||
	    (u.uid != c->uid && u.uid != c->euid && u.uid != c->suid &&
	     !cred_capable_own(c, CAP_SETUID)) ||
	    (u.gid != c->gid && u.gid != c->egid && u.gid != c->sgid &&
	     !cred_capable_own(c, CAP_SETGID)))
		return -EPERM;
	if (t->tg->pid_ns->level && pid_to_first(t, &u.pid))
		return -ESRCH;
	out->has_creds = true;
	out->pid = u.pid;
	out->uid = u.uid;
	out->gid = u.gid;
	return 0;
}

int scm_parse(struct task *t, const void *control, size_t n, struct scm *out)
{
	const u8 *p = control;
	struct cmsghdr_k h;
	int ret = 0;

	*out = (struct scm){0};
	for (size_t at = 0; n - at >= sizeof(h) && ret == 0; at += min(CMSG_UP(h.len), n - at)) {
		memcpy(&h, p + at, sizeof(h));
		if (h.len < sizeof(h) || h.len > n - at)
			ret = -EINVAL;
		else if (h.level != SOL_SOCKET)
			continue;
		else if (h.type == SCM_RIGHTS)
			ret = parse_rights(t, p + at + sizeof(h), h.len - sizeof(h), out);
		else if (h.type == SCM_CREDENTIALS)
			ret = parse_creds(t, p + at + sizeof(h), h.len - sizeof(h), out);
		else
			ret = -EINVAL;
		if (ret)
			break;
	}
	if (ret)
		scm_drop(out);
	return ret;
}

/* Puts one control message; false when even its header does not fit. What does not fit is cut. */
static bool put_cmsg(u8 *control, size_t size, size_t *used, int type, const void *data, size_t n,
		     u32 *out_flags)
{
	struct cmsghdr_k h = {.level = SOL_SOCKET, .type = type};
	size_t room = size - *used;

	if (room < sizeof(h)) {
		*out_flags |= MSG_CTRUNC;
		return false;
	}
	if (n > room - sizeof(h)) {
		*out_flags |= MSG_CTRUNC;
		n = room - sizeof(h);
	}
	h.len = sizeof(h) + n;
	memcpy(control + *used, &h, sizeof(h));
	memcpy(control + *used + sizeof(h), data, n);
	*used += min(CMSG_UP(h.len), room);
	return true;
}

/* Descriptors for as many files as fit; the others are dropped with the scm. */
static size_t deliver_rights(struct task *t, struct scm *scm, bool cloexec, u8 *control,
			     size_t size, size_t used, u32 *out_flags)
{
	size_t fit = size - used < sizeof(struct cmsghdr_k)
			     ? 0
			     : (size - used - sizeof(struct cmsghdr_k)) / sizeof(int);
	int fds[SCM_MAX_FDS];
	u32 n = 0;

	while (n < scm->count && n < fit) {
		fds[n] = fd_install(t, file_get(scm->files[n]), 0, cloexec);
		if (fds[n] < 0) {
			file_put(scm->files[n]);
			break;
		}
		n++;
	}
	if (n < scm->count)
		*out_flags |= MSG_CTRUNC;
	if (n)
		put_cmsg(control, size, &used, SCM_RIGHTS, fds, n * sizeof(int), out_flags);
	return used;
}

size_t scm_deliver(struct task *t, struct scm *scm, bool creds_wanted, bool cloexec, void *control,
		   size_t size, u32 *out_flags)
{
	size_t used = 0;

	if (creds_wanted) {
		struct ucred_k u = {number_told(t, scm->pid), uid_out(t->cred, scm->uid),
				    gid_out(t->cred, scm->gid)};

		put_cmsg(control, size, &used, SCM_CREDENTIALS, &u, sizeof(u), out_flags);
	}
	if (scm->count)
		used = deliver_rights(t, scm, cloexec, control, size, used, out_flags);
	scm_drop(scm);
	return used;
}
