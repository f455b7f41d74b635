// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <string.h>

#include "doctor.h"
#include "output.h"

/* The checks of volumes that are not whole: work that was interrupted, and parts without the rest. */

static size_t length(struct json_object *list)
{
	return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

static void check_unfinished(const struct doctor *d, struct finding *f)
{
	static const char remedy[] = "ecached tries every minute; `ecachectl doctor --repair` tries now, and says what "
		"it waits for.";
	struct json_object *list = json_object_object_get(d->status, "volumes"), *v, *u;
	size_t n = length(list), i;

	if (!d->status) {
		find(f, DOCTOR_UNKNOWN, "Start ecached, which finishes it.", "not asked: %s", d->agent_error);
		return;
	}
	for (i = 0; i < n; i++) {
		v = json_object_array_get_idx(list, i);
		u = out_obj(v, "unfinished");
		if (u)
			find(f, DOCTOR_WARNING, remedy, "%s of %s at step %s", out_str(u, "verb"), out_str(v, "name"),
			     out_str(u, "step"));
	}
	if (!*f->found)
		find(f, DOCTOR_OK, NULL, "nothing was interrupted");
}

static void judge_stray(struct finding *f, struct json_object *s)
{
	const char *what = out_str(s, "what");

	if (!strcmp(what, "pin"))
		find(f, DOCTOR_WARNING, "Attach the disk, or correct device= in the pin file. If the disk is gone for "
		     "good, have the grant that `ecachectl status NAME` names revoked, then remove the pin file.",
		     "pin %s: no header that goes with it on %s (%s)", out_str(s, "name"), out_str(s, "device"),
		     out_str(s, "why"));
	else if (!strcmp(what, "header"))
		find(f, DOCTOR_WARNING, "If it is a volume of this host's, put its pin file back (operations.md, \"The "
		     "host died\"); `ecachectl dump DEVICE` says what belongs into it. If nobody needs it: wipefs -a "
		     "DEVICE, and have the grant that it names retired.",
		     "%s holds volume %s (LUKS uuid %s), and no pin here names it", out_str(s, "device"),
		     out_str(s, "cache_id"), out_str(s, "luks_uuid"));
	else
		find(f, DOCTOR_WARNING, "If the volume lives, put its pin file back. If not, have the grant retired, "
		     "then remove NAME.json from the state directory's volumes/.",
		     "state of %s without a pin (LUKS uuid %s, grant %s)", out_str(s, "name"), out_str(s, "luks_uuid"),
		     out_str(s, "grant_id"));
}

static void check_strays(const struct doctor *d, struct finding *f)
{
	struct json_object *list = json_object_object_get(d->kms, "strays"), *all;
	size_t n = length(list), i;

	if (!d->kms) {
		find(f, DOCTOR_UNKNOWN, "Start ecached, and run doctor as root.", "not asked: %s", d->agent_error);
		return;
	}
	all = json_object_object_get(d->kms, "strays_complete");
	if (!json_object_get_boolean(all))
		find(f, DOCTOR_UNKNOWN, "A disk that does not answer? Ask again.",
		     "not every disk and record was read in time");
	for (i = 0; i < n; i++)
		judge_stray(f, json_object_array_get_idx(list, i));
	if (!*f->found)
		find(f, DOCTOR_OK, NULL, "every pin has its header, every header and state its pin");
}

const struct check doctor_volumes_checks[] = {
	{ "unfinished", check_unfinished },
	{ "strays", check_strays },
	{ NULL, NULL },
};
