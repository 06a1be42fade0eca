/* SPDX-License-Identifier: Apache-2.0 */
/* sys_socket.h - between sys_socket.c and sys_socket_msg.c */
#ifndef SYSCALLS_SYS_SOCKET_H
#define SYSCALLS_SYS_SOCKET_H

#include "net/socket/socket.h"
#include "syscalls/sys.h"

/* The socket of @fd and a reference on its file: -EBADF, -ENOTSOCK (*out_file may hold a reference
 * then too). */
int socket_get(struct task *t, int fd, struct file **out_file, struct socket **out) must_check;
/* Copies an address in: -EINVAL, -EFAULT. */
int sockaddr_in_arg(struct task *t, gva_t src, int len, struct sock_name *out) must_check;
/* Copies an address out, cut to the room that *@len_ptr says; *@len_ptr becomes its real size. @dst
 * 0: nothing. */
int sockaddr_out_arg(struct task *t, gva_t dst, gva_t len_ptr,
		     const struct sock_name *name) must_check;
/* The call waits, at most for the socket's timeout. @moved: what it has done so far, its result
 * when it is ended. */
long socket_block(struct task *t, int fd, struct file *f, struct socket *s, bool write,
		  struct sock_msg *m, long moved);

#endif
