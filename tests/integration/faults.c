/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <locale.h>
#include <pthread.h>
#include <search.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fftw3.h>
#include <pipewire/impl.h>
#include <soxr.h>
#include <systemd/sd-bus.h>

/** \file
 * Preloaded into a service, it makes the Nth call of some kind fail that comes from certain libraries:
 * ours, or those that ours call. Which, is read from the file that SEGUE_FAULTS names, mapped here and by
 * faults.py, so that one service is led through all N. */

#define EXPORT	__attribute__((visibility("default")))
#define CALLER	__builtin_return_address(0)

enum call {
	CALL_MEMORY = 1 << 0,	/* whatever gets memory, and what others get for us */
	CALL_THREAD = 1 << 1,
	CALL_OPEN = 1 << 2,
	CALL_FSTAT = 1 << 3,
	CALL_FCNTL = 1 << 4,
	CALL_PREAD = 1 << 5,
	CALL_PWRITE = 1 << 6,
	CALL_READLINK = 1 << 7,
	CALL_ADVICE = 1 << 8,	/* madvise, mlock */
};

/** As faults.py has it. */
struct control {
	uint32_t calls;		/* enum call; 0: nothing fails */
	int32_t left;		/* until the one that fails; below 1: it was there */
	int32_t lasting;	/* and so do all that follow */
	int32_t result;		/* a negative errno, or what reads and writes give: 0 nothing, 1 a byte */
	uint32_t n_failed;
	uint32_t reserved;
	uint64_t at;		/* in the library, of the first that failed */
	char from[64];		/* what the caller's library has in its name */
	char where[128];	/* the library of the first that failed */
};

static struct control *control;

__attribute__((constructor)) static void map_control(void)
{
	const char *path = getenv("SEGUE_FAULTS");
	int fd = path != NULL ? syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
	void *p;

	if (fd < 0)
		return;
	p = (void *)syscall(SYS_mmap, NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	syscall(SYS_close, fd);
	if (p != MAP_FAILED)
		control = p;
}

static bool is_from(const void *caller, const char *name, struct dl_find_object *ret)
{
	const char *path, *slash;

	/* without a lock: in whatever state the caller is */
	if (_dl_find_object((void *)caller, ret) < 0)
		return false;
	path = ret->dlfo_link_map->l_name;
	slash = strrchr(path, '/');
	return strstr(slash != NULL ? slash + 1 : path, name) != NULL;
}

static bool fails(enum call call, const void *caller)
{
	struct dl_find_object object;
	int32_t left;

	if (control == NULL || !(__atomic_load_n(&control->calls, __ATOMIC_ACQUIRE) & call) ||
	    !is_from(caller, control->from, &object))
		return false;
	left = __atomic_sub_fetch(&control->left, 1, __ATOMIC_RELAXED);
	if (left > 0 || (left < 0 && !control->lasting))
		return false;
	if (__atomic_fetch_add(&control->n_failed, 1, __ATOMIC_RELAXED) == 0) {
		control->at = (uintptr_t)caller - (uintptr_t)object.dlfo_map_start;
		strncpy(control->where, object.dlfo_link_map->l_name, sizeof(control->where) - 1);
	}
	if (control->result < 0)
		errno = -control->result;
	return true;
}

/* the next one in the order of libraries */
#define REAL(name, symbol)	__typeof__(name) *real = (__typeof__(name) *)dlsym(RTLD_NEXT, symbol)

/** A function whose failure is this value. */
#define FAILING(call, failure, type, name, symbol, params, args) \
	EXPORT type name params \
	{ \
		static __typeof__(name) *real; \
	\
		if (fails(call, CALLER)) \
			return failure; \
		if (real == NULL) \
			real = (__typeof__(name) *)dlsym(RTLD_NEXT, symbol); \
		return real args; \
	}

/* ------------------------------------------------------------------ memory */

#define GETTING(type, name, params, args)	FAILING(CALL_MEMORY, NULL, type, name, #name, params, args)

/* the system's, known without a search, which itself may want memory */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

EXPORT void *malloc(size_t size)
{
	return fails(CALL_MEMORY, CALLER) ? NULL : __libc_malloc(size);
}

EXPORT void *calloc(size_t n, size_t size)
{
	return fails(CALL_MEMORY, CALLER) ? NULL : __libc_calloc(n, size);
}

EXPORT void *realloc(void *p, size_t size)
{
	return fails(CALL_MEMORY, CALLER) ? NULL : __libc_realloc(p, size);
}

EXPORT void *reallocarray(void *p, size_t n, size_t size)
{
	return fails(CALL_MEMORY, CALLER) ? NULL : __libc_realloc(p, n * size);
}

EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
	return fails(CALL_MEMORY, CALLER) ? NULL : __libc_memalign(alignment, size);
}

