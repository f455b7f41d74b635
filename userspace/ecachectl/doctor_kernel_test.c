// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel, the module, its signature and the cipher's driver: each check red, green and without an answer. */
#include "../common/test.h"
#include "doctor_world.h"

#define RELEASE "/proc/sys/kernel/osrelease"
#define DKMS "/lib/modules/6.12.1-amd64/updates/dkms/dm-ecache.ko"
#define SECURE_BOOT "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define SIGNATURE "elf, and then\n~Module signature appended~\n"

static void an_empty_world_is_unknown(void **state)
{
	struct doctor d = world(*state);

	expect(&d, "kernel", DOCTOR_UNKNOWN, "");
	expect(&d, "driver", DOCTOR_UNKNOWN, "");
	expect(&d, "signature", DOCTOR_UNKNOWN, "");
	expect(&d, "module", DOCTOR_FAULT, "there is none");
}

static void kernels(void **state)
{
	static const struct {
		const char *release;
		enum outcome outcome;
		const char *text;
	} cases[] = {
		{ "5.10.0-30-amd64", DOCTOR_FAULT, "older" },
		{ "6.0.19", DOCTOR_FAULT, "older" },
		{ "6.1.0-44-amd64", DOCTOR_OK, "tested" },
		{ "6.8.0", DOCTOR_OK, "between" },
		{ "6.12.1-amd64", DOCTOR_OK, "tested" },
		{ "7.0.0", DOCTOR_OK, "between" },
		{ "7.3.1-debian", DOCTOR_OK, "tested" },
		{ "7.4.0", DOCTOR_WARNING, "newer" },
		{ "10.1", DOCTOR_WARNING, "newer" },
		{ "none", DOCTOR_UNKNOWN, "" },
	};
	struct doctor d = world(*state);
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put(*state, RELEASE, cases[i].release);
		expect(&d, "kernel", cases[i].outcome, cases[i].text);
	}
}

static void a_module_for_this_kernel(void **state)
{
	struct doctor d = world(*state);

	put(*state, RELEASE, "6.12.1-amd64\n");
	expect(&d, "module", DOCTOR_FAULT, "there is none");
	put(*state, DKMS ".xz", "");
	expect(&d, "module", DOCTOR_OK, "not loaded yet");
	put(*state, "/sys/module/dm_ecache/srcversion", "ABCDEF\n");
	expect(&d, "module", DOCTOR_UNKNOWN, "ABCDEF");
	d.have_target = true;
	d.target[0] = 1;
	d.target[1] = 2;
	expect(&d, "module", DOCTOR_OK, "target version 1.2.0, source ABCDEF");
	d.target[0] = 2;
	expect(&d, "module", DOCTOR_FAULT, "2.2.0");
}

#define AESNI CRYPTO("xts(aes)", "xts-aes-aesni", "401")
#define GENERIC CRYPTO("xts(aes)", "xts(ecb(aes-generic))", "100")
#define CRYPTO(name, driver, priority) \
	"name         : " name "\ndriver       : " driver "\nmodule       : kernel\npriority     : " priority "\n\n"

static void driver_of_nobody_s_volume(void **state)
{
	struct doctor d = world(*state);

	put(*state, "/proc/crypto", CRYPTO("cbc(aes)", "cbc-aes-aesni", "400"));
	expect(&d, "driver", DOCTOR_UNKNOWN, "nobody has used");
	put(*state, "/proc/crypto", CRYPTO("cbc(aes)", "cbc-aes-aesni", "400") GENERIC);
	expect(&d, "driver", DOCTOR_WARNING, "generic");
	put(*state, "/proc/crypto", GENERIC AESNI CRYPTO("sha256", "sha256-generic", "900"));
	expect(&d, "driver", DOCTOR_OK, "xts-aes-aesni");
	put(*state, "/proc/crypto", CRYPTO("__xts(aes)", "__xts-aes-aesni", "401"));
	expect(&d, "driver", DOCTOR_OK, "aesni");
}

static void driver_of_the_volumes(void **state)
{
	struct doctor d = world(*state);

	put(*state, "/proc/crypto", AESNI);
	d.status = answer("{'volumes':[{'name':'a','target':{'driver':'xts-aes-aesni','generic':false}},"
			  "{'name':'b'}]}");
	expect(&d, "driver", DOCTOR_OK, "a: xts-aes-aesni");
	json_object_put(d.status);
	/* what an open volume uses counts, not what a new one would get */
	d.status = answer("{'volumes':[{'name':'a','target':{'driver':'xts-aes-aesni','generic':false}},"
			  "{'name':'b','target':{'driver':'xts(ecb(aes-generic))','generic':true}}]}");
	expect(&d, "driver", DOCTOR_WARNING, "b: xts(ecb(aes-generic))");
	json_object_put(d.status);
}

/* put_secure_boot - the variable: four bytes of attributes, one of value. */
static void put_secure_boot(struct scratch *s, char value)
{
	const char bytes[] = { 6, 0, 0, 0, value };
	FILE *f;

	put(s, SECURE_BOOT, "");
	f = fopen(scratch_path(s, &SECURE_BOOT[1]), "we");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, sizeof(bytes), f), sizeof(bytes));
	assert_int_equal(fclose(f), 0);
}

static void signature_of_a_loaded_module(void **state)
{
	struct doctor d = world(*state);

	put(*state, "/sys/module/dm_ecache/taint", "OE\n");
	expect(&d, "signature", DOCTOR_OK, "not signed");
	put_secure_boot(*state, 0);
	expect(&d, "signature", DOCTOR_OK, "Secure Boot is off");
	put_secure_boot(*state, 1);
	expect(&d, "signature", DOCTOR_WARNING, "Secure Boot is on; the module is not signed");
	put(*state, "/sys/module/dm_ecache/taint", "O\n");
	expect(&d, "signature", DOCTOR_OK, "is signed");
}

static void signature_of_a_module_to_be_loaded(void **state)
{
	struct doctor d = world(*state);

	put(*state, RELEASE, "6.12.1-amd64\n");
	put(*state, DKMS, "elf, and no more");
	put(*state, "/sys/module/module/parameters/sig_enforce", "N\n");
	put(*state, "/sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
	expect(&d, "signature", DOCTOR_OK, "takes modules that are not signed");
	put(*state, "/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	expect(&d, "signature", DOCTOR_FAULT, "signed modules only");
	put(*state, DKMS, SIGNATURE);
	expect(&d, "signature", DOCTOR_OK, "is signed");
	put(*state, DKMS, "elf, and no more");
	put(*state, "/sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
	put(*state, "/sys/module/module/parameters/sig_enforce", "Y\n");
	expect(&d, "signature", DOCTOR_FAULT, "signed modules only");
	put(*state, DKMS, "x");		/* shorter than the mark */
	expect(&d, "signature", DOCTOR_FAULT, "signed modules only");
	assert_int_equal(unlink(scratch_path(*state, &DKMS[1])), 0);
	put(*state, DKMS ".xz", SIGNATURE);
	expect(&d, "signature", DOCTOR_UNKNOWN, "compressed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(an_empty_world_is_unknown),
		scratch_test(kernels),
		scratch_test(a_module_for_this_kernel),
		scratch_test(driver_of_nobody_s_volume),
		scratch_test(driver_of_the_volumes),
		scratch_test(signature_of_a_loaded_module),
		scratch_test(signature_of_a_module_to_be_loaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
