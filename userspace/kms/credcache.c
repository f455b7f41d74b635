// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "credcache.h"
#include "provider.h"

#define TEXT_MAX 8704
#define LOCK_TRIES 200

struct place {
	int64_t expires_s;
	uint32_t len[3];	/* access key id, secret access key, session token, one after the other */
	char text[TEXT_MAX];
};

/* All of it can be written by a process that was taken over: what is read is checked. */
struct pages {
	_Atomic uint32_t current;	/* 1 or 2: that place is good; 0: none is */
	struct place place[2];
};

static struct pages *pages_of(struct credcache *c)
{
	return c ? (struct pages *)c->pages.data : NULL;
}

int credcache_open(struct credcache *c, struct err *e)
{
	int rc = secret_alloc(&c->pages, sizeof(struct pages));

	return rc ? err_sys(e, rc, "cannot lock memory for credentials") : 0;
}

void credcache_close(struct credcache *c)
{
	secret_wipe(&c->pages);
}

/* The bytes of the memfd that stand for what is locked. */
enum lock_byte { LOCK_PAGES, LOCK_CLAIM };

static bool set_lock(struct credcache *c, enum lock_byte byte, short type)
{
	struct flock fl = { .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };

	return !fcntl(c->pages.fd, F_SETLK, &fl);
}

/* lock - holders copy a few kilobytes; one that was stopped in the middle is not waited for. */
static bool lock(struct credcache *c)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	int i;

	for (i = 0; i < LOCK_TRIES; i++) {
		if (set_lock(c, LOCK_PAGES, F_WRLCK))
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static void unlock(struct credcache *c)
{
	set_lock(c, LOCK_PAGES, F_UNLCK);
}

/* read_place - spans of the place that is good; false when none is, or its lengths are impossible. */
static bool read_place(struct pages *p, struct found *f)
{
	struct span *spans[] = { &f->access_key_id, &f->secret_access_key, &f->session_token };
	uint32_t current = atomic_load(&p->current), len;
	const struct place *from;
	size_t at = 0, i;

	if (current != 1 && current != 2)
		return false;
	from = &p->place[current - 1];
	for (i = 0; i < 3; i++) {
		len = from->len[i];
		if (len > TEXT_MAX - at)
			return false;
		*spans[i] = (struct span){ from->text + at, len };
		at += len;
	}
	f->expires_s = from->expires_s;
	return f->expires_s > 0;
}

bool credcache_get(struct credcache *c, struct creds *out)
{
	struct pages *p = pages_of(c);
	bool good = false;
	struct found f;

	*out = (struct creds){ .store = SECRET_INIT };
	if (!p || !lock(c))
		return false;
	if (read_place(p, &f))
		good = provider_keep(out, &f, "cache", NULL) == FOUND;
	unlock(c);
	return good;
}

static void fill(struct place *to, const struct creds *creds)
{
	const char *texts[] = { creds->access_key_id, creds->secret_access_key, creds->session_token };
	size_t at = 0, i;

	to->expires_s = creds->expires_s;
	for (i = 0; i < 3; i++) {
		to->len[i] = strlen(texts[i]);
		memcpy(to->text + at, texts[i], to->len[i]);
		at += to->len[i];
	}
}

void credcache_put(struct credcache *c, const struct creds *creds)
{
	struct pages *p = pages_of(c);
	uint32_t next;

	if (!p)
		return;
	if (creds->expires_s && creds->store.len <= TEXT_MAX && lock(c)) {
		next = atomic_load(&p->current) == 1 ? 2 : 1;
		fill(&p->place[next - 1], creds);
		atomic_store(&p->current, next);
		explicit_bzero(&p->place[2 - next], sizeof(p->place[0]));
		unlock(c);
	}
	credcache_unclaim(c);
}

void credcache_drop(struct credcache *c, const char *access_key_id)
{
	struct pages *p = pages_of(c);
	struct found f;

	if (!p || !lock(c))
		return;
	if (read_place(p, &f) && span_is(&f.access_key_id, access_key_id)) {
		atomic_store(&p->current, 0);
		explicit_bzero(p->place, sizeof(p->place));
	}
	unlock(c);
}

bool credcache_claim(struct credcache *c)
{
	return !pages_of(c) || set_lock(c, LOCK_CLAIM, F_WRLCK);
}

void credcache_unclaim(struct credcache *c)
{
	if (pages_of(c))
		set_lock(c, LOCK_CLAIM, F_UNLCK);
}
