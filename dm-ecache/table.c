// SPDX-License-Identifier: GPL-2.0
/*
 * The table line: parsing and printing.
 *
 *	<start> <len> ecache <cipher> <key_size> <iv_offset> <dev> <offset> [<#opts> <opt>...]
 *
 * ecache_parse() and ecache_emit() are inverse to each other and know nothing of devices,
 * so that tests can drive them alone.
 */
#include <linux/ctype.h>
#include <linux/string.h>

#include "dm-ecache.h"

#define ECACHE_MIN_ARGS	5
#define ECACHE_MAX_OPTS	9

/* Strict: digits only, no sign, no blank, no trailing text, no overflow. */
static int parse_u64(const char *arg, u64 *value)
{
	if (!isdigit(*arg))
		return -EINVAL;
	return kstrtoull(arg, 10, value);
}

static int parse_cipher(struct ecache_target *et, const char *arg, char **error)
{
	et->cipher = ecache_cipher_find(arg);
	if (!et->cipher) {
		*error = "Unsupported cipher (aes-xts-plain64, aes-cbc-essiv:sha256, xchacha12,aes-adiantum-plain64)";
		return -EINVAL;
	}
	return 0;
}

static int parse_key_size(struct ecache_target *et, const char *arg, char **error)
{
	u64 size;

	if (parse_u64(arg, &size) || size > ECACHE_MAX_KEY_SIZE || !ecache_cipher_takes_key(et->cipher, size)) {
		*error = "Invalid key size for the cipher (bytes: XTS 32 or 64, CBC 16, 24 or 32, Adiantum 32)";
		return -EINVAL;
	}
	et->key_size = size;
	return 0;
}

static int parse_sector_size(struct ecache_target *et, const char *arg, char **error)
{
	u64 size;

	if (parse_u64(arg, &size) || size < ECACHE_MIN_SECTOR || size > ECACHE_MAX_SECTOR || !is_power_of_2(size)) {
		*error = "Invalid sector_size (512, 1024, 2048 or 4096)";
		return -EINVAL;
	}
	et->sector_size = size;
	return 0;
}

static int parse_key_id(struct ecache_target *et, const char *arg, char **error)
{
	if (strlen(arg) != 2 * ECACHE_KEY_ID_SIZE || hex2bin(et->key_id, arg, ECACHE_KEY_ID_SIZE)) {
		*error = "Invalid key_id (32 hex digits)";
		return -EINVAL;
	}
	et->key_id_given = true;
	return 0;
}

static int parse_cache_id(struct ecache_target *et, const char *arg, char **error)
{
	size_t len = strlen(arg), i;

	for (i = 0; i < len; i++)
		if (!isalnum(arg[i]) && arg[i] != '-' && arg[i] != '_')
			break;
	if (!len || len > ECACHE_CACHE_ID_MAX || i < len) {
		*error = "Invalid cache_id (1 to 64 letters, digits, - or _)";
		return -EINVAL;
	}
	memcpy(et->cache_id, arg, len + 1);
	return 0;
}

static int parse_engine(struct ecache_target *et, const char *arg, char **error)
{
	et->engine = ecache_engine_find(arg, error);
	et->engine_given = true;
	return et->engine ? 0 : -EINVAL;
}

/* As the crypto API has them: cryptd(__xts-aes-aesni), xts-aes-qat... */
static int parse_driver(struct ecache_target *et, const char *arg, char **error)
{
	size_t len = strlen(arg), i;

	for (i = 0; i < len; i++)
		if (!isalnum(arg[i]) && !strchr("-_()", arg[i]))
			break;
	if (!len || len >= sizeof(et->driver) || i < len) {
		*error = "Invalid driver (a cra_driver_name: letters, digits, - _ ( and ))";
		return -EINVAL;
	}
	memcpy(et->driver, arg, len + 1);
	return 0;
}

static int parse_lease(struct ecache_target *et, const char *arg, char **error)
{
	u64 seconds;

	if (parse_u64(arg, &seconds) || seconds > ECACHE_LEASE_MAX) {
		*error = "Invalid lease (0 for none, or up to 31622400 seconds)";
		return -EINVAL;
	}
	et->lease = seconds;
	return 0;
}

static int parse_queue_if_locked(struct ecache_target *et, const char *arg, char **error)
{
	u64 seconds = 0;

	if (*arg && (parse_u64(arg, &seconds) || !seconds || seconds > ECACHE_HOLD_MAX)) {
		*error = "Invalid queue_if_locked (no value: for ever, or 1 to 86400 seconds)";
		return -EINVAL;
	}
	et->queue_if_locked = true;
	et->hold_seconds = seconds;
	return 0;
}

static int parse_iv_large_sectors(struct ecache_target *et, const char *arg, char **error)
{
	et->iv_large_sectors = true;
	return 0;
}

static int parse_allow_discards(struct ecache_target *et, const char *arg, char **error)
{
	et->allow_discards = true;
	return 0;
}

static const struct ecache_option {
	const char *name;	/* with its colon, if it must have a value */
	int (*parse)(struct ecache_target *et, const char *arg, char **error);
} ecache_options[] = {
	{ "sector_size:", parse_sector_size },
	{ "iv_large_sectors", parse_iv_large_sectors },
	{ "allow_discards", parse_allow_discards },
	{ "engine:", parse_engine },
	{ "driver:", parse_driver },
	{ "key_id:", parse_key_id },
	{ "lease:", parse_lease },
	{ "queue_if_locked", parse_queue_if_locked },
	{ "cache_id:", parse_cache_id },
};

