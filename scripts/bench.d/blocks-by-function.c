// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * blocks-by-function KALLSYMS BEFORE AFTER: what a guest executed between two copies of profile-blocks' file,
 * a line for each function of the kernel, "MODULE FUNCTION INSTRUCTIONS"; MODULE is "kernel" for what is built in,
 * and programs are one line, "programs - N".
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profile-blocks.h"

struct function {
	uint64_t address;
	uint64_t instructions;
	char name[128];
	char module[64];
};

static int by_address(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

/* read_functions - of /proc/kallsyms' text; exits when there are none */
static struct function *read_functions(const char *path, size_t *number)
{
	FILE *f = fopen(path, "re");
	struct function *list = NULL;
	size_t n = 0, room = 0;
	char line[512], type;

	if (!f) {
		perror(path);
		exit(1);
	}
	while (fgets(line, sizeof(line), f)) {
		struct function fn = { .module = "kernel" };

		if (sscanf(line, "%" SCNx64 " %c %127s [%63[^]]]", &fn.address, &type, fn.name, fn.module) < 3 ||
		    !strchr("tTwW", type) || !fn.address)
			continue;
		if (n == room) {
			room = room ? 2 * room : 1 << 16;
			list = realloc(list, room * sizeof(*list));
			if (!list)
				abort();
		}
		list[n++] = fn;
	}
	fclose(f);
	if (!n) {
		fprintf(stderr, "%s: no addresses: is kernel.kptr_restrict set?\n", path);
		exit(1);
	}
	qsort(list, n, sizeof(*list), by_address);
	*number = n;
	return list;
}

static struct blocks *read_blocks(const char *path)
{
	struct blocks *b = calloc(1, sizeof(*b));
	FILE *f = fopen(path, "re");

	if (!b || !f || !fread(b, 1, sizeof(*b), f)) {
		perror(path);
		exit(1);
	}
	fclose(f);
	if (b->number > BLOCKS_MAX || b->lost) {
		fprintf(stderr, "%s: more than %u blocks: BLOCKS_MAX\n", path, BLOCKS_MAX);
		exit(1);
	}
	return b;
}

/* function_at - the one that begins last before @address */
static struct function *function_at(struct function *list, size_t number, uint64_t address)
{
	size_t low = 0, high = number;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (list[middle].address <= address)
			low = middle;
		else
			high = middle;
	}
	return &list[low];
}

int main(int argc, char **argv)
{
	struct blocks *before, *after;
	struct function *list;
	uint64_t programs = 0;
	size_t number, i;

	if (argc != 4) {
		fputs("usage: blocks-by-function KALLSYMS BEFORE AFTER\n", stderr);
		return 2;
	}
	list = read_functions(argv[1], &number);
	before = read_blocks(argv[2]);
	after = read_blocks(argv[3]);
	for (i = 0; i < after->number; i++) {
		uint64_t n = after->block[i].instructions - before->block[i].instructions;

		if (after->block[i].address == BLOCKS_PROGRAMS)
			programs = n;
		else
			function_at(list, number, after->block[i].address)->instructions += n;
	}
	printf("programs - %" PRIu64 "\n", programs);
	for (i = 0; i < number; i++) {
		if (list[i].instructions)
			printf("%s %s %" PRIu64 "\n", list[i].module, list[i].name, list[i].instructions);
	}
	free(list);
	free(before);
	free(after);
	return fflush(stdout) || ferror(stdout);
}
