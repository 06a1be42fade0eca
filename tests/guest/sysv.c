/* SPDX-License-Identifier: Apache-2.0 */
/* sysv.c - System V shared memory, semaphores and message queues (sysvipc(7)) */
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include "tests/lib/guest.h"

#define PAGE 4096ul

static key_t g_key;

static struct shmid_ds shm_state(int id)
{
	struct shmid_ds ds = {0};

	MUST(shmctl(id, IPC_STAT, &ds));
	return ds;
}

static void test_shm_get(void)
{
	CASE("shmget: keys, sizes, IPC_EXCL")
	{
		int id = MUST(shmget(g_key, 3 * PAGE, IPC_CREAT | IPC_EXCL | 0640));

		CHECK_EQ(shmget(g_key, 0, 0), id);
		CHECK_EQ(shmget(g_key, 3 * PAGE, IPC_CREAT | 0600), id);
		CHECK_ERRNO(shmget(g_key, 3 * PAGE + 1, 0), EINVAL);
		CHECK_ERRNO(shmget(g_key, PAGE, IPC_CREAT | IPC_EXCL), EEXIST);
		CHECK_ERRNO(shmget(g_key + 1, PAGE, 0), ENOENT);
		CHECK_ERRNO(shmget(g_key + 1, 0, IPC_CREAT), EINVAL);
		struct shmid_ds ds = shm_state(id);

		CHECK_EQ(ds.shm_perm.mode, 0640);
		CHECK_EQ(ds.shm_perm.__key, g_key);
		CHECK_EQ(ds.shm_perm.uid, geteuid());
		CHECK_EQ(ds.shm_perm.cgid, getegid());
		CHECK_EQ(ds.shm_nattch, 0);
		CHECK_EQ(ds.shm_atime, 0);
		CHECK_EQ(ds.shm_lpid, 0);
		CHECK(ds.shm_ctime >= time(NULL) - 10);
		ds.shm_perm.mode = 0600;
		CHECK_EQ(shmctl(id, IPC_SET, &ds), 0);
		CHECK_EQ(shm_state(id).shm_perm.mode, 0600);
		CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
		CHECK_ERRNO(shmctl(id, IPC_RMID, NULL), EINVAL);
		CHECK_ERRNO(shmget(g_key, 0, 0), ENOENT);
		CHECK_ERRNO(shmctl(-1, IPC_STAT, &ds), EINVAL);
		CHECK_ERRNO(shmctl(0, 9999, &ds), EINVAL);
	}
	CASE("an identifier does not come back at once")
	{
		int a = MUST(shmget(IPC_PRIVATE, PAGE, 0600));

		CHECK_EQ(shmctl(a, IPC_RMID, NULL), 0);
		int b = MUST(shmget(IPC_PRIVATE, PAGE, 0600));

		CHECK(a != b);
		CHECK_EQ(shmctl(b, IPC_RMID, NULL), 0);
	}
	CASE("permissions")
	{
		NEED_ROOT();
		int id = MUST(shmget(g_key, PAGE, IPC_CREAT | 0604));

		CHECK_EXIT(FORK(struct shmid_ds ds; MUST(setgid(NOBODY)); MUST(setuid(NOBODY));
				CHECK_ERRNO((long)shmat(id, NULL, 0), EACCES);
				CHECK((long)shmat(id, NULL, SHM_RDONLY) != -1);
				CHECK_EQ(shmctl(id, IPC_STAT, &ds), 0);
				CHECK_EQ(shmget(g_key, 0, 04), id);
				CHECK_ERRNO(shmget(g_key, 0, 06), EACCES);
				CHECK_ERRNO(shmctl(id, IPC_SET, &ds), EPERM);
				CHECK_ERRNO(shmctl(id, IPC_RMID, NULL), EPERM)),
			   0);
		CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
	}
}

