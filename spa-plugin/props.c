/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "props.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <spa/param/param.h>
#include <spa/param/props.h>
#include <spa/pod/iter.h>
#include <spa/pod/parser.h>
#include <spa/utils/json.h>
#include <spa/utils/string.h>

#include "params.h"
#include "properties.h"
#include "rt/ports.h"

#define KEY_FADE		"segue.fade"

#define MAX_CHANNELS		SEGUE_PORT_CHANNELS_MAX

/* SPA's own ids for what isn't in a node's table */
static const uint32_t volume_ids[SEGUE_PROPERTIES_VOLUME] = {
	[SEGUE_PROPERTY_VOLUME] = SPA_PROP_volume,
	[SEGUE_PROPERTY_MUTE] = SPA_PROP_mute,
	[SEGUE_PROPERTY_CHANNEL_VOLUMES] = SPA_PROP_channelVolumes,
};

#define N_VOLUMES	((uint32_t)SEGUE_PROPERTIES_VOLUME)
#define MAX_ROWS	(N_VOLUMES + SEGUE_PROPERTIES_MAX)

/** All properties of a node: its volumes, then its table's. */
struct rows {
	const struct segue_property *table;
	uint32_t n;
};

/* what writing back leaves as it is */
#define NOT_RESTORED	(SEGUE_PROPERTY_REQUEST | SEGUE_PROPERTY_READ_ONLY | SEGUE_PROPERTY_CREATE_ONLY)

/** What a Props pod asks for: one value per row. */
struct changes {
	bool given[MAX_ROWS];
	struct segue_value values[MAX_ROWS];
	double volumes[MAX_CHANNELS];	/* what channelVolumes points to */
	char *list;			/* what segue.load points to when it came as a Struct */
	bool whole;			/* every property is there: what was read is written back */
};

static struct rows get_rows(struct segue_node *node)
{
	struct rows rows;

	rows.table = node->methods->properties(node, &rows.n);
	rows.n = SPA_MIN(rows.n + N_VOLUMES, MAX_ROWS);
	return rows;
}

static const struct segue_property *get_row(const struct rows *rows, uint32_t i)
{
	return i < N_VOLUMES ? &segue_volume_properties[i] : &rows->table[i - N_VOLUMES];
}

/* \return the row of a key, or SPA_ID_INVALID */
static uint32_t find_row(const struct rows *rows, const char *key)
{
	uint32_t i;

	for (i = N_VOLUMES; i < rows->n; i++)
		if (spa_streq(get_row(rows, i)->key, key))
			return i;
	return SPA_ID_INVALID;
}

/* ---------------------------------------------------------------- reading */

/* The elements of a choice are of one size: each name is followed by zeros up to the longest. */
static void build_choices(struct spa_pod_builder *b, const char *const *choices)
{
	char text[128] = { 0 };
	struct { struct spa_pod pod; char text[sizeof(text)]; } name;
	struct spa_pod_frame f;
	uint32_t i, size = 0;

	for (i = 0; choices[i] != NULL; i++)
		size = SPA_MAX(size, (uint32_t)strlen(choices[i]) + 1);
	size = SPA_MIN(size, (uint32_t)sizeof(text));

	spa_pod_builder_push_choice(b, &f, SPA_CHOICE_Enum, 0);
	name.pod = SPA_POD_INIT(size, SPA_TYPE_String);
	/* the default, which is the first, and then all */
	for (i = 0; i == 0 || choices[i - 1] != NULL; i++) {
		memset(name.text, 0, sizeof(name.text));
		spa_scnprintf(name.text, sizeof(name.text), "%s", choices[i > 0 ? i - 1 : 0]);
		spa_pod_builder_primitive(b, &name.pod);
	}
	spa_pod_builder_pop(b, &f);
}

static void build_type(struct spa_pod_builder *b, const struct segue_property *p)
{
	switch (p->type) {
	case SEGUE_VALUE_BOOL:
		spa_pod_builder_add(b, SPA_PROP_INFO_type, SPA_POD_CHOICE_Bool(p->def != 0.0), 0);
		break;
	case SEGUE_VALUE_INT:
		spa_pod_builder_add(b, SPA_PROP_INFO_type,
				SPA_POD_CHOICE_RANGE_Int((int)p->def, (int)p->min, (int)p->max), 0);
		break;
	case SEGUE_VALUE_DOUBLE:
	case SEGUE_VALUE_DOUBLES:
		spa_pod_builder_add(b, SPA_PROP_INFO_type,
				SPA_POD_CHOICE_RANGE_Float(p->def, p->min, p->max), 0);
		break;
	default:
		spa_pod_builder_prop(b, SPA_PROP_INFO_type, 0);
		if (p->choices != NULL)
			build_choices(b, p->choices);
		else
			spa_pod_builder_string(b, "");
		break;
	}
}

