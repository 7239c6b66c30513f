/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <pipewire/filter.h>
#include <pipewire/pipewire.h>

/** \file
 * Record what a node plays, with the position of the driver's clock for each cycle, so that a test
 * can speak of "frame N" and sees every cycle that is missing.
 *
 *     recorder FILE CHANNELS MAX_FRAMES [SCHEDSTAT]
 *
 * SCHEDSTAT is that of a thread, /proc/PID/task/TID/schedstat: how much time on a processor it has had is recorded
 * with each cycle.
 *
 * The file is mapped and may be read while it grows; its layout is read by recording.py. */

#define MAX_CHANNELS	16u
#define MAX_CYCLES	(1u << 17)

struct header {
	uint64_t n_cycles;	/* written last: all before it is whole */
	uint64_t n_frames;
	uint64_t max_frames;
	uint32_t n_channels;
	uint32_t max_cycles;
};

struct cycle {
	uint64_t position;	/* of its first frame, on the driver's clock */
	uint64_t nsec;
	uint64_t offset;	/* of its first frame in each plane */
	uint64_t cpu_nsec;	/* that the thread has had so far; 0: there is none */
	uint32_t n_frames;
	uint32_t rate;
	uint32_t clock_id;
	uint32_t linked;	/* bit per channel: there was data to record */
};

struct impl {
	struct pw_main_loop *loop;
	struct pw_filter *filter;
	void *ports[MAX_CHANNELS];
	int schedstat;
	/* mapped: data loop writes, anyone reads */
	struct header *header;
	struct cycle *cycles;
	float *planes;
};

/* Up to where the thread waited last: what it does now counts for the next cycle. */
static uint64_t cpu_nsec(const struct impl *impl)
{
	char text[64];
	ssize_t n;

	if (impl->schedstat < 0 || (n = pread(impl->schedstat, text, sizeof(text) - 1, 0)) <= 0)
		return 0;
	text[n] = '\0';
	return strtoull(text, NULL, 10);
}

static void on_process(void *data, struct spa_io_position *position)
{
	struct impl *impl = data;
	struct header *h = impl->header;
	uint32_t n_frames = position->clock.duration;
	struct cycle *c = &impl->cycles[h->n_cycles];

	if (h->n_cycles == h->max_cycles || h->n_frames + n_frames > h->max_frames)
		return;

	*c = (struct cycle) {
		.position = position->clock.position,
		.nsec = position->clock.nsec,
		.offset = h->n_frames,
		.cpu_nsec = cpu_nsec(impl),
		.n_frames = n_frames,
		.rate = position->clock.rate.denom,
		.clock_id = position->clock.id,
	};
	for (uint32_t i = 0; i < h->n_channels; i++) {
		float *to = &impl->planes[i * h->max_frames + h->n_frames];
		const float *from = pw_filter_get_dsp_buffer(impl->ports[i], n_frames);

		/* the plane is zero where nothing was recorded */
		if (from != NULL) {
			memcpy(to, from, n_frames * sizeof(float));
			c->linked |= 1u << i;
		}
	}
	h->n_frames += n_frames;
	/* release: a reader that sees the count sees the cycle */
	__atomic_store_n(&h->n_cycles, h->n_cycles + 1, __ATOMIC_RELEASE);
}

static const struct pw_filter_events filter_events = {
	PW_VERSION_FILTER_EVENTS,
	.process = on_process,
};

static void do_quit(void *data, int signal_number)
{
	struct impl *impl = data;

	pw_main_loop_quit(impl->loop);
}

static int map_file(struct impl *impl, const char *path, uint32_t n_channels, uint64_t max_frames)
{
	size_t size = sizeof(struct header) + MAX_CYCLES * sizeof(struct cycle) +
		n_channels * max_frames * sizeof(float);
	void *p;
	int fd;

	if ((fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) < 0)
		return -errno;
	/* populated: the data loop of a recorder must not fault either */
	if (ftruncate(fd, size) < 0 ||
	    (p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0)) == MAP_FAILED) {
		int res = -errno;

		close(fd);
		return res;
	}
	close(fd);
	impl->header = p;
	impl->cycles = SPA_PTROFF(p, sizeof(struct header), struct cycle);
	impl->planes = SPA_PTROFF(impl->cycles, MAX_CYCLES * sizeof(struct cycle), float);
	*impl->header = (struct header) {
		.max_frames = max_frames,
		.n_channels = n_channels,
		.max_cycles = MAX_CYCLES,
	};
	return 0;
}

int main(int argc, char *argv[])
{
	struct impl impl = { .schedstat = -1 };
	uint32_t n_channels;
	int res;

	pw_init(&argc, &argv);
	if (argc < 4 || argc > 5 || (n_channels = atoi(argv[2])) < 1 || n_channels > MAX_CHANNELS) {
		fprintf(stderr, "usage: %s FILE CHANNELS(1..%u) MAX_FRAMES [SCHEDSTAT]\n", argv[0], MAX_CHANNELS);
		return 2;
	}
	if (argc == 5 && (impl.schedstat = open(argv[4], O_RDONLY | O_CLOEXEC)) < 0) {
		fprintf(stderr, "%s: %s\n", argv[4], strerror(errno));
		return 1;
	}
	if ((res = map_file(&impl, argv[1], n_channels, strtoull(argv[3], NULL, 10))) < 0) {
		fprintf(stderr, "%s: %s\n", argv[1], strerror(-res));
		return 1;
	}
	impl.loop = pw_main_loop_new(NULL);
	pw_loop_add_signal(pw_main_loop_get_loop(impl.loop), SIGINT, do_quit, &impl);
	pw_loop_add_signal(pw_main_loop_get_loop(impl.loop), SIGTERM, do_quit, &impl);
	impl.filter = pw_filter_new_simple(pw_main_loop_get_loop(impl.loop), "recorder",
			pw_properties_new(PW_KEY_NODE_NAME, "recorder", NULL), &filter_events, &impl);

	for (uint32_t i = 0; i < n_channels; i++) {
		char name[16];

		snprintf(name, sizeof(name), "input_%u", i);
		impl.ports[i] = pw_filter_add_port(impl.filter, PW_DIRECTION_INPUT,
				PW_FILTER_PORT_FLAG_MAP_BUFFERS, sizeof(void *),
				pw_properties_new(PW_KEY_FORMAT_DSP, "32 bit float mono audio",
					PW_KEY_PORT_NAME, name, NULL), NULL, 0);
	}
	if ((res = pw_filter_connect(impl.filter, PW_FILTER_FLAG_RT_PROCESS, NULL, 0)) < 0) {
		fprintf(stderr, "can't connect: %s\n", strerror(-res));
		return 1;
	}
	pw_main_loop_run(impl.loop);

	pw_filter_destroy(impl.filter);
	pw_main_loop_destroy(impl.loop);
	pw_deinit();
	return 0;
}