static void test_shm_attach(void)
{
	CASE("shmat: addresses and flags")
	{
		int id = MUST(shmget(IPC_PRIVATE, 2 * PAGE, 0600));
		char *m = mmap(NULL, 8 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		munmap(m + PAGE, 6 * PAGE);
		CHECK_ERRNO((long)shmat(id, m, 0), EINVAL);
		CHECK_ERRNO((long)shmat(id, m + PAGE + 1, 0), EINVAL);
		CHECK_ERRNO((long)shmat(id, NULL, SHM_REMAP), EINVAL);
		CHECK_ERRNO((long)shmat(-1, NULL, 0), EINVAL);
		char *a = shmat(id, m + PAGE, 0), *b = shmat(id, m + 3 * PAGE + 5, SHM_RND);

		REQUIRE(a == m + PAGE);
		REQUIRE(b == m + 3 * PAGE);
		a[PAGE] = 'x';
		CHECK_EQ(b[PAGE], 'x');
		CHECK_EQ(shm_state(id).shm_nattch, 2);
		CHECK_EQ(shm_state(id).shm_lpid, getpid());
		CHECK((char *)shmat(id, m, SHM_REMAP | SHM_RDONLY) == m);
		CHECK_EQ(m[PAGE], 'x');
		CHECK_ERRNO(mprotect(m, PAGE, PROT_READ | PROT_WRITE), EACCES);
		CHECK_EQ(shmdt(b), 0);
		CHECK_ERRNO(shmdt(b), EINVAL);
		CHECK_EQ(shmdt(m + PAGE), 0); /* what is left of a */
		CHECK_ERRNO(shmdt(m + PAGE), EINVAL);
		CHECK_EQ(shmdt(m), 0);
		CHECK_ERRNO(shmdt(g_dir), EINVAL);
		CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
		munmap(m, 8 * PAGE);
	}
	CASE("shmdt of an attachment in pieces")
	{
		int id = MUST(shmget(IPC_PRIVATE, 5 * PAGE, 0600));
		char *m = shmat(id, NULL, 0);
		unsigned char vec;

		REQUIRE(m != (void *)-1);
		CHECK_EQ(mprotect(m + PAGE, PAGE, PROT_READ), 0);
		munmap(m + 2 * PAGE, PAGE);
		CHECK_EQ(shm_state(id).shm_nattch, 3);
		CHECK_EQ(shmdt(m), 0);
		CHECK_EQ(shm_state(id).shm_nattch, 0);
		for (int i = 0; i < 5; i++)
			CHECK_ERRNO(mincore(m + i * PAGE, PAGE, &vec), ENOMEM);
		CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
	}
}

static void test_shm_life(void)
{
	CASE("attachments over fork, exec and exit; a removed segment lives as long as they do")
	{
		int id = MUST(shmget(g_key, PAGE, IPC_CREAT | 0600));
		volatile char *m = shmat(id, NULL, 0);
		int p[2];
		char c;

		REQUIRE(m != (void *)-1);
		MUST(pipe(p));
		pid_t pid = FORK(close(p[1]); (void)!read(p[0], &c, 1); m[0] = 'k');

		CHECK_EQ(shm_state(id).shm_nattch, 2);
		CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
		CHECK_EQ(shm_state(id).shm_perm.mode, 0600 | SHM_DEST);
		CHECK_EQ(shm_state(id).shm_perm.__key, IPC_PRIVATE);
		CHECK_ERRNO(shmget(g_key, PAGE, 0), ENOENT);
		char *again = shmat(id, NULL, SHM_RDONLY);

		CHECK(again != (void *)-1);
		CHECK_EQ(shmdt(again), 0);
		close(p[0]);
		close(p[1]);
		CHECK_EXIT(pid, 0);
		CHECK_EQ(m[0], 'k');
		CHECK_EQ(shm_state(id).shm_nattch, 1);
		CHECK_EXIT(FORK(execl("/bin/true", "true", NULL)), 0);
		CHECK_EQ(shm_state(id).shm_nattch, 1);
		CHECK_EQ(shmdt((void *)m), 0);
		CHECK_ERRNO(shmctl(id, IPC_STAT, &(struct shmid_ds){0}), EINVAL);
	}
	CASE("SHM_STAT, SHM_INFO, IPC_INFO")
	{
		int id = MUST(shmget(IPC_PRIVATE, PAGE, 0600)), top, found = 0;
		struct shmid_ds ds;
		struct shminfo limits;
		struct shm_info info;

		top = MUST(shmctl(0, SHM_INFO, (void *)&info));
		CHECK(info.used_ids >= 1 && info.shm_tot >= 1);
		CHECK(shmctl(0, IPC_INFO, (void *)&limits) >= 0);
		CHECK_EQ(limits.shmmni, 4096);
		CHECK_EQ(limits.shmmin, 1);
		for (int i = 0; i <= top; i++)
			found += shmctl(i, SHM_STAT, &ds) == id;
		CHECK_EQ(found, 1);
		CHECK_ERRNO(shmctl(id, IPC_STAT, BAD_PTR), EFAULT);
		CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
	}
}

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *info;
};