int segue_props_build_info(struct segue_node *node, bool adapted, uint32_t index, struct spa_pod_builder *b,
		struct spa_pod **ret)
{
	struct rows rows = get_rows(node);
	const struct segue_property *p;
	struct spa_pod_frame f;
	const char *description;

	index += adapted ? N_VOLUMES : 0;
	if (index >= rows.n)
		return 0;
	p = get_row(&rows, index);
	description = p->description != NULL ? p->description : p->key;
	spa_pod_builder_push_object(b, &f, SPA_TYPE_OBJECT_PropInfo, SPA_PARAM_PropInfo);
	if (index < N_VOLUMES)
		spa_pod_builder_add(b, SPA_PROP_INFO_id, SPA_POD_Id(volume_ids[index]), 0);
	spa_pod_builder_add(b,
			SPA_PROP_INFO_name,        SPA_POD_String(p->key),
			SPA_PROP_INFO_description, SPA_POD_String(description),
			0);
	build_type(b, p);
	if (p->type == SEGUE_VALUE_DOUBLES)
		spa_pod_builder_add(b, SPA_PROP_INFO_container, SPA_POD_Id(SPA_TYPE_Array), 0);
	if (index >= N_VOLUMES)
		spa_pod_builder_add(b, SPA_PROP_INFO_params, SPA_POD_Bool(true), 0);
	*ret = spa_pod_builder_pop(b, &f);
	return *ret != NULL ? 1 : -ENOMEM;
}

static void build_value(struct spa_pod_builder *b, const struct segue_value *v)
{
	float floats[MAX_CHANNELS];
	uint32_t i, n;

	switch (v->type) {
	case SEGUE_VALUE_BOOL:
		spa_pod_builder_bool(b, v->b);
		break;
	case SEGUE_VALUE_INT:
		spa_pod_builder_int(b, v->i);
		break;
	case SEGUE_VALUE_DOUBLE:
		spa_pod_builder_float(b, v->d);
		break;
	case SEGUE_VALUE_STRING:
		spa_pod_builder_string(b, v->s != NULL ? v->s : "");
		break;
	case SEGUE_VALUE_DOUBLES:
		n = SPA_MIN(v->f.n, MAX_CHANNELS);
		for (i = 0; i < n; i++)
			floats[i] = v->f.values[i];
		spa_pod_builder_array(b, sizeof(float), SPA_TYPE_Float, n, floats);
		break;
	default:
		spa_pod_builder_none(b);
		break;
	}
}

int segue_props_build(struct segue_node *node, bool adapted, struct spa_pod_builder *b, struct spa_pod **ret)
{
	struct rows rows = get_rows(node);
	struct spa_pod_frame object, params;
	struct segue_value value;
	uint32_t i;

	spa_pod_builder_push_object(b, &object, SPA_TYPE_OBJECT_Props, SPA_PARAM_Props);
	for (i = 0; !adapted && i < N_VOLUMES; i++) {
		if (node->methods->get(node, segue_volume_properties[i].key, &value) < 0)
			continue;
		spa_pod_builder_prop(b, volume_ids[i], 0);
		build_value(b, &value);
	}
	spa_pod_builder_prop(b, SPA_PROP_params, 0);
	spa_pod_builder_push_struct(b, &params);
	for (i = N_VOLUMES; i < rows.n; i++) {
		const char *key = get_row(&rows, i)->key;

		if (node->methods->get(node, key, &value) < 0)
			continue;
		spa_pod_builder_string(b, key);
		build_value(b, &value);
	}
	spa_pod_builder_pop(b, &params);
	*ret = spa_pod_builder_pop(b, &object);
	return *ret != NULL ? 1 : -ENOMEM;
}

/* --------------------------------------------------------------- checking */

