/* SPDX-License-Identifier: Apache-2.0 */
/* sysv.c - System V shared memory, semaphores and message queues (sysvipc(7)) */
#include <sys/ipc.h>
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

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	g_key = 0x5a000000 | (getpid() & 0xfffff) << 4;
	test_shm_get();
	test_shm_attach();
	test_shm_life();
	return test_end();
}
