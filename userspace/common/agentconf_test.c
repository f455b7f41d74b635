// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agentconf.h"
#include "fsio.h"
#include "test.h"

#define KEY "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
#define QUEUE "https://sqs.eu-west-1.amazonaws.com/111122223333/events"

static int parse(const char *text, struct agentconf *c, struct err *e)
{
	return agentconf_parse("ecached.conf", text, strlen(text), c, e);
}

static void a_region_is_enough_and_the_rest_has_defaults(void **state)
{
	struct agentconf c;

	(void)state;
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_int_equal(parse("region=eu-west-1\n", &c, NULL), 0);
	assert_null(c.kms_endpoint);
	assert_null(c.sts_endpoint);
	assert_null(c.kms_ca_file);
	assert_false(c.use_fips || c.use_dualstack);
	assert_string_equal(c.region, "eu-west-1");
	assert_string_equal(c.host_principal, "");
	assert_int_equal(c.host_source, CREDS_FILE);
	assert_string_equal(c.host_profile, "default");
	assert_string_equal(c.host_credentials, "/etc/ecache/host-credentials");
	assert_string_equal(c.default_key, "");
	assert_string_equal(c.canary_key, "");
	assert_string_equal(c.events_queue, "");
	assert_null(c.events_endpoint);
	assert_null(c.events_profile);
	assert_int_equal(c.policy.set, 0);
	assert_int_equal(c.policy.probe_interval, 300);
	assert_int_equal(c.policy.teardown_deadline, 20);
	assert_string_equal(c.state_dir, "/var/lib/ecache");
	assert_string_equal(c.pin_dir, "/etc/ecache/volumes.d");
	assert_string_equal(c.audit_log, "/var/log/ecache/audit.log");
	assert_string_equal(c.net_socket, "/run/ecache-net/net.sock");
	assert_string_equal(c.control_socket, "/run/ecache/ecached.sock");
	assert_string_equal(c.metrics_socket, "/run/ecache/metrics.sock");
	agentconf_free(&c);
	agentconf_free(&c);
}

static void every_key_is_taken(void **state)
{
	struct agentconf c;

	(void)state;
	assert_int_equal(parse("kms-endpoint=unix:/run/ecache-kmsd/kms.sock\n"
			       "sts-endpoint=https://sts.example.org\n"
			       "kms-ca-file=/etc/ecache/ca.pem\n"
			       "use-fips=no\n"
			       "use-dualstack=no\n"
			       "region=eu-west-1\n"
			       "host-principal=arn:aws:iam::111122223333:role/cache-host\n"
			       "host-profile=host\n"
			       "host-credentials=/root/creds\n"
			       "default-key=alias/mine\n"
			       "canary-key=" KEY "\n"
			       "events-queue=" QUEUE "\n"
			       "events-endpoint=https://vpce-1.sqs.example.com\n"
			       "events-profile=listener\n"
			       "on-revoke=hold\n"
			       "on-disabled=teardown\n"
			       "unreachable=fail-after=1h\n"
			       "lease=15m\n"
			       "after-lock=stay\n"
			       "probe-interval=5s\n"
			       "teardown-deadline=1m\n"
			       "hook=/h\n"
			       "state-dir=/s\n"
			       "pin-dir=/p\n"
			       "audit-log=/a\n"
			       "net-socket=/n\n"
			       "control-socket=/c\nmetrics-socket=/m\n", &c, NULL), 0);
	assert_string_equal(c.kms_endpoint, "unix:/run/ecache-kmsd/kms.sock");
	assert_string_equal(c.sts_endpoint, "https://sts.example.org");
	assert_string_equal(c.kms_ca_file, "/etc/ecache/ca.pem");
	assert_string_equal(c.host_principal, "arn:aws:iam::111122223333:role/cache-host");
	assert_string_equal(c.host_profile, "host");
	assert_string_equal(c.host_credentials, "/root/creds");
	assert_string_equal(c.default_key, "alias/mine");
	assert_string_equal(c.canary_key, KEY);
	assert_string_equal(c.events_queue, QUEUE);
	assert_string_equal(c.events_endpoint, "https://vpce-1.sqs.example.com");
	assert_string_equal(c.events_profile, "listener");
	assert_int_equal(c.policy.on_revoke, POLICY_HOLD);
	assert_int_equal(c.policy.on_disabled, POLICY_TEARDOWN);
	assert_int_equal(c.policy.fail_after, 3600);
	assert_int_equal(c.policy.lease, 900);
	assert_int_equal(c.policy.after_lock, AFTER_LOCK_STAY);
	assert_int_equal(c.policy.probe_interval, 5);
	assert_int_equal(c.policy.teardown_deadline, 60);
	assert_string_equal(c.policy.hook, "/h");
	assert_string_equal(c.state_dir, "/s");
	assert_string_equal(c.pin_dir, "/p");
	assert_string_equal(c.audit_log, "/a");
	assert_string_equal(c.net_socket, "/n");
	assert_string_equal(c.control_socket, "/c");
	assert_string_equal(c.metrics_socket, "/m");
	agentconf_free(&c);
}

