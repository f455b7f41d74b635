/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_OUTPUT_H
#define ECACHECTL_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <json-c/json.h>

/*
 * Printing ecached's results, for a person and as JSON. The JSON is documented in
 * ecachectl(8), JSON OUTPUT.
 */

/* out_str - a string member, "-" when missing or null. out_int - 0 when missing. */
const char *out_str(struct json_object *o, const char *key);
int64_t out_int(struct json_object *o, const char *key);
bool out_bool(struct json_object *o, const char *key);
struct json_object *out_obj(struct json_object *o, const char *key);	/* NULL unless an object */

/* out_json - the object without the protocol's "type". */
void out_json(struct json_object *o);

/* out_ago - "3 s ago", "2 h ago", "never" for 0. */
void out_ago(int64_t then, int64_t now, char *out, size_t size);

/* out_time - local date and time with zone, "-" for 0. */
void out_time(int64_t when, char *out, size_t size);

/*
 * out_device_path - absolute, symbolic links kept (/dev/disk/by-id/ names the disk, not its
 * number); to be freed.
 */
char *out_device_path(const char *path);

void out_list(FILE *to, struct json_object *volumes, int64_t now);
void out_status(FILE *to, struct json_object *volume, int64_t now);
void out_teardown(struct json_object *o);	/* the member "teardown" as a timeline, nothing when absent */
void out_dump(struct json_object *o);

#endif
