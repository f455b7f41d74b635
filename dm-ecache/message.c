// SPDX-License-Identifier: GPL-2.0
/*
 * Messages to the live table. None waits for I/O or for a device: dm holds the live table
 * for a message, and one that waits blocks every other operation on the device. All are
 * idempotent.
 */
#include <linux/sched/mm.h>
#include <linux/string.h>

#include "dm-ecache.h"

static int key_set(struct ecache_target *et, const char *arg, const char **why)
{
	u8 key[ECACHE_MAX_KEY_SIZE];
	int r;

	r = ecache_key_parse(arg, key, et->key_size, why);
	if (!r)
		r = ecache_volume_set_key(et->vol, key, et->key_size, why);
	memzero_explicit(key, sizeof(key));
	return r;
}

static int run_message(struct ecache_target *et, unsigned int argc, char **argv, const char **why)
{
	*why = "unknown message; there are: key set <key>, key wipe, key revoke";
	if (argc < 2 || strcmp(argv[0], "key"))
		return -EINVAL;
	if (argc == 3 && !strcmp(argv[1], "set"))
		return key_set(et, argv[2], why);
	if (argc == 2 && !strcmp(argv[1], "wipe"))
		return ecache_volume_wipe_key(et->vol);
	if (argc == 2 && !strcmp(argv[1], "revoke"))
		return ecache_volume_revoke(et->vol);
	return -EINVAL;
}

/**
 * ecache_message_run - do what a message says
 * @et: the live target
 * @argc: number of words
 * @argv: they; everything after the second word is wiped, whatever happens
 * @why: why not
 *
 * Return: 1 if a key or the right to have one ended, 0 if not, or a negative errno.
 */
int ecache_message_run(struct ecache_target *et, unsigned int argc, char **argv, const char **why)
{
	unsigned int noio, i;
	int r;

	/* A message that waited for memory could wait for swap on its own locked volume. */
	noio = memalloc_noio_save();
	r = run_message(et, argc, argv, why);
	memalloc_noio_restore(noio);

	/* dm wipes its own buffer only when userspace asked for it. */
	for (i = 2; i < argc; i++)
		memzero_explicit(argv[i], strlen(argv[i]));
	return r;
}

/**
 * ecache_message - dm's message
 * @ti: the live target
 * @argc: number of words
 * @argv: they
 * @result: unused
 * @maxlen: unused
 *
 * Return: 0 or a negative errno, with the reason in the kernel's log.
 */
int ecache_message(struct dm_target *ti, unsigned int argc, char **argv, char *result, unsigned int maxlen)
{
	const char *name = dm_device_name(dm_table_get_md(ti->table));
	struct ecache_target *et = ti->private;
	const char *why;
	int r;

	r = ecache_message_run(et, argc, argv, &why);
	if (r < 0) {
		DMERR("%s: message refused: %s (%d)", name, why, r);
		return r;
	}
	if (r > 0) {
		DMINFO("%s: key %s", name, argv[1]);
		/*
		 * From work, and only now that the key is gone: who waits for the event may
		 * rely on it.
		 */
		schedule_work(&et->event);
	}
	return 0;
}
