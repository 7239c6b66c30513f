/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "fence.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
	static struct segue_fence fence;

	setenv("HOME", "/home/me", 1);
	unsetenv("XDG_CONFIG_HOME");
	setenv("XDG_DATA_HOME", "/data/me", 1);
	setenv("XDG_MUSIC_DIR", "relative", 1);
	assert_int_equal(segue_fence_init(&fence), 0);
	*state = &fence;
	return 0;
}

static int teardown(void **state)
{
	segue_fence_clear(*state);
	return 0;
}

static void assert_open(const struct segue_fence *fence, const char *path)
{
	if (segue_fence_check(fence, path, NULL) != 0)
		fail_msg("%s is refused", path);
}

static void assert_closed(const struct segue_fence *fence, const char *path)
{
	struct segue_error error = { 0 };

	if (segue_fence_check(fence, path, &error) != -EACCES)
		fail_msg("%s is let through", path);
	assert_int_equal(error.res, -EACCES);
	assert_non_null(strstr(error.message, path));
}

static void the_users_folders_and_usr_share_are_open(void **state)
{
	assert_open(*state, "/usr/share/sounds/a.wav");
	assert_open(*state, "/home/me/.config/a.wav");
	assert_open(*state, "/data/me/a.wav");
	assert_open(*state, "/home/me/Music/a.wav");
	assert_closed(*state, "/home/me/.local/share/a.wav");
	assert_closed(*state, "/home/me/a.wav");
	assert_closed(*state, "/etc/passwd");
	assert_closed(*state, "relative/a.wav");
}

static void a_prefix_is_not_a_folder(void **state)
{
	assert_closed(*state, "/usr/sharefoo/a.wav");
	assert_closed(*state, "/usr/share");
	assert_closed(*state, "/usr/shar");
	assert_closed(*state, "");
	assert_closed(*state, "usr/share/a.wav");
}

static void no_path_leads_up(void **state)
{
	assert_closed(*state, "/usr/share/../../etc/passwd");
	assert_closed(*state, "/usr/share/..");
	assert_closed(*state, "/usr/share/a/../b.wav");
	assert_closed(*state, "/../usr/share/a.wav");
	assert_open(*state, "/usr/share/..a/b.wav");
	assert_open(*state, "/usr/share/a../b...wav");
	assert_open(*state, "/usr/share/...");
	assert_open(*state, "/usr/share/./a.wav");
	assert_closed(*state, "/usr/share/..a/../../x");
}

static void a_mode_opens_or_closes_all(void **state)
{
	struct segue_fence *fence = *state;

	assert_int_equal(segue_fence_configure(fence, "true", NULL, 0), 0);
	assert_open(fence, "/etc/passwd");
	assert_int_equal(segue_fence_configure(fence, "false", NULL, 0), 0);
	assert_closed(fence, "/usr/share/a.wav");
	assert_int_equal(segue_fence_configure(fence, "maybe", NULL, 0), -EINVAL);
	assert_closed(fence, "/usr/share/a.wav");
	/* the folders are as they were */
	assert_int_equal(segue_fence_configure(fence, NULL, NULL, 0), 0);
	assert_open(fence, "/usr/share/a.wav");
	assert_closed(fence, "/etc/passwd");
}

static void folders_can_be_replaced(void **state)
{
	static const char *const dirs[] = { "/srv/", "/opt///", "/a b" }, *const root[] = { "/" };
	struct segue_fence *fence = *state;

	assert_int_equal(segue_fence_configure(fence, "nonsense", dirs, 3), -EINVAL);
	assert_open(fence, "/usr/share/a.wav");
	assert_int_equal(segue_fence_configure(fence, "paths", dirs, 3), 0);
	assert_closed(fence, "/usr/share/a.wav");
	assert_open(fence, "/srv/a.wav");
	assert_open(fence, "/opt/a.wav");
	assert_open(fence, "/a b/c.wav");
	assert_closed(fence, "/srvx/a.wav");
	assert_closed(fence, "/optional/a.wav");
	assert_int_equal(segue_fence_configure(fence, "paths", root, 1), 0);
	assert_open(fence, "/etc/passwd");
	assert_int_equal(segue_fence_configure(fence, "paths", dirs, 0), 0);
	assert_closed(fence, "/srv/a.wav");
}

static void an_empty_folder_opens_nothing(void **state)
{
	static const char *const dirs[] = { "" };

	assert_int_equal(segue_fence_configure(*state, "paths", dirs, 1), 0);
	assert_closed(*state, "/etc/passwd");
}

#define test(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(the_users_folders_and_usr_share_are_open),
		test(a_prefix_is_not_a_folder),
		test(no_path_leads_up),
		test(a_mode_opens_or_closes_all),
		test(folders_can_be_replaced),
		test(an_empty_folder_opens_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