/* The manual page: it describes exactly the keys that there are, and its examples work. */
static char *manual(void)
{
	struct err e = ERR_INIT;
	char *text;
	size_t len;

	if (fsio_read("../Documentation/man/ecached.conf.5", 1 << 20, &text, &len, &e))
		fail_msg("%s (the tests run in userspace/)", e.what);
	return text;
}

static void every_key_is_described(void **state)
{
	static const char item[] = "\n.It Sy ";
	char *text = manual(), *p = text, line[128];
	struct agentconf c;
	int keys = 0;

	(void)state;
	while ((p = strstr(p, item))) {
		struct err e = ERR_INIT;

		p += strlen(item);
		keys++;
		/* no key is content with nothing, so what is known says what is wrong with it */
		snprintf(line, sizeof(line), "%.*s=\n", (int)strcspn(p, " \n"), p);
		assert_int_equal(parse(line, &c, &e), -EINVAL);
		if (strstr(e.what, "unknown key"))
			fail_msg("described, but not a key: %s", line);
	}
	assert_int_equal(keys, 35);
	free(text);
}

static void the_examples_of_the_manual_are_good(void **state)
{
	static const char begin[] = "\n.Bd -literal -offset indent\n", end[] = "\n.Ed";
	char *text = manual(), *p = text, *stop;
	struct agentconf c;
	int examples = 0;

	(void)state;
	while ((p = strstr(p, begin))) {
		struct err e = ERR_INIT;

		p += strlen(begin);
		stop = strstr(p, end);
		assert_non_null(stop);
		if (agentconf_parse("example", p, stop - p, &c, &e))
			fail_msg("%s", e.what);
		agentconf_free(&c);
		examples++;
	}
	assert_int_equal(examples, 5);
	free(text);
}

static void variants_of_awss_endpoints_can_be_chosen(void **state)
{
	struct agentconf c;

	(void)state;
	assert_int_equal(parse("region=us-east-1\nuse-fips=yes\nuse-dualstack=yes\n", &c, NULL), 0);
	assert_true(c.use_fips && c.use_dualstack);
	agentconf_free(&c);
}

static void metrics_can_be_switched_off(void **state)
{
	struct agentconf c;

	(void)state;
	assert_int_equal(parse("region=us-east-1\nmetrics-socket=none\n", &c, NULL), 0);
	assert_string_equal(c.metrics_socket, "");
	agentconf_free(&c);
}

