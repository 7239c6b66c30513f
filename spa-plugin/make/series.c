/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "wave.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include <spa/utils/defs.h>
#include <spa/utils/string.h>

#define HARMONICS	"harmonics:"

static double sine(uint32_t k)
{
	return k == 1 ? 1.0 : 0.0;
}

static double saw(uint32_t k)
{
	return 2.0 / (M_PI * k);
}

static double square(uint32_t k)
{
	return k % 2 == 1 ? 4.0 / (M_PI * k) : 0.0;
}

static double triangle(uint32_t k)
{
	if (k % 2 == 0)
		return 0.0;
	return (k % 4 == 1 ? 8.0 : -8.0) / (M_PI * M_PI * k * k);
}

static const struct {
	const char *name;
	double (*amplitude)(uint32_t k);
} series[] = {
	{ "sine", sine },
	{ "saw", saw },
	{ "square", square },
	{ "triangle", triangle },
};

static void set_partial(struct segue_spectrum *spectrum, uint32_t k, double amplitude)
{
	/* a sin(x) = 2 Re (-i a/2 exp(i x)) */
	spectrum->bins[k] = -I * (float)(amplitude / 2.0);
	if (spectrum->bins[k] != 0.0f)
		spectrum->n_partials = k;
}

static int fill_harmonics(const char *list, struct segue_spectrum *ret, struct segue_error *error)
{
	char item[64];
	double amplitude;
	uint32_t k = 0;
	size_t length;

	do {
		length = strcspn(list, ",");
		if (++k > SEGUE_TABLE_PARTIALS_MAX)
			return segue_error_set(error, -EINVAL, "harmonics: more than %u amplitudes",
					SEGUE_TABLE_PARTIALS_MAX);
		snprintf(item, sizeof(item), "%.*s", (int)SPA_MIN(length, sizeof(item) - 1), list);
		/* the bound keeps sums of all of them finite */
		if (length >= sizeof(item) || !spa_atod(item, &amplitude) || !(fabs(amplitude) <= 1e6))
			return segue_error_set(error, -EINVAL, "harmonics: amplitude %u, '%s', is not a number "
					"from -1e6 to 1e6", k, item);
		set_partial(ret, k, amplitude);
		list += length;
	} while (*list++ == ',');
	if (ret->n_partials == 0)
		return segue_error_set(error, -EINVAL, "harmonics: all amplitudes are zero");
	return 0;
}

int segue_series_fill(const char *wave, struct segue_spectrum *ret, struct segue_error *error)
{
	uint32_t k;
	size_t i;

	memset(ret, 0, sizeof(*ret));
	if (spa_strstartswith(wave, HARMONICS))
		return fill_harmonics(wave + strlen(HARMONICS), ret, error);
	for (i = 0; i < SPA_N_ELEMENTS(series); i++) {
		if (!spa_streq(wave, series[i].name))
			continue;
		for (k = 1; k <= SEGUE_TABLE_PARTIALS_MAX; k++)
			set_partial(ret, k, series[i].amplitude(k));
		return 0;
	}
	return segue_error_set(error, -EINVAL, "%s: no such series", wave);
}
