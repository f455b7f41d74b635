// SPDX-License-Identifier: GPL-2.0-or-later
/* The state directory is made whole or not at all, never over anything, and trusted only if it fits together. */
#include "service_test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

struct fixture {
	char base[64];
	char dir[80];
	char fresh[96];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	log_init("test", LOG_CRIT);
	strcpy(f->base, "/tmp/kmsd-state-XXXXXX");
	assert_non_null(mkdtemp(f->base));
	snprintf(f->dir, sizeof(f->dir), "%s/kms", f->base);
	snprintf(f->fresh, sizeof(f->fresh), "%s.new", f->dir);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	nftw(f->base, kit_remove, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static int make(struct fixture *f, struct err *e)
{
	return state_create(f->dir, NULL, KIT_ACCOUNT, KIT_REGION, e);
}

static char *under(struct fixture *f, const char *name)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	return path;
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static void a_new_state_is_whole_and_private(void **state)
{
	struct fixture *f = *state;
	struct service svc = SERVICE_INIT;
	struct err e = ERR_INIT;
	struct principal p;
	char text[256];
	FILE *file;

	assert_int_equal(make(f, &e), 0);
	assert_int_equal(mode_of(f->dir), 0700);
	assert_int_equal(mode_of(under(f, STATE_ROOT_SECRET)), 0600);
	assert_int_equal(mode_of(under(f, STATE_CREDENTIALS)), 0700);
	assert_int_equal(mode_of(under(f, STATE_CREDENTIALS "/admin")), 0600);
	assert_int_equal(mode_of(under(f, STATE_DATABASE)) & 077, 0);
	assert_int_not_equal(access(f->fresh, F_OK), 0);
	assert_int_equal(state_open(&svc, f->dir, NULL, &e), 0);
	assert_string_equal(svc.account, KIT_ACCOUNT);
	assert_string_equal(svc.region, KIT_REGION);
	assert_int_equal(store_principal_get(svc.store, "admin", &p), 0);
	assert_true(p.admin);
	file = fopen(under(f, STATE_CREDENTIALS "/admin"), "r");
	assert_non_null(fgets(text, sizeof(text), file));
	assert_string_equal(text, "[admin]\n");
	assert_non_null(fgets(text, sizeof(text), file));
	assert_non_null(strstr(text, p.access_key));
	fclose(file);
	principal_free(&p);
	state_close(&svc);
}

static void an_account_is_chosen_when_none_is_given(void **state)
{
	struct fixture *f = *state;
	struct service svc = SERVICE_INIT;
	struct err e = ERR_INIT;

	assert_int_equal(state_create(f->dir, NULL, NULL, "eu-test-2", &e), 0);
	assert_int_equal(state_open(&svc, f->dir, NULL, &e), 0);
	assert_true(ident_account_ok(svc.account));
	assert_int_not_equal(svc.account[0], '0');
	state_close(&svc);
}

static void bad_names_are_refused_before_anything_is_made(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;

	assert_int_equal(state_create(f->dir, NULL, "12345678901", KIT_REGION, &e), -EINVAL);
	assert_int_equal(state_create(f->dir, NULL, "12345678901x", KIT_REGION, &e), -EINVAL);
	assert_int_equal(state_create(f->dir, NULL, KIT_ACCOUNT, "Local", &e), -EINVAL);
	assert_int_equal(state_create(f->dir, NULL, KIT_ACCOUNT, "", &e), -EINVAL);
	assert_int_equal(state_create(f->dir, NULL, KIT_ACCOUNT, "local:1", &e), -EINVAL);
	assert_int_not_equal(access(f->dir, F_OK), 0);
}

static void nothing_is_overwritten(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	struct stat before, after;

	assert_int_equal(make(f, &e), 0);
	assert_int_equal(stat(under(f, STATE_ROOT_SECRET), &before), 0);
	assert_int_equal(make(f, &e), -EEXIST);
	assert_true(*e.hint);
	assert_int_equal(stat(under(f, STATE_ROOT_SECRET), &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
}

static void an_empty_directory_will_do_and_a_used_one_not(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	int fd;

	assert_int_equal(mkdir(f->dir, 0755), 0);
	fd = open(under(f, ".hidden"), O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(make(f, &e), -EEXIST);
	assert_int_equal(access(under(f, ".hidden"), F_OK), 0);
	assert_int_equal(unlink(under(f, ".hidden")), 0);
	strcat(f->dir, "//");
	assert_int_equal(make(f, &e), 0);
	f->dir[strlen(f->dir) - 2] = '\0';
	assert_int_equal(mode_of(f->dir), 0700);
	assert_int_not_equal(access(f->fresh, F_OK), 0);
}

static void what_an_interrupted_init_left_is_cleared(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	char path[128];
	int fd;

	assert_int_equal(mkdir(f->fresh, 0700), 0);
	snprintf(path, sizeof(path), "%s/" STATE_ROOT_SECRET, f->fresh);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "half", 4), 4);
	close(fd);
	assert_int_equal(make(f, &e), 0);
	assert_int_not_equal(access(f->fresh, F_OK), 0);
	assert_int_equal(access(under(f, STATE_DATABASE), F_OK), 0);
}

static void an_init_at_work_is_not_disturbed(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	int fd;

	assert_int_equal(mkdir(f->fresh, 0700), 0);
	fd = open(f->fresh, O_RDONLY | O_DIRECTORY);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(make(f, &e), -EBUSY);
	assert_int_equal(access(f->fresh, F_OK), 0);
	assert_int_not_equal(access(f->dir, F_OK), 0);
	close(fd);
}

static void a_failing_init_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	int fd = open(f->dir, O_CREAT | O_WRONLY, 0600);

	close(fd);
	assert_int_equal(make(f, &e), -ENOTDIR);
	assert_int_not_equal(access(f->fresh, F_OK), 0);
	/* and where there is no parent directory */
	strcat(f->dir, "/deep/er");
	assert_int_not_equal(make(f, &e), 0);
}

static void parts_that_do_not_fit_together_are_refused(void **state)
{
	struct fixture *f = *state;
	struct service svc = SERVICE_INIT;
	struct err e = ERR_INIT;
	char saved[128];
	int fd;

	assert_int_equal(make(f, &e), 0);
	assert_int_equal(chmod(f->dir, 0755), 0);
	assert_int_equal(state_open(&svc, f->dir, NULL, &e), -EPERM);
	assert_int_equal(chmod(f->dir, 0700), 0);
	fd = open(under(f, STATE_ROOT_SECRET), O_WRONLY);
	assert_int_equal(write(fd, "X", 1), 1);
	close(fd);
	assert_int_equal(state_open(&svc, f->dir, NULL, &e), -EKEYREJECTED);
	assert_true(*e.hint);
	assert_null(svc.store);
	strcpy(saved, under(f, "moved"));
	assert_int_equal(rename(under(f, STATE_DATABASE), saved), 0);
	assert_int_not_equal(state_open(&svc, f->dir, NULL, &e), 0);
	assert_int_not_equal(access(under(f, STATE_DATABASE), F_OK), 0);
	assert_int_equal(unlink(under(f, STATE_ROOT_SECRET)), 0);
	assert_int_equal(state_open(&svc, f->dir, NULL, &e), -ENOENT);
	strcat(f->dir, "x");
	assert_int_equal(state_open(&svc, f->dir, NULL, &e), -ENOENT);
	assert_non_null(strstr(e.hint, "ecache-kmsd init"));
}

static void an_empty_directory_says_what_to_do(void **state)
{
	struct fixture *f = *state;
	struct service svc = SERVICE_INIT;
	struct err e = ERR_INIT;

	assert_int_equal(mkdir(f->dir, 0700), 0);
	assert_int_equal(state_open(&svc, f->dir, NULL, &e), -ENOENT);
	assert_non_null(strstr(e.hint, "ecache-kmsd init"));
}

static void one_server_at_a_time(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	int fd;

	assert_int_equal(make(f, &e), 0);
	fd = state_lock(f->dir, &e);
	assert_true(fd >= 0);
	assert_int_equal(state_lock(f->dir, &e), -EBUSY);
	assert_non_null(strstr(e.hint, "--state-dir"));
	close(fd);
	fd = state_lock(f->dir, &e);
	assert_true(fd >= 0);
	close(fd);
}

static void the_root_secret_may_be_elsewhere(void **state)
{
	struct service svc = SERVICE_INIT;
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	char spec[160], path[128];

	snprintf(path, sizeof(path), "%s.root", f->dir);
	snprintf(spec, sizeof(spec), "file:%s", path);
	if (state_create(f->dir, spec, KIT_ACCOUNT, KIT_REGION, &e))
		fail_msg("%s", e.what);
	assert_int_equal(mode_of(path), 0600);
	assert_int_equal(access(under(f, STATE_ROOT_SECRET), F_OK), -1);
	assert_int_equal(state_open(&svc, f->dir, NULL, &e), -ENOENT);
	assert_non_null(strstr(e.hint, "--root-secret"));
	assert_int_equal(state_open(&svc, f->dir, spec, &e), 0);
	state_close(&svc);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_new_state_is_whole_and_private, setup, teardown),
		cmocka_unit_test_setup_teardown(an_account_is_chosen_when_none_is_given, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_names_are_refused_before_anything_is_made, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_is_overwritten, setup, teardown),
		cmocka_unit_test_setup_teardown(an_empty_directory_will_do_and_a_used_one_not, setup, teardown),
		cmocka_unit_test_setup_teardown(what_an_interrupted_init_left_is_cleared, setup, teardown),
		cmocka_unit_test_setup_teardown(an_init_at_work_is_not_disturbed, setup, teardown),
		cmocka_unit_test_setup_teardown(a_failing_init_leaves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(parts_that_do_not_fit_together_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(an_empty_directory_says_what_to_do, setup, teardown),
		cmocka_unit_test_setup_teardown(one_server_at_a_time, setup, teardown),
		cmocka_unit_test_setup_teardown(the_root_secret_may_be_elsewhere, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