static void a_source_has_its_own_keys(void **state)
{
	static const char *const good[] = {
		"host-credentials-source=file\nhost-profile=p\nhost-credentials=/c\n",
		"host-credentials-source=profile\nhost-profile=p\n", "host-credentials-source=process\nhost-credentials=/c\n",
		"host-credentials-source=web-identity\nhost-role-arn=arn:aws:iam::111122223333:role/r\n"
		"host-web-identity-token-file=/t\nhost-role-session-name=me\n",
		"host-credentials-source=container\nhost-container-uri=/v2/x\n",
		"host-credentials-source=container\nhost-container-uri=http://169.254.170.23/v1/credentials\n"
		"host-container-token-file=/t\n",
		"host-credentials-source=imds\n", "host-credentials-source=imds\nhost-imds-endpoint=http://[fd00:ec2::254]\n",
	};
	static const enum creds_kind kinds[] = {
		CREDS_FILE, CREDS_PROFILE, CREDS_PROCESS, CREDS_WEB_IDENTITY, CREDS_CONTAINER, CREDS_CONTAINER,
		CREDS_IMDS, CREDS_IMDS,
	};
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "host-credentials-source=any\n", "must be file, profile, process" },
		{ "host-credentials-source=web-identity\n",
			"ecached.conf:2: this host-credentials-source needs host-role-arn" },
		{ "host-credentials-source=web-identity\nhost-role-arn=arn:aws:iam::111122223333:role/r\n",
			"ecached.conf:2: this host-credentials-source needs host-web-identity-token-file" },
		{ "host-credentials-source=container\n",
			"ecached.conf:2: this host-credentials-source needs host-container-uri" },
		{ "host-credentials-source=imds\nhost-credentials=/c\n",
			"ecached.conf:3: host-credentials has no meaning" },
		{ "host-credentials-source=container\nhost-container-uri=/x\nhost-profile=p\n",
			"ecached.conf:4: host-profile has no meaning" },
		{ "host-role-arn=arn:aws:iam::111122223333:role/r\n", "host-role-arn has no meaning" },
		{ "host-imds-endpoint=http://127.0.0.1\n",
			"ecached.conf:2: host-imds-endpoint has no meaning" },
		{ "host-role-arn=arn:aws:iam::111122223333:user/r\n", "must be the ARN of a role" },
		{ "host-container-uri=ftp://x/\n", "host-container-uri: " },
		{ "host-imds-endpoint=http://127.0.0.1/x\n", "host-imds-endpoint: " },
		{ "host-imds-endpoint=/x\n", "host-imds-endpoint: " },
		{ "host-web-identity-token-file=t\n", "must be an absolute path" },
		{ "host-container-token-file=t\n", "must be an absolute path" },
	};
	struct agentconf c;
	char text[400];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
		snprintf(text, sizeof(text), "region=r\n%s", good[i]);
		assert_int_equal(parse(text, &c, NULL), 0);
		assert_int_equal(c.host_source, kinds[i]);
		agentconf_free(&c);
	}
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err e = ERR_INIT;

		snprintf(text, sizeof(text), "region=r\n%s", bad[i].text);
		assert_int_equal(parse(text, &c, &e), -EINVAL);
		if (!strstr(e.what, bad[i].why))
			fail_msg("\"%s\" where \"%s\" was expected", e.what, bad[i].why);
		if (!*e.hint)
			fail_msg("nothing says what to do: %s", e.what);
	}
}

static void only_a_local_kms_has_a_default_key(void **state)
{
	struct agentconf c;

	(void)state;
	assert_int_equal(parse("region=r\nkms-endpoint=unix:/k\n", &c, NULL), 0);
	assert_string_equal(c.default_key, "alias/aws/elasticache");
	agentconf_free(&c);
	assert_int_equal(parse("region=r\nkms-endpoint=http://127.0.0.1:7000\n", &c, NULL), 0);
	assert_string_equal(c.default_key, "alias/aws/elasticache");
	agentconf_free(&c);
	assert_int_equal(parse("region=r\nkms-endpoint=https://kms.example.org\n", &c, NULL), 0);
	assert_string_equal(c.default_key, "");
	agentconf_free(&c);
}

static void credentials_of_systemd_come_first(void **state)
{
	struct agentconf c;

	(void)state;
	setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x", 1);
	assert_int_equal(parse("region=r\n", &c, NULL), 0);
	assert_string_equal(c.host_credentials, "/run/credentials/x/host-credentials");
	agentconf_free(&c);
	assert_int_equal(parse("region=r\nhost-credentials=/mine\n", &c, NULL), 0);
	assert_string_equal(c.host_credentials, "/mine");
	agentconf_free(&c);
	unsetenv("CREDENTIALS_DIRECTORY");
}

