/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "sfz.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <spa/utils/defs.h>
#include <spa/utils/string.h>

#include "file.h"
#include "layout.h"
#include "sfz-list.h"
#include "sfz-opcodes.h"
#include "sfz-scan.h"
#include "sfz-variables.h"
#include "text.h"

#define DEPTH_MAX	16u	/* of includes within includes */
#define TEXTS_MAX	1000u	/* files that are text */
#define VALUE_MAX	PATH_MAX

/* Whose opcodes are read: the headers that regions inherit from, in this order. */
enum level {
	GLOBAL,
	MASTER,
	GROUP,
	REGION,
	LEVELS,
	CONTROL = LEVELS,
	NOWHERE,	/* below a header that isn't followed */
};

struct parser {
	struct segue_make *make;
	const struct segue_path_check *check;
	struct segue_sfz *sfz;
	char folder[PATH_MAX];	/* the instrument's, ends in a slash or is "" */
	uint32_t n_texts;
	size_t size;		/* of all texts */
	uint32_t depth;		/* of those being read */
	struct text *text;
	enum level level;
	enum level container;	/* the last header that isn't a region: what a region inherits from */
	struct segue_sfz_settings levels[LEVELS];
	char default_path[PATH_MAX];
	struct segue_sfz_variables variables;
	/* of the opcode being read */
	char opcode[256];
	char value[VALUE_MAX];
};

/* ------------------------------------------------------------------ errors */

/* kit.sfz: line 3: ..., or kit.sfz: hats.sfz: line 3: ... */
__attribute__((format(printf, 3, 4)))
static int fail(struct parser *p, int res, const char *format, ...)
{
	char what[SEGUE_ERROR_MAX], cut[320], name[SEGUE_SFZ_NAME_MAX];
	bool is_own = p->text->name == NULL;
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	return segue_error_set(&p->make->error, res, "%s: %s%sline %u: %s", p->make->name,
			is_own ? "" : segue_text_show(p->text->name, name, sizeof(name)), is_own ? "" : ": ",
			p->text->line, segue_text_show(what, cut, sizeof(cut)));
}

static int no_memory(struct parser *p)
{
	return segue_error_set(&p->make->error, -ENOMEM, "%s: no memory", p->make->name);
}

/* ------------------------------------------------------------------- paths */

static int join(struct parser *p, const char *name, char *ret)
{
	int n = snprintf(ret, PATH_MAX, "%s%s", name[0] == '/' ? "" : p->folder, name);

	if (n >= PATH_MAX)
		return fail(p, -EBADMSG, "a path of more than %d bytes", PATH_MAX - 1);
	segue_path_normalize(ret);
	return 0;
}

/* -------------------------------------------------------------------- parse */

static int read_text(struct parser *p, const char *path, const char *name);

static int skip_comment(struct parser *p, struct text *t)
{
	if (t->at[1] == '/') {
		while (!is_break(*t->at))
			t->at++;
		return 0;
	}
	for (const char *at = t->at + 2; (at = strchr(at, '*')) != NULL; at++) {
		if (at[1] != '/')
			continue;
		while (t->at < at + 2)
			skip(t);
		return 0;
	}
	return fail(p, -EBADMSG, "a comment doesn't end");
}

static int expand(struct parser *p, const char *text, size_t length, char *ret, size_t size)
{
	if (segue_sfz_variables_expand(&p->variables, text, length, ret, size) < 0)
		return fail(p, -EBADMSG, "a text of more than %zu bytes", size - 1);
	return 0;
}

static int parse_include(struct parser *p, struct text *t)
{
	char name[PATH_MAX], path[PATH_MAX];
	const char *end;
	int res;

	t->at = skip_blanks(t->at + strlen("#include"));
	end = t->at;
	if (*end == '"') {
		do {
			end++;
		} while (!is_break(*end) && *end != '"');
	}
	if (*end != '"')
		return fail(p, -EBADMSG, "#include: a name in quotes is needed");
	if ((res = expand(p, t->at + 1, end - t->at - 1, name, sizeof(name))) < 0)
		return res;
	t->at = end + 1;
	segue_path_to_slashes(name);
	if (segue_path_leaves(name))
		return fail(p, -EACCES, "#include: '%s' isn't below the instrument's folder",
				segue_text_show(name, path, SEGUE_SFZ_NAME_MAX));
	if ((res = join(p, name, path)) < 0)
		return res;
	return read_text(p, path, name);
}

