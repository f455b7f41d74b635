// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * key-memory SEED NUMBER KIND HOW NAME: gives the volume NAME a key that this program and scripts/tests/key-memory.py
 * can both work out, and leaves no copy of it: what is found in memory afterwards is not this program's.
 *
 * KIND: full (64 bytes), half (32 bytes), weak (equal halves), nothex (full, but its last digit is none)
 * HOW: logon (through the user keyring), hex (in the message), plain (as hex, without DM_SECURE_DATA_FLAG), typo (as
 * plain, in a message that no target knows)
 *
 * With the key ready to be sent it says "ready", with the key's serial number in the keyring or 0, and waits for a
 * byte or the end of standard input. It sends the key, wipes what it has and pauses: since the call that the key went
 * through, nothing has used its kernel stack but the pause, and what was left there can be found. After SIGUSR1 it
 * says the answer, "ok" or the error, and what dm gave back, in hex.
 *
 * The key is made and kept in locked pages. To be built with -mgeneral-regs-only: in a vector register a part of it
 * could get into the task's saved state, and nobody wipes that.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <linux/dm-ioctl.h>
#include <linux/keyctl.h>

#define KEY_BYTES	64
#define HALF_BYTES	32

/* dm's copy of the message is of a size that few others allocate: what stays in it when it is freed stays for long. */
#define TEXT_BYTES	6000

struct secret {
	uint64_t key[KEY_BYTES / 8];
	struct dm_ioctl head;
	struct dm_target_msg target;
	char text[TEXT_BYTES];
};

struct wish {
	uint64_t seed, number;
	const char *kind, *how, *name;
};

/* Words of a counter, mixed: none tells the next one, and a key is not in memory until it is made here. */
static uint64_t mixed(uint64_t counter)
{
	uint64_t x = counter * 0x9e3779b97f4a7c15;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static size_t make_key(struct secret *secret, const struct wish *wish)
{
	int weak = !strcmp(wish->kind, "weak");
	size_t i;

	for (i = 0; i < KEY_BYTES / 8; i++)
		secret->key[i] = mixed(wish->seed + wish->number * 8 + (weak ? i % 4 : i));
	return strcmp(wish->kind, "half") ? KEY_BYTES : HALF_BYTES;
}

static void put_hex(char *to, const uint8_t *key, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes; i++) {
		to[2 * i] = "0123456789abcdef"[key[i] >> 4];
		to[2 * i + 1] = "0123456789abcdef"[key[i] & 15];
	}
}

static int secure(const char *how)
{
	return !strcmp(how, "hex") || !strcmp(how, "logon");
}

static long put_into_keyring(struct secret *secret, const struct wish *wish, size_t bytes)
{
	long serial;

	sprintf(secret->text, "key set :%zu:logon:key-memory:%s-%d", bytes, wish->name, getpid());
	serial = syscall(SYS_add_key, "logon", strstr(secret->text, "key-memory:"), secret->key, bytes,
			 KEY_SPEC_USER_KEYRING);
	if (serial < 0) {
		perror("add_key");
		exit(2);
	}
	return serial;
}

/* Returns the key's serial number in the keyring, or 0. */
static long make_message(struct secret *secret, const struct wish *wish)
{
	size_t bytes = make_key(secret, wish);
	long serial = 0;

	secret->head.version[0] = DM_VERSION_MAJOR;
	secret->head.data_start = sizeof(secret->head);
	secret->head.data_size = sizeof(*secret) - sizeof(secret->key);
	secret->head.flags = secure(wish->how) ? DM_SECURE_DATA_FLAG : 0;
	strncpy(secret->head.name, wish->name, sizeof(secret->head.name) - 1);
	if (!strcmp(wish->how, "logon")) {
		serial = put_into_keyring(secret, wish, bytes);
	} else {
		size_t skip = sprintf(secret->text, strcmp(wish->how, "typo") ? "key set " : "key sett ");

		/* Blanks behind the last word are not part of it. */
		memset(secret->text + skip, ' ', TEXT_BYTES - skip - 1);
		put_hex(secret->text + skip, (const uint8_t *)secret->key, bytes);
		if (!strcmp(wish->kind, "nothex"))
			secret->text[skip + 2 * bytes - 1] = 'x';
	}
	return serial;
}

static void woken(int signal)
{
	(void)signal;
}

int main(int argc, char **argv)
{
	static uint8_t reply[sizeof(struct secret)];
	struct wish wish;
	struct secret *secret;
	size_t replied, i;
	int control, r;
	char go;

	if (argc != 6) {
		fprintf(stderr, "usage: key-memory SEED NUMBER KIND HOW NAME\n");
		return 2;
	}
	wish = (struct wish){ strtoull(argv[1], NULL, 16), strtoull(argv[2], NULL, 10), argv[3], argv[4], argv[5] };
	control = open("/dev/mapper/control", O_RDWR);
	secret = mmap(NULL, sizeof(*secret), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
	if (control < 0 || secret == MAP_FAILED) {
		perror("key-memory");
		return 2;
	}
	signal(SIGUSR1, woken);
	/* A message that we sent without the flag still stands behind the head, wherever the kernel wiped its own. */
	replied = sizeof(secret->head) + (secure(wish.how) ? sizeof(secret->target) + sizeof(secret->text) : 0);
	printf("ready %ld\n", make_message(secret, &wish));
	fflush(stdout);
	if (read(0, &go, 1) < 0)
		perror("read");

	r = ioctl(control, DM_TARGET_MSG, &secret->head) ? errno : 0;
	for (i = 0; i < replied; i++)
		reply[i] = ((const uint8_t *)&secret->head)[i];
	explicit_bzero(secret, sizeof(*secret));
	syscall(SYS_pause);

	puts(r ? strerror(r) : "ok");
	for (i = 0; i < replied; i++)
		printf("%02x", reply[i]);
	puts("");
	return r ? 1 : 0;
}