/* Each key but those of the policies and the three others: changed alone, it is named alone; the rest is taken over. */
static void what_a_running_agent_cannot_take_is_named(void **state)
{
	static const struct {
		const char *one, *other;
		const char *names;
	} t[] = {
		{ "kms-endpoint=unix:/a\n", "kms-endpoint=unix:/b\n", "kms-endpoint" },
		{ "kms-endpoint=unix:/a\n", "", "kms-endpoint" },
		{ "sts-endpoint=https://a\n", "", "sts-endpoint" },
		{ "kms-ca-file=/a\n", "kms-ca-file=/b\n", "kms-ca-file" },
		{ "use-fips=yes\n", "", "use-fips" },
		{ "use-dualstack=yes\n", "use-dualstack=no\n", "use-dualstack" },
		{ "host-profile=a\n", "", "host-profile" },
		{ "host-credentials=/a\n", "", "host-credentials" },
		{ "host-credentials-source=imds\n", "", "host-credentials-source" },
		{ "host-credentials-source=imds\nhost-imds-endpoint=http://127.0.0.1\n", "host-credentials-source=imds\n",
		  "host-imds-endpoint" },
		{ "events-queue=" QUEUE "\n", "", "events-queue" },
		{ "events-queue=" QUEUE "\nevents-endpoint=unix:/a\nevents-profile=a\n", "events-queue=" QUEUE "\n",
		  "events-endpoint, events-profile" },
		{ "state-dir=/a\npin-dir=/a\n", "", "state-dir, pin-dir" },
		{ "audit-log=/a\n", "", "audit-log" },
		{ "net-socket=/a\ncontrol-socket=/a\n", "", "net-socket, control-socket" },
		{ "metrics-socket=none\n", "", "metrics-socket" },
		{ "host-principal=arn:aws:iam::111122223333:role/r\n", "", "" },
		{ "default-key=alias/a\n", "default-key=alias/b\n", "" },
		{ "canary-key=" KEY "\n", "", "" },
		{ "on-revoke=hold\nlease=1h\nhook=/h\nprobe-interval=7s\n", "", "" },
	};
	struct agentconf a, b;
	char text[300], names[300];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		snprintf(text, sizeof(text), "region=eu-west-1\n%s", t[i].one);
		assert_int_equal(parse(text, &a, NULL), 0);
		snprintf(text, sizeof(text), "region=eu-west-1\n%s", t[i].other);
		assert_int_equal(parse(text, &b, NULL), 0);
		agentconf_changes(&a, &b, names, sizeof(names));
		assert_string_equal(names, t[i].names);
		agentconf_changes(&b, &b, names, sizeof(names));
		assert_string_equal(names, "");
		agentconf_free(&a);
		agentconf_free(&b);
	}
}

static void the_rest_is_taken_over(void **state)
{
	struct agentconf a, b;

	(void)state;
	assert_int_equal(parse("region=eu-west-1\nstate-dir=/a\n", &a, NULL), 0);
	assert_int_equal(parse("region=eu-west-1\nstate-dir=/b\nhost-principal=arn:aws:iam::111122223333:role/r\n"
			       "default-key=alias/b\ncanary-key=" KEY "\nlease=1h\n", &b, NULL), 0);
	agentconf_take(&a, &b);
	assert_null(b.region);
	assert_string_equal(a.state_dir, "/a");
	assert_string_equal(a.host_principal, "arn:aws:iam::111122223333:role/r");
	assert_string_equal(a.default_key, "alias/b");
	assert_string_equal(a.canary_key, KEY);
	assert_int_equal(a.policy.lease, 3600);
	agentconf_free(&a);
}

