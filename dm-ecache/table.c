// SPDX-License-Identifier: GPL-2.0
/*
 * The table line: parsing, printing, constructor, destructor.
 *
 *	<start> <len> ecache <cipher> <key_size> <iv_offset> <dev> <offset> [<#opts> <opt>...]
 *
 * ecache_parse() and ecache_emit() are inverse to each other and know nothing of devices,
 * so that tests can drive them alone.
 */
#include <linux/blkdev.h>
#include <linux/ctype.h>
#include <linux/string.h>

#include "dm-ecache.h"

#define ECACHE_MIN_ARGS	5
#define ECACHE_MAX_OPTS	6

/* Strict: digits only, no sign, no blank, no trailing text, no overflow. */
static int parse_u64(const char *arg, u64 *value)
{
	if (!isdigit(*arg))
		return -EINVAL;
	return kstrtoull(arg, 10, value);
}

static int parse_key_size(struct ecache_target *et, const char *arg, char **error)
{
	u64 size;

	if (parse_u64(arg, &size) || (size != 32 && size != 64)) {
		*error = "Invalid key size (32 or 64 bytes)";
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
	if (!strcmp(arg, "cpu")) {
		et->engine_given = true;
		return 0;
	}
	*error = "Unsupported engine (this module has: cpu)";
	return -EINVAL;
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
	const char *name;	/* with its colon, if it takes a value */
	int (*parse)(struct ecache_target *et, const char *arg, char **error);
} ecache_options[] = {
	{ "sector_size:", parse_sector_size },
	{ "iv_large_sectors", parse_iv_large_sectors },
	{ "allow_discards", parse_allow_discards },
	{ "engine:", parse_engine },
	{ "key_id:", parse_key_id },
	{ "cache_id:", parse_cache_id },
};

static_assert(ARRAY_SIZE(ecache_options) == ECACHE_MAX_OPTS);

static int parse_option(struct ecache_target *et, const char *arg, unsigned int *seen, char **error)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ecache_options); i++) {
		const char *name = ecache_options[i].name;
		size_t len = strlen(name);
		bool match = name[len - 1] == ':' ? !strncmp(arg, name, len) : !strcmp(arg, name);

		if (!match)
			continue;
		if (*seen & BIT(i)) {
			*error = "Option given twice";
			return -EINVAL;
		}
		*seen |= BIT(i);
		return ecache_options[i].parse(et, arg + len, error);
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
 * Looks at each argument alone; what depends on the device or the length is check_geometry()'s.
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
	if (strcmp(argv[0], ECACHE_CIPHER)) {
		*error = "Unsupported cipher (aes-xts-plain64)";
		return -EINVAL;
	}
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
	r = parse_options(et, argc - ECACHE_MIN_ARGS, argv + ECACHE_MIN_ARGS, error);
	if (r)
		return r;
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

	DMEMIT(ECACHE_CIPHER " %u %llu %s %llu", et->key_size, et->iv_offset, dev, (unsigned long long)et->start);

	opts += et->sector_size != ECACHE_MIN_SECTOR;
	opts += et->iv_large_sectors;
	opts += et->allow_discards;
	opts += et->engine_given;
	opts += et->key_id_given;
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
		DMEMIT(" engine:cpu");
	if (et->key_id_given)
		DMEMIT(" key_id:%*phN", ECACHE_KEY_ID_SIZE, et->key_id);
	if (et->cache_id[0])
		DMEMIT(" cache_id:%s", et->cache_id);
	return sz;
}

/*
 * What dm-crypt would map to the same bytes, and nothing that could wrap or split a crypto
 * sector.
 */
static int check_geometry(const struct ecache_target *et, char **error)
{
	const struct dm_target *ti = et->ti;
	sector_t size = bdev_nr_sectors(et->dev->bdev);
	u64 end;

	if (bdev_is_zoned(et->dev->bdev)) {
		*error = "Zoned devices are not supported";
		return -EINVAL;
	}
	if ((ti->len | ti->begin) & et->sector_mask) {
		*error = "Start or length is not a multiple of sector_size";
		return -EINVAL;
	}
	if (et->start & et->sector_mask) {
		*error = "Device offset is not a multiple of sector_size";
		return -EINVAL;
	}
	if (et->iv_large_sectors && (et->iv_offset & et->sector_mask)) {
		*error = "iv_offset is not a multiple of sector_size, as iv_large_sectors needs";
		return -EINVAL;
	}
	if (check_add_overflow(et->iv_offset, (u64)ti->len, &end)) {
		*error = "iv_offset plus length goes past 64 bits";
		return -EINVAL;
	}
	if (et->start >= size || ti->len > size - et->start) {
		*error = "Device is too small for offset and length";
		return -EINVAL;
	}
	return 0;
}

static void ecache_event(struct work_struct *work)
{
	struct ecache_target *et = container_of(work, struct ecache_target, event);

	dm_table_event(et->ti->table);
}

static void set_target_limits(struct dm_target *ti, const struct ecache_target *et)
{
	ti->per_io_data_size = sizeof(struct ecache_io);
	ti->num_flush_bios = 1;
	ti->num_discard_bios = et->allow_discards ? 1 : 0;
	/*
	 * Zeroes on disk are not the ciphertext of zeroes, and an erase below us is not
	 * ours to promise: both stay 0.
	 */
	ti->num_write_zeroes_bios = 0;
	ti->num_secure_erase_bios = 0;
	/*
	 * Bounce pages are memory that swapping out needs: dm then bounds the swap bios in
	 * flight.
	 */
	ti->limit_swap_bios = true;
	ecache_flush_bypasses_map(ti);
}

/**
 * ecache_ctr - dm's constructor
 * @ti: the target; ti->error says why not
 * @argc: number of arguments
 * @argv: they
 *
 * Return: 0 or a negative errno, with nothing left behind.
 */
int ecache_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	struct ecache_target *et;
	const char *dev;
	int r;

	et = kzalloc_obj(*et);
	if (!et) {
		ti->error = "Out of memory";
		return -ENOMEM;
	}
	et->ti = ti;
	INIT_WORK(&et->event, ecache_event);

	r = ecache_parse(et, argc, argv, &dev, &ti->error);
	if (r)
		goto err_free;
	r = dm_get_device(ti, dev, dm_table_get_mode(ti->table), &et->dev);
	if (r) {
		ti->error = "Device lookup failed";
		goto err_free;
	}
	r = check_geometry(et, &ti->error);
	if (r)
		goto err_device;
	et->vol = ecache_volume_get(dm_table_get_md(ti->table), et, &ti->error);
	if (IS_ERR(et->vol)) {
		r = PTR_ERR(et->vol);
		goto err_device;
	}
	set_target_limits(ti, et);
	ti->private = et;
	return 0;

err_device:
	dm_put_device(ti, et->dev);
err_free:
	kfree(et);
	return r;
}

/**
 * ecache_dtr - dm's destructor: the table is unused, every bio that went through it has ended
 * @ti: the target
 */
void ecache_dtr(struct dm_target *ti)
{
	struct ecache_target *et = ti->private;

	cancel_work_sync(&et->event);
	ecache_volume_put(et->vol);
	dm_put_device(ti, et->dev);
	kfree(et);
}
