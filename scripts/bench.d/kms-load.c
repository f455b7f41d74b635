// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Decrypts against a KMS, by the client of the agent: CONNECTIONS threads, each with a connection of its own, one
 * request after the other. Makes its key and a ciphertext first. Once a second, and at the end, a line
 * "SECONDS REQUESTS FAILED" goes out; at last "latency_us P50 P99 MAX".
 *
 * usage: kms-load ENDPOINT REGION PROFILE KEY REQUESTS CONNECTIONS
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "kms/kms.h"

#define CONNECTIONS_MAX 64
#define DATA_KEY 64
/* Latencies are counted in steps of 10 us up to 1 s: the median of a million requests takes no memory per request. */
#define STEP_US 10
#define STEPS 100000

struct load {
	struct kms_config cfg;
	const char *key;
	struct kms_context ctx;
	unsigned char blob[KMS_BLOB_MAX];
	size_t blob_len;
	long requests;
	atomic_long begun, done, failed;
	atomic_uint latency[STEPS];
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void note(struct load *l, double seconds)
{
	long step = (long)(seconds * 1e6) / STEP_US;

	atomic_fetch_add(&l->latency[step < STEPS ? step : STEPS - 1], 1);
}

static void *run(void *arg)
{
	struct load *l = arg;
	struct kms *kms = NULL;
	struct secret plain = SECRET_INIT;
	struct kms_answer a;
	struct err e = ERR_INIT;

	if (kms_open(&kms, &l->cfg, &e) || secret_alloc(&plain, DATA_KEY)) {
		fprintf(stderr, "kms-load: %s\n", e.what);
		exit(1);
	}
	while (atomic_fetch_add(&l->begun, 1) < l->requests) {
		double begin = now();

		if (kms_decrypt(kms, l->key, &l->ctx, l->blob, l->blob_len, NULL, &plain, &a, &e)) {
			if (!atomic_fetch_add(&l->failed, 1))
				fprintf(stderr, "kms-load: %s\n", e.what);
		}
		note(l, now() - begin);
		atomic_fetch_add(&l->done, 1);
	}
	secret_wipe(&plain);
	kms_close(kms);
	return NULL;
}

static long percentile(struct load *l, double part)
{
	double want = part * (double)atomic_load(&l->done), seen = 0;
	long step;

	for (step = 0; step < STEPS - 1; step++) {
		seen += atomic_load(&l->latency[step]);
		if (seen >= want)
			break;
	}
	return (step + 1) * STEP_US;
}

static int prepare(struct load *l)
{
	struct kms *kms = NULL;
	struct kms_answer a;
	struct err e = ERR_INIT;
	int rc = kms_open(&kms, &l->cfg, &e);

	if (!rc)
		rc = kms_generate_data_key_wrapped(kms, l->key, DATA_KEY, &l->ctx, l->blob, &l->blob_len, &a, &e);
	if (rc)
		fprintf(stderr, "kms-load: %s\n", e.what);
	kms_close(kms);
	return rc;
}

static int measure(struct load *l, unsigned int connections)
{
	pthread_t thread[CONNECTIONS_MAX];
	double begin = now();

	for (unsigned int i = 0; i < connections; i++) {
		if (pthread_create(&thread[i], NULL, run, l))
			return 1;
	}
	while (atomic_load(&l->done) < l->requests) {
		usleep(100000);
		if ((long)((now() - begin) * 10) % 10)
			continue;
		printf("%.3f %ld %ld\n", now() - begin, atomic_load(&l->done), atomic_load(&l->failed));
		fflush(stdout);
	}
	for (unsigned int i = 0; i < connections; i++)
		pthread_join(thread[i], NULL);
	printf("%.3f %ld %ld\n", now() - begin, atomic_load(&l->done), atomic_load(&l->failed));
	printf("latency_us %ld %ld %ld\n", percentile(l, 0.5), percentile(l, 0.99), percentile(l, 1));
	return atomic_load(&l->failed) ? 1 : 0;
}

int main(int argc, char **argv)
{
	static struct load l;
	unsigned int connections;

	if (argc != 7)
		return 2;
	log_init("kms-load", LOG_ERR);
	l.cfg.endpoint = argv[1];
	l.cfg.region = argv[2];
	l.cfg.creds.profile = argv[3];
	l.cfg.timeout_ms = 60000;
	l.cfg.attempts = 1;
	l.key = argv[4];
	l.requests = strtol(argv[5], NULL, 10);
	connections = (unsigned int)strtoul(argv[6], NULL, 10);
	if (l.requests < 1 || connections < 1 || connections > CONNECTIONS_MAX)
		return 2;
	l.ctx.nr = 1;
	l.ctx.pair[0].key = "ecache:cache-id";
	l.ctx.pair[0].value = "bench";
	if (prepare(&l))
		return 1;
	return measure(&l, connections);
}
