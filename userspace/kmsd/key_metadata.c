// SPDX-License-Identifier: GPL-2.0-or-later
#include "key_metadata.h"

void key_metadata_put(struct jsonw *w, const struct call *c, const struct key *k)
{
	jsonw_open(w, "KeyMetadata", '{');
	jsonw_string(w, "AWSAccountId", c->svc->account);
	jsonw_string(w, "KeyId", k->id);
	jsonw_string(w, "Arn", c->key_arn);
	jsonw_time(w, "CreationDate", k->created_ms);
	jsonw_bool(w, "Enabled", k->state == KEY_ENABLED);
	jsonw_string(w, "Description", k->description);
	jsonw_string(w, "KeyUsage", "ENCRYPT_DECRYPT");
	jsonw_string(w, "KeyState", key_state_name(k->state));
	if (k->state == KEY_PENDING_DELETION)
		jsonw_time(w, "DeletionDate", k->deletion_ms);
	jsonw_string(w, "Origin", "AWS_KMS");
	jsonw_string(w, "KeyManager", k->aws_managed ? "AWS" : "CUSTOMER");
	jsonw_string(w, "CustomerMasterKeySpec", "SYMMETRIC_DEFAULT");
	jsonw_string(w, "KeySpec", "SYMMETRIC_DEFAULT");
	jsonw_open(w, "EncryptionAlgorithms", '[');
	jsonw_string(w, NULL, "SYMMETRIC_DEFAULT");
	jsonw_close(w, ']');
	jsonw_bool(w, "MultiRegion", false);
	jsonw_string(w, "CurrentKeyMaterialId", k->material_id);
	jsonw_close(w, '}');
}
