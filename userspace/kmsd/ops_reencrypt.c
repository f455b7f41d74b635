// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "crypto_op.h"
#include "keyref.h"
#include "param.h"

/* Both halves: opened as Decrypt would, sealed as Encrypt would, the plaintext never leaving. */
struct reencrypt {
	struct crypto_op from, to;
	struct buf blob;		/* the request's ciphertext */
	bool ignore_ciphertext;
};

static enum fault read_request(struct call *c, struct reencrypt *r)
{
	enum fault f = param_blob(c, "CiphertextBlob", 1, 6144, &r->blob);

	if (!f)
		f = param_string(c, "SourceKeyId", 1, 2048, &r->from.ref);
	if (!f)
		f = param_required(c, "DestinationKeyId", 1, 2048, &r->to.ref);
	if (!f)
		f = param_context(c, "SourceEncryptionContext", &r->from.context);
	if (!f)
		f = param_context(c, "DestinationEncryptionContext", &r->to.context);
	if (!f)
		f = crypto_op_algorithm(c, "SourceEncryptionAlgorithm");
	if (!f)
		f = crypto_op_algorithm(c, "DestinationEncryptionAlgorithm");
	if (!f)
		f = param_grant_tokens(c);
	if (!f)
		f = param_bool(c, "DryRun", &r->from.dry_run);
	if (!f)
		f = crypto_op_modifiers(c, r->from.dry_run, &r->ignore_ciphertext);
	if (!f && r->ignore_ciphertext && !r->from.ref)
		f = param_invalid(c, "SourceKeyId", "Member must not be null with IGNORE_CIPHERTEXT");
	if (!f && !r->ignore_ciphertext && !r->blob.len)
		f = param_invalid(c, "CiphertextBlob", "Member must not be null");
	return f;
}

/* authorize - each half for itself: the source under its context, the destination under the new one. */
static enum fault authorize(struct call *c, struct reencrypt *r)
{
	char to_arn[ARN_SIZE];
	enum fault f = keyref_find(c, r->to.ref, KEYREF_CRYPTO, &r->to.key, r->to.alias);

	if (f)
		return f;
	memcpy(to_arn, c->key_arn, sizeof(to_arn));
	memcpy(c->key_arn, c->source_arn, sizeof(c->key_arn));
	r->from.same_key = strcmp(r->from.key.id, r->to.key.id) ? "false" : "true";
	r->to.same_key = r->from.same_key;
	f = crypto_op_authorize(c, "ReEncryptFrom", &r->from);
	memcpy(c->key_arn, to_arn, sizeof(c->key_arn));
	return f ? f : crypto_op_authorize(c, "ReEncryptTo", &r->to);
}

static enum fault answer(struct call *c, const struct reencrypt *r, const struct buf *plain, const struct blob_id *from)
{
	struct jsonw w = JSONW_INIT(&c->out);
	struct buf blob = BUF_INIT;
	enum fault f = crypto_op_seal(c, &r->to, (const uint8_t *)plain->data, plain->len, &blob);

	if (!f) {
		jsonw_open(&w, NULL, '{');
		jsonw_base64(&w, "CiphertextBlob", (const uint8_t *)blob.data, blob.len);
		jsonw_string(&w, "SourceKeyId", c->source_arn);
		jsonw_string(&w, "KeyId", c->key_arn);
		jsonw_string(&w, "SourceEncryptionAlgorithm", CRYPTO_OP_ALGORITHM);
		jsonw_string(&w, "DestinationEncryptionAlgorithm", CRYPTO_OP_ALGORITHM);
		jsonw_string(&w, "SourceKeyMaterialId", from->material_id);
		jsonw_string(&w, "DestinationKeyMaterialId", r->to.key.material_id);
		jsonw_close(&w, '}');
		f = call_done(c);
	}
	buf_wipe(&blob);
	return f;
}

enum fault op_re_encrypt(struct call *c)
{
	struct reencrypt r = { .blob = BUF_INIT };
	struct buf plain = BUF_INIT;
	struct blob_id from;
	enum fault f = read_request(c, &r);

	if (!f)
		f = crypto_op_find_sealed(c, &r.from, &r.blob);
	memcpy(c->source_arn, c->key_arn, sizeof(c->source_arn));
	if (!f)
		f = authorize(c, &r);
	if (!f && !r.ignore_ciphertext)
		f = crypto_op_open(c, &r.from, &r.blob, &plain, &from);
	if (!f && r.from.dry_run)
		f = call_dry_run(c);
	if (!f)
		f = answer(c, &r, &plain, &from);
	buf_wipe(&r.blob);
	buf_wipe(&plain);
	crypto_op_free(&r.from);
	crypto_op_free(&r.to);
	return f;
}