static int parse_define(struct parser *p, struct text *t)
{
	const char *name, *value, *end;
	int res;

	name = skip_blanks(t->at + strlen("#define"));
	for (value = name + (*name == '$'); is_name(*value); value++)
		;
	if (*name != '$' || value == name + 1)
		return fail(p, -EBADMSG, "#define: a name that begins with $ is needed");
	t->at = skip_blanks(value);
	end = value_end(t->at);
	if ((res = expand(p, t->at, end - t->at, p->value, sizeof(p->value))) < 0)
		return res;
	t->at = end;
	res = segue_sfz_variables_set(&p->variables, name + 1, value - name - 1, p->value);
	if (res == -ENOSPC)
		return fail(p, -EBADMSG, "#define: more than %u names", SEGUE_SFZ_VARIABLES_MAX);
	return res < 0 ? no_memory(p) : 0;
}

static int add_region(struct parser *p)
{
	int res = segue_sfz_add_region(p->sfz, &p->levels[REGION]);

	if (res == -EDQUOT)
		return fail(p, res, "more than %u regions", SEGUE_REGIONS_MAX);
	return res < 0 ? no_memory(p) : 0;
}

static int end_header(struct parser *p)
{
	int res = p->level == REGION ? add_region(p) : 0;

	/* a group needs no master */
	if (p->level == GLOBAL)
		p->levels[MASTER] = p->levels[GLOBAL];
	return res;
}

static void enter(struct parser *p, enum level level)
{
	if (level == GLOBAL)
		segue_sfz_settings_init(&p->levels[GLOBAL]);
	else if (level == MASTER)
		p->levels[MASTER] = p->levels[GLOBAL];
	else if (level == GROUP)
		p->levels[GROUP] = p->levels[MASTER];
	else if (level == REGION)
		p->levels[REGION] = p->levels[p->container];
	else if (level == CONTROL)
		p->default_path[0] = '\0';
	if (level < LEVELS)
		p->levels[level].centered = false;
	if (level < REGION)
		p->container = level;
	p->level = level;
}

static int parse_header(struct parser *p, struct text *t)
{
	static const struct { const char *name; enum level level; } headers[] = {
		{ "global", GLOBAL }, { "master", MASTER }, { "group", GROUP }, { "region", REGION },
		{ "control", CONTROL },
	};
	const char *end = t->at + 1;
	char name[32];
	int res;

	while (is_name(*end))
		end++;
	if (*end != '>' || end == t->at + 1 || end - t->at > (ptrdiff_t)sizeof(name))
		return fail(p, -EBADMSG, "a header isn't <name>");
	snprintf(name, sizeof(name), "%.*s", (int)(end - t->at - 1), t->at + 1);
	t->at = end + 1;
	if ((res = end_header(p)) < 0)
		return res;
	for (size_t i = 0; i < SPA_N_ELEMENTS(headers); i++) {
		if (strcasecmp(name, headers[i].name) == 0) {
			enter(p, headers[i].level);
			return 0;
		}
	}
	segue_sfz_note(p->sfz, "<", name, ">");
	enter(p, NOWHERE);
	return 0;
}

static int check_path(struct parser *p, const char *path)
{
	struct segue_error why;
	int res;

	if (p->check == NULL || (res = p->check->check(p->check->data, path, &why)) == 0)
		return 0;
	return fail(p, res, "sample: %s", why.message);
}

/* default_path is put before it as it is: it may end in the first letters of a name. */
static int set_sample(struct parser *p, struct segue_sfz_settings *settings)
{
	bool is_made = p->value[0] == '*';
	char name[PATH_MAX];
	int res, n;

	if (p->value[0] == '\0')
		return fail(p, -EBADMSG, "sample: no file is named");
	n = snprintf(name, sizeof(name), "%s%s", is_made ? "" : p->default_path, p->value);
	if (n >= PATH_MAX)
		return fail(p, -EBADMSG, "sample: a path of more than %d bytes", PATH_MAX - 1);
	segue_path_to_slashes(name);
	settings->path[0] = '\0';
	segue_text_show(name, settings->name, sizeof(settings->name));
	if (is_made)
		return 0;
	if ((res = join(p, name, settings->path)) < 0)
		return res;
	return check_path(p, settings->path);
}

