// SPDX-License-Identifier: GPL-2.0-or-later
/* The agent's own programs and files: each check red, green and without an answer. */
#include "../common/test.h"
#include "doctor_world.h"

static char unix_kms[] = "unix:/run/ecache-kmsd/kms.sock";
static char https_kms[] = "https://kms.example.com";
static char region[] = "local-1";
static char principal[] = "arn:aws:iam::123456789012:role/host";
static char pins[] = "/etc/ecache/volumes.d";
static char state_dir[] = "/var/lib/ecache";
static char audit[] = "/var/log/ecache/audit.log";
static char net[] = "/run/ecache-net/net.sock";
static char creds[] = "/srv/creds";
static char none[] = "";

static struct agentconf conf_of(char *endpoint)
{
	return (struct agentconf){
		.kms_endpoint = endpoint, .region = region, .host_principal = principal, .pin_dir = pins,
		.state_dir = state_dir, .audit_log = audit, .net_socket = net, .host_credentials = creds,
	};
}

static void configuration(void **state)
{
	struct agentconf c = conf_of(https_kms);
	struct doctor d = world(*state);

	expect(&d, "configuration", DOCTOR_FAULT, "no configuration");
	d.conf = &c;
	expect(&d, "configuration", DOCTOR_OK, "https://kms.example.com, region local-1");
	c.kms_endpoint = NULL;
	expect(&d, "configuration", DOCTOR_OK, "AWS");
	c.host_principal = none;
	expect(&d, "configuration", DOCTOR_WARNING, "host-principal");
}

/* What keeps ecached from starting is told before it tries, and by the rules of its unit. */
static void policies_that_do_not_go_together(void **state)
{
	struct agentconf c = conf_of(https_kms);
	struct doctor d = world(*state);

	d.conf = &c;
	c.policy.lease = 60;
	expect(&d, "configuration", DOCTOR_FAULT, "lease: 60s is under 105s");
	d.status = answer("{'volumes':[],'agent':{'brake':false}}");	/* it runs: a unit with another WatchdogSec */
	expect(&d, "configuration", DOCTOR_OK, "");
	json_object_put(d.status);
}

static void what_the_agent_says_of_its_configuration(void **state)
{
	struct agentconf c = conf_of(https_kms);
	struct doctor d = world(*state);

	d.conf = &c;
	d.status = answer("{'volumes':[],'agent':{'problem':'waits for a restart: region'}}");
	expect(&d, "configuration", DOCTOR_WARNING, "waits for a restart: region");
	json_object_put(d.status);
}

static void hooks(void **state)
{
	struct agentconf c = conf_of(https_kms);
	struct doctor d = world(*state);

	d.conf = &c;
	strcpy(c.policy.hook, "/etc/ecache/hook");
	expect(&d, "configuration", DOCTOR_WARNING, "hook /etc/ecache/hook");
	put(*state, "/etc/ecache/hook", "#!/bin/sh\n");
	expect(&d, "configuration", DOCTOR_WARNING, "hook /etc/ecache/hook is not a program");
	assert_int_equal(chmod(scratch_path(*state, "etc/ecache/hook"), 0755), 0);
	expect(&d, "configuration", DOCTOR_OK, "");
	assert_int_equal(chmod(scratch_path(*state, "etc/ecache/hook"), 0775), 0);
	expect(&d, "configuration", DOCTOR_WARNING, "could be written by others");
	assert_int_equal(chmod(scratch_path(*state, "etc/ecache/hook"), 0755), 0);
	d.owner = getuid() + 1;
	expect(&d, "configuration", DOCTOR_WARNING, "could be written by others");
	d.owner = getuid();
	d.status = answer("{'volumes':[{'name':'a','policy':{'hook':'/etc/ecache/hook'}},"
			  "{'name':'b','policy':{'hook':'/gone'}}],'agent':{}}");
	expect(&d, "configuration", DOCTOR_WARNING, "hook /gone");
	json_object_put(d.status);
}

#define LIMITS(core, locked) \
	"Limit                     Soft Limit           Hard Limit           Units     \n" \
	"Max core file size        " core "                    0                    bytes     \n" \
	"Max locked memory         " locked "             unlimited            bytes     \n"