static int sem_value(int id, int num)
{
	return MUST(semctl(id, num, GETVAL));
}

static int sem_do(int id, int num, int op, int flags)
{
	return semop(id, &(struct sembuf){num, op, flags}, 1);
}

static void test_sem_control(void)
{
	CASE("semget, values")
	{
		int id = MUST(semget(g_key, 3, IPC_CREAT | IPC_EXCL | 0600));
		unsigned short v[3] = {5, 6, 7}, w[3];
		struct semid_ds ds;

		CHECK_EQ(semget(g_key, 0, 0), id);
		CHECK_ERRNO(semget(g_key, 4, 0), EINVAL);
		CHECK_ERRNO(semget(g_key, 3, IPC_CREAT | IPC_EXCL), EEXIST);
		CHECK_ERRNO(semget(IPC_PRIVATE, 0, 0600), EINVAL);
		CHECK_ERRNO(semget(IPC_PRIVATE, -1, 0600), EINVAL);
		CHECK_EQ(semctl(id, 0, SETALL, (union semun){.array = v}), 0);
		CHECK_EQ(semctl(id, 0, GETALL, (union semun){.array = w}), 0);
		CHECK(!memcmp(v, w, sizeof(v)));
		CHECK_EQ(sem_value(id, 2), 7);
		CHECK_EQ(semctl(id, 1, SETVAL, (union semun){.val = 32767}), 0);
		CHECK_EQ(sem_value(id, 1), 32767);
		CHECK_ERRNO(semctl(id, 1, SETVAL, (union semun){.val = 32768}), ERANGE);
		CHECK_ERRNO(semctl(id, 3, GETVAL), EINVAL);
		CHECK_ERRNO(semctl(id, -1, GETVAL), EINVAL);
		CHECK_EQ(semctl(id, 1, GETPID), getpid());
		CHECK_EQ(semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}), 0);
		CHECK_EQ(ds.sem_nsems, 3);
		CHECK_EQ(ds.sem_perm.mode, 0600);
		CHECK_EQ(ds.sem_otime, 0);
		CHECK_EQ(sem_do(id, 0, -1, 0), 0);
		CHECK_EQ(semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}), 0);
		CHECK(ds.sem_otime >= time(NULL) - 10);
		CHECK_ERRNO(semctl(id, 0, GETALL, (union semun){.array = BAD_PTR}), EFAULT);
		CHECK_EQ(semctl(id, 0, IPC_RMID), 0);
		CHECK_ERRNO(semctl(id, 0, IPC_RMID), EINVAL);
		CHECK_ERRNO(sem_do(id, 0, 1, 0), EINVAL);
	}
	CASE("permissions")
	{
		NEED_ROOT();
		int id = MUST(semget(g_key, 1, IPC_CREAT | 0604));

		CHECK_EXIT(FORK(MUST(setgid(NOBODY)); MUST(setuid(NOBODY));
				CHECK_EQ(semctl(id, 0, GETVAL), 0);
				CHECK_ERRNO(semctl(id, 0, SETVAL, (union semun){.val = 1}), EACCES);
				CHECK_ERRNO(sem_do(id, 0, 1, 0), EACCES);
				CHECK_EQ(sem_do(id, 0, 0, 0), 0);
				CHECK_ERRNO(semctl(id, 0, IPC_RMID), EPERM)),
			   0);
		CHECK_EQ(semctl(id, 0, IPC_RMID), 0);
	}
	CASE("SEM_INFO, SEM_STAT")
	{
		int id = MUST(semget(IPC_PRIVATE, 2, 0600)), top, found = 0;
		struct seminfo info;
		struct semid_ds ds;

		top = MUST(semctl(0, 0, SEM_INFO, (union semun){.info = &info}));
		CHECK(info.semusz >= 1 && info.semaem >= 2);
		CHECK(semctl(0, 0, IPC_INFO, (union semun){.info = &info}) >= 0);
		CHECK_EQ(info.semvmx, 32767);
		for (int i = 0; i <= top; i++)
			found += semctl(i, 0, SEM_STAT, (union semun){.buf = &ds}) == id;
		CHECK_EQ(found, 1);
		CHECK_EQ(semctl(id, 0, IPC_RMID), 0);
	}
}