/* `[ L.wav R.wav ]` within a pod given as JSON arrives as a Struct of Strings: make the text again. */
static char *struct_to_list(const struct spa_pod *pod)
{
	const struct spa_pod *item;
	size_t size = 5, used;
	char *list;

	SPA_POD_STRUCT_FOREACH(pod, item) {
		if (!spa_pod_is_string(item))
			return NULL;
		size += 6 * SPA_POD_BODY_SIZE(item) + 3;	/* every byte as \u0000, quotes, a space */
	}
	if ((list = malloc(size)) == NULL)
		return NULL;
	used = spa_scnprintf(list, size, "[ ");
	SPA_POD_STRUCT_FOREACH(pod, item) {
		used += spa_json_encode_string(list + used, size - used, SPA_POD_BODY_CONST(item));
		used += spa_scnprintf(list + used, size - used, " ");
	}
	spa_scnprintf(list + used, size - used, "]");
	return list;
}

static bool read_value(struct changes *c, const struct segue_property *p, const struct spa_pod *pod,
		struct segue_value *ret)
{
	float f;
	int32_t i;

	if (spa_pod_get_float(pod, &f) >= 0) {
		ret->type = SEGUE_VALUE_DOUBLE;
		/* a float can't say 0.01: the one nearest to a limit means the limit */
		ret->d = f == (float)p->min ? p->min : f == (float)p->max ? p->max : f;
	} else if (spa_pod_get_double(pod, &ret->d) >= 0) {
		ret->type = SEGUE_VALUE_DOUBLE;
	} else if (spa_pod_get_int(pod, &i) >= 0) {
		ret->type = SEGUE_VALUE_INT;
		ret->i = i;
	} else if (spa_pod_get_long(pod, &ret->i) >= 0) {
		ret->type = SEGUE_VALUE_INT;
	} else if (spa_pod_get_bool(pod, &ret->b) >= 0) {
		ret->type = SEGUE_VALUE_BOOL;
	} else if (spa_pod_get_string(pod, &ret->s) >= 0) {
		ret->type = SEGUE_VALUE_STRING;
	} else if ((p->flags & SEGUE_PROPERTY_REQUEST) && spa_pod_is_struct(pod)) {
		ret->type = SEGUE_VALUE_STRING;
		free(c->list);
		ret->s = c->list = struct_to_list(pod);
		return ret->s != NULL;
	} else {
		return false;
	}
	return true;
}

static void read_volumes(struct changes *c, const struct spa_pod *pod, struct segue_value *ret)
{
	float floats[MAX_CHANNELS];
	uint32_t n = 0;

	if (segue_params_is_array(pod, sizeof(float)))
		n = spa_pod_copy_array(pod, SPA_TYPE_Float, floats, MAX_CHANNELS);
	for (uint32_t i = 0; i < n; i++)
		c->volumes[i] = floats[i];
	*ret = (struct segue_value) { .type = SEGUE_VALUE_DOUBLES, .f = { c->volumes, n } };
}

/* Two sounds would be two requests, of which the first might be heard although the second is refused. */
static int check_request(const struct changes *c, const struct rows *rows, uint32_t request, struct segue_error *error)
{
	for (uint32_t i = N_VOLUMES; i < rows->n; i++) {
		const struct segue_property *p = get_row(rows, i);

		if (i != request && c->given[i] && (p->flags & SEGUE_PROPERTY_REQUEST))
			return segue_error_set(error, -EINVAL, "%s: there is %s already",
					get_row(rows, request)->key, p->key);
	}
	return 0;
}

/* note the value of one row, if it is good */
static int add_change(struct changes *c, const struct rows *rows, uint32_t i, const struct spa_pod *pod,
		struct segue_error *error)
{
	const struct segue_property *p = get_row(rows, i);
	double unused;
	int res;

	if (c->whole && (p->flags & NOT_RESTORED))
		return 0;
	c->given[i] = true;
	if (p->flags & SEGUE_PROPERTY_CREATE_ONLY)
		return segue_error_set(error, -EROFS, "%s: can't be changed", p->key);
	if ((p->flags & SEGUE_PROPERTY_REQUEST) && (res = check_request(c, rows, i, error)) < 0)
		return res;
	if (p->type == SEGUE_VALUE_DOUBLES)
		read_volumes(c, pod, &c->values[i]);
	else if (!read_value(c, p, pod, &c->values[i]))
		return segue_error_set(error, -EINVAL, "%s: wrong type of value", p->key);
	return segue_property_check(p, &c->values[i], &unused, error);
}

/* Hosts and session managers write back the whole of what they have read (0.3.65's spa-node-factory at
 * once). The settings are set again then, but what was heard doesn't begin anew. */
