// SPDX-License-Identifier: GPL-2.0
/*
 * Messages to the live table. None waits for I/O or for a device: dm holds the live table for a message, and one that waits blocks
 * every other operation on the device. All are idempotent.
 */
#include <linux/sched/mm.h>
#include <linux/string.h>

#include "dm-ecache.h"

static const char *device_name(struct dm_target *ti)
{
	return dm_device_name(dm_table_get_md(ti->table));
}

static int message_key_set(struct dm_target *ti, char *arg)
{
	struct ecache_target *et = ti->private;
	u8 key[ECACHE_MAX_KEY_SIZE];
	const char *why = "";
	int r;

	r = ecache_key_parse(arg, key, et->key_size, &why);
	if (!r)
		r = ecache_volume_set_key(et->vol, key, et->key_size, &why);
	memzero_explicit(key, sizeof(key));
	if (r)
		DMERR("%s: key set: %s (%d)", device_name(ti), why, r);
	return r;
}

static int message_key_wipe(struct dm_target *ti)
{
	struct ecache_target *et = ti->private;

	if (ecache_volume_wipe_key(et->vol)) {
		DMINFO("%s: key wiped", device_name(ti));
		schedule_work(&et->event);
	}
	return 0;
}

static int message_key_revoke(struct dm_target *ti)
{
	struct ecache_target *et = ti->private;

	if (ecache_volume_revoke(et->vol)) {
		DMINFO("%s: revoked", device_name(ti));
		schedule_work(&et->event);
	}
	return 0;
}

static int message_key(struct dm_target *ti, unsigned int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "set"))
		return message_key_set(ti, argv[2]);
	if (argc == 2 && !strcmp(argv[1], "wipe"))
		return message_key_wipe(ti);
	if (argc == 2 && !strcmp(argv[1], "revoke"))
		return message_key_revoke(ti);
	DMERR("%s: unknown key message; there are: key set <key>, key wipe, key revoke", device_name(ti));
	return -EINVAL;
}

/**
 * ecache_message - dm's message
 * @ti: the live target
 * @argc: number of words
 * @argv: they; everything after the second word is wiped, whatever happens
 * @result: unused
 * @maxlen: unused
 *
 * Return: 0 or a negative errno.
 */
int ecache_message(struct dm_target *ti, unsigned int argc, char **argv, char *result, unsigned int maxlen)
{
	unsigned int noio, i;
	int r = -EINVAL;

	/* A message that waited for memory could wait for swap on its own locked volume. */
	noio = memalloc_noio_save();
	if (argc && !strcmp(argv[0], "key"))
		r = message_key(ti, argc, argv);
	else
		DMERR("%s: unknown message; there are: key set <key>, key wipe, key revoke", device_name(ti));
	memalloc_noio_restore(noio);

	/* dm wipes its own buffer only when userspace asked for it. */
	for (i = 2; i < argc; i++)
		memzero_explicit(argv[i], strlen(argv[i]));
	return r;
}
