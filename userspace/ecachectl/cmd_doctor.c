// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>

#include "../volume/dm.h"
#include "call.h"
#include "doctor.h"
#include "output.h"
#include "verb.h"

#define KLOG_READ_ALL 3
#define KLOG_SIZE 10

struct args {
	bool repair;
	bool json;
};

static struct json_object *must(struct json_object *o)
{
	if (!o)
		abort();	/* json-c returns NULL only when there is no memory */
	return o;
}

static void collect(void *ctx, struct json_object *msg)
{
	json_object_array_add(ctx, json_object_get(msg));
}

/* ask_agent - a request that is answered with volumes; they are put into the result. NULL: why is in @e. */
static struct json_object *ask_agent(const char *verb, struct err *e)
{
	static const struct call_ops ops = { .volume = collect };
	struct json_object *volumes = must(json_object_new_array()), *result = NULL;

	if (call_run(call_request(verb, NULL), &ops, volumes, false, &result, e)) {
		json_object_put(volumes);
		json_object_put(result);
		return NULL;
	}
	json_object_object_add(result, "volumes", volumes);
	return result;
}

/* kernel_log - as far as it goes back; NULL for who may not read it. */
static char *kernel_log(void)
{
	int size = klogctl(KLOG_SIZE, NULL, 0), n;
	char *buf;

	if (size <= 0)
		return NULL;
	buf = malloc((size_t)size + 1);
	if (!buf)
		return NULL;
	n = klogctl(KLOG_READ_ALL, buf, size);
	if (n < 0) {
		free(buf);
		return NULL;
	}
	buf[n] = '\0';
	return buf;
}

/* Where the findings go. */
struct report {
	bool json;
	struct json_object *checks;
	struct json_object *repairs;	/* NULL: none wanted */
	unsigned int nr[DOCTOR_FAULT + 1];
};

static void take(void *ctx, const char *name, const struct finding *f)
{
	struct report *r = ctx;
	struct json_object *o;

	r->nr[f->outcome]++;
	if (!r->json) {
		printf("%-8s %-14s %s\n", outcome_name(f->outcome), name, f->found);
		if (f->remedy)
			printf("%-8s %-14s -> %s\n", "", "", f->remedy);
		return;
	}
	o = must(json_object_new_object());
	call_add_string(o, "name", name);
	call_add_string(o, "outcome", outcome_name(f->outcome));
	call_add_string(o, "found", f->found);
	call_add_string(o, "remedy", f->remedy);
	json_object_array_add(r->checks, o);
}

static void print_end(const struct report *r)
{
	struct json_object *o;
	enum outcome i;

	if (!r->json) {
		printf("\n%u ok, %u unknown, %u warnings, %u faults\n", r->nr[DOCTOR_OK], r->nr[DOCTOR_UNKNOWN],
		       r->nr[DOCTOR_WARNING], r->nr[DOCTOR_FAULT]);
		return;
	}
	o = must(json_object_new_object());
	json_object_object_add(o, "checks", json_object_get(r->checks));
	if (r->repairs)
		json_object_object_add(o, "repairs", json_object_get(r->repairs));
	for (i = DOCTOR_OK; i <= DOCTOR_FAULT; i++)
		json_object_object_add(o, outcome_name(i), must(json_object_new_int64(r->nr[i])));
	out_json(o);
	json_object_put(o);
}

/* repair_one - ecached's own recovery of it, at once; what that waits for is the finding of a check, too. */
static void repair_one(struct report *r, const char *name)
{
	struct json_object *result = NULL;
	struct err e = ERR_INIT;
	const char *left;

	if (call_run(call_request("repair", name), &(struct call_ops){ 0 }, NULL, false, &result, &e)) {
		result = must(json_object_new_object());
		call_add_string(result, "name", name);
		call_add_string(result, "waits_for", e.what);
	}
	left = json_object_object_get(result, "waits_for") ? out_str(result, "waits_for") : NULL;
	if (!r->json)
		printf("%-8s %-14s %s of %s: %s\n", left ? "later" : "repaired", "", out_str(result, "verb"), name,
		       left ? left : "done");
	json_object_array_add(r->repairs, result);
}

/* repair - what the status names; what others try meanwhile is none the worse. */
static void repair(struct report *r, struct json_object *status)
{
	struct json_object *list = json_object_object_get(status, "volumes"), *v;
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0, i;

	r->repairs = must(json_object_new_array());
	for (i = 0; i < n; i++) {
		v = json_object_array_get_idx(list, i);
		if (out_obj(v, "unfinished"))
			repair_one(r, out_str(v, "name"));
	}
}

static int cmd_doctor(const struct verb *v, int argc, char **argv)
{
	struct err conf_err = ERR_INIT, status_err = ERR_INIT, kms_err = ERR_INIT;
	struct doctor d = { .root = "" };
	struct agentconf conf;
	struct args a = { 0 };
	struct report r = { 0 };
	char *log;
	int status;

	if (!verb_parse(v, argc, argv, &a, NULL, &status))
		return status;
	if (!agentconf_load(NULL, &conf, &conf_err))
		d.conf = &conf;
	d.conf_error = conf_err.what;
	r.json = a.json;
	d.status = ask_agent("status", &status_err);
	if (a.repair && d.status) {
		repair(&r, d.status);
		json_object_put(d.status);
		d.status = ask_agent("status", &status_err);
	}
	d.kms = d.status ? ask_agent("doctor", &kms_err) : NULL;
	d.agent_error = d.status ? kms_err.what : status_err.what;
	log = kernel_log();
	d.kernel_log = log;
	d.have_target = !dm_target_version("ecache", d.target);
	r.checks = must(json_object_new_array());
	doctor_each(&d, take, &r);
	print_end(&r);
	json_object_put(r.checks);
	json_object_put(r.repairs);
	free(log);
	json_object_put(d.kms);
	json_object_put(d.status);
	agentconf_free(&conf);
	return r.nr[DOCTOR_FAULT] ? EXIT_FAILED : EXIT_OK;
}

static const struct opt opts[] = {
	{ "repair", NULL, "first have ecached finish or undo at once what was interrupted", OPT_FLAG,
	  offsetof(struct args, repair) },
	OPT_JSON(struct args),
	OPT_END
};

const struct verb verb_doctor = {
	.name = "doctor",
	.operands = "",
	.max_operands = 0,
	.summary = "Look for what makes the promises void on this host, and say what to do",
	.details = "Without --repair nothing is changed: the KMS is asked by dry runs, with this host's credentials,\n"
		   "and the rest is read. What could not be asked is told. Exit status 1 when there is a fault.",
	.opts = opts,
	.func = cmd_doctor,
};
