/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "handle.h"

#include <errno.h>

#include <spa/utils/string.h>

static int impl_get_interface(struct spa_handle *handle, const char *type, void **ret)
{
	struct segue_handle *this = (struct segue_handle *)handle;

	spa_return_val_if_fail(handle != NULL && ret != NULL, -EINVAL);

	if (spa_streq(type, SPA_TYPE_INTERFACE_Node))
		*ret = &this->shell.sides[0].node;
	else if (spa_streq(type, SEGUE_TYPE_INTERFACE_Playback) && this->shell.n_sides > 1)
		*ret = &this->shell.sides[1].node;
	else if (spa_streq(type, SEGUE_TYPE_INTERFACE_Node))
		*ret = &this->node.iface;
	else if (spa_streq(type, SEGUE_TYPE_INTERFACE_Store))
		*ret = &this->store->iface;
	else
		return -ENOENT;
	return 0;
}

int segue_handle_begin(struct segue_handle *this, const struct spa_support *support, uint32_t n_support,
		int (*clear)(struct spa_handle *handle), struct segue_node_config *config)
{
	this->handle.get_interface = impl_get_interface;
	this->handle.clear = clear;
	config->log = spa_support_find(support, n_support, SPA_TYPE_INTERFACE_Log);
	config->data_loop = spa_support_find(support, n_support, SPA_TYPE_INTERFACE_DataLoop);
	if (config->data_loop == NULL)
		return -EINVAL;
	if ((this->store = segue_store_get(support, n_support)) == NULL)
		return -errno;
	config->store = this->store;
	config->handover = &this->handover;
	config->statistics = &this->statistics;
	return 0;
}

static const struct spa_interface_info interfaces[] = {
	{ SPA_TYPE_INTERFACE_Node, },
	{ SEGUE_TYPE_INTERFACE_Playback, },
	{ SEGUE_TYPE_INTERFACE_Node, },
	{ SEGUE_TYPE_INTERFACE_Store, },
};

int segue_handle_enum_interface_info(const struct spa_handle_factory *factory,
		const struct spa_interface_info **info, uint32_t *index)
{
	spa_return_val_if_fail(info != NULL && index != NULL, -EINVAL);

	if (*index >= SPA_N_ELEMENTS(interfaces))
		return 0;
	*info = &interfaces[(*index)++];
	return 1;
}

void segue_handle_read_device(const struct spa_dict *info, struct segue_shell_config *config)
{
	const char *text = info != NULL ? spa_dict_lookup(info, SEGUE_KEY_DEVICE) : NULL;

	config->is_device = text != NULL;
	config->front = spa_streq(text, "capture") ? SPA_DIRECTION_INPUT : SPA_DIRECTION_OUTPUT;
}

void segue_handle_started(void *data)
{
	struct segue_handle *this = data;

	segue_node_started(&this->node);
}

void segue_handle_stopped(void *data)
{
	struct segue_handle *this = data;

	segue_node_stopped(&this->node);
}
