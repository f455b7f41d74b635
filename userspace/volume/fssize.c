// SPDX-License-Identifier: GPL-2.0-or-later
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <blkid/blkid.h>

#include "../common/fsio.h"
#include "fssize.h"
#include "text.h"

#define EXT_SUPER 1024		/* where it begins */
#define EXT_INCOMPAT_64BIT 0x80
#define SWAP_HEADER 1024

static uint32_t le32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static uint32_t be32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

/* ext_bytes - s_blocks_count, its upper half where the file system has one, and s_log_block_size. */
static uint64_t ext_bytes(const uint8_t *start)
{
	const uint8_t *sb = start + EXT_SUPER;
	uint64_t blocks = le32(sb + 0x04);
	uint32_t log = le32(sb + 0x18);

	if (le32(sb + 0x60) & EXT_INCOMPAT_64BIT)
		blocks |= (uint64_t)le32(sb + 0x150) << 32;
	return log > 6 || blocks >> 40 ? 0 : blocks << (10 + log);
}

/* xfs_bytes - sb_dblocks blocks of sb_blocksize. */
static uint64_t xfs_bytes(const uint8_t *start)
{
	uint64_t blocks = (uint64_t)be32(start + 8) << 32 | be32(start + 12);
	uint32_t size = be32(start + 4);

	return size > 65536 || blocks >> 40 ? 0 : blocks * size;
}

/* swap_bytes - the last page's number, of pages as this machine has them: only then is it ours to use. */
static uint64_t swap_bytes(const uint8_t *start)
{
	return ((uint64_t)le32(start + SWAP_HEADER + 4) + 1) * sysconf(_SC_PAGESIZE);
}

static uint64_t bytes_of(const char *type, const uint8_t *start)
{
	if (!strncmp(type, "ext", 3) && strlen(type) == 4)
		return ext_bytes(start);
	if (!strcmp(type, "xfs"))
		return xfs_bytes(start);
	return !strcmp(type, "swap") ? swap_bytes(start) : 0;
}

/* type_of - "" when libblkid knows nothing that is there; two that contradict each other are not known. */
static int type_of(int fd, struct fssize *out)
{
	const char *type = NULL;
	blkid_probe pr;
	int rc;

	pr = blkid_new_probe();
	if (!pr)
		return -ENOMEM;
	blkid_probe_enable_superblocks(pr, 1);
	blkid_probe_set_superblocks_flags(pr, BLKID_SUBLKS_TYPE);
	blkid_probe_enable_partitions(pr, 1);
	errno = 0;
	rc = blkid_probe_set_device(pr, fd, 0, 0) ? -1 : blkid_do_safeprobe(pr);
	if (!rc && !blkid_probe_lookup_value(pr, "TYPE", &type, NULL))
		text_copy(out->type, sizeof(out->type), type);
	else if (!rc && !blkid_probe_lookup_value(pr, "PTTYPE", &type, NULL))
		text_copy(out->type, sizeof(out->type), "partition table");
	else if (rc == -2)
		text_copy(out->type, sizeof(out->type), "contradictory");
	else if (rc < 0)
		rc = errno ? -errno : -EIO;
	blkid_free_probe(pr);
	return rc == 1 || rc == -2 ? 0 : rc;
}

int fssize_look(const char *path, struct fssize *out, struct err *e)
{
	uint8_t start[4096] = { 0 };
	int fd, rc;

	memset(out, 0, sizeof(*out));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, -errno, "cannot open %s", path);
	rc = type_of(fd, out);
	if (!rc && *out->type)
		rc = pread_all(fd, start, sizeof(start), 0);
	close(fd);
	if (rc)
		return err_sys(e, rc, "cannot read what is on %s", path);
	out->bytes = bytes_of(out->type, start);
	return 0;
}
