// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The fuzz targets as unit tests, without libFuzzer: every input of the corpus, then small changes of them for a second
 * of CPU time, the same ones each time. With FILES, only these. What broke something is left in PROGRAM.input.
 */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sanitizer/common_interface_defs.h>

#include "common/test.h"

#define INPUT_MAX (256 * 1024)
#define CHANGED_SECONDS 1

struct input {
	uint8_t *data;
	size_t size;
};

static char dump_path[PATH_MAX];
static struct input current;

/* Called at a sanitizer's finding or an abort(): only system calls. */
static void keep_input(void)
{
	int fd = open(dump_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, current.data, current.size) != (ssize_t)current.size)
		_exit(1);
	close(fd);
}

static void on_abort(int sig)
{
	keep_input();
	signal(sig, SIG_DFL);
	raise(sig);
}

static void run(const struct input *in)
{
	/* exactly as large as the input, so that the sanitizer sees the first byte read behind it */
	current.size = in->size;
	current.data = malloc(in->size ? in->size : 1);
	if (!current.data)
		abort();
	memcpy(current.data, in->data, in->size);
	LLVMFuzzerTestOneInput(current.data, current.size);
	free(current.data);
	current.data = NULL;
}

static int read_input(const char *path, struct input *in)
{
	FILE *f = fopen(path, "re");

	if (!f) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	in->data = malloc(INPUT_MAX);
	if (!in->data)
		abort();
	in->size = fread(in->data, 1, INPUT_MAX, f);
	fclose(f);
	return 0;
}

static int visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* read_corpus - the inputs of a directory, by name. */
static unsigned int read_corpus(const char *dir, struct input **out)
{
	struct dirent **entry;
	int n = scandir(dir, &entry, visible, alphasort);
	unsigned int nr = 0;

	if (n < 0) {
		fprintf(stderr, "%s: %s (tests run in userspace/)\n", dir, strerror(errno));
		return 0;
	}
	*out = calloc(n + 1, sizeof(**out));
	if (!*out)
		abort();
	for (int i = 0; i < n; i++) {
		char path[2 * PATH_MAX];

		snprintf(path, sizeof(path), "%s/%s", dir, entry[i]->d_name);
		nr += !read_input(path, &(*out)[nr]);
		free(entry[i]);
	}
	free(entry);
	return nr;
}

/* change - overwrite, remove or repeat a few bytes; @room is what @in has. */
static void change(struct input *in, size_t room, uint64_t *state)
{
	static const char telling[] = "\"\\{}[]:,$*?=;#/\n \t\r\0\377\20009aA";
	size_t at = in->size ? test_random(state) % in->size : 0;
	size_t n = 1 + test_random(state) % 8;

	if (n > in->size - at)
		n = in->size - at;
	switch (test_random(state) % 4) {
	case 0:
		if (n)
			in->data[at] = test_random(state);
		break;
	case 1:
		if (n)
			in->data[at] = telling[test_random(state) % (sizeof(telling) - 1)];
		break;
	case 2:
		memmove(in->data + at, in->data + at + n, in->size - at - n);
		in->size -= n;
		break;
	default:
		if (in->size + n > room)
			break;
		memmove(in->data + at + n, in->data + at, in->size - at);
		in->size += n;
	}
}

static void run_changed(const struct input *seed, uint64_t *state)
{
	struct input in = { .size = seed->size };
	size_t room = seed->size + 64;

	in.data = malloc(room);
	if (!in.data)
		abort();
	memcpy(in.data, seed->data, seed->size);
	for (unsigned int n = 1 + test_random(state) % 4; n; n--)
		change(&in, room, state);
	run(&in);
	free(in.data);
}

static int run_files(char **path)
{
	struct input in;

	for (; *path; path++) {
		if (read_input(*path, &in))
			return 1;
		fprintf(stderr, "%s\n", *path);
		run(&in);
		free(in.data);
	}
	return 0;
}

static double cpu_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static int run_corpus(const char *program)
{
	char dir[PATH_MAX], copy[2][PATH_MAX];
	uint64_t state = 1;
	unsigned int nr, changed = 0;
	struct input *seed;
	double end;

	snprintf(copy[0], PATH_MAX, "%s", program);
	snprintf(copy[1], PATH_MAX, "%s", program);
	snprintf(dir, sizeof(dir), "%.1000s/%.1000s.corpus", basename(dirname(copy[0])), basename(copy[1]));
	nr = read_corpus(dir, &seed);
	if (!nr) {
		fprintf(stderr, "no inputs in %s\n", dir);
		return 1;
	}
	for (unsigned int i = 0; i < nr; i++)
		run(&seed[i]);
	end = cpu_seconds() + CHANGED_SECONDS;
	while (cpu_seconds() < end)
		run_changed(&seed[changed++ % nr], &state);
	printf("%u inputs, %u changed ones\n", nr, changed);
	for (unsigned int i = 0; i < nr; i++)
		free(seed[i].data);
	free(seed);
	return 0;
}

int main(int argc, char **argv)
{
	snprintf(dump_path, sizeof(dump_path), "%.4000s.input", argv[0]);
	__sanitizer_set_death_callback(keep_input);
	signal(SIGABRT, on_abort);
	return argc > 1 ? run_files(argv + 1) : run_corpus(argv[0]);
}