static_assert(ARRAY_SIZE(ecache_options) == ECACHE_MAX_OPTS);

/* The value of @arg if it is the option @name, else NULL. */
static const char *option_value(const char *arg, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(arg, name, len))
		return NULL;
	arg += len;
	if (name[len - 1] == ':' || !*arg)
		return arg;
	/* The one option whose value may be left out. */
	return !strcmp(name, "queue_if_locked") && arg[0] == ':' && arg[1] ? arg + 1 : NULL;
}

static int parse_option(struct ecache_target *et, const char *arg, unsigned int *seen, char **error)
{
	const char *value;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ecache_options); i++) {
		value = option_value(arg, ecache_options[i].name);
		if (!value)
			continue;
		if (*seen & BIT(i)) {
			*error = "Option given twice";
			return -EINVAL;
		}
		*seen |= BIT(i);
		return ecache_options[i].parse(et, value, error);
	}
	*error = "Unknown option";
	return -EINVAL;
}

static int parse_options(struct ecache_target *et, unsigned int argc, char **argv, char **error)
{
	unsigned int seen = 0, i;
	u64 count;
	int r;

	if (!argc)
		return 0;
	if (parse_u64(argv[0], &count) || count != argc - 1 || count > ECACHE_MAX_OPTS) {
		*error = "Number of options is wrong";
		return -EINVAL;
	}
	for (i = 1; i < argc; i++) {
		r = parse_option(et, argv[i], &seen, error);
		if (r)
			return r;
	}
	return 0;
}

/**
 * ecache_parse - the arguments of a table line into the fields of @et
 * @et: zeroed, but for what the caller sets
 * @argc: number of arguments after the target's name
 * @argv: they
 * @dev: the device argument, pointing into @argv
 * @error: why not, for dm_target.error
 *
 * Looks at the arguments alone; what depends on the device or the length is target.c's.
 *
 * Return: 0 or -EINVAL.
 */
int ecache_parse(struct ecache_target *et, unsigned int argc, char **argv, const char **dev, char **error)
{
	u64 start;
	int r;

	if (argc < ECACHE_MIN_ARGS) {
		*error = "Not enough arguments (cipher key_size iv_offset dev offset)";
		return -EINVAL;
	}
	r = parse_cipher(et, argv[0], error);
	if (r)
		return r;
	r = parse_key_size(et, argv[1], error);
	if (r)
		return r;
	if (parse_u64(argv[2], &et->iv_offset)) {
		*error = "Invalid iv_offset (512-byte sectors)";
		return -EINVAL;
	}
	*dev = argv[3];
	if (parse_u64(argv[4], &start) || start != (sector_t)start) {
		*error = "Invalid device offset (512-byte sectors)";
		return -EINVAL;
	}
	et->start = start;
	et->sector_size = ECACHE_MIN_SECTOR;
	et->engine = &ecache_engine_cpu;
	r = parse_options(et, argc - ECACHE_MIN_ARGS, argv + ECACHE_MIN_ARGS, error);
	if (r)
		return r;
	if (et->engine == &ecache_engine_accel ? !et->driver[0] : et->driver[0]) {
		*error = "driver: names the accelerator of engine:accel; the one needs the other";
		return -EINVAL;
	}
	et->sector_mask = (et->sector_size >> SECTOR_SHIFT) - 1;
	et->iv_shift = et->iv_large_sectors ? ilog2(et->sector_size) - SECTOR_SHIFT : 0;
	return 0;
}

/**
 * ecache_emit - print what ecache_parse() reads, in the one canonical form
 * @et: the target
 * @dev: name of the device
 * @result: where to
 * @maxlen: its size
 *
 * Return: characters printed. No key is ever among them: the target does not keep one in a
 * printable form.
 */
unsigned int ecache_emit(const struct ecache_target *et, const char *dev, char *result, unsigned int maxlen)
{
	unsigned int sz = 0, opts = 0;

	DMEMIT("%s %u %llu %s %llu", et->cipher->name, et->key_size, et->iv_offset, dev,
	       (unsigned long long)et->start);

	opts += et->sector_size != ECACHE_MIN_SECTOR;
	opts += et->iv_large_sectors;
	opts += et->allow_discards;
	opts += et->engine_given;
	opts += et->driver[0] != '\0';
	opts += et->key_id_given;
	opts += et->lease != 0;
	opts += et->queue_if_locked;
	opts += et->cache_id[0] != '\0';
	if (!opts)
		return sz;

	DMEMIT(" %u", opts);
	if (et->sector_size != ECACHE_MIN_SECTOR)
		DMEMIT(" sector_size:%u", et->sector_size);
	if (et->iv_large_sectors)
		DMEMIT(" iv_large_sectors");
	if (et->allow_discards)
		DMEMIT(" allow_discards");
	if (et->engine_given)
		DMEMIT(" engine:%s", et->engine->name);
	if (et->driver[0])
		DMEMIT(" driver:%s", et->driver);
	if (et->key_id_given)
		DMEMIT(" key_id:%*phN", ECACHE_KEY_ID_SIZE, et->key_id);
	if (et->lease)
		DMEMIT(" lease:%u", et->lease);
	if (et->queue_if_locked)
		DMEMIT(" queue_if_locked");
	if (et->queue_if_locked && et->hold_seconds)
		DMEMIT(":%u", et->hold_seconds);
	if (et->cache_id[0])
		DMEMIT(" cache_id:%s", et->cache_id);
	return sz;
}
