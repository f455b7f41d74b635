// SPDX-License-Identifier: GPL-2.0-or-later
/* Events: what is taken from one can be a key and a grant, and is the same when SNS has wrapped it. */
#include "fuzz/fuzz.h"

#include "arn.h"
#include "common/json.h"
#include "event.h"

static void check_look(const struct event *ev)
{
	fuzz_check(*ev->name && fuzz_printable(ev->name, sizeof(ev->name)));
	fuzz_check(!arn_check_key(ev->key_arn, NULL));
	fuzz_check(fuzz_printable(ev->grant_id, sizeof(ev->grant_id)) && !strpbrk(ev->grant_id, "/.\"\\ "));
}

/* wrapped - as SNS sends it. */
static void check_wrapped(const char *text, size_t size, const struct event *ev)
{
	struct json_object *o = json_object_new_object();
	struct event again;
	const char *outer;
	size_t len;

	fuzz_check(!js_put_string(o, "Type", "Notification"));
	fuzz_check(!js_put(o, "Message", json_object_new_string_len(text, size)));
	outer = js_text(o, &len);
	fuzz_check(outer);
	if (len <= EVENT_MAX) {
		fuzz_check(event_parse(outer, len, &again) == EVENT_LOOK);
		fuzz_check(!memcmp(ev, &again, sizeof(again)));
	}
	json_object_put(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct event none;
	enum event_kind kind;
	struct event ev;

	memset(&ev, 'x', sizeof(ev));
	kind = event_parse((const char *)data, size, &ev);
	if (kind == EVENT_LOOK) {
		check_look(&ev);
		/* one that was wrapped already cannot be wrapped again */
		if (!memmem(data, size, "Notification", 12))
			check_wrapped((const char *)data, size, &ev);
	} else {
		fuzz_check(kind == EVENT_OTHER || kind == EVENT_UNREAD);
		fuzz_check(!memcmp(&ev, &none, sizeof(ev)));
	}
	return 0;
}
