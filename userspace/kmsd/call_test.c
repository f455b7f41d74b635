// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of operations, held against the manual: what is documented is what there is. */
#include "service_test.h"

#include "call.h"

#define MANUAL "../Documentation/man/ecache-kmsd.8"

static void the_table_is_sorted_and_found(void **state)
{
	const struct operation *last = NULL;

	(void)state;
	for (unsigned int i = 0; operation_at(i); i++) {
		const struct operation *op = operation_at(i);

		assert_true(!last || strcmp(last->name, op->name) < 0);
		assert_ptr_equal(operation_find(op->name), op);
		assert_non_null(op->func);
		last = op;
	}
	assert_null(operation_find("Frobnicate"));
}

/* ".It Ic NAME Ta ANSWER" in the manual's table: "supported", or the exception it ends with at best. */
static void the_manual_lists_each_operation_and_no_other(void **state)
{
	FILE *file = fopen(MANUAL, "r");
	unsigned int i = 0;
	char line[256], want[256];

	(void)state;
	if (!file)
		fail_msg(MANUAL ": run this test in userspace/, as \"make test\" does");
	while (fgets(line, sizeof(line), file)) {
		const struct operation *op = operation_at(i);

		if (strncmp(line, ".It Ic ", 7))
			continue;
		assert_non_null(op);
		snprintf(want, sizeof(want), ".It Ic %s Ta %s\n", op->name,
			 op->refused ? fault_name(op->refused) : "supported");
		assert_string_equal(line, want);
		i++;
	}
	fclose(file);
	assert_null(operation_at(i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_sorted_and_found),
		cmocka_unit_test(the_manual_lists_each_operation_and_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