EXPORT int posix_memalign(void **ret, size_t alignment, size_t size)
{
	*ret = fails(CALL_MEMORY, CALLER) ? NULL : __libc_memalign(alignment, size);
	return *ret == NULL ? ENOMEM : 0;
}

EXPORT char *strndup(const char *s, size_t n)
{
	size_t length = strnlen(s, n);
	char *copy = fails(CALL_MEMORY, CALLER) ? NULL : __libc_malloc(length + 1);

	if (copy != NULL)
		stpncpy(copy, s, length)[0] = '\0';
	return copy;
}

EXPORT char *strdup(const char *s)
{
	char *copy = fails(CALL_MEMORY, CALLER) ? NULL : __libc_malloc(strlen(s) + 1);

	return copy != NULL ? strcpy(copy, s) : NULL;
}

FAILING(CALL_MEMORY, -1, int, vasprintf, "vasprintf", (char **ret, const char *format, va_list args),
	(ret, format, args))
GETTING(FILE *, open_memstream, (char **text, size_t *size), (text, size))
GETTING(locale_t, newlocale, (int mask, const char *name, locale_t base), (mask, name, base))
GETTING(void *, tsearch, (const void *key, void **root, int (*compare)(const void *, const void *)),
	(key, root, compare))
FAILING(CALL_MEMORY, MAP_FAILED, void *, mmap, "mmap64",
	(void *p, size_t size, int protection, int flags, int fd, off_t offset),
	(p, size, protection, flags, fd, offset))

EXPORT int asprintf(char **ret, const char *format, ...)
{
	REAL(vasprintf, "vasprintf");
	va_list args;
	int res;

	if (fails(CALL_MEMORY, CALLER))
		return -1;
	va_start(args, format);
	res = real(ret, format, args);
	va_end(args);
	return res;
}

EXPORT void *mremap(void *p, size_t old, size_t size, int flags, ...)
{
	return fails(CALL_MEMORY, CALLER) ? MAP_FAILED : (void *)syscall(SYS_mremap, p, old, size, flags);
}

/* what others get for us */
GETTING(float *, fftwf_alloc_real, (size_t n), (n))
GETTING(fftwf_plan, fftwf_plan_dft_c2r_1d, (int n, fftwf_complex *in, float *out, unsigned int flags),
	(n, in, out, flags))
GETTING(fftwf_plan, fftwf_plan_dft_r2c_1d, (int n, float *in, fftwf_complex *out, unsigned int flags),
	(n, in, out, flags))
GETTING(fftwf_plan, fftwf_plan_guru_split_dft,
	(int rank, const fftwf_iodim *dims, int n, const fftwf_iodim *howmany, float *ri, float *ii, float *ro,
	 float *io, unsigned int flags),
	(rank, dims, n, howmany, ri, ii, ro, io, flags))
GETTING(soxr_t, soxr_create,
	(double in, double out, unsigned int n, soxr_error_t *error, const soxr_io_spec_t *io,
	 const soxr_quality_spec_t *quality, const soxr_runtime_spec_t *runtime),
	(in, out, n, error, io, quality, runtime))
GETTING(struct pw_properties *, pw_properties_copy, (const struct pw_properties *p), (p))
GETTING(struct pw_core *, pw_context_connect,
	(struct pw_context *context, struct pw_properties *p, size_t size), (context, p, size))