static bool is_whole(const struct rows *rows, const struct spa_pod *params)
{
	const struct spa_pod *item;
	uint32_t n = 0;

	if (!spa_pod_is_struct(params))
		return false;
	SPA_POD_STRUCT_FOREACH(params, item)
		n++;
	return n == 2 * (rows->n - N_VOLUMES);
}

static int read_params(struct changes *c, const struct rows *rows, const struct spa_pod *params,
		struct segue_error *error)
{
	struct spa_pod_parser parser;
	struct spa_pod_frame f;
	const char *key;
	struct spa_pod *value;
	uint32_t i;
	int res;

	c->whole = is_whole(rows, params);
	spa_pod_parser_pod(&parser, params);
	if (spa_pod_parser_push_struct(&parser, &f) < 0)
		return segue_error_set(error, -EINVAL, "params: must be a list of keys and values");
	while (spa_pod_parser_get_string(&parser, &key) >= 0) {
		if (spa_pod_parser_get_pod(&parser, &value) < 0)
			return segue_error_set(error, -EINVAL, "%s: has no value", key);
		i = find_row(rows, key);
		if (i != SPA_ID_INVALID && (res = add_change(c, rows, i, value, error)) < 0)
			return res;
	}
	return 0;
}

static int read_props(struct changes *c, const struct rows *rows, bool adapted, const struct spa_pod *props,
		struct segue_error *error)
{
	const struct spa_pod_object *object = (const struct spa_pod_object *)props;
	const struct spa_pod_prop *prop;
	uint32_t i;
	int res = 0;

	if (!spa_pod_is_object_type(props, SPA_TYPE_OBJECT_Props))
		return segue_error_set(error, -EINVAL, "not a Props object");
	SPA_POD_OBJECT_FOREACH(object, prop) {
		if (prop->key == SPA_PROP_params)
			res = read_params(c, rows, &prop->value, error);
		for (i = 0; i < N_VOLUMES && res >= 0; i++)
			if (prop->key == volume_ids[i] && !(adapted && prop->key == SPA_PROP_volume))
				res = add_change(c, rows, i, &prop->value, error);
		if (res < 0)
			return res;
	}
	return 0;
}

/* ---------------------------------------------------------------- setting */

/* set the given rows that have, or haven't, the flag of a request */
static int set_rows(struct segue_node *node, const struct rows *rows, const struct changes *c,
		uint32_t request, struct segue_error *error)
{
	uint32_t i;
	int res, n = 0;

	for (i = 0; i < rows->n; i++) {
		const struct segue_property *p = get_row(rows, i);

		if (!c->given[i] || (p->flags & SEGUE_PROPERTY_REQUEST) != request)
			continue;
		if ((res = node->methods->set_props(node, p->key, &c->values[i], error)) < 0)
			return res;
		n++;
	}
	return n;
}

/* Only the node itself can tell that a request is bad, so requests go before the settings. But a request
 * is heard with the node's fade: that goes first, and back when the request is refused. Nobody hears it
 * by itself. */
static int set_all(struct segue_node *node, const struct rows *rows, struct changes *c,
		struct segue_error *error)
{
	uint32_t fade = find_row(rows, KEY_FADE);
	bool has_fade = fade != SPA_ID_INVALID && c->given[fade];
	struct segue_value old;
	int res, n_requests;

	if (has_fade && ((res = node->methods->get(node, KEY_FADE, &old)) < 0 ||
	    (res = node->methods->set_props(node, KEY_FADE, &c->values[fade], error)) < 0))
		return res;
	if ((n_requests = set_rows(node, rows, c, SEGUE_PROPERTY_REQUEST, error)) < 0) {
		if (has_fade)
			(void)node->methods->set_props(node, KEY_FADE, &old, NULL);
		return n_requests;
	}
	if (has_fade)
		c->given[fade] = false;
	if ((res = set_rows(node, rows, c, 0, error)) < 0)
		return res;
	return res + n_requests + has_fade;
}

int segue_props_set(struct segue_node *node, bool adapted, const struct spa_pod *props,
		struct segue_error *error)
{
	struct rows rows = get_rows(node);
	struct changes changes = { 0 };
	int res;

	if ((res = read_props(&changes, &rows, adapted, props, error)) >= 0)
		res = set_all(node, &rows, &changes, error);
	free(changes.list);
	node->methods->props_done(node, res < 0 ? error : NULL);
	return res;
}
