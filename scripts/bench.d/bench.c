// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The benchmark: CPU time of one bio after the other, through several block devices and
 * through the bare cipher, in turn. It runs when it is loaded and says one line a sample:
 *
 *	ecache_bench: sample <cell> <round> <label> <CPU ns per I/O> <wall ns per I/O>
 *
 * A round measures every subject once, in a fresh random order, on the same sectors: what
 * disturbs the machine for longer than a sample then hits all of them alike, and nobody
 * always runs after the same neighbour.
 */
#define pr_fmt(fmt)	KBUILD_MODNAME ": " fmt

#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <crypto/skcipher.h>

#define MAX_SUBJECTS	16
#define MAX_PAGES	256

static char *cell = "cell";
module_param(cell, charp, 0);
MODULE_PARM_DESC(cell, "name of the measurement, printed with each sample");

static char *devices[MAX_SUBJECTS];
static unsigned int nr_devices;
module_param_array(devices, charp, &nr_devices, 0);
MODULE_PARM_DESC(devices, "label:path of each block device");

static char *ciphers[MAX_SUBJECTS];
static unsigned int nr_ciphers;
module_param_array(ciphers, charp, &nr_ciphers, 0);
MODULE_PARM_DESC(ciphers, "label:driver of each bare cipher");

static bool write;
module_param(write, bool, 0);
MODULE_PARM_DESC(write, "write (encrypt) instead of read (decrypt)");

static bool seq;
module_param(seq, bool, 0);
MODULE_PARM_DESC(seq, "one after the other instead of random");

static unsigned int bytes = PAGE_SIZE;
module_param(bytes, uint, 0);
MODULE_PARM_DESC(bytes, "size of an I/O, a multiple of the page size");

static unsigned int sector_size = 4096;
module_param(sector_size, uint, 0);
MODULE_PARM_DESC(sector_size, "bytes that a bare cipher is given at a time");

static unsigned int count = 10000;
module_param(count, uint, 0);
MODULE_PARM_DESC(count, "I/Os of a sample");

static unsigned int rounds = 10;
module_param(rounds, uint, 0);
MODULE_PARM_DESC(rounds, "samples of each subject");

/* One of the things that are compared: a block device or, with a @tfm, a cipher. */
struct subject {
	const char *label;
	struct file *file;
	struct crypto_sync_skcipher *tfm;
};

static struct subject subjects[MAX_SUBJECTS];
static unsigned int nr_subjects;

/*
 * The user's buffers: single pages, as the page cache has them. A bare cipher encrypts from
 * the first half into the second, as a write does, and decrypts in place, as a read does.
 */
static struct page *pages[2 * MAX_PAGES];
static struct bio_vec *vecs;

/*
 * CPU time of the process of the host that User Mode Linux is, with all its threads: what
 * the host's other processes take does not count.
 */
static u64 cpu_ns(void)
{
	const long nr_clock_gettime = 228, clock_process_cputime_id = 2;
	struct { long sec, nsec; } ts = {};
	long r;

	asm volatile("syscall" : "=a"(r) : "0"(nr_clock_gettime), "D"(clock_process_cputime_id), "S"(&ts)
		     : "rcx", "r11", "memory");
	return r ? 0 : ts.sec * NSEC_PER_SEC + ts.nsec;
}

static int transfer(struct block_device *bdev, sector_t sector)
{
	struct bio bio;
	unsigned int i;
	int r;

	bio_init(&bio, bdev, vecs, MAX_PAGES, write ? REQ_OP_WRITE : REQ_OP_READ);
	for (i = 0; i < bytes >> PAGE_SHIFT; i++)
		__bio_add_page(&bio, pages[i], PAGE_SIZE, 0);
	bio.bi_iter.bi_sector = sector;
	r = submit_bio_wait(&bio);
	bio_uninit(&bio);
	return r;
}

static int run_device(struct block_device *bdev, unsigned int n, u64 seed)
{
	u64 blocks = div_u64(bdev_nr_bytes(bdev), bytes);
	struct rnd_state rnd;
	unsigned int i;
	u64 block;
	int r = 0;

	prandom_seed_state(&rnd, seed);
	for (i = 0; i < n && !r; i++) {
		block = seq ? i % blocks : mul_u64_u32_shr(blocks, prandom_u32_state(&rnd), 32);
		r = transfer(bdev, block * (bytes >> SECTOR_SHIFT));
	}
	return r;
}

/* The cipher's part of one I/O: one request a crypto sector. */
static int run_cipher_once(struct crypto_sync_skcipher *tfm, u64 sector)
{
	SYNC_SKCIPHER_REQUEST_ON_STACK(req, tfm);
	struct scatterlist src, dst;
	unsigned int done;
	int r = 0;

	skcipher_request_set_sync_tfm(req, tfm);
	skcipher_request_set_callback(req, 0, NULL, NULL);
	sg_init_table(&src, 1);
	sg_init_table(&dst, 1);
	for (done = 0; done < bytes && !r; done += sector_size) {
		__le64 iv[2] = { cpu_to_le64(sector++), 0 };
		unsigned int i = done >> PAGE_SHIFT, offset = offset_in_page(done);

		sg_set_page(&src, pages[i], sector_size, offset);
		sg_set_page(&dst, pages[MAX_PAGES + i], sector_size, offset);
		skcipher_request_set_crypt(req, &src, write ? &dst : &src, sector_size, iv);
		r = write ? crypto_skcipher_encrypt(req) : crypto_skcipher_decrypt(req);
	}
	return r;
}

