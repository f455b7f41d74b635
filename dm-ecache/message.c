// SPDX-License-Identifier: GPL-2.0
/*
 * Messages to the live table. None waits for I/O or for a device: dm holds the live table
 * for a message, and one that waits blocks every other operation on the device. All are
 * idempotent.
 */
#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/sched/mm.h>
#include <linux/string.h>

#include "dm-ecache.h"

static int set_key(struct ecache_target *et, const char *arg, const char **why)
{
	u8 key[ECACHE_MAX_KEY_SIZE];
	int r;

	r = ecache_key_parse(arg, key, et->key_size, et->queue_if_locked, why);
	if (!r)
		r = ecache_volume_set_key(et, key, et->key_size, why);
	memzero_explicit(key, sizeof(key));
	if (r < 0)
		return r;
	ecache_hold_resubmit(et);
	return 0;
}

static int wipe_key(struct ecache_target *et)
{
	ecache_volume_end_key(et->vol, ECACHE_WHY_KEY_WIPE);
	return 0;
}

static int revoke_key(struct ecache_target *et)
{
	ecache_volume_revoke(et->vol);
	ecache_hold_fail(et);
	return 0;
}

static int renew_key(struct ecache_target *et, const char *arg, const char **why)
{
	unsigned int seconds;

	if (!isdigit(*arg) || kstrtouint(arg, 10, &seconds) || !seconds || seconds > ECACHE_LEASE_MAX) {
		*why = "key renew takes 1 to 31622400 seconds";
		return -EINVAL;
	}
	return ecache_lease_renew(et->vol, seconds, why);
}

static int run_message(struct ecache_target *et, unsigned int argc, char **argv, char *result, unsigned int maxlen,
		       const char **why)
{
	*why = "unknown message; there are: key set <key>, key wipe, key revoke, key renew <seconds>, stats";
	if (argc == 1 && !strcmp(argv[0], "stats")) {
		ecache_emit_stats(et->vol, result, maxlen);
		return 1;
	}
	if (argc < 2 || strcmp(argv[0], "key"))
		return -EINVAL;
	if (argc == 3 && !strcmp(argv[1], "set"))
		return set_key(et, argv[2], why);
	if (argc == 2 && !strcmp(argv[1], "wipe"))
		return wipe_key(et);
	if (argc == 2 && !strcmp(argv[1], "revoke"))
		return revoke_key(et);
	if (argc == 3 && !strcmp(argv[1], "renew"))
		return renew_key(et, argv[2], why);
	return -EINVAL;
}

/**
 * ecache_message_run - do what a message says
 * @et: the live target
 * @argc: number of words
 * @argv: they; all are wiped, whatever happens, unless there is an answer
 * @result: answers
 * @maxlen: its size
 * @why: why not
 *
 * Return: 0, 1 if there is an answer, or a negative errno.
 */
int ecache_message_run(struct ecache_target *et, unsigned int argc, char **argv, char *result, unsigned int maxlen,
		       const char **why)
{
	unsigned int noio, i;
	int r;

	/* A message that waited for memory could wait for swap on its own locked volume. */
	noio = memalloc_noio_save();
	r = run_message(et, argc, argv, result, maxlen, why);
	memalloc_noio_restore(noio);

	/*
	 * dm wipes its own buffer only when userspace asked for it. All words: a key may stand
	 * in the wrong place. But dm's answer lies over the question: the one message that has
	 * an answer has no more words, and they are overwritten.
	 */
	for (i = 0; i < argc && r <= 0; i++)
		memzero_explicit(argv[i], strlen(argv[i]));
	return r;
}

/**
 * ecache_message - dm's message
 * @ti: the live target
 * @argc: number of words
 * @argv: they
 * @result: answers
 * @maxlen: its size
 *
 * Return: as ecache_message_run(), with the reason of a refusal in the kernel's log.
 */
int ecache_message(struct dm_target *ti, unsigned int argc, char **argv, char *result, unsigned int maxlen)
{
	const char *why;
	int r;

	r = ecache_message_run(ti->private, argc, argv, result, maxlen, &why);
	if (r < 0)
		DMERR("%s: message refused: %s (%d)", dm_device_name(dm_table_get_md(ti->table)), why, r);
	return r;
}