/* put_program - a process of that name; its limits as the units set them. */
static void put_program(struct scratch *s, const char *pid, const char *name)
{
	char path[128], text[128];

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	snprintf(text, sizeof(text), "%s\n", name);
	put(s, path, text);
	snprintf(path, sizeof(path), "/proc/%s/limits", pid);
	put(s, path, LIMITS("0", "unlimited"));
	snprintf(path, sizeof(path), "/proc/%s/cgroup", pid);
	snprintf(text, sizeof(text), "0::/system.slice/%s.service\n", name);
	put(s, path, text);
	snprintf(path, sizeof(path), "/sys/fs/cgroup/system.slice/%s.service/memory.swap.max", name);
	put(s, path, "0\n");
	snprintf(path, sizeof(path), "/proc/%s/status", pid);
	put(s, path, "Name:\tx\nUid:\t62000\t62000\t62000\t62000\n");
}

static void services_that_run(void **state)
{
	struct agentconf c = conf_of(https_kms);
	struct doctor d = world(*state);

	d.conf = &c;
	expect(&d, "services", DOCTOR_FAULT, "ecached does not run");
	put_program(*state, "10", "ecached");
	put_program(*state, "11", "ecache-netd");	/* somebody else */
	expect(&d, "services", DOCTOR_FAULT, "ecache-net does not run");
	put(*state, "/proc/net/unix", "0: 2 0 10000 5 1 98 /run/ecache-net/net.sockets\n");
	expect(&d, "services", DOCTOR_FAULT, "ecache-net does not run");
	put(*state, "/proc/net/unix", "0: 2 0 10000 5 1 99 /run/ecache-net/net.sock\n");
	expect(&d, "services", DOCTOR_OK, "ecache-net is started when it is asked");
	put_program(*state, "12", "ecache-net");
	expect(&d, "services", DOCTOR_OK, "ecached runs; ecache-net runs");
	c.kms_endpoint = unix_kms;
	expect(&d, "services", DOCTOR_FAULT, "ecache-kmsd does not run");
	put_program(*state, "13", "ecache-kmsd");
	expect(&d, "services", DOCTOR_OK, "ecache-kmsd runs");
}

static void services_that_are_too_free(void **state)
{
	struct agentconf c = conf_of(https_kms);
	struct doctor d = world(*state);

	d.conf = &c;
	put_program(*state, "10", "ecached");
	put_program(*state, "12", "ecache-net");
	put(*state, "/proc/10/limits", LIMITS("unlimited", "unlimited"));
	expect(&d, "services", DOCTOR_WARNING, "ecached (10) may dump core");
	put(*state, "/proc/10/limits", LIMITS("0", "65536"));
	expect(&d, "services", DOCTOR_WARNING, "65536 bytes of memory only");
	put(*state, "/proc/10/limits", LIMITS("0", "8388608"));
	expect(&d, "services", DOCTOR_OK, "");
	put(*state, "/sys/fs/cgroup/system.slice/ecached.service/memory.swap.max", "max\n");
	expect(&d, "services", DOCTOR_WARNING, "ecached (10) may be swapped out");
	put(*state, "/sys/fs/cgroup/system.slice/ecached.service/memory.swap.max", "0\n");
	put(*state, "/proc/12/status", "Name:\tx\nUid:\t0\t0\t0\t0\n");
	expect(&d, "services", DOCTOR_WARNING, "ecache-net (12) runs as root");
}

static void chmod_of(struct scratch *s, const char *path, mode_t mode)
{
	assert_int_equal(chmod(scratch_path(s, path + 1), mode), 0);
}

