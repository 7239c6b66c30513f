/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* The factory segue.store: the store without a node, for the module. */

#include <errno.h>

#include <spa/utils/string.h>

#include "plugin.h"
#include "store.h"

struct impl {
	struct spa_handle handle;
	struct segue_store_impl *store;
};

static int impl_get_interface(struct spa_handle *handle, const char *type, void **interface)
{
	struct impl *this = (struct impl *)handle;

	spa_return_val_if_fail(handle != NULL && interface != NULL, -EINVAL);

	if (!spa_streq(type, SEGUE_TYPE_INTERFACE_Store))
		return -ENOENT;
	*interface = &this->store->iface;
	return 0;
}

static int impl_clear(struct spa_handle *handle)
{
	struct impl *this = (struct impl *)handle;

	spa_return_val_if_fail(handle != NULL, -EINVAL);

	segue_store_put(this->store);
	return 0;
}

static size_t impl_get_size(const struct spa_handle_factory *factory, const struct spa_dict *params)
{
	return sizeof(struct impl);
}

static int impl_init(const struct spa_handle_factory *factory, struct spa_handle *handle,
		const struct spa_dict *info, const struct spa_support *support, uint32_t n_support)
{
	struct impl *this = (struct impl *)handle;

	spa_return_val_if_fail(factory != NULL && handle != NULL, -EINVAL);

	handle->get_interface = impl_get_interface;
	handle->clear = impl_clear;
	this->store = segue_store_get(support, n_support);
	return this->store == NULL ? -errno : 0;
}

static const struct spa_interface_info impl_interfaces[] = {
	{ SEGUE_TYPE_INTERFACE_Store, },
};

static int impl_enum_interface_info(const struct spa_handle_factory *factory,
		const struct spa_interface_info **info, uint32_t *index)
{
	spa_return_val_if_fail(info != NULL && index != NULL, -EINVAL);

	if (*index >= SPA_N_ELEMENTS(impl_interfaces))
		return 0;
	*info = &impl_interfaces[(*index)++];
	return 1;
}

const struct spa_handle_factory segue_store_factory = {
	SPA_VERSION_HANDLE_FACTORY,
	SEGUE_FACTORY_STORE,
	NULL,
	impl_get_size,
	impl_init,
	impl_enum_interface_info,
};
