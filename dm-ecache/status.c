// SPDX-License-Identifier: GPL-2.0
/*
 * Status, table and IMA lines.
 */
#include <linux/string.h>

#include "dm-ecache.h"

/* Who works now: an accelerator that did not answer is out of work. */
static bool by_engine(const struct ecache_volume *vol)
{
	return vol->identity.engine->driver && !READ_ONCE(vol->demoted);
}

static void driver_name(struct ecache_volume *vol, char *name, unsigned int size)
{
	const struct ecache_key *key;

	lockdep_assert_held(&vol->state_lock);
	if (by_engine(vol)) {
		strscpy(name, vol->identity.engine->driver(vol), size);
		return;
	}
	/* A better driver may have come between table and key. */
	key = rcu_dereference_protected(vol->key, lockdep_is_held(&vol->state_lock));
	strscpy(name, ecache_cpu_driver(key ? key->tfm : vol->unkeyed), size);
}

/**
 * ecache_emit_info - the status line
 * @vol: the volume
 * @result: where to
 * @maxlen: its size
 *
 *	<state> <engine> <driver> <key_id|-> <lease seconds left|-> <reads> <writes> <read sectors> <write sectors>
 *	<inline> <deferred> <errors> <last reason>
 *
 * Return: characters printed.
 */
unsigned int ecache_emit_info(struct ecache_volume *vol, char *result, unsigned int maxlen)
{
	char driver[CRYPTO_MAX_ALG_NAME];
	u8 key_id[ECACHE_KEY_ID_SIZE];
	enum ecache_reason reason;
	enum ecache_state state;
	struct ecache_stats s;
	unsigned int sz = 0;
	const char *engine;
	long long lease;
	bool known;

	spin_lock_irq(&vol->state_lock);
	state = vol->state;
	reason = vol->reason;
	known = vol->key_id_known;
	lease = ecache_lease_left(vol);
	engine = by_engine(vol) ? vol->identity.engine->name : "cpu";
	driver_name(vol, driver, sizeof(driver));
	memcpy(key_id, vol->key_id, sizeof(key_id));
	spin_unlock_irq(&vol->state_lock);
	ecache_stats_sum(vol, &s);

	DMEMIT("%s %s %s ", ecache_state_name(state), engine, driver);
	if (known)
		DMEMIT("%*phN ", ECACHE_KEY_ID_SIZE, key_id);
	else
		DMEMIT("- ");
	if (lease >= 0)
		DMEMIT("%lld ", lease);
	else
		DMEMIT("- ");
	DMEMIT("%llu %llu %llu %llu %llu %llu %llu %s", s.reads, s.writes, s.read_sectors, s.write_sectors,
	       s.inline_reads, s.deferred_reads, s.errors, ecache_reason_name(reason));
	return sz;
}

static unsigned int emit_ima(struct ecache_target *et, char *result, unsigned int maxlen)
{
	unsigned int sz = 0;

	DMEMIT_TARGET_NAME_VERSION(et->ti->type);
	DMEMIT(",cipher=%s,key_size=%u,iv_offset=%llu,device=%s,start=%llu", et->cipher->name, et->key_size,
	       et->iv_offset, et->dev->name, (unsigned long long)et->start);
	DMEMIT(",sector_size=%u,iv_large_sectors=%c,allow_discards=%c,engine=%s,lease=%u,queue_if_locked=%c;",
	       et->sector_size, et->iv_large_sectors ? 'y' : 'n', et->allow_discards ? 'y' : 'n', et->engine->name,
	       et->lease, et->queue_if_locked ? 'y' : 'n');
	return sz;
}

/**
 * ecache_status - dm's status
 * @ti: the target
 * @type: which line
 * @status_flags: unused
 * @result: where to
 * @maxlen: its size
 */
void ecache_status(struct dm_target *ti, status_type_t type, unsigned int status_flags, char *result,
		   unsigned int maxlen)
{
	struct ecache_target *et = ti->private;

	switch (type) {
	case STATUSTYPE_INFO:
		ecache_emit_info(et->vol, result, maxlen);
		break;
	case STATUSTYPE_TABLE:
		ecache_emit(et, et->dev->name, result, maxlen);
		break;
	case STATUSTYPE_IMA:
		emit_ima(et, result, maxlen);
		break;
	}
}
