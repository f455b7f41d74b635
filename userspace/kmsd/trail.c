// SPDX-License-Identifier: GPL-2.0-or-later
#include "trail.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/fsio.h"
#include "common/log.h"
#include "principal.h"
#include "sts.h"

struct trail {
	char *path;
	pthread_mutex_t lock;	/* one record at a time, and none while the file changes */
	int fd;
};

/* end_line - a crash may have cut the last record short: what follows must not run into it. */
static int end_line(int fd)
{
	struct stat st;
	char last;

	if (fstat(fd, &st))
		return -errno;
	if (!st.st_size)
		return 0;
	if (pread(fd, &last, 1, st.st_size - 1) != 1)
		return -EIO;
	return last == '\n' ? 0 : write_all(fd, "\n", 1);
}

static int open_log(const char *path, struct err *e)
{
	int rc, fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_sys(e, -errno, "cannot open the audit log %s", path);
	rc = end_line(fd);
	if (!rc)
		return fd;
	close(fd);
	return err_sys(e, rc, "cannot append to the audit log %s", path);
}

int trail_open(const char *path, struct trail **out, struct err *e)
{
	struct trail *t = calloc(1, sizeof(*t));
	int rc = -ENOMEM;

	if (!t)
		return err_sys(e, rc, "audit log");
	t->path = strdup(path);
	t->fd = t->path ? open_log(path, e) : err_sys(e, rc, "audit log");
	if (t->fd < 0) {
		rc = t->fd;
		free(t->path);
		free(t);
		return rc;
	}
	pthread_mutex_init(&t->lock, NULL);
	*out = t;
	return 0;
}

int trail_reopen(struct trail *t, struct err *e)
{
	int fd = open_log(t->path, e);

	if (fd < 0)
		return fd;
	pthread_mutex_lock(&t->lock);
	close(t->fd);
	t->fd = fd;
	pthread_mutex_unlock(&t->lock);
	return 0;
}

void trail_close(struct trail *t)
{
	if (!t)
		return;
	close(t->fd);
	pthread_mutex_destroy(&t->lock);
	free(t->path);
	free(t);
}

/* The request's members that a record may show. Plaintext, CiphertextBlob, GrantTokens and the like stay out. */
static const char *const shown[] = {
	"AliasName", "BypassPolicyLockoutSafetyCheck", "Constraints", "CustomKeyStoreId", "CustomKeyStoreName",
	"CustomerMasterKeySpec", "Description", "DestinationEncryptionAlgorithm", "DestinationEncryptionContext",
	"DestinationKeyId", "DryRun", "DryRunModifiers", "EncryptionAlgorithm", "EncryptionContext", "GrantId",
	"GranteePrincipal", "GranteeServicePrincipal", "IncludeKeyMaterial", "KeyId", "KeySpec", "KeyUsage", "Limit",
	"Marker", "Name", "NumberOfBytes", "Operations", "Origin", "PendingWindowInDays", "Policy", "PolicyName",
	"RetiringPrincipal", "RetiringServicePrincipal", "RotationPeriodInDays", "SourceEncryptionAlgorithm",
	"SourceEncryptionContext", "SourceKeyId", "TagKeys", "Tags", "TargetKeyId",
};

