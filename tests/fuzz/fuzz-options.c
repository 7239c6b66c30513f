/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* The a{sv} of the bus's calls: options of each kind, a recipe with descriptors, a node's properties. */

#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <spa/utils/string.h>

#include "../../module/bus-private.h"

#include "fuzz-module.h"

#define ENTRIES_MAX	16u
#define KEY_SHOWN	40u	/* so much of a key is surely named */

/* What the input is: entries of a key, a type and a value, from its beginning. */
struct entries {
	struct fuzz_input *input;
	sd_bus_message *m;
	char keys[ENTRIES_MAX][KEY_SHOWN];
	uint32_t n;
};

static const char *const known_keys[] = {
	"kind", "rootkey", "loop", "gain", "normalize", "channels", "delay", "offset", "length", "label", "keep", "rate",
	"interleaved", "seconds", "from", "to", "seed", "fade", "at", "after", "late", "wait", "key", "velocity", "join",
	"audio.position", "segue.gain", "segue.mode", "segue.wave", "segue.ir.max", "segue.voices", "segue.trigger",
	"capture.props", "volume", "mute", "override", "node.description",
};
static const char *const known_texts[] = {
	"", "table", "sample", "instrument", "response", "none", "forward", "file", "peak", "energy", "auto", "sink",
	"mic", "stream", "saw", "notes", "[ FL FR ]", "{ audio.position = [ MONO ] }",
};

static uint8_t take(struct fuzz_input *input)
{
	if (input->size == 0)
		return 0;
	input->size--;
	return *input->data++;
}

/* a known one, or so many bytes, which the bus has as UTF-8 */
static const char *take_text(struct fuzz_input *input, const char *const known[], size_t n_known, char ret[128])
{
	uint8_t what = take(input);
	size_t n = 0;

	if (what < 0x80)
		return known[what % n_known];
	while (n < (what & 0x7fu) && input->size > 0)
		ret[n++] = take(input);
	ret[n] = '\0';
	segue_bus_text_mend(ret);
	return ret;
}

static int append_number(struct entries *e, char type)
{
	union { uint64_t bits; double d; int b; } v = { 0 };
	uint32_t n = take(e->input) % 9;

	/* little is common, all 64 bits aren't */
	while (n-- > 0)
		v.bits = v.bits << 8 | take(e->input);
	if (type == 'b')
		v.b = v.bits & 1;
	else if (type == 'd' && v.bits < UINT32_MAX)
		v.d = v.bits / 256.0;
	return sd_bus_message_append_basic(e->m, type, &v);
}

static int append_fd(struct entries *e)
{
	static const float samples[16] = { 0.0f, 1.0f };
	int fd = fuzz_memfd(samples, take(e->input) % sizeof(samples)), res;

	res = sd_bus_message_append_basic(e->m, 'h', &fd);
	close(fd);
	return res;
}

static int append_value(struct entries *e, char type)
{
	char room[128];
	const char *text;

	switch (type) {
	case 's':
		text = take_text(e->input, known_texts, SPA_N_ELEMENTS(known_texts), room);
		return sd_bus_message_append_basic(e->m, 's', text);
	case 'o':
		return sd_bus_message_append_basic(e->m, 'o', "/org/segue");
	case 'g':
		return sd_bus_message_append_basic(e->m, 'g', "a{sv}");
	case 'h':
		return append_fd(e);
	case 'v':
		return sd_bus_message_append(e->m, "v", "u", 1);
	default:
		return append_number(e, type);
	}
}

static int append_variant(struct entries *e)
{
	static const char *const types[] = {
		"d", "b", "s", "u", "i", "t", "x", "y", "n", "q", "au", "ad", "ai", "ay", "at", "ab", "as", "ah", "h", "o",
		"g", "v", "av", "(ss)", "a{sv}",
	};
	const char *type = types[take(e->input) % SPA_N_ELEMENTS(types)];
	uint32_t n;
	int res;

	if ((res = sd_bus_message_open_container(e->m, 'v', type)) < 0)
		return res;
	if (type[1] == '\0') {
		res = append_value(e, type[0]);
	} else if (type[0] == '(') {
		res = sd_bus_message_append(e->m, type, "a", "b");
	} else {
		res = sd_bus_message_open_container(e->m, 'a', type + 1);
		for (n = type[1] == '{' ? 0 : take(e->input) % 80; res >= 0 && n > 0; n--)
			res = append_value(e, type[1]);
		if (res >= 0)
			res = sd_bus_message_close_container(e->m);
	}
	return res < 0 ? res : sd_bus_message_close_container(e->m);
}

static int append_entry(struct entries *e)
{
	char room[128];
	const char *key = take_text(e->input, known_keys, SPA_N_ELEMENTS(known_keys), room);
	int res;

	snprintf(e->keys[e->n++], KEY_SHOWN, "%s", key);
	if ((res = sd_bus_message_open_container(e->m, 'e', "sv")) < 0 ||
	    (res = sd_bus_message_append_basic(e->m, 's', key)) < 0 ||
	    (res = append_variant(e)) < 0)
		return res;
	return sd_bus_message_close_container(e->m);
}

static sd_bus *get_bus(void)
{
	static sd_bus *bus;
	static int ends[2];

	if (bus == NULL)
		fuzz_check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0 &&
				sd_bus_new(&bus) >= 0 && sd_bus_set_fd(bus, ends[0], ends[0]) >= 0 &&
				sd_bus_start(bus) >= 0, "no bus");
	return bus;
}

