// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * io-loop DEVICE randread|randwrite NUMBER: so many I/Os of 4 KiB, one after the other, past the page cache, at
 * places that are the same each time. It does next to nothing else, so that what is counted is the kernel's.
 * DEVICE none: no I/O, but about the time that it takes, so that what is counted is the clock's interrupts.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE 4096

/* busy - the instructions of @n I/Os, nearly */
static void busy(long n)
{
	long left;

	for (left = n * 4000; left; left--)
		asm("" : "+r" (left));	/* or the compiler sees through it */
}

int main(int argc, char **argv)
{
	unsigned int random = 1, blocks;
	char *buffer = NULL;
	int write, fd;
	long n;

	if (argc != 4) {
		fputs("usage: io-loop DEVICE randread|randwrite NUMBER\n", stderr);
		return 2;
	}
	if (!strcmp(argv[1], "none")) {
		busy(atol(argv[3]));
		return 0;
	}
	write = !strcmp(argv[2], "randwrite");
	fd = open(argv[1], O_RDWR | O_DIRECT | O_CLOEXEC);
	if (fd < 0 || mlockall(MCL_CURRENT | MCL_FUTURE) || posix_memalign((void **)&buffer, SIZE, SIZE)) {
		perror(argv[1]);
		return 1;
	}
	memset(buffer, 'x', SIZE);
	blocks = (unsigned int)(lseek(fd, 0, SEEK_END) / SIZE);
	for (n = atol(argv[3]); blocks && n; n--) {
		off_t at;

		random = random * 1664525 + 1013904223;
		at = (off_t)(random >> 8) % blocks * SIZE;
		if ((write ? pwrite(fd, buffer, SIZE, at) : pread(fd, buffer, SIZE, at)) != SIZE) {
			perror(argv[2]);
			return 1;
		}
	}
	free(buffer);
	return !blocks;
}