static void test_sem_ops(void)
{
	int id = MUST(semget(IPC_PRIVATE, 4, 0600));

	CASE("semop: all or nothing, errors")
	{
		struct sembuf two[] = {{0, 2, IPC_NOWAIT}, {1, -1, IPC_NOWAIT}};
		struct sembuf same[] = {{2, 1, 0}, {2, -1, 0}, {2, 0, 0}};
		struct sembuf many[501] = {0};

		CHECK_ERRNO(semop(id, two, 2), EAGAIN);
		CHECK_EQ(sem_value(id, 0), 0);
		CHECK_EQ(semop(id, same, 3), 0);
		CHECK_ERRNO(semop(id, many, 501), E2BIG);
		CHECK_EQ(semop(id, many, 500), 0);
		CHECK_ERRNO(semop(id, many, 0), EINVAL);
		CHECK_ERRNO(sem_do(-1, 0, 1, 0), EINVAL);
		CHECK_ERRNO(sem_do(id, 4, 1, 0), EFBIG);
		CHECK_ERRNO(semop(id, BAD_PTR, 1), EFAULT);
		CHECK_EQ(sem_do(id, 0, 32767, 0), 0);
		CHECK_ERRNO(sem_do(id, 0, 1, 0), ERANGE);
		CHECK_EQ(sem_do(id, 0, -32767, 0), 0);
	}
	CASE("semtimedop")
	{
		struct timespec ts = {0, 20000000}, bad = {0, 1000000000};
		struct sembuf down = {0, -1, 0};
		long long from = now_ms();

		CHECK_ERRNO(semtimedop(id, &down, 1, &ts), EAGAIN);
		CHECK(now_ms() - from >= 20);
		CHECK_ERRNO(semtimedop(id, &down, 1, &bad), EINVAL);
		CHECK_EQ(semctl(id, 0, GETNCNT), 0);
	}
	CASE("waiters: counted, woken, and done on their behalf")
	{
		pid_t down = FORK(CHECK_EQ(sem_do(id, 0, -2, 0), 0));
		pid_t zero;

		EVENTUALLY(semctl(id, 0, GETNCNT) == 1);
		CHECK_EQ(sem_do(id, 0, 1, 0), 0);
		CHECK_EQ(sem_value(id, 0), 1);
		CHECK_EQ(semctl(id, 0, GETNCNT), 1);
		CHECK_EQ(sem_do(id, 0, 1, 0), 0);
		CHECK_EQ(sem_value(id, 0), 0);
		CHECK_EQ(semctl(id, 0, GETPID), down);
		CHECK_EXIT(down, 0);
		CHECK_EQ(sem_do(id, 1, 1, 0), 0);
		zero = FORK(CHECK_EQ(sem_do(id, 1, 0, 0), 0));
		EVENTUALLY(semctl(id, 1, GETZCNT) == 1);
		CHECK_EQ(sem_do(id, 1, -1, 0), 0);
		CHECK_EQ(sem_do(id, 1, 1, 0), 0); /* 0 for a moment is enough */
		CHECK_EXIT(zero, 0);
		CHECK_EQ(semctl(id, 1, SETVAL, (union semun){.val = 0}), 0);
	}
	CASE("a signal ends the wait, SA_RESTART or not")
	{
		on_signal(SIGUSR1, count_signal, SA_RESTART);
		pid_t pid = FORK(CHECK_ERRNO(sem_do(id, 0, -1, 0), EINTR));

		EVENTUALLY(semctl(id, 0, GETNCNT) == 1);
		kill(pid, SIGUSR1);
		CHECK_EXIT(pid, 0);
		CHECK_EQ(semctl(id, 0, GETNCNT), 0);
		pid = FORK(sem_do(id, 0, -1, 0));
		EVENTUALLY(semctl(id, 0, GETNCNT) == 1);
		kill(pid, SIGKILL);
		CHECK_KILLED(pid, SIGKILL);
		CHECK_EQ(semctl(id, 0, GETNCNT), 0);
	}
	CASE("SEM_UNDO")
	{
		CHECK_EQ(semctl(id, 3, SETVAL, (union semun){.val = 1}), 0);
		pid_t holder = FORK(CHECK_EQ(sem_do(id, 3, -1, SEM_UNDO), 0); pause());

		EVENTUALLY(sem_value(id, 3) == 0);
		pid_t waiter = FORK(CHECK_EQ(sem_do(id, 3, -1, 0), 0));

		EVENTUALLY(semctl(id, 3, GETNCNT) == 1);
		kill(holder, SIGKILL);
		CHECK_KILLED(holder, SIGKILL);
		CHECK_EXIT(waiter, 0);
		CHECK_EQ(sem_value(id, 3), 0);
		CHECK_EXIT(FORK(CHECK_EQ(sem_do(id, 3, 5, SEM_UNDO), 0);
				CHECK_EQ(sem_do(id, 3, -2, SEM_UNDO), 0)),
			   0);
		CHECK_EQ(sem_value(id, 3), 0);
		CHECK_EXIT(FORK(CHECK_EQ(sem_do(id, 3, 5, SEM_UNDO), 0);
				CHECK_EQ(semctl(id, 3, SETVAL, (union semun){.val = 4}), 0)),
			   0);
		CHECK_EQ(sem_value(id, 3), 4);
	}
	CASE("IPC_RMID wakes with EIDRM")
	{
		pid_t pid = FORK(CHECK_ERRNO(sem_do(id, 0, -1, SEM_UNDO), EIDRM));

		EVENTUALLY(semctl(id, 0, GETNCNT) == 1);
		CHECK_EQ(semctl(id, 0, IPC_RMID), 0);
		CHECK_EXIT(pid, 0);
	}
}