static void permissions(void **state)
{
	static const struct {
		const char *path;
		mode_t bad, good;
	} files[] = {
		{ "/etc/ecache", 0775, 0755 },
		{ "/etc/ecache/ecached.conf", 0664, 0644 },
		{ "/etc/ecache/host-credentials", 0640, 0600 },
		{ "/srv/creds", 0604, 0600 },
		{ "/etc/ecache/volumes.d", 0777, 0700 },
		{ "/etc/ecache/volumes.d/c1", 0620, 0600 },
		{ "/var/lib/ecache", 0750, 0700 },
		{ "/var/log/ecache/audit.log", 0644, 0600 },
		{ "/var/lib/ecache-kmsd", 0711, 0700 },
		{ "/var/lib/ecache-kmsd/root.secret", 0440, 0400 },
		{ "/var/lib/ecache-kmsd/kms.db", 0660, 0600 },
	};
	struct agentconf c = conf_of(unix_kms);
	struct doctor d = world(*state);
	size_t i;

	d.conf = &c;
	expect(&d, "permissions", DOCTOR_OK, "");	/* of what is not there nothing is wrong */
	put(*state, "/etc/ecache/ecached.conf", "");
	put(*state, "/etc/ecache/host-credentials", "");
	put(*state, "/srv/creds", "");
	put(*state, "/etc/ecache/volumes.d/c1", "");
	put_dir(*state, "/var/lib/ecache");
	put(*state, "/var/log/ecache/audit.log", "");
	put(*state, "/var/lib/ecache-kmsd/root.secret", "");
	put(*state, "/var/lib/ecache-kmsd/kms.db", "");
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		chmod_of(*state, files[i].path, files[i].good);
	expect(&d, "permissions", DOCTOR_OK, "");
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		chmod_of(*state, files[i].path, files[i].bad);
		expect(&d, "permissions", DOCTOR_FAULT, files[i].path);
		chmod_of(*state, files[i].path, files[i].good);
	}
	expect(&d, "permissions", DOCTOR_OK, "");
	d.owner = getuid() + 1;
	expect(&d, "permissions", DOCTOR_FAULT, "is user");
}

/* put_disks - / on sda1, /keys on sdb1, a volume c1 on sda or sdc by its id. */
static void put_disks(struct scratch *s, const char *volume_on)
{
	char target[64];

	put_disk(s, "sda");
	put_disk(s, "sdb");
	put_disk(s, "sdc");
	put_link(s, "/sys/dev/block/8:1", "../../devices/block/sda/sda1");
	put_link(s, "/sys/dev/block/8:17", "../../devices/block/sdb/sdb1");
	put(s, "/proc/self/mountinfo",
	    "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
	    "21 20 8:17 / /keys rw - ext4 /dev/sdb1 rw\n");
	snprintf(target, sizeof(target), "../../%s", volume_on);
	put_link(s, "/dev/disk/by-id/cache1", target);
	put(s, "/dev/sda1", "");
}

static void root_secret(void **state)
{
	struct agentconf c = conf_of(https_kms);
	struct doctor d = world(*state);

	d.conf = &c;
	expect(&d, "root-secret", DOCTOR_OK, "not on this host");
	c.kms_endpoint = unix_kms;
	expect(&d, "root-secret", DOCTOR_UNKNOWN, "");
	put_disks(*state, "sda1");
	expect(&d, "root-secret", DOCTOR_WARNING, "both on sda");
	d.status = answer("{'volumes':[{'name':'c1','device':'/dev/disk/by-id/cache1'}]}");
	expect(&d, "root-secret", DOCTOR_FAULT, "root secret and volume c1 are both on sda");
	put_disks(*state, "sdc1");
	expect(&d, "root-secret", DOCTOR_WARNING, "root secret and database are both on sda");
	put(*state, "/etc/ecache/kmsd.conf",
	    "# root-secret = file:/nowhere\n"
	    "root-secret = file:/keys/root\n"
	    "state-dir=/var/lib/k\n");
	expect(&d, "root-secret", DOCTOR_OK, "/keys/root is on sdb");
	put_disks(*state, "sdb1");
	expect(&d, "root-secret", DOCTOR_FAULT, "both on sdb");
	put(*state, "/etc/ecache/kmsd.conf", "root-secret=credential:kms-root\n");
	expect(&d, "root-secret", DOCTOR_OK, "credential");
	put(*state, "/var/lib/ecache-kmsd/root.secret", "");
	expect(&d, "root-secret", DOCTOR_WARNING, "a credential, and still in /var/lib/ecache-kmsd/root.secret");
	put(*state, "/etc/ecache/kmsd.conf", "root-secret=file:/keys/root\n");
	put_dm(*state, "dm-0", "keys", "CRYPT-LUKS2-1-keys\n", "sdb1");
	put_link(*state, "/sys/dev/block/8:17", "../../devices/virtual/block/dm-0");
	expect(&d, "root-secret", DOCTOR_OK, "encrypted");
	json_object_put(d.status);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(configuration),
		scratch_test(policies_that_do_not_go_together),
		scratch_test(what_the_agent_says_of_its_configuration),
		scratch_test(hooks),
		scratch_test(services_that_run),
		scratch_test(services_that_are_too_free),
		scratch_test(permissions),
		scratch_test(root_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
