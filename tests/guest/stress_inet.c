/* SPDX-License-Identifier: Apache-2.0 */
/* stress_inet.c - sockets that come and go under many threads: connections, ends in any order,
 * epoll, descriptors closed while they are waited for */
#include "tests/lib/guest.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define THREADS 6
#define ROUNDS	60

static int g_port;
static _Atomic int g_served, g_wrong;

static int connect_loopback(int type, int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons(port),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int s = socket(AF_INET, type, 0);

	if (s >= 0 && connect(s, (void *)&a, sizeof(a)) == 0)
		return s;
	close(s);
	return -1;
}

static void *client(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg * 7919 + 1;

	for (int i = 0; i < ROUNDS; i++) {
		unsigned how = rand_r(&seed) % 4;
		char out[300], in[300];
		int s = connect_loopback(SOCK_STREAM, g_port);
		ssize_t n, want = 1 + rand_r(&seed) % 300, got = 0;

		if (s < 0) {
			g_wrong++;
			continue;
		}
		memset(out, 'a' + i % 26, sizeof(out));
		if (how == 0) { /* gone before anything is said */
			close(s);
			continue;
		}
		if (write(s, out, (size_t)want) != want)
			g_wrong++;
		if (how == 1) { /* does not wait for the answer: a reset */
			close(s);
			continue;
		}
		if (how == 2)
			shutdown(s, SHUT_WR);
		while (got < want && (n = read(s, in + got, (size_t)(want - got))) > 0)
			got += n;
		if (got != want || memcmp(in, out, (size_t)want) != 0)
			g_wrong++;
		else
			g_served++;
		close(s);
	}
	return NULL;
}

/* Echoes until told to stop (a byte in the pipe), with level and edge triggers mixed. */
static void *server(void *arg)
{
	int *fds = arg, ep = epoll_create1(0), flip = 0, open = 0;
	bool stopping = false;
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fds[0]};

	epoll_ctl(ep, EPOLL_CTL_ADD, fds[0], &ev);
	ev.data.fd = fds[1];
	epoll_ctl(ep, EPOLL_CTL_ADD, fds[1], &ev);
	while (!stopping || open > 0) {
		struct epoll_event got[8];
		int n = epoll_wait(ep, got, 8, 10000);

		if (!CHECK(n > 0))
			break;

		for (int i = 0; i < n; i++) {
			int fd = got[i].data.fd;
			char buf[512];
			ssize_t r;

			if (fd == fds[1]) {
				stopping = true;
				epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL);
				continue;
			}
			if (fd == fds[0]) {
				int s = accept4(fd, NULL, NULL, SOCK_NONBLOCK);

				ev = (struct epoll_event){.events = flip++ % 2 ? EPOLLIN | EPOLLET
									       : EPOLLIN,
							  .data.fd = s};
				open += s >= 0;
				if (s >= 0)
					epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev);
				continue;
			}
			while ((r = read(fd, buf, sizeof(buf))) > 0)
				if (send(fd, buf, (size_t)r, MSG_NOSIGNAL) != r)
					break;
			if (r == 0 || (r < 0 && errno != EAGAIN)) {
				close(fd);
				open--;
			}
		}
	}
	close(ep);
	return NULL;
}

static int listen_loopback(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (bind(s, (void *)&a, len) || listen(s, 128) || getsockname(s, (void *)&a, &len))
		return -1;
	g_port = ntohs(a.sin_port);
	return s;
}

static void *wait_for_ever(void *arg)
{
	char c;

	return (void *)(intptr_t)recv((int)(intptr_t)arg, &c, 1, 0);
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	CASE("connections that end in every way")
	{
		pthread_t t[THREADS], s;
		int fds[2], stop[2];

		REQUIRE(pipe(stop) == 0);
		fds[0] = MUST(listen_loopback());
		fds[1] = stop[0];
		pthread_create(&s, NULL, server, fds);
		for (uintptr_t i = 0; i < THREADS; i++)
			pthread_create(&t[i], NULL, client, (void *)i);
		for (int i = 0; i < THREADS; i++)
			pthread_join(t[i], NULL);
		CHECK_EQ(write(stop[1], "x", 1), 1);
		pthread_join(s, NULL);
		CHECK_EQ(g_wrong, 0);
		CHECK(g_served > THREADS * ROUNDS / 4);
		close(fds[0]);
		close(stop[0]);
		close(stop[1]);
	}
	CASE("a datagram socket that is waited for, closed by number, and shut down")
	{
		pthread_t t[THREADS];

		for (int i = 0; i < THREADS; i++) {
			struct sockaddr_in a = {.sin_family = AF_INET,
						.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
			int s = MUST(socket(AF_INET, SOCK_DGRAM, 0)), d;

			CHECK_EQ(bind(s, (void *)&a, sizeof(a)), 0);
			d = dup(s);
			pthread_create(&t[i], NULL, wait_for_ever, (void *)(intptr_t)s);
			sleep_ms(5);
			close(s); /* the call goes on with the file it has */
			CHECK_ERRNO(shutdown(d, SHUT_RD), ENOTCONN);
			pthread_join(t[i], NULL);
			close(d);
		}
	}
	CASE("300 sockets in one poll, one of them ready")
	{
		enum { N = 300 };
		struct pollfd p[N];
		struct sockaddr_in a = {.sin_family = AF_INET,
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		socklen_t len = sizeof(a);
		int out = MUST(socket(AF_INET, SOCK_DGRAM, 0));
		char c;

		for (int i = 0; i < N; i++) {
			p[i] = (struct pollfd){.fd = MUST(socket(AF_INET, SOCK_DGRAM, 0)),
					       .events = POLLIN};
			a.sin_port = 0;
			CHECK_EQ(bind(p[i].fd, (void *)&a, sizeof(a)), 0);
		}
		for (int i = 7; i < N; i += 60) {
			CHECK_EQ(poll(p, N, 0), 0);
			getsockname(p[i].fd, (void *)&a, &len);
			pid_t pid = FORK({
				sleep_ms(20);
				sendto(out, "x", 1, 0, (void *)&a, sizeof(a));
			});
			CHECK_EQ(poll(p, N, 5000), 1);
			CHECK_EQ(p[i].revents, POLLIN);
			CHECK_EQ(recv(p[i].fd, &c, 1, 0), 1);
			CHECK_EXIT(pid, 0);
		}
		for (int i = 0; i < N; i++)
			close(p[i].fd);
		close(out);
	}
	return test_end();
}
