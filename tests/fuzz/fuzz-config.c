/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* A configuration's text, and behind a zero byte the module's arguments. Its sections are cut out by PipeWire's own
 * parser of properties, as PipeWire does with files. */

#include <spa/utils/string.h>

#include "fuzz-module.h"

static struct pw_properties *sections;

/* instead of PipeWire's, whose are those of files */
const char *pw_context_get_conf_section(struct pw_context *context, const char *section)
{
	return pw_properties_get(sections, section);
}

int pw_context_conf_section_for_each(struct pw_context *context, const char *section,
		int (*callback)(void *data, const char *location, const char *section, const char *str, size_t len),
		void *data)
{
	const char *text = pw_properties_get(sections, section);

	return text != NULL ? callback(data, "fuzz.conf", section, text, strlen(text)) : 0;
}

struct found {
	struct segue_host *host;
	uint32_t n_entries;
};

static void on_entry(void *data, struct pw_properties *entry, const char *location)
{
	struct found *found = data;
	struct segue_error error = { 0 };
	int res = segue_host_configure(found->host, entry, false, &error);

	if (res < 0)
		fuzz_check_refusal(&error, res);
	found->n_entries++;
}

static void check_config(const struct segue_config *config)
{
	fuzz_check(config->dbus_name[0] != '\0' && config->store.memory_max > 0, "its defaults are lost");
	for (uint32_t i = 0; i < config->store.n_load_paths; i++)
		fuzz_check(config->load_paths[i] != NULL, "a folder is lost");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	struct pw_context *context = fuzz_context();
	char *text = fuzz_text_with_folder(&input), *args = fuzz_text_with_folder(&input);
	struct segue_config config;
	struct found found = { 0 };

	fuzz_check((sections = pw_properties_new(NULL, NULL)) != NULL, "no memory");
	pw_properties_update_string(sections, text, strlen(text));
	fuzz_check(segue_config_init(&config, context, args) == 0, "it can't be read");
	check_config(&config);
	(void)fuzz_module_store(&config.store);
	found.host = fuzz_host_new();
	segue_config_for_each_node(context, on_entry, &found);
	fuzz_host_free(found.host);
	segue_config_clear(&config);
	pw_properties_free(sections);
	free(text);
	free(args);
	return 0;
}
