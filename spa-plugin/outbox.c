/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "outbox.h"

#include <errno.h>
#include <stdlib.h>

struct parked {
	struct spa_list link;
	struct segue_command command;
};

static void parked_free(struct parked *p)
{
	spa_list_remove(&p->link);
	free(p);
}

static void withdraw(struct segue_outbox *outbox, struct parked *p, enum segue_outcome outcome)
{
	struct segue_command command = p->command;

	parked_free(p);
	if (command.type == SEGUE_COMMAND_SWAP)
		outbox->withdrawn(outbox, command.ticket, outcome);
}

static bool is_now_swap(const struct segue_command *c)
{
	return c->type == SEGUE_COMMAND_SWAP && c->ticket->at == SEGUE_NOW;
}

static bool replaces(const struct segue_outbox *outbox, const struct segue_command *newer,
		const struct segue_command *older)
{
	if (newer->type == SEGUE_COMMAND_SWAP)
		return is_now_swap(newer) && is_now_swap(older);
	return newer->type != outbox->cancel && newer->type == older->type && newer->key == older->key;
}

bool segue_outbox_flush(struct segue_outbox *outbox)
{
	while (!spa_list_is_empty(&outbox->parked)) {
		struct parked *p = spa_list_first(&outbox->parked, struct parked, link);

		if (segue_handover_send(outbox->handover, &p->command) < 0)
			return false;
		parked_free(p);
	}
	return true;
}

int segue_outbox_send(struct segue_outbox *outbox, const struct segue_command *command)
{
	struct parked *p, *older, *tmp;

	if (segue_outbox_flush(outbox) && segue_handover_send(outbox->handover, command) == 0)
		return 0;
	if ((p = calloc(1, sizeof(*p))) == NULL)
		return -ENOMEM;
	spa_list_for_each_safe(older, tmp, &outbox->parked, link) {
		if (replaces(outbox, command, &older->command))
			withdraw(outbox, older, SEGUE_OUTCOME_SUPERSEDED);
	}
	p->command = *command;
	spa_list_append(&outbox->parked, &p->link);
	return 0;
}

bool segue_outbox_withdraw(struct segue_outbox *outbox, struct segue_ticket *ticket,
		enum segue_outcome outcome)
{
	struct parked *p;

	spa_list_for_each(p, &outbox->parked, link) {
		if (p->command.type == SEGUE_COMMAND_SWAP && p->command.ticket == ticket) {
			withdraw(outbox, p, outcome);
			return true;
		}
	}
	return false;
}

void segue_outbox_clear(struct segue_outbox *outbox)
{
	struct parked *p;

	spa_list_consume(p, &outbox->parked, link)
		withdraw(outbox, p, SEGUE_OUTCOME_GONE);
}

void segue_outbox_init(struct segue_outbox *outbox, struct segue_handover *handover)
{
	outbox->handover = handover;
	spa_list_init(&outbox->parked);
}
