/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <spa/utils/json.h>
#include <spa/utils/string.h>

#include <systemd/sd-bus.h>

#include "entries.h"

PW_LOG_TOPIC_STATIC(mod_topic, "mod.segue.config");
#define PW_LOG_TOPIC_DEFAULT mod_topic

#define DEFAULT_DBUS_NAME	"org.segue.Segue1"
#define DEFAULT_MEMORY_MAX	(UINT64_C(1) << 30)
#define DEFAULT_RATE		48000
#define DEFAULT_PROPS_LOAD	"paths"
#define SAVED			"90-saved.conf"
#define SHOWN_MAX		60	/* bytes of an entry, in a message */

static const char *const known_keys[] = {
	"dbus", "dbus.name", "memory.max", "load.paths", "props.load",
};

static int on_properties(void *data, const char *location, const char *section, const char *str,
		size_t len)
{
	struct pw_properties *properties = data;

	if (segue_brackets_match(str, len))
		pw_properties_update_string(properties, str, len);
	else
		pw_log_error("%s: segue.properties isn't read: its brackets don't match", location);
	return 0;
}

static void warn_unknown(const struct pw_properties *properties)
{
	const struct spa_dict_item *item;

	spa_dict_for_each(item, &properties->dict) {
		bool known = false;

		for (size_t i = 0; i < SPA_N_ELEMENTS(known_keys); i++)
			known |= spa_streq(item->key, known_keys[i]);
		if (!known)
			pw_log_warn("segue.properties: ignoring unknown key '%s'", item->key);
	}
}

/* bytes, or K, M, G of 1024 */
static int parse_size(const char *str, uint64_t *ret)
{
	static const char units[] = "KMG";
	unsigned long long value;
	unsigned int shift = 0;
	const char *unit;
	char *end;

	errno = 0;
	value = strtoull(str, &end, 10);
	if (end == str || errno != 0 || str[0] == '-')
		return -EINVAL;
	if (*end != '\0') {
		if (end[1] != '\0' || (unit = strchr(units, *end)) == NULL)
			return -EINVAL;
		shift = 10 * (unit - units + 1);
	}
	if (value == 0 || value > UINT64_MAX >> shift)
		return -EINVAL;
	*ret = (uint64_t)value << shift;
	return 0;
}

static int parse_bool(const char *str, bool *ret)
{
	if (!spa_streq(str, "true") && !spa_streq(str, "false") &&
	    !spa_streq(str, "1") && !spa_streq(str, "0"))
		return -EINVAL;
	*ret = pw_properties_parse_bool(str);
	return 0;
}

/* a JSON array of strings, or one string; no more than there can be in it */
static char **parse_paths(const char *str, uint32_t *n_paths)
{
	size_t len = strlen(str);
	struct spa_json it[2];
	char **paths, path[PATH_MAX];
	uint32_t n = 0;

	if ((paths = calloc(len / 2 + 1, sizeof(char *))) == NULL)
		return NULL;
	spa_json_init(&it[0], str, len);
	if (spa_json_enter_array(&it[0], &it[1]) <= 0) {
		if ((paths[n] = strdup(str)) != NULL)
			n++;
	} else {
		while (n < len / 2 && spa_json_get_string(&it[1], path, sizeof(path)) > 0)
			if ((paths[n] = strdup(path)) != NULL)
				n++;
	}
	*n_paths = n;
	return paths;
}

/* or one string */
static bool is_list(const char *str)
{
	return str[strspn(str, " \t\r\n")] != '[' || segue_brackets_match(str, strlen(str));
}

static bool valid_props_load(const char *str)
{
	return spa_streq(str, "false") || spa_streq(str, "true") || spa_streq(str, "paths");
}

static void bad_value(const char *key, const char *value, const char *wanted)
{
	pw_log_error("segue.properties: %s = '%s' isn't %s, taking the default", key, value, wanted);
}

/* ---- where what is saved goes */

/* PipeWire's rules: $PIPEWIRE_CONFIG_DIR alone, or else the first there is of $XDG_CONFIG_HOME and ~/.config;
 * and if there is none yet, the first of them. */
static char *user_folder(const char *fragments)
{
	const char *dir = getenv("PIPEWIRE_CONFIG_DIR"), *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char *first, *second;

	if (dir != NULL)
		return spa_aprintf("%s/%s", dir, fragments);
	first = xdg != NULL ? spa_aprintf("%s/pipewire/%s", xdg, fragments) : NULL;
	second = home != NULL ? spa_aprintf("%s/.config/pipewire/%s", home, fragments) : NULL;
	if (first == NULL || (second != NULL && access(first, R_OK) < 0 && access(second, R_OK) == 0))
		SPA_SWAP(first, second);
	free(second);
	return first;
}

static char *find_save_path(struct pw_context *context)
{
	const char *name = pw_context_get_conf_section(context, "config.name");
	const char *prefix = pw_context_get_conf_section(context, "config.prefix");
	char *fragments, *folder, *path = NULL;

	fragments = spa_aprintf("%s%s%s.d", prefix != NULL ? prefix : "", prefix != NULL ? "/" : "",
			name != NULL ? name : "segue.conf");
	folder = fragments == NULL || fragments[0] == '/' ? fragments : user_folder(fragments);
	if (folder != fragments)
		free(fragments);
	if (folder != NULL)
		path = spa_aprintf("%s/" SAVED, folder);
	free(folder);
	return path != NULL ? path : strdup("");
}