static int apply(struct parser *p)
{
	struct segue_error why;
	char value[SEGUE_SFZ_NAME_MAX];
	int res;

	/* variables may have made anything of it */
	if (p->opcode[0] == '\0' || p->opcode[strspn(p->opcode, NAME_CHARACTERS)] != '\0')
		return fail(p, -EBADMSG, "'%s' is no opcode", segue_text_show(p->opcode, value, sizeof(value)));
	if (p->level == NOWHERE)
		return 0;
	if (p->level == CONTROL) {
		if (strcasecmp(p->opcode, "default_path") == 0) {
			segue_path_to_slashes(p->value);
			strcpy(p->default_path, p->value);
		} else {
			segue_sfz_note(p->sfz, "", p->opcode, "");
		}
		return 0;
	}
	if (strcasecmp(p->opcode, "sample") == 0)
		return set_sample(p, &p->levels[p->level]);
	/* no number is as long as this cuts it */
	segue_text_show(p->value, value, sizeof(value));
	if ((res = segue_sfz_settings_set(&p->levels[p->level], p->opcode, value, &why)) < 0)
		return fail(p, res, "%s: %s", p->opcode, why.message);
	if (res == 0)
		segue_sfz_note(p->sfz, "", p->opcode, "");
	return 0;
}

static int parse_opcode(struct parser *p, struct text *t)
{
	const char *equals = skip_names(t->at), *end;
	char what[SEGUE_SFZ_NAME_MAX];
	int res;

	if (equals == t->at || *equals != '=') {
		end = t->at;
		while (!is_break(*end) && end - t->at < (ptrdiff_t)sizeof(p->opcode) - 1)
			end++;
		snprintf(p->opcode, sizeof(p->opcode), "%.*s", (int)(end - t->at), t->at);
		return fail(p, -EBADMSG, "'%s' is no opcode", segue_text_show(p->opcode, what, 48));
	}
	if ((res = expand(p, t->at, equals - t->at, p->opcode, sizeof(p->opcode))) < 0)
		return res;
	t->at = skip_blanks(equals + 1);
	end = value_end(t->at);
	if ((res = expand(p, t->at, end - t->at, p->value, sizeof(p->value))) < 0)
		return res;
	t->at = end;
	return apply(p);
}

static int parse(struct parser *p, struct text *t)
{
	int res = 0;

	while (res == 0 && t->at < t->end) {
		if (is_blank(*t->at) || is_break(*t->at))
			skip(t);
		else if (t->at[0] == '/' && (t->at[1] == '/' || t->at[1] == '*'))
			res = skip_comment(p, t);
		else if (segue_make_cancelled(p->make))
			return -ECANCELED;
		else if (*t->at == '<')
			res = parse_header(p, t);
		else if (starts_with(t->at, "#define"))
			res = parse_define(p, t);
		else if (starts_with(t->at, "#include"))
			res = parse_include(p, t);
		else
			res = parse_opcode(p, t);
	}
	return res;
}

/* -------------------------------------------------------------------- files */

static int identify(struct parser *p, const struct segue_file *file)
{
	char *identity = p->sfz->identity;
	size_t used = identity != NULL ? strlen(identity) : 0;

	if ((identity = realloc(identity, used + SEGUE_FILE_IDENTITY_MAX)) == NULL)
		return no_memory(p);
	p->sfz->identity = identity;
	segue_file_identity(file, identity + used);
	return 0;
}

/* A zero byte follows, so that whatever looks ahead ends there. */
static int parse_text(struct parser *p, const char *name, const char *bytes, size_t size)
{
	struct text *outer = p->text, text = { name, bytes, bytes + size, 1 };
	int res;

	if (starts_with(bytes, "\xef\xbb\xbf"))
		text.at += 3;
	p->text = &text;
	res = parse(p, &text);
	if (res == 0 && outer == NULL)
		res = end_header(p);
	p->text = outer;
	return res;
}