GETTING(struct pw_impl_node *, pw_context_create_node,
	(struct pw_context *context, struct pw_properties *p, size_t size), (context, p, size))
GETTING(struct pw_proxy *, pw_core_export,
	(struct pw_core *core, const char *type, const struct spa_dict *props, void *object, size_t size),
	(core, type, props, object, size))
GETTING(struct spa_handle *, pw_context_load_spa_handle,
	(struct pw_context *context, const char *factory, const struct spa_dict *info), (context, factory, info))
FAILING(CALL_MEMORY, -ENOMEM, int, sd_bus_message_new_signal, "sd_bus_message_new_signal",
	(sd_bus *bus, sd_bus_message **m, const char *path, const char *interface, const char *member),
	(bus, m, path, interface, member))
FAILING(CALL_MEMORY, -ENOMEM, int, sd_bus_message_new_method_return, "sd_bus_message_new_method_return",
	(sd_bus_message *call, sd_bus_message **m), (call, m))
FAILING(CALL_MEMORY, -ENOMEM, int, sd_bus_track_new, "sd_bus_track_new",
	(sd_bus *bus, sd_bus_track **track, sd_bus_track_handler_t handler, void *data),
	(bus, track, handler, data))
FAILING(CALL_MEMORY, -ENOMEM, int, sd_bus_track_add_sender, "sd_bus_track_add_sender",
	(sd_bus_track *track, sd_bus_message *m), (track, m))

EXPORT struct pw_properties *pw_properties_new(const char *key, ...)
{
	struct pw_properties *p;
	va_list args;

	if (fails(CALL_MEMORY, CALLER) || (p = pw_properties_new_dict(&SPA_DICT_INIT(NULL, 0))) == NULL)
		return NULL;
	va_start(args, key);
	for (; key != NULL; key = va_arg(args, const char *))
		pw_properties_set(p, key, va_arg(args, const char *));
	va_end(args);
	return p;
}

/* ------------------------------------------------------------------- calls */

FAILING(CALL_THREAD, errno, int, pthread_create, "pthread_create",
	(pthread_t *thread, const pthread_attr_t *attr, void *(*main)(void *), void *data),
	(thread, attr, main, data))
FAILING(CALL_FSTAT, -1, int, fstat, "fstat64", (int fd, struct stat *ret), (fd, ret))
FAILING(CALL_READLINK, -1, ssize_t, readlink, "readlink", (const char *path, char *ret, size_t size),
	(path, ret, size))
FAILING(CALL_ADVICE, -1, int, madvise, "madvise", (void *p, size_t size, int advice), (p, size, advice))
FAILING(CALL_ADVICE, -1, int, mlock, "mlock", (const void *p, size_t size), (p, size))

EXPORT int open(const char *path, int flags, ...)
{
	REAL(open, "open64");
	va_list args;
	mode_t mode;

	if (fails(CALL_OPEN, CALLER))
		return -1;
	va_start(args, flags);
	mode = va_arg(args, mode_t);
	va_end(args);
	return real(path, flags, mode);
}

EXPORT int fcntl(int fd, int command, ...)
{
	REAL(fcntl, "fcntl64");
	va_list args;
	void *arg;

	if (fails(CALL_FCNTL, CALLER))
		return -1;
	va_start(args, command);
	arg = va_arg(args, void *);
	va_end(args);
	return real(fd, command, arg);
}

EXPORT ssize_t pread(int fd, void *dst, size_t n, off_t at)
{
	REAL(pread, "pread64");

	if (!fails(CALL_PREAD, CALLER))
		return real(fd, dst, n, at);
	return control->result < 0 ? -1 : control->result == 0 ? 0 : real(fd, dst, 1, at);
}

EXPORT ssize_t pwrite(int fd, const void *src, size_t n, off_t at)
{
	REAL(pwrite, "pwrite64");

	if (!fails(CALL_PWRITE, CALLER))
		return real(fd, src, n, at);
	return control->result < 0 ? -1 : control->result == 0 ? 0 : real(fd, src, 1, at);
}