/* A bad value is logged, and its default stands. \return 0 or -ENOMEM */
static int read_properties(struct segue_config *config)
{
	const struct pw_properties *p = config->properties;
	const char *str;

	if ((str = pw_properties_get(p, "dbus")) != NULL && parse_bool(str, &config->dbus) < 0)
		bad_value("dbus", str, "true or false");
	if ((str = pw_properties_get(p, "dbus.name")) != NULL) {
		if (sd_bus_service_name_is_valid(str) > 0 && str[0] != ':')
			config->dbus_name = str;
		else
			bad_value("dbus.name", str, "a bus name");
	}
	if ((str = pw_properties_get(p, "memory.max")) != NULL &&
	    parse_size(str, &config->store.memory_max) < 0)
		bad_value("memory.max", str, "a size such as 1G");
	if ((str = pw_properties_get(p, "props.load")) != NULL) {
		if (valid_props_load(str))
			config->store.props_load = str;
		else
			bad_value("props.load", str, "false, true or paths");
	}
	if ((str = pw_properties_get(p, "load.paths")) == NULL)
		return 0;
	if (!is_list(str)) {
		bad_value("load.paths", str, "a folder or a list of folders");
		return 0;
	}
	config->load_paths = parse_paths(str, &config->store.n_load_paths);
	config->store.load_paths = (const char *const *)config->load_paths;
	return config->load_paths != NULL ? 0 : -ENOMEM;
}

int segue_config_init(struct segue_config *config, struct pw_context *context, const char *args)
{
	int res;

	PW_LOG_TOPIC_INIT(mod_topic);

	*config = (struct segue_config) {
		.dbus = true,
		.dbus_name = DEFAULT_DBUS_NAME,
		.store.memory_max = DEFAULT_MEMORY_MAX,
		.store.props_load = DEFAULT_PROPS_LOAD,
		.store.default_rate = pw_properties_get_uint32(pw_context_get_properties(context),
				"default.clock.rate", DEFAULT_RATE),
		.properties = pw_properties_new(NULL, NULL),
	};
	if (config->properties == NULL)
		return -errno;

	pw_context_conf_section_for_each(context, "segue.properties", on_properties, config->properties);
	if (args != NULL && segue_brackets_match(args, strlen(args)))
		pw_properties_update_string(config->properties, args, strlen(args));
	else if (args != NULL)
		pw_log_error("the module's arguments aren't read: their brackets don't match");
	warn_unknown(config->properties);
	config->save_path = find_save_path(context);
	if ((res = read_properties(config)) < 0)
		segue_config_clear(config);
	return res;
}

void segue_config_clear(struct segue_config *config)
{
	for (uint32_t i = 0; config->load_paths != NULL && i < config->store.n_load_paths; i++)
		free(config->load_paths[i]);
	free(config->load_paths);
	free(config->save_path);
	pw_properties_free(config->properties);
	*config = (struct segue_config) { 0 };
}

struct overriding {
	struct pw_properties *entry;
	const char *location;
};

struct for_each {
	void (*callback)(void *data, struct pw_properties *entry, const char *location);
	void *data;
	struct pw_array overriding;	/* struct overriding: for the end */
};

static void on_entry(struct for_each *f, struct pw_properties *entry, const char *location)
{
	struct overriding *later;

	if (pw_properties_get_bool(entry, "override", false) &&
	    (later = pw_array_add(&f->overriding, sizeof(*later))) != NULL)
		*later = (struct overriding) { entry, location };
	else
		f->callback(f->data, entry, location);
}

static void read_entry(struct for_each *f, const struct segue_scan *text, const char *location)
{
	struct pw_properties *entry = pw_properties_new(NULL, NULL);

	if (entry == NULL) {
		pw_log_error("%s: segue.nodes: %m", location);
		return;
	}
	pw_properties_update_string(entry, text->at, text->end - text->at);
	on_entry(f, entry, location);
}

/* the first line of it, so that it is found */
static void refuse_entry(const char *location, const struct segue_scan *text, const char *why)
{
	int length = SPA_MIN(text->end - text->at, SHOWN_MAX);
	const char *line = memchr(text->at, '\n', length);

	if (line != NULL)
		length = line - text->at;
	pw_log_error("%s: segue.nodes: '%.*s' %s", location, length, text->at, why);
}

static void read_entries(struct for_each *f, struct segue_scan list, const char *location)
{
	struct segue_scan text;
	bool is_refused = false;
	enum segue_entry type;

	while ((type = segue_entries_next(&list, &text)) != SEGUE_ENTRY_NONE) {
		switch (type) {
		case SEGUE_ENTRY_GOOD:
			read_entry(f, &text, location);
			break;
		case SEGUE_ENTRY_NO_OBJECT:
			refuse_entry(location, &text, "isn't an object");
			break;
		case SEGUE_ENTRY_BRACKETS:
			refuse_entry(location, &text, "has brackets that don't match");
			is_refused = true;
			break;
		case SEGUE_ENTRY_BEHIND:
			pw_log_warn("%s: what follows segue.nodes isn't read: a bracket isn't closed", location);
			return;
		default:
			if (is_refused)
				pw_log_warn("%s: what may follow in segue.nodes isn't read", location);
			else
				pw_log_error("%s: segue.nodes isn't closed", location);
			return;
		}
	}
}

static int on_nodes(void *data, const char *location, const char *section, const char *str,
		size_t len)
{
	if (str[0] == '[')
		read_entries(data, segue_entries_begin(str, len), location);
	else
		pw_log_error("%s: segue.nodes isn't an array", location);
	return 0;
}

void segue_config_for_each_node(struct pw_context *context,
		void (*callback)(void *data, struct pw_properties *entry, const char *location), void *data)
{
	struct for_each f = { callback, data, PW_ARRAY_INIT(16 * sizeof(struct overriding)) };
	struct overriding *later;

	pw_context_conf_section_for_each(context, "segue.nodes", on_nodes, &f);
	pw_array_for_each(later, &f.overriding)
		callback(data, later->entry, later->location);
	pw_array_clear(&f.overriding);
}