static void read_entries(struct fuzz_input *input, struct entries *ret)
{
	int res;

	*ret = (struct entries) { .input = input };
	res = sd_bus_message_new_method_call(get_bus(), &ret->m, "org.segue.Segue1", SEGUE_BUS_PATH, SEGUE_BUS_MANAGER,
			"Anything");
	if (res >= 0)
		res = sd_bus_message_open_container(ret->m, 'a', "{sv}");
	while (res >= 0 && ret->n < ENTRIES_MAX && input->size > 0)
		res = append_entry(ret);
	if (res >= 0)
		res = sd_bus_message_close_container(ret->m);
	if (res >= 0)
		res = sd_bus_message_seal(ret->m, 1, 0);
	if (res >= 0)
		res = sd_bus_message_rewind(ret->m, true);
	fuzz_check(res >= 0, "the message can't be built: %d", res);
}

/* --------------------------------------------------------------- refusals */

/* It names one of the keys, and can be sent. */
static void check_refusal(const struct entries *e, const struct segue_error *why, int res)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *m = NULL;
	bool is_named = e->n == 0;

	fuzz_check_refusal(why, res);
	for (uint32_t i = 0; i < e->n; i++)
		is_named |= strstr(why->message, e->keys[i]) != NULL;
	fuzz_check(is_named || strstr(why->message, "node") != NULL, "'%s' names no key", why->message);
	(void)segue_bus_error(&error, NULL, why);
	fuzz_check(sd_bus_message_new_method_call(get_bus(), &m, "a.b", "/", "a.b", "C") >= 0 &&
			sd_bus_message_append_basic(m, 's', error.message) >= 0, "'%s' can't be sent", error.message);
	sd_bus_message_unref(m);
	sd_bus_error_free(&error);
}

/* ----------------------------------------------------------------- readers */

static void read_options(struct segue_bus *bus, struct entries *e, uint32_t groups)
{
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct segue_error why = { 0 };
	int res = segue_bus_read_options(bus, e->m, groups, &options, &why);

	if (res < 0)
		check_refusal(e, &why, res);
	fuzz_check(options.n_channels <= SEGUE_OPTION_CHANNELS_MAX && memchr(options.label, '\0', SEGUE_LABEL_MAX) != NULL,
			"%u channels", options.n_channels);
}

static void make(struct segue_bus *bus, struct entries *e, enum segue_recipe_type type, uint32_t groups)
{
	struct segue_recipe recipe = { .type = type, .text = "saw", .options = SEGUE_OPTIONS_INIT };
	static const float samples[4] = { 0.0f, 0.5f };
	struct segue_error why = { 0 };
	struct segue_sound *sound;
	int res;

	if (type != SEGUE_RECIPE_WAVE)
		recipe.fds[recipe.n_fds++] = fuzz_memfd(samples, sizeof(samples));
	if ((res = segue_bus_read_recipe(bus, e->m, groups, &recipe, &why)) < 0) {
		fuzz_check(recipe.n_fds == 0, "a descriptor is kept");
		check_refusal(e, &why, res);
		return;
	}
	if ((sound = bus->store->methods->make(bus->store, &recipe, &why)) == NULL)
		fuzz_check_refusal(&why, why.res);
	else
		bus->store->methods->disown(bus->store, sound);
	fuzz_check(recipe.n_fds == 0, "a descriptor wasn't taken over");
	fuzz_wait_reclaimed();
}

static void create_node(struct entries *e, const char *type)
{
	struct pw_properties *entry = pw_properties_new(NULL, NULL);
	struct segue_host *host = fuzz_host_new();
	struct segue_error why = { 0 };
	int res;

	if ((res = segue_bus_read_properties(e->m, entry, &why)) < 0) {
		pw_properties_free(entry);
		check_refusal(e, &why, res);
	} else {
		pw_properties_set(entry, "type", type);
		pw_properties_set(entry, PW_KEY_NODE_NAME, "node");
		if (segue_host_add(host, entry, &why) == NULL)
			check_refusal(e, &why, why.res);
	}
	fuzz_host_free(host);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct segue_store_config config = { .memory_max = 1 << 20, .default_rate = 48000, .props_load = "paths" };
	struct segue_bus bus = { .store = fuzz_module_store(&config) };
	struct fuzz_input input = { data, size };
	uint32_t what = fuzz_choose(&input, 8);
	struct entries entries;

	read_entries(&input, &entries);
	switch (what) {
	case 0:
		read_options(&bus, &entries, SEGUE_OPTIONS_LOAD | SEGUE_OPTIONS_SWAP);
		break;
	case 1:
		read_options(&bus, &entries, SEGUE_OPTIONS_WAVE | SEGUE_OPTIONS_SWAP);
		break;
	case 2:
		read_options(&bus, &entries, SEGUE_OPTIONS_PLAY);
		break;
	case 3:
		make(&bus, &entries, SEGUE_RECIPE_FDS, SEGUE_OPTIONS_LOAD);
		break;
	case 4:
		make(&bus, &entries, SEGUE_RECIPE_SAMPLES, SEGUE_BUS_OPTIONS_RAW);
		break;
	case 5:
		make(&bus, &entries, SEGUE_RECIPE_WAVE, SEGUE_OPTIONS_WAVE);
		break;
	case 6:
		create_node(&entries, "source");
		break;
	default:
		create_node(&entries, "convolver");
		break;
	}
	sd_bus_message_unref(entries.m);
	return 0;
}