struct message {
	long type;
	char text[64];
};

static int msg_put(int id, long type, const char *text, int flags)
{
	struct message m = {.type = type};

	strcpy(m.text, text);
	return msgsnd(id, &m, strlen(text), flags);
}

/* Receives and compares type and text. */
static void msg_check(int id, long want, int flags, long type, const char *text)
{
	struct message m = {0};

	CHECK_EQ(msgrcv(id, &m, sizeof(m.text), want, flags), strlen(text));
	CHECK_EQ(m.type, type);
	CHECK_STR(m.text, text);
}

static struct msqid_ds msg_state(int id)
{
	struct msqid_ds ds = {0};

	MUST(msgctl(id, IPC_STAT, &ds));
	return ds;
}

static void test_msg_types(void)
{
	CASE("order and types of messages")
	{
		int id = MUST(msgget(g_key, IPC_CREAT | IPC_EXCL | 0600));
		struct message m;

		CHECK_EQ(msgget(g_key, 0), id);
		CHECK_ERRNO(msgget(g_key, IPC_CREAT | IPC_EXCL), EEXIST);
		CHECK_EQ(msg_put(id, 3, "three", 0), 0);
		CHECK_EQ(msg_put(id, 2, "two", 0), 0);
		CHECK_EQ(msg_put(id, 5, "five", 0), 0);
		CHECK_EQ(msg_put(id, 2, "again", 0), 0);
		CHECK_EQ(msg_put(id, 9, "", 0), 0);
		CHECK_EQ(msg_state(id).msg_qnum, 5);
		CHECK_EQ(msg_state(id).__msg_cbytes, 17);
		CHECK_EQ(msg_state(id).msg_lspid, getpid());
		msg_check(id, -4, 0, 2, "two");
		msg_check(id, 3, MSG_EXCEPT, 5, "five");
		msg_check(id, 9, 0, 9, "");
		msg_check(id, 0, 0, 3, "three");
		CHECK_ERRNO(msgrcv(id, &m, sizeof(m.text), 7, IPC_NOWAIT), ENOMSG);
		CHECK_ERRNO(msgrcv(id, &m, 3, 0, 0), E2BIG);
		CHECK_EQ(msgrcv(id, &m, 3, 0, MSG_NOERROR), 3);
		CHECK(!memcmp(m.text, "aga", 3));
		CHECK_EQ(msg_state(id).msg_qnum, 0);
		CHECK_EQ(msg_state(id).msg_lrpid, getpid());
		CHECK_ERRNO(msg_put(id, 0, "x", 0), EINVAL);
		CHECK_ERRNO(msg_put(id, -1, "x", 0), EINVAL);
		CHECK_ERRNO(msg_put(-1, 1, "x", 0), EINVAL);
		CHECK_ERRNO(msgsnd(id, BAD_PTR, 1, 0), EFAULT);
		CHECK_ERRNO(msgrcv(id, &m, -1, 0, 0), EINVAL);
		CHECK_EQ(msgctl(id, IPC_RMID, NULL), 0);
		CHECK_ERRNO(msg_put(id, 1, "x", 0), EINVAL);
		CHECK_ERRNO(msgget(g_key, 0), ENOENT);
	}
	CASE("limits")
	{
		int id = MUST(msgget(IPC_PRIVATE, 0600)), n = 0;
		static struct {
			long type;
			char text[8193];
		} big = {.type = 1};
		struct msqid_ds ds = msg_state(id);

		CHECK_EQ(ds.msg_qbytes, 16384);
		CHECK_ERRNO(msgsnd(id, &big, 8193, IPC_NOWAIT), EINVAL);
		CHECK_EQ(msgsnd(id, &big, 8192, IPC_NOWAIT), 0);
		CHECK_EQ(msgsnd(id, &big, 8192, IPC_NOWAIT), 0);
		CHECK_ERRNO(msgsnd(id, &big, 1, IPC_NOWAIT), EAGAIN);
		CHECK_EQ(msgsnd(id, &big, 0, IPC_NOWAIT), 0);
		CHECK_EQ(msgrcv(id, &big, 8192, 0, 0), 8192);
		ds.msg_qbytes = 8196;
		ds.msg_perm.mode = 0620;
		CHECK_EQ(msgctl(id, IPC_SET, &ds), 0);
		CHECK_EQ(msg_state(id).msg_perm.mode, 0620);
		while (msgsnd(id, &big, 1, IPC_NOWAIT) == 0)
			n++;
		CHECK_EQ(n, 4);
		CHECK_EQ(msgctl(id, IPC_RMID, NULL), 0);
	}
	CASE("permissions, MSG_INFO")
	{
		NEED_ROOT();
		int id = MUST(msgget(g_key, IPC_CREAT | 0602));
		struct msginfo info;

		CHECK(msgctl(0, MSG_INFO, (void *)&info) >= 0);
		CHECK(info.msgpool >= 1);
		CHECK(msgctl(0, IPC_INFO, (void *)&info) >= 0);
		CHECK_EQ(info.msgmax, 8192);
		CHECK_EXIT(FORK(struct message m; MUST(setgid(NOBODY)); MUST(setuid(NOBODY));
				CHECK_EQ(msg_put(id, 1, "x", 0), 0);
				CHECK_ERRNO(msgrcv(id, &m, 64, 0, IPC_NOWAIT), EACCES);
				CHECK_ERRNO(msgctl(id, IPC_RMID, NULL), EPERM)),
			   0);
		CHECK_EQ(msgctl(id, IPC_RMID, NULL), 0);
	}
}