static int run_cipher(struct crypto_sync_skcipher *tfm, unsigned int n)
{
	unsigned int i;
	int r = 0;

	for (i = 0; i < n && !r; i++)
		r = run_cipher_once(tfm, i);
	return r;
}

/* Round 0 warms up and is not reported. */
static int measure(const struct subject *s, unsigned int round)
{
	unsigned int n = round ? count : count / 4 + 1;
	u64 cpu, wall;
	int r;

	wall = ktime_get_ns();
	cpu = cpu_ns();
	r = s->tfm ? run_cipher(s->tfm, n) : run_device(file_bdev(s->file), n, round);
	cpu = cpu_ns() - cpu;
	wall = ktime_get_ns() - wall;
	if (r)
		pr_err("%s %s: error %d\n", cell, s->label, r);
	else if (round)
		pr_info("sample %s %u %s %llu %llu\n", cell, round, s->label, cpu / n, wall / n);
	return r;
}

static int run_round(unsigned int round)
{
	unsigned int order[MAX_SUBJECTS], i, j;
	int r;

	for (i = 0; i < nr_subjects; i++)
		order[i] = i;
	for (i = nr_subjects; i > 1; i--) {
		j = get_random_u32_below(i);	/* not inside swap(), which evaluates twice */
		swap(order[i - 1], order[j]);
	}
	for (i = 0; i < nr_subjects; i++) {
		r = measure(&subjects[order[i]], round);
		if (r)
			return r;
		cond_resched();
	}
	return 0;
}

/* Cuts @arg at its colon: the label remains. Returns the rest, or NULL. */
static char *split(char *arg)
{
	char *colon = strchr(arg, ':');

	if (!colon)
		return NULL;
	*colon = '\0';
	return colon + 1;
}

static int open_device(char *arg)
{
	char *path = split(arg);
	struct file *file;

	if (!path || nr_subjects == MAX_SUBJECTS)
		return -EINVAL;
	file = bdev_file_open_by_path(path, BLK_OPEN_READ | BLK_OPEN_WRITE, NULL, NULL);
	if (IS_ERR(file)) {
		pr_err("cannot open %s: %ld\n", path, PTR_ERR(file));
		return PTR_ERR(file);
	}
	subjects[nr_subjects++] = (struct subject){ .label = arg, .file = file };
	return 0;
}

static int open_cipher(char *arg)
{
	char *driver = split(arg);
	struct crypto_sync_skcipher *tfm;
	u8 key[64];
	int r;

	if (!driver || nr_subjects == MAX_SUBJECTS)
		return -EINVAL;
	tfm = crypto_alloc_sync_skcipher(driver, 0, 0);
	if (IS_ERR(tfm)) {
		pr_err("no cipher %s: %ld\n", driver, PTR_ERR(tfm));
		return PTR_ERR(tfm);
	}
	get_random_bytes(key, sizeof(key));
	r = crypto_sync_skcipher_setkey(tfm, key, sizeof(key));
	memzero_explicit(key, sizeof(key));
	if (r) {
		crypto_free_sync_skcipher(tfm);
		return r;
	}
	subjects[nr_subjects++] = (struct subject){ .label = arg, .tfm = tfm };
	return 0;
}

static int open_subjects(void)
{
	unsigned int i;
	int r = 0;

	for (i = 0; i < nr_devices && !r; i++)
		r = open_device(devices[i]);
	for (i = 0; i < nr_ciphers && !r; i++)
		r = open_cipher(ciphers[i]);
	return r;
}

static void close_subjects(void)
{
	while (nr_subjects--) {
		if (subjects[nr_subjects].tfm)
			crypto_free_sync_skcipher(subjects[nr_subjects].tfm);
		else
			bdev_fput(subjects[nr_subjects].file);
	}
}

static int alloc_buffers(void)
{
	unsigned int i;

	vecs = kcalloc(MAX_PAGES, sizeof(*vecs), GFP_KERNEL);
	if (!vecs)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!pages[i])
			return -ENOMEM;
	}
	return 0;
}

static void free_buffers(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pages) && pages[i]; i++)
		__free_page(pages[i]);
	kfree(vecs);
}

static int __init bench_init(void)
{
	unsigned int round;
	int r;

	if (!bytes || bytes % PAGE_SIZE || bytes > MAX_PAGES * PAGE_SIZE || !sector_size || PAGE_SIZE % sector_size)
		return -EINVAL;
	r = alloc_buffers();
	if (r)
		goto out_buffers;
	r = open_subjects();
	for (round = 0; round <= rounds && !r; round++)
		r = run_round(round);
	close_subjects();
out_buffers:
	free_buffers();
	return r;
}

static void __exit bench_exit(void)
{
}

module_init(bench_init);
module_exit(bench_exit);

MODULE_DESCRIPTION("CPU time of bios and ciphers, compared in random order");
MODULE_LICENSE("GPL");
