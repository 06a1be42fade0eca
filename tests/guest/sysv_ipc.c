/* SPDX-License-Identifier: Apache-2.0 */
/* sysv_ipc.c - System V semaphores, message queues, shared memory of several attachments */
#include "tests/lib/guest.h"

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
};

static int op(int id, int num, int by, int flags)
{
	struct sembuf b = {(unsigned short)num, (short)by, (short)flags};

	return semop(id, &b, 1);
}

static void test_sem(void)
{
	CASE("values: set, get, all, ranges")
	{
		int id = MUST(semget(IPC_PRIVATE, 3, IPC_CREAT | 0600));
		unsigned short v[3] = {1, 2, 3};
		struct semid_ds ds;

		CHECK_EQ(semctl(id, 0, GETVAL), 0);
		CHECK_EQ(semctl(id, 1, SETVAL, (union semun){.val = 7}), 0);
		CHECK_EQ(semctl(id, 1, GETVAL), 7);
		CHECK_ERRNO(semctl(id, 1, SETVAL, (union semun){.val = 32768}), ERANGE);
		CHECK_ERRNO(semctl(id, 3, GETVAL), EINVAL);
		CHECK_EQ(semctl(id, 0, SETALL, (union semun){.array = v}), 0);
		memset(v, 0, sizeof(v));
		CHECK_EQ(semctl(id, 0, GETALL, (union semun){.array = v}), 0);
		CHECK_EQ(v[2], 3);
		CHECK_EQ(semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}), 0);
		CHECK_EQ(ds.sem_nsems, 3);
		CHECK_EQ(op(id, 2, -3, IPC_NOWAIT), 0);
		CHECK_EQ(semctl(id, 2, GETPID), getpid());
		CHECK_ERRNO(op(id, 2, -1, IPC_NOWAIT), EAGAIN);
		CHECK_ERRNO(op(id, 3, 1, 0), EFBIG);
		CHECK_ERRNO(op(id, 0, 32767, 0), ERANGE);
		CHECK_EQ(semctl(id, 0, IPC_RMID), 0);
		CHECK_ERRNO(op(id, 0, 1, 0), EINVAL);
	}
	CASE("operations of one call happen together or not at all")
	{
		int id = MUST(semget(IPC_PRIVATE, 2, IPC_CREAT | 0600));
		struct sembuf b[2] = {{0, 5, 0}, {1, -1, IPC_NOWAIT}};

		CHECK_ERRNO(semop(id, b, 2), EAGAIN);
		CHECK_EQ(semctl(id, 0, GETVAL), 0);
		CHECK_ERRNO(semop(id, b, 0), EINVAL);
		CHECK_ERRNO(semop(id, b, 501), E2BIG);
		semctl(id, 0, IPC_RMID);
	}
	CASE("waiting: counts, wake-up, removal, time-out, signal")
	{
		int id = MUST(semget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
		struct sembuf b = {0, -1, 0};
		struct timespec ts = {0, 10000000};
		pid_t p = FORK(CHECK_EQ(op(id, 0, -2, 0), 0));

		EVENTUALLY(semctl(id, 0, GETNCNT) == 1);
		CHECK_EQ(op(id, 0, 1, 0), 0);
		CHECK_EQ(op(id, 0, 1, 0), 0);
		CHECK_EXIT(p, 0);
		CHECK_EQ(semctl(id, 0, GETNCNT), 0);
		CHECK_ERRNO(semtimedop(id, &b, 1, &ts), EAGAIN);
		op(id, 0, 1, 0);
		p = FORK(CHECK_EQ(op(id, 0, 0, 0), 0));
		EVENTUALLY(semctl(id, 0, GETZCNT) == 1);
		op(id, 0, -1, 0);
		CHECK_EXIT(p, 0);
		p = FORK(on_signal(SIGUSR1, count_signal, SA_RESTART);
			 CHECK_ERRNO(op(id, 0, -1, 0), EINTR));
		EVENTUALLY(semctl(id, 0, GETNCNT) == 1);
		kill(p, SIGUSR1);
		CHECK_EXIT(p, 0);
		p = FORK(CHECK_ERRNO(op(id, 0, -1, 0), EIDRM));
		EVENTUALLY(semctl(id, 0, GETNCNT) == 1);
		CHECK_EQ(semctl(id, 0, IPC_RMID), 0);
		CHECK_EXIT(p, 0);
	}
	CASE("SEM_UNDO is applied when the process ends")
	{
		int id = MUST(semget(IPC_PRIVATE, 1, IPC_CREAT | 0600));

		CHECK_EXIT(FORK(CHECK_EQ(op(id, 0, 3, SEM_UNDO), 0); CHECK_EQ(op(id, 0, 1, 0), 0)),
			   0);
		CHECK_EQ(semctl(id, 0, GETVAL), 1);
		semctl(id, 0, IPC_RMID);
	}
	CASE("keys")
	{
		key_t key = 0x42000000 + getpid();
		int id = MUST(semget(key, 2, IPC_CREAT | IPC_EXCL | 0600));

		CHECK_ERRNO(semget(key, 2, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
		CHECK_EQ(semget(key, 0, 0), id);
		CHECK_ERRNO(semget(key, 3, 0), EINVAL);
		semctl(id, 0, IPC_RMID);
		CHECK_ERRNO(semget(key, 2, 0), ENOENT);
	}
}

struct message {
	long type;
	char text[64];
};

static void test_msg(void)
{
	CASE("order, types, sizes")
	{
		int id = MUST(msgget(IPC_PRIVATE, IPC_CREAT | 0600));
		struct message m = {.text = "hello"};
		struct msqid_ds ds;

		for (m.type = 3; m.type > 0; m.type--)
			CHECK_EQ(msgsnd(id, &m, (size_t)m.type * 4, 0), 0);
		CHECK_EQ(msgctl(id, IPC_STAT, &ds), 0);
		CHECK_EQ(ds.msg_qnum, 3);
		CHECK_EQ(ds.__msg_cbytes, 24);
		CHECK_ERRNO(msgrcv(id, &m, 4, 3, IPC_NOWAIT), E2BIG);
		CHECK_EQ(msgrcv(id, &m, 4, 3, IPC_NOWAIT | MSG_NOERROR), 4);
		CHECK_EQ(msgrcv(id, &m, 64, -2, IPC_NOWAIT), 4);
		CHECK_EQ(m.type, 1);
		CHECK_ERRNO(msgrcv(id, &m, 64, 9, IPC_NOWAIT), ENOMSG);
		CHECK_EQ(msgrcv(id, &m, 64, 9, IPC_NOWAIT | MSG_EXCEPT), 8);
		CHECK_EQ(m.type, 2);
		m.type = 0;
		CHECK_ERRNO(msgsnd(id, &m, 4, 0), EINVAL);
		CHECK_EQ(msgctl(id, IPC_RMID, NULL), 0);
		CHECK_ERRNO(msgctl(id, IPC_RMID, NULL), EINVAL);
	}
	CASE("waiting for a message, for room, removal")
	{
		int id = MUST(msgget(IPC_PRIVATE, IPC_CREAT | 0600));
		static struct {
			long type;
			char text[8192];
		} big = {.type = 1};
		struct message m = {.type = 5, .text = "x"};
		pid_t p = FORK(struct message r; CHECK_EQ(msgrcv(id, &r, 64, 5, 0), 2);
			       CHECK_STR(r.text, "x"));

		wait_sleeping(p);
		CHECK_EQ(msgsnd(id, &m, 2, 0), 0);
		CHECK_EXIT(p, 0);
		CHECK_EQ(msgsnd(id, &big, 8192, 0), 0);
		CHECK_EQ(msgsnd(id, &big, 8192, 0), 0);
		CHECK_ERRNO(msgsnd(id, &big, 8192, IPC_NOWAIT), EAGAIN);
		p = FORK(CHECK_EQ(msgsnd(id, &big, 8192, 0), 0));
		wait_sleeping(p);
		CHECK_EQ(msgrcv(id, &big, 8192, 0, 0), 8192);
		CHECK_EXIT(p, 0);
		p = FORK(CHECK_ERRNO(msgrcv(id, &m, 64, 9, 0), EIDRM));
		wait_sleeping(p);
		msgctl(id, IPC_RMID, NULL);
		CHECK_EXIT(p, 0);
	}
}

static void test_shm(void)
{
	CASE("attach at an address, remap, read-only, detach of one of several")
	{
		int id = MUST(shmget(IPC_PRIVATE, 3 * 4096, IPC_CREAT | 0600));
		char *a = shmat(id, NULL, 0), *b = shmat(id, NULL, SHM_RDONLY);
		struct shmid_ds ds;

		a[5000] = 'z';
		CHECK_EQ(b[5000], 'z');
		CHECK_ERRNO((long)shmat(id, a, 0), EINVAL);
		CHECK_ERRNO((long)shmat(id, a + 1, 0), EINVAL);
		CHECK(shmat(id, a, SHM_REMAP) == a);
		CHECK_EQ(shmctl(id, IPC_STAT, &ds), 0);
		CHECK_EQ(ds.shm_nattch, 2);
		CHECK_KILLED(FORK(*(volatile char *)b = 1), SIGSEGV);
		CHECK_EQ(shmdt(b), 0);
		CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
		CHECK_EQ(a[5000], 'z');
		CHECK_EQ(shmctl(id, IPC_STAT, &ds), 0);
		CHECK(ds.shm_perm.mode & SHM_DEST);
		CHECK_EQ(shmdt(a), 0);
		CHECK_ERRNO(shmctl(id, IPC_STAT, &ds), EINVAL);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_sem();
	test_msg();
	test_shm();
	return test_end();
}