static void test_msg_waits(void)
{
	int id = MUST(msgget(IPC_PRIVATE, 0600));

	CASE("a receiver waits for its type")
	{
		pid_t pid = FORK(msg_check(id, 2, 0, 2, "mine"));

		CHECK(wait_sleeping(pid));
		CHECK_EQ(msg_put(id, 1, "other", 0), 0);
		CHECK_EQ(msg_put(id, 2, "mine", 0), 0);
		CHECK_EQ(msg_state(id).msg_qnum, 1);
		CHECK_EQ(msg_state(id).msg_lrpid, pid);
		CHECK_EXIT(pid, 0);
		msg_check(id, 0, 0, 1, "other");
	}
	CASE("a receiver without room fails when the message comes")
	{
		pid_t pid = FORK(struct message m; CHECK_ERRNO(msgrcv(id, &m, 2, 0, 0), E2BIG));

		CHECK(wait_sleeping(pid));
		CHECK_EQ(msg_put(id, 1, "long", 0), 0);
		CHECK_EXIT(pid, 0);
		msg_check(id, 0, 0, 1, "long");
	}
	CASE("a sender waits for room")
	{
		struct msqid_ds ds = msg_state(id);

		ds.msg_qbytes = 4;
		CHECK_EQ(msgctl(id, IPC_SET, &ds), 0);
		CHECK_EQ(msg_put(id, 1, "full", 0), 0);
		pid_t pid = FORK(CHECK_EQ(msg_put(id, 2, "next", 0), 0));

		CHECK(wait_sleeping(pid));
		msg_check(id, 0, 0, 1, "full");
		CHECK_EXIT(pid, 0);
		msg_check(id, 0, 0, 2, "next");
	}
	CASE("signals end the wait; without a handler it goes on")
	{
		struct message m;

		on_signal(SIGUSR1, count_signal, SA_RESTART);
		pid_t pid = FORK(CHECK_ERRNO(msgrcv(id, &m, 64, 0, 0), EINTR));

		CHECK(wait_sleeping(pid));
		kill(pid, SIGUSR1);
		CHECK_EXIT(pid, 0);
		pid = FORK(msg_check(id, 0, 0, 1, "go"));
		CHECK(wait_sleeping(pid));
		kill(pid, SIGSTOP);
		EVENTUALLY(proc_state(pid) == 'T');
		kill(pid, SIGCONT);
		CHECK(wait_sleeping(pid));
		CHECK_EQ(msg_put(id, 1, "go", 0), 0);
		CHECK_EXIT(pid, 0);
	}
	CASE("IPC_RMID wakes receivers and senders with EIDRM")
	{
		struct message m;
		pid_t reader = FORK(CHECK_ERRNO(msgrcv(id, &m, 64, 5, 0), EIDRM)), writer;

		CHECK_EQ(msg_put(id, 1, "full", 0), 0);
		writer = FORK(CHECK_ERRNO(msg_put(id, 1, "more", 0), EIDRM));
		CHECK(wait_sleeping(reader));
		CHECK(wait_sleeping(writer));
		CHECK_EQ(msgctl(id, IPC_RMID, NULL), 0);
		CHECK_EXIT(reader, 0);
		CHECK_EXIT(writer, 0);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	g_key = 0x5a000000 | (getpid() & 0xfffff) << 4;
	test_shm_get();
	test_shm_attach();
	test_shm_life();
	test_sem_control();
	test_sem_ops();
	test_msg_types();
	test_msg_waits();
	return test_end();
}