static void put_parameters(struct jsonw *w, const struct call *c)
{
	bool any = false;

	/* RetireGrant's record names its grant elsewhere; the token would be the only parameter often enough. */
	if (c->in && strcmp(c->op->name, "RetireGrant"))
		any = json_object_object_length(c->in) > 0;
	if (!any) {
		jsonw_null(w, "requestParameters");
		return;
	}
	jsonw_open(w, "requestParameters", '{');
	for (unsigned int i = 0; i < sizeof(shown) / sizeof(*shown); i++) {
		struct json_object *value;
		char name[64];

		if (!json_object_object_get_ex(c->in, shown[i], &value))
			continue;
		snprintf(name, sizeof(name), "%s", shown[i]);
		name[0] = (char)tolower((unsigned char)name[0]);
		jsonw_raw(w, name,
			  json_object_to_json_string_ext(value,
							 JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	}
	jsonw_close(w, '}');
}

/* put_response - only what changes state answers with something worth a record, and never a secret. */
static void put_response(struct jsonw *w, const struct call *c)
{
	if (c->fault || !c->op->writes || !c->out.len) {
		jsonw_null(w, "responseElements");
		return;
	}
	if (!strcmp(c->op->name, "CreateGrant")) {
		jsonw_open(w, "responseElements", '{');
		jsonw_string(w, "grantId", c->grant_id);
		jsonw_string(w, "keyId", c->key_arn);
		jsonw_close(w, '}');
	} else {
		jsonw_raw(w, "responseElements", c->out.data);
	}
}

static void put_identity(struct jsonw *w, const struct call *c)
{
	const struct principal *p = &c->caller;
	char id[UNIQUE_ID_SIZE + 16];

	snprintf(id, sizeof(id), "%s%s", p->unique_id, p->role ? ":" PRINCIPAL_SESSION : "");
	jsonw_open(w, "userIdentity", '{');
	jsonw_string(w, "type", p->role ? "AssumedRole" : "IAMUser");
	jsonw_string(w, "principalId", id);
	jsonw_string(w, "arn", p->role ? c->session_arn : c->caller_arn);
	jsonw_string(w, "accountId", c->svc->account);
	jsonw_string(w, "accessKeyId", p->access_key);
	if (!p->role)
		jsonw_string(w, "userName", p->name);
	if (*p->via)
		jsonw_string(w, "invokedBy", p->via);
	jsonw_close(w, '}');
}

static void put_resources(struct jsonw *w, const struct call *c)
{
	if (!*c->key_arn)
		return;
	jsonw_open(w, "resources", '[');
	jsonw_open(w, NULL, '{');
	jsonw_string(w, "accountId", c->svc->account);
	jsonw_string(w, "type", "AWS::KMS::Key");
	jsonw_string(w, "ARN", c->key_arn);
	jsonw_close(w, '}');
	jsonw_close(w, ']');
}

static void put_what(struct jsonw *w, const struct call *c)
{
	bool sts = c->op == sts_operation();
	const char *header = http_header(c->http, "User-Agent");
	char agent[256];
	char when[32];
	time_t t = (time_t)(c->now_ms / 1000);
	struct tm tm;

	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
	jsonw_string(w, "eventTime", when);
	jsonw_string(w, "eventSource", sts ? "sts.amazonaws.com" : "kms.amazonaws.com");
	jsonw_string(w, "eventName", c->op->name);
	jsonw_string(w, "awsRegion", c->svc->region);
	jsonw_string(w, "sourceIPAddress", c->http->source ? c->http->source : "unknown");
	if (header) {
		snprintf(agent, sizeof(agent), "%s", header);
		for (char *p = agent; *p; p++)
			if (*p < 0x20 || *p > 0x7e)
				*p = '?';
		jsonw_string(w, "userAgent", agent);
	}
	/* CloudTrail writes "AccessDenied", but the other codes as the client sees them. */
	if (c->fault) {
		jsonw_string(w, "errorCode",
			     c->fault == FAULT_ACCESS_DENIED ? fault_query_name(c->fault) : fault_name(c->fault));
		jsonw_string(w, "errorMessage", c->message);
	}
}

void trail_format(const struct call *c, struct buf *out)
{
	struct jsonw w = JSONW_INIT(out);
	char event_id[KEY_ID_SIZE] = "";

	ident_new_uuid(event_id);
	jsonw_open(&w, NULL, '{');
	jsonw_string(&w, "eventVersion", "1.08");
	put_identity(&w, c);
	put_what(&w, c);
	put_parameters(&w, c);
	put_response(&w, c);
	if (*c->grant_id && !strcmp(c->op->name, "RetireGrant")) {
		jsonw_open(&w, "additionalEventData", '{');
		jsonw_string(&w, "grantId", c->grant_id);
		jsonw_close(&w, '}');
	}
	jsonw_string(&w, "requestID", c->request_id);
	jsonw_string(&w, "eventID", event_id);
	jsonw_bool(&w, "readOnly", !c->op->writes);
	put_resources(&w, c);
	jsonw_string(&w, "eventType", "AwsApiCall");
	jsonw_bool(&w, "managementEvent", true);
	jsonw_string(&w, "recipientAccountId", c->svc->account);
	jsonw_string(&w, "eventCategory", "Management");
	jsonw_close(&w, '}');
}

/* append - the whole line or nothing of it. */
static int append(int fd, const struct buf *line)
{
	struct stat st;
	int rc;

	if (line->failed)
		return -ENOMEM;
	if (fstat(fd, &st))
		return -errno;
	rc = write_all(fd, line->data, line->len);
	/* A full disk takes a part. If not even cutting helps, the next opening ends the line. */
	if (rc && ftruncate(fd, st.st_size))
		log_err("audit log: cannot take back a part of a record: %s", strerror(errno));
	return rc;
}

void trail_write(struct trail *t, const struct call *c)
{
	struct buf line = BUF_INIT;
	int rc;

	if (!t || !c->op || !c->authenticated)
		return;
	trail_format(c, &line);
	buf_char(&line, '\n');
	pthread_mutex_lock(&t->lock);
	rc = append(t->fd, &line);
	pthread_mutex_unlock(&t->lock);
	if (rc)
		log_err("audit log %s: request %s (%s) is not recorded: %s", t->path, c->request_id, c->op->name,
			strerror(-rc));
	buf_wipe(&line);
}