static void bad_values_are_named(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} bad[] = {
		{ "", "required key \"region\" is missing" },
		{ "region=Eu West\n", "ecached.conf:1: region: " },
		{ "region=r\nkms-endpoint=http://10.0.0.1\n", "ecached.conf:2: kms-endpoint: " },
		{ "region=r\nkms-endpoint=\n", "ecached.conf:2: kms-endpoint: " },
		{ "region=r\nsts-endpoint=sts\n", "ecached.conf:2: sts-endpoint: " },
		{ "region=r\nkms-ca-file=ca.pem\n", "kms-ca-file: must be an absolute path" },
		{ "region=r\nuse-fips=true\n", "use-fips: must be yes or no" },
		{ "region=r\nuse-dualstack=1\n", "use-dualstack: must be yes or no" },
		{ "region=r\nuse-fips=yes\nkms-endpoint=unix:/k\n", "ecached.conf:3: FIPS with the endpoint" },
		{ "region=r\nhost-principal=arn:aws:sts::111122223333:assumed-role/x/y\n", "host-principal: " },
		{ "region=r\nhost-profile=\n", "host-profile: must not be empty" },
		{ "region=r\ndefault-key=\n", "default-key: \"\" is neither a key id nor" },
		{ "region=r\ndefault-key=alias/x # mine\n", "ecached.conf:2: default-key: " },
		{ "default-key=" KEY "\nregion=r\n", "ecached.conf:1: default-key is not in region r" },
		{ "region=r\ncanary-key=alias/x\n", "canary-key: " },
		{ "region=r\ncanary-key=" KEY "\n", "ecached.conf:2: canary-key is not in region r" },
		{ "region=r\nprobe-interval=0\n", "probe-interval: must be 1s to 86400s" },
		{ "region=r\nprobe-interval=86401\n", "probe-interval: must be 1s to 86400s" },
		{ "region=r\nteardown-deadline=4\n", "teardown-deadline: must be 5s to 600s" },
		{ "region=r\nteardown-deadline=601\n", "teardown-deadline: must be 5s to 600s" },
		{ "region=r\non-revoke=ignore\n", "on-revoke: must be teardown, lock or hold" },
		{ "region=r\nunreachable=fail-after=9s\n", "unreachable: must be 10s to 2592000s" },
		{ "region=r\nstate-dir=s\n", "state-dir: must be an absolute path" },
		{ "region=r\npin-dir=s\n", "pin-dir: must be an absolute path" },
		{ "region=r\naudit-log=s\n", "audit-log: must be an absolute path" },
		{ "region=r\nnet-socket=s\n", "net-socket: must be an absolute path" },
		{ "region=r\ncontrol-socket=s\n", "control-socket: must be an absolute path" },
		{ "region=r\nmetrics-socket=None\n", "metrics-socket: must be an absolute path" },
		{ "region=r\nhost-credentials=s\n", "host-credentials: must be an absolute path" },
		{ "region=r\nevents-queue=q\n", "ecached.conf:2: events-queue: a queue's URL is like" },
		{ "region=r\nevents-queue=http://10.0.0.1/1/q\n", "events-queue: " },
		{ "region=r\nevents-queue=" QUEUE ".fifo\n", "events-queue: events go to standard queues" },
		{ "region=r\nevents-queue=\n", "events-queue: " },
		{ "region=r\nevents-queue=" QUEUE "\nevents-profile=\n", "events-profile: must not be empty" },
		{ "region=r\nevents-queue=" QUEUE "\nevents-endpoint=http://x\n", "events-endpoint: " },
		{ "region=r\nevents-endpoint=unix:/q\n", "events-endpoint has no meaning without events-queue" },
		{ "region=r\nevents-profile=q\n", "events-profile has no meaning without events-queue" },
		{ "region=r\nprobe_interval=5\n", "unknown key \"probe_interval\"" },
	};
	struct agentconf c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err e = ERR_INIT;

		assert_int_equal(parse(bad[i].text, &c, &e), -EINVAL);
		if (!strstr(e.what, bad[i].why))
			fail_msg("\"%s\" where \"%s\" was expected", e.what, bad[i].why);
		if (!*e.hint)
			fail_msg("nothing says what to do: %s", e.what);
		assert_null(c.region);
	}
	assert_int_equal(agentconf_load("/nonexistent/ecached.conf", &c, NULL), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_region_is_enough_and_the_rest_has_defaults),
		cmocka_unit_test(every_key_is_taken),
		cmocka_unit_test(every_key_is_described),
		cmocka_unit_test(the_examples_of_the_manual_are_good),
		cmocka_unit_test(variants_of_awss_endpoints_can_be_chosen),
		cmocka_unit_test(metrics_can_be_switched_off),
		cmocka_unit_test(a_source_has_its_own_keys),
		cmocka_unit_test(only_a_local_kms_has_a_default_key),
		cmocka_unit_test(credentials_of_systemd_come_first),
		cmocka_unit_test(what_a_running_agent_cannot_take_is_named),
		cmocka_unit_test(the_rest_is_taken_over),
		cmocka_unit_test(bad_values_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
