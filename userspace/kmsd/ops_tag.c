// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "authz.h"
#include "keyref.h"
#include "param.h"
#include "tag.h"

#define LIST_TAGS_MAX 50

static enum fault find_changeable(struct call *c, const char *op, const struct tag_list *tags, struct key *k)
{
	const char *ref = NULL;
	enum fault f = param_required(c, "KeyId", 1, 2048, &ref);

	if (!f)
		f = keyref_find(c, ref, KEYREF_ID, k, NULL);
	if (!f)
		f = authz_key(c, op, k, &(struct authz){ .tags = tags });
	if (!f)
		f = keyref_customer(c, k);
	return f ? f : keyref_not_pending(c, k);
}

static enum fault set_tags(struct call *c, const struct key *k, const struct tag_list *tags)
{
	int64_t nr = 0;
	int rc = 0;

	for (unsigned int i = 0; !rc && i < tags->nr; i++)
		rc = store_tag_set(c->svc->store, k->id, tags->tag[i].name, tags->tag[i].value);
	/* Counted afterwards, since a tag may have got another value only; the transaction is rolled back. */
	if (!rc)
		rc = store_tag_count(c->svc->store, k->id, &nr);
	if (!rc && nr > TAGS_PER_KEY)
		return call_fail(c, FAULT_LIMIT_EXCEEDED, "A key has at most %d tags", TAGS_PER_KEY);
	return rc ? call_internal(c, rc) : FAULT_NONE;
}

enum fault op_tag_resource(struct call *c)
{
	struct tag_list tags;
	struct key k = { 0 };
	enum fault f = tags_read(c, &tags);

	if (!f && !tags.tag)
		f = param_invalid(c, "Tags", "Member must not be null");
	if (!f)
		f = find_changeable(c, "TagResource", &tags, &k);
	if (!f)
		f = set_tags(c, &k, &tags);
	tags_free(&tags);
	key_free(&k);
	return f;
}

enum fault op_untag_resource(struct call *c)
{
	struct tag_list tags;
	struct key k = { 0 };
	enum fault f = tags_read_names(c, &tags);
	int rc = 0;

	if (!f && !tags.tag)
		f = param_invalid(c, "TagKeys", "Member must not be null");
	if (!f)
		f = find_changeable(c, "UntagResource", &tags, &k);
	for (unsigned int i = 0; !f && !rc && i < tags.nr; i++)
		rc = store_tag_delete(c->svc->store, k.id, tags.tag[i].name);
	if (rc)
		f = call_internal(c, rc);
	tags_free(&tags);
	key_free(&k);
	return f;
}

struct page {
	struct jsonw w;
	int64_t left;
	bool more;
	char last[TAG_NAME_SIZE];
};

static int list_one(void *ctx, const struct tag *t)
{
	struct page *p = ctx;

	if (!p->left) {
		p->more = true;
		return 1;
	}
	p->left--;
	memcpy(p->last, t->name, sizeof(p->last));
	jsonw_open(&p->w, NULL, '{');
	jsonw_string(&p->w, "TagKey", t->name);
	jsonw_string(&p->w, "TagValue", t->value);
	jsonw_close(&p->w, '}');
	return 0;
}

enum fault op_list_resource_tags(struct call *c)
{
	struct page p = { .w = JSONW_INIT(&c->out), .left = LIST_TAGS_MAX };
	char after[MARKER_NAME_MAX];
	const char *ref = NULL;
	struct key k = { 0 };
	enum fault f;
	int rc;

	f = param_required(c, "KeyId", 1, 2048, &ref);
	if (!f)
		f = param_page(c, LIST_TAGS_MAX, &p.left, after);
	if (!f)
		f = keyref_find(c, ref, KEYREF_ID, &k, NULL);
	if (!f)
		f = authz_key(c, "ListResourceTags", &k, &(struct authz){ 0 });
	if (!f) {
		jsonw_open(&p.w, NULL, '{');
		jsonw_open(&p.w, "Tags", '[');
		rc = store_tag_each(c->svc->store, k.id, after, list_one, &p);
		jsonw_close(&p.w, ']');
		param_put_marker(&p.w, p.more, p.last);
		jsonw_close(&p.w, '}');
		f = rc < 0 ? call_internal(c, rc) : call_done(c);
	}
	key_free(&k);
	return f;
}
