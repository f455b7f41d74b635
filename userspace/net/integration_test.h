/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NET_INTEGRATION_TEST_H
#define NET_INTEGRATION_TEST_H

#include <sys/stat.h>

#include "../common/agentconf.h"
#include "../common/fsio.h"
#include "../common/ipc.h"
#include "../common/json.h"
#include "../common/test.h"
#include "../kms/arn.h"
#include "../kms/client.h"
#include "programs_test.h"

/* The stage of integration_test.c: ecache-kmsd with three identities, and ecache-net as the host. */

#define REGION "eu-test-1"
#define ACCOUNT "111122223333"
#define HOST "arn:aws:iam::" ACCOUNT ":role/host"
#define EXAMPLES "../Documentation/examples/"	/* the tests run in userspace/ */

static const struct kms_context ctx = {
	.nr = 3, .pair = { { "ecache:cache-id", "c1" }, { "ecache:format", "1" },
	     { "ecache:luks-uuid", "6d1c2b1e-0000-4000-8000-000000000001" } },
};

static const struct kms_context other_ctx = { 1, { { "ecache:cache-id", "c2" } } };
static const char *const grant_operations[] = { "Decrypt", "DescribeKey", "RetireGrant", NULL };

static char dir[40], state_dir[64], kms_sock[64], kms_conf[64], kms_admin[64], kms_endpoint[80], http_endpoint[80],
	conf_path[64], net_sock[64], err_path[64];
static pid_t kmsd, net;
static struct kms *owner, *creator, *host;
static struct kms_answer answer;
static struct err error;

static void join(char *out, const char *a, const char *b)
{
	strcpy(stpcpy(out, a), b);
}

/* @policy NULL: a role without any. */
static void make_principal(const char *name, const char *policy)
{
	const char *const argv[] = { "ecache-kmsd", "principal", "add", name, "--state-dir", state_dir,
			 policy ? "--policy" : "--role", policy, NULL };

	assert_int_equal(program_run(argv, err_path), 0);
}

/* kmsd says where it listens, one line each, when it does. */
static void start_kmsd(void)
{
	const char *const argv[] = { "ecache-kmsd", "serve", "--config", kms_conf, "--state-dir", state_dir, "--socket",
			 kms_sock, "--listen", "127.0.0.1:0", NULL };
	static const char http[] = "listening on http://";
	char said[512] = "", *p;
	size_t have = 0;
	ssize_t n;
	int out;

	kmsd = program_start(argv, &out, err_path);
	while (!(p = strstr(said, http)) || !strchr(p, '\n') || !strstr(said, "listening on unix:")) {
		n = read(out, said + have, sizeof(said) - 1 - have);
		assert_true(n > 0);
		have += n;
		said[have] = '\0';
	}
	close(out);
	snprintf(http_endpoint, sizeof(http_endpoint), "http://%.*s", (int)strcspn(p + strlen(http), "\n"),
		 p + strlen(http));
}

static void stop(pid_t *pid)
{
	if (*pid > 0) {
		kill(*pid, SIGTERM);
		assert_int_equal(program_wait(*pid), 0);
	}
	*pid = 0;
}

/* kmsd_injects - until kmsd is started anew. */
static void kmsd_injects(const char *what, const char *value)
{
	const char *const argv[] = { "ecache-kmsd", "inject", what, value, "--admin-socket", kms_admin, NULL };

	assert_int_equal(program_run(argv, err_path), 0);
}

static void wait_for_socket(const char *path)
{
	int i, sock;

	for (i = 0; i < 500; i++) {
		sock = ipc_connect(path, NULL);
		if (sock >= 0) {
			close(sock);
			return;
		}
		usleep(10000);
	}
	fail_msg("nobody listens on %s", path);
}

static void start_net(void)
{
	char uid[16];
	const char *const argv[] = { "ecache-net", "--config", conf_path, "--allow-uid", uid, NULL };

	snprintf(uid, sizeof(uid), "%u", (unsigned int)getuid());
	net = program_start(argv, NULL, err_path);
	wait_for_socket(net_sock);
}

static struct kms *open_as(const char *name, const char *endpoint)
{
	char file[128];
	struct kms_config cfg = { .region = REGION, .endpoint = endpoint, .creds = { .profile = name, .file = file },
				  .timeout_ms = 10000, .attempts = 1 };
	struct kms *k;

	snprintf(file, sizeof(file), "%s/credentials/%s", state_dir, name);
	assert_int_equal(kms_open(&k, &cfg, &error), 0);
	return k;
}

static void write_conf(void)
{
	char text[512];

	snprintf(text, sizeof(text), "admin-socket=%s\n", kms_admin);
	assert_int_equal(fsio_replace(kms_conf, text, strlen(text), 0600, NULL), 0);
	snprintf(text, sizeof(text),
		 "region=" REGION "\nkms-endpoint=%s\nhost-principal=" HOST "\nhost-profile=host\n"
		 "host-credentials=%s/credentials/host\nnet-socket=%s\n", kms_endpoint, state_dir, net_sock);
	assert_int_equal(fsio_replace(conf_path, text, strlen(text), 0600, NULL), 0);
}

static int setup(void **state)
{
	static const char *const init[] = { "ecache-kmsd", "init", "--state-dir", state_dir, "--account", ACCOUNT,
					    "--region", REGION, NULL };

	(void)state;
	strcpy(dir, "/tmp/integration_test.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	join(state_dir, dir, "/kmsd");
	join(kms_sock, dir, "/kms.sock");
	join(kms_conf, dir, "/kmsd.conf");
	join(kms_admin, dir, "/admin.sock");
	join(kms_endpoint, "unix:", kms_sock);
	join(conf_path, dir, "/ecached.conf");
	join(net_sock, dir, "/net.sock");
	join(err_path, dir, "/stderr");
	if (program_run(init, NULL))
		return -1;
	make_principal("owner", EXAMPLES "owner-policy.json");
	make_principal("creator", EXAMPLES "creator-policy.json");
	make_principal("host", NULL);
	write_conf();
	start_kmsd();
	start_net();
	owner = open_as("owner", kms_endpoint);
	creator = open_as("creator", kms_endpoint);
	host = open_as("host", kms_endpoint);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	stop(&net);
	stop(&kmsd);
	kms_close(owner);
	kms_close(creator);
	kms_close(host);
	if (!fork()) {
		execlp("rm", "rm", "-rf", dir, (char *)NULL);
		_exit(1);
	}
	return wait(NULL) < 0;
}

static int key_operation(struct kms *k, const char *op, const char *arn)
{
	struct json_object *body = json_object_new_object();
	int rc;

	if (arn)
		js_put_string(body, "KeyId", arn);
	if (!strcmp(op, "ScheduleKeyDeletion"))
		js_put(body, "PendingWindowInDays", json_object_new_int(7));
	rc = client_call(k, op, arn ? arn : "", body, &answer, &error);
	if (rc || strcmp(op, "CreateKey"))
		client_wipe(k);
	return rc;
}

/* A key of the owner's. */
static void make_key(char arn[KMS_ARN_MAX + 1])
{
	struct json_object *o, *meta;

	assert_int_equal(key_operation(owner, "CreateKey", NULL), 0);
	assert_int_equal(client_json(owner, "CreateKey", &o, &answer, &error), 0);
	assert_true(json_object_object_get_ex(o, "KeyMetadata", &meta));
	snprintf(arn, KMS_ARN_MAX + 1, "%s", json_object_get_string(json_object_object_get(meta, "Arn")));
	json_object_put(o);
	assert_int_equal(arn_check_key(arn, NULL), 0);
}

#endif
