/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_WORLD_H
#define ECACHED_WORLD_H

/*
 * For tests of jobs: a world in a scratch directory. The volume library, libcryptsetup and
 * the files are the real ones, on a disk that is a file; device-mapper is volume/dm_fake.h;
 * the KMS is a table of grants behind a wrapped net_call(); the creator is a process that
 * answers as ecachectl does. All of it is in memory shared by processes, so that a job can
 * run in a child and be killed at any call (struct fault), and what it left can be looked
 * at.
 *
 * The tests are linked with --wrap for the functions in WRAPPED of userspace/Makefile.
 * Include after common/test.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/agentconf.h"
#include "../common/encode.h"
#include "../common/ipc.h"
#include "../common/json.h"
#include "../volume/audit.h"
#include "../volume/backups.h"
#include "../volume/dm_fake.h"
#include "../volume/foreign.h"
#include "../volume/fssize.h"
#include "../volume/freeze.h"
#include "../volume/scratch.h"
#include "creating.h"
#include "proto.h"
#include "recover.h"
#include "unwrap.h"

#define WORLD_ARN "arn:aws:kms:local-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
#define WORLD_ARN2 "arn:aws:kms:local-1:123456789012:key/99999999-12ab-34cd-56ef-1234567890ab"
#define WORLD_DISK (2 * 1024 * 1024)
#define WORLD_GRANTS 16
#define WORLD_BLOB 150		/* bytes of a wrapped key */

enum fault_mode { FAULT_NONE, FAULT_FAIL_BEFORE, FAULT_FAIL_AFTER, FAULT_KILL_BEFORE, FAULT_KILL_AFTER, FAULT_MODES };

struct fault {
	enum fault_mode mode;
	unsigned int at;		/* strike at this call, counted from 1 */
	unsigned int calls;		/* wrapped calls so far */
	char name[48];			/* of the call that was struck */
	bool undoing;			/* create_undo() was entered */
	bool struck_undoing;
};

struct world_grant {
	bool used;
	bool alive;
	bool owners;			/* made by the owner himself */
	bool second;			/* on WORLD_ARN2 */
	char name[512];
	char id[40];
};

/*
 * What the creator's process does instead of answering: hang up or cancel, before or after
 * its answer number @at (from 1).
 */
enum creator_mode {
	CREATOR_GOOD,
	CREATOR_DIES_BEFORE,
	CREATOR_DIES_AFTER,
	CREATOR_CANCELS_BEFORE,
	CREATOR_CANCELS_AFTER,
	CREATOR_FAILS,
};

struct world {
	struct dm_fake dm;
	struct fault fault;
	struct world_grant grant[WORLD_GRANTS];
	unsigned int grants_made, unwraps, wraps, retires, denials_left;
	unsigned int probes, mays;	/* questions that change nothing */
	bool kms_down, key_disabled, equal_halves, wrong_key, retire_refused;
	bool no_dry_run;		/* the KMS does what it is asked, dry run or not */
	bool may_grant;			/* CreateGrant was asked about */
	uint8_t wrapped[64];		/* the key behind the blob, if Encrypt was asked for one */
	size_t wrapped_len;
	bool wrap_refused;
	bool swap_made, swapped, no_room;	/* one swap area */
	struct fssize fs;
	char first_uuid[LUKS_UUID_LEN + 1];	/* whose key is 0, 7, 14 ...; another's is another */
	bool freeze_expires;			/* the file system is thawed before it is copied */
	bool key_goes, image_rots;		/* while it is copied */
	enum creator_mode creator;
	unsigned int creator_at;
};

/* One world a test program: a wrapped function has no other way to it. */
static struct world *world;

#include "kms_fake.h"

/*
 * strike - whether this call is the one: 0, or -EIO (before: do not call; after: call, then
 * fail). A kill does not return.
 */
static inline int strike(const char *name, bool before)
{
	struct fault *f = &world->fault;

	if (before)
		f->calls++;
	if (f->mode == FAULT_NONE || f->calls != f->at)
		return 0;
	if (f->mode != (before ? FAULT_FAIL_BEFORE : FAULT_FAIL_AFTER) &&
	    f->mode != (before ? FAULT_KILL_BEFORE : FAULT_KILL_AFTER))
		return 0;
	snprintf(f->name, sizeof(f->name), "%s", name);
	f->struck_undoing = f->undoing;
	if (f->mode == FAULT_KILL_BEFORE || f->mode == FAULT_KILL_AFTER)
		kill(getpid(), SIGKILL);
	f->at = 0;
	return -EIO;
}