static int read_file(struct parser *p, struct segue_file *file, const char *name, const char *message_name)
{
	size_t size = file->stat.st_size, got;
	char *bytes;
	int res;

	if (size > SEGUE_SFZ_TEXT_MAX - p->size)
		return segue_error_set(&p->make->error, -EFBIG, "%s: more than %u MiB of text", message_name,
				SEGUE_SFZ_TEXT_MAX / (1024u * 1024u));
	p->size += size;
	if ((bytes = segue_make_alloc(p->make, size + 1)) == NULL)
		return p->make->error.res;
	got = segue_file_read(file, 0, bytes, size);
	bytes[got] = '\0';
	if (segue_make_cancelled(p->make))
		res = -ECANCELED;
	else if (file->error != 0)
		res = segue_error_set(&p->make->error, -EBADMSG, "%s: can't be read: %s", message_name,
				strerror(file->error));
	else if (memchr(bytes, '\0', got) != NULL)
		res = segue_error_set(&p->make->error, -EBADMSG, "%s: not an SFZ file", message_name);
	else
		res = parse_text(p, name, bytes, got);
	segue_memory_free(p->make->memory, bytes);
	return res;
}

static int read_text(struct parser *p, const char *path, const char *name)
{
	struct segue_file file = { .fd = -1, .job = p->make->job };
	char message_name[2 * SEGUE_SFZ_NAME_MAX], text[SEGUE_SFZ_NAME_MAX];
	int res;

	if (p->depth == DEPTH_MAX)
		return fail(p, -EBADMSG, "#include: more than %u within each other", DEPTH_MAX);
	if (p->n_texts == TEXTS_MAX)
		return fail(p, -EBADMSG, "#include: more than %u", TEXTS_MAX);
	snprintf(message_name, sizeof(message_name), "%s%s%s", p->make->name, name != NULL ? ": " : "",
			name != NULL ? segue_text_show(name, text, sizeof(text)) : "");
	if ((res = segue_file_open(&file, path, -1, message_name, &p->make->error)) < 0)
		return res;
	p->n_texts++;
	p->depth++;
	if ((res = identify(p, &file)) == 0)
		res = read_file(p, &file, name, message_name);
	p->depth--;
	segue_file_close(&file);
	return res;
}

static int read_instrument(struct parser *p, const char *path)
{
	struct segue_sfz *sfz = p->sfz;
	const char *slash = strrchr(path, '/');
	int res;

	if (strlen(path) >= PATH_MAX)
		return segue_error_set(&p->make->error, -EINVAL, "%s: a path of more than %d bytes",
				p->make->name, PATH_MAX - 1);
	if (slash != NULL)
		memcpy(p->folder, path, slash - path + 1);
	enter(p, GLOBAL);
	if ((res = read_text(p, path, NULL)) < 0)
		return res;
	if (sfz->n_regions == 0 && sfz->unfollowed[0] == '\0')
		return segue_error_set(&p->make->error, -EBADMSG, "%s: has no regions", p->make->name);
	if (sfz->n_regions == 0)
		return segue_error_set(&p->make->error, -EBADMSG, "%s: has no region that can be played "
				"(not followed: %.200s)", p->make->name, sfz->unfollowed);
	return 0;
}

struct segue_sfz *segue_sfz_read(struct segue_make *make, const char *path, const struct segue_path_check *check)
{
	struct parser *p = calloc(1, sizeof(*p));
	struct segue_sfz *sfz = calloc(1, sizeof(*sfz));
	int res = -ENOMEM;

	if (p == NULL || sfz == NULL) {
		segue_error_set(&make->error, res, "%s: no memory", make->name);
	} else {
		p->make = make;
		p->check = check;
		p->sfz = sfz;
		res = read_instrument(p, path);
		segue_sfz_variables_clear(&p->variables);
	}
	free(p);
	if (res < 0) {
		segue_sfz_free(sfz);
		return NULL;
	}
	return sfz;
}