/* FAULTY - a wrapped function that @params and @args name, its struct err being e. */
#define FAULTY(fn, params, args)						\
	typeof(fn) __real_##fn, __wrap_##fn;					\
	int __wrap_##fn params							\
	{									\
		int rc = strike(#fn, true);					\
										\
		if (rc)								\
			return err_set(e, rc, "struck before " #fn);		\
		rc = __real_##fn args;						\
		if (!rc)							\
			rc = strike(#fn, false);				\
		return rc == -EIO ? err_set(e, rc, "struck after " #fn) : rc;	\
	}

FAULTY(intent_begin, (const char *dir, const char *name, const struct intent *i, struct err *e), (dir, name, i, e))
FAULTY(intent_step, (const char *dir, const char *name, const struct intent *i, struct err *e), (dir, name, i, e))
FAULTY(intent_end, (const char *dir, const char *name, struct err *e), (dir, name, e))
FAULTY(device_save, (const struct device *d, const char *file, struct err *e), (d, file, e))
FAULTY(device_restore, (const struct device *d, const char *file, struct err *e), (d, file, e))
FAULTY(header_format, (const char *path, const struct header_spec *spec, const struct secret *key,
		       char digest[TOKEN_DIGEST_MAX + 1], struct err *e), (path, spec, key, digest, e))
FAULTY(header_write_token, (const char *path, const struct token *t, struct err *e), (path, t, e))
FAULTY(header_load, (const char *path, struct header *h, struct err *e), (path, h, e))
FAULTY(header_load_as, (const char *path, enum header_shape shape, struct header *h,
			struct err *e), (path, shape, h, e))
FAULTY(foreign_key, (const char *path, const struct secret *passphrase, struct secret *key,
		     struct err *e), (path, passphrase, key, e))
FAULTY(foreign_drop_keyslots, (const char *path, struct err *e), (path, e))
FAULTY(foreign_drop_token, (const char *path, struct err *e), (path, e))
FAULTY(header_verify_key, (const char *path, const struct secret *key, struct err *e), (path, key, e))
FAULTY(header_wipe, (const char *path, struct err *e), (path, e))
FAULTY(pin_create, (const char *dir, const char *name, const struct pin *p, struct err *e), (dir, name, p, e))
FAULTY(pin_set_key, (const char *dir, const char *name, const char *key_arn, struct err *e), (dir, name, key_arn, e))
FAULTY(pin_remove, (const char *dir, const char *name, struct err *e), (dir, name, e))
FAULTY(state_store, (const char *dir, const char *name, const struct state *s, struct err *e), (dir, name, s, e))
FAULTY(state_remove, (const char *dir, const char *name, struct err *e), (dir, name, e))
FAULTY(audit_append, (struct audit *a, const char *event, const char *volume, struct json_object *fields,
		      const char *request_id, struct err *e), (a, event, volume, fields, request_id, e))
FAULTY(mapping_open, (const struct dm *dm, const char *name, struct device *d, const struct header *h,
		      bool discards, unsigned int lease, struct err *e), (dm, name, d, h, discards, lease, e))
FAULTY(mapping_key_set, (const struct dm *dm, const char *name, const char *luks_uuid, const struct secret *key,
			 struct err *e), (dm, name, luks_uuid, key, e))
FAULTY(mapping_announce, (const struct dm *dm, const char *name, struct err *e), (dm, name, e))
FAULTY(mapping_close, (const struct dm *dm, const char *name, struct err *e), (dm, name, e))

#include "backup_fake.h"
#include "swap_fake.h"

int __real_create_undo(const struct env *env, struct talk *t, const char *name, struct intent *i,
		       struct device *device, bool last, struct err *e);
int __wrap_create_undo(const struct env *env, struct talk *t, const char *name, struct intent *i,
		       struct device *device, bool last, struct err *e);

int __wrap_create_undo(const struct env *env, struct talk *t, const char *name, struct intent *i,
		       struct device *device, bool last, struct err *e)
{
	world->fault.undoing = true;
	return __real_create_undo(env, t, name, i, device, last, e);
}

/* The test's own: directories, configuration, disk. */
struct place {
	struct scratch scratch;
	char pins[96], state[96], intents[96], saved[96], report[96], lock[96], audit[96], disk[96], backups[96];
	char region[16], principal[64], key[128], none[1];
	struct agentconf conf;
	struct env env;
};

static inline void place_dir(struct place *p, char *out, const char *name)
{
	snprintf(out, 96, "%s/%s", p->scratch.dir, name);
	assert_int_equal(mkdir(out, 0700), 0);
}

static inline void place_blank_disk(struct place *p)
{
	int fd = open(p->disk, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, WORLD_DISK), 0);
	close(fd);
}

/*
 * place_used_disk - a disk that holds something libblkid knows: an ext2 magic, and marks
 * all over the first MiB.
 */
static inline void place_used_disk(struct place *p)
{
	static uint8_t buf[1024 * 1024];
	int fd = open(p->disk, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t i;

	for (i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)(i * 31 + i / 256);
	memset(buf + 1024, 0, 1024);
	buf[1024 + 0x38] = 0x53;
	buf[1024 + 0x39] = 0xef;
	buf[1024 + 0x4c] = 1;		/* revision */
	buf[1024 + 0x18] = 2;		/* 4 KiB blocks */
	buf[1024 + 0x05] = 4;		/* 1024 of them */
	buf[1024 + 0x20 + 1] = 0x80;	/* blocks a group */
	buf[1024 + 0x28] = 16;		/* inodes a group */
	assert_true(fd >= 0);
	assert_int_equal(write(fd, buf, sizeof(buf)), sizeof(buf));
	assert_int_equal(ftruncate(fd, WORLD_DISK), 0);
	close(fd);
}

static inline struct place *place_make(void)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(world, MAP_FAILED);
	/* In memory where possible: thousands of syncs of a busy disk would take a minute. */
	strcpy(p->scratch.dir, access("/dev/shm", W_OK) ? "/tmp/ecache-XXXXXX" : "/dev/shm/ecache-XXXXXX");
	assert_non_null(mkdtemp(p->scratch.dir));
	place_dir(p, p->pins, "pins");
	place_dir(p, p->state, "state");
	place_dir(p, p->intents, "intents");
	place_dir(p, p->saved, "saved");
	place_dir(p, p->backups, "backups");
	place_dir(p, p->report, "report");
	place_dir(p, p->lock, "lock");
	snprintf(p->audit, sizeof(p->audit), "%s/audit.log", p->scratch.dir);
	snprintf(p->disk, sizeof(p->disk), "%s/disk", p->scratch.dir);
	place_blank_disk(p);
	strcpy(p->region, "local-1");
	strcpy(p->principal, "arn:aws:iam::123456789012:role/host");
	strcpy(p->key, WORLD_ARN);
	p->conf = (struct agentconf){
		.region = p->region, .host_principal = p->principal, .default_key = p->key, .canary_key = p->none,
	};
	policies_init(&p->conf.policy);
	p->env = (struct env){
		.pin_dir = p->pins, .state_dir = p->state, .intent_dir = p->intents, .saved_dir = p->saved,
		.backup_dir = p->backups,
		.report_dir = p->report, .lock_dir = p->lock, .audit_log = p->audit, .net_socket = "/nowhere",
		.device_flags = DEVICE_FILE, .conf = &p->conf, .dm = { .ops = &dm_fake_ops, .ctx = &world->dm },
	};
	return p;
}

static inline void place_drop(struct place *p)
{
	nftw(p->scratch.dir, scratch_remove, 16, FTW_DEPTH | FTW_PHYS);
	munmap(world, sizeof(*world));
	world = NULL;
	free(p);
}

#include "creator_fake.h"

enum ran { RAN_OK, RAN_FAILED, RAN_KILLED };

/*
 * run_job - a job in a child of its own, with a creator on the other end; @e is shared
 * memory or NULL.
 */
static inline enum ran run_job(struct place *p, int (*job)(struct job *j, struct err *e), const struct request *rq,
			       struct err *e)
{
	struct err own = ERR_INIT, *shared;
	pid_t creator, worker;
	int pair[2], status;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(shared, MAP_FAILED);
	*shared = own;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	creator = fork();
	if (!creator) {
		close(pair[0]);
		creator_main(pair[1]);
	}
	worker = fork();
	if (!worker) {
		struct talk t = { .sock = pair[0] };
		struct job j = { .env = &p->env, .talk = &t, .rq = rq, .result = json_object_new_object() };

		close(pair[1]);
		_exit(job(&j, shared) ? 1 : 0);
	}
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(waitpid(worker, &status, 0), worker);
	assert_int_equal(waitpid(creator, NULL, 0), creator);
	if (e)
		*e = *shared;
	munmap(shared, sizeof(*shared));
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGKILL);
		return RAN_KILLED;
	}
	return WEXITSTATUS(status) ? RAN_FAILED : RAN_OK;
}

static inline bool exists(const char *dir, const char *name, const char *suffix)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s%s", dir, name, suffix);
	return !access(path, F_OK);
}

/* recover_all - the next start: what an intent record of @name says, with no more faults. */
static inline void recover_all(struct place *p, const char *name)
{
	struct err e = ERR_INIT;
	int tries;

	world->fault.mode = FAULT_NONE;
	for (tries = 0; exists(p->intents, name, ".json"); tries++) {
		assert_true(tries < 3);
		recover_intent(&p->env, name, false, &e);
	}
}

#endif
