/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_CTL_BUS_H
#define SEGUE_CTL_BUS_H

#include <poll.h>

#include "ctl.h"

/** \file
 * The connection to the service: calls, waiting for signals, errors and what they mean for the exit. */

#define SEGUE_BUS_NAME		"org.segue.Segue1"
#define SEGUE_BUS_ROOT		"/org/segue/Segue1"
#define SEGUE_BUS_NODES		SEGUE_BUS_ROOT "/node"
#define SEGUE_BUS_BUFFERS	SEGUE_BUS_ROOT "/buffer"
#define SEGUE_BUS_MANAGER	"org.segue.Segue1.Manager"
#define SEGUE_BUS_NODE		"org.segue.Segue1.Node"
#define SEGUE_BUS_SOURCE	"org.segue.Segue1.Source"
#define SEGUE_BUS_CONVOLVER	"org.segue.Segue1.Convolver"
#define SEGUE_BUS_BUFFER	"org.segue.Segue1.Buffer"
#define SEGUE_BUS_PROPERTIES	"org.freedesktop.DBus.Properties"
#define SEGUE_BUS_OBJECTS	"org.freedesktop.DBus.ObjectManager"

enum segue_exit segue_bus_open(struct segue_ctl *ctl);

/** The path of a node. \return to be freed; NULL: out of memory */
char *segue_bus_node_path(const char *name);
/** The path of a buffer written as 7, #7 or its path. \return to be freed; NULL: it isn't one */
char *segue_bus_buffer_path(const char *text);

/** A call that starts the service only if the command may. \return 0 or a negative errno */
int segue_bus_new_call(struct segue_ctl *ctl, sd_bus_message **ret, const char *path,
		const char *interface, const char *member);
/** Append one entry of an a{sv}. \return 0 or a negative errno */
int segue_bus_append_entry(sd_bus_message *m, const char *key, const struct segue_quantity *value);

/** sd_bus_call() in the time there is: --timeout limits it, too. \return 0 or more, or a negative errno with error */
int segue_bus_ask(struct segue_ctl *ctl, sd_bus_message *m, sd_bus_error *error, sd_bus_message **ret);
/** Send a call and wait for its reply.
 * \param built  0, or the negative errno with which building the call failed
 * \param node  whom it is about, for the message; NULL: nobody in particular
 * \param ret  the reply, or NULL */
enum segue_exit segue_bus_send(struct segue_ctl *ctl, int built, sd_bus_message *m, const char *node,
		sd_bus_message **ret);
/** The same for a call whose arguments are known; types and arguments as in sd_bus_message_append(). */
enum segue_exit segue_bus_call(struct segue_ctl *ctl, const char *node, sd_bus_message **ret,
		const char *path, const char *interface, const char *member, const char *types, ...);

/** Report an error the service has answered with: with the nearest name if the node doesn't exist. */
enum segue_exit segue_bus_fail(struct segue_ctl *ctl, const sd_bus_error *error, const char *node);
/** Report that the service went away. */
enum segue_exit segue_bus_fail_gone(struct segue_ctl *ctl);
/** Report a reply or a bus that can't be understood. */
enum segue_exit segue_bus_fail_errno(struct segue_ctl *ctl, int res);

/** Hear a signal of the service's. path NULL: of all objects. \return 0 or a negative errno */
int segue_bus_listen(struct segue_ctl *ctl, const char *path, const char *interface, const char *member,
		sd_bus_message_handler_t handler, void *data);
/** Hear that the service comes or goes: the new owner is the third argument, "" for none. */
int segue_bus_listen_owner(struct segue_ctl *ctl, sd_bus_message_handler_t handler, void *data);

/** CLOCK_MONOTONIC, microseconds. */
uint64_t segue_now_usec(void);
/** Until then, as poll() takes it: not a moment too early. */
int segue_poll_timeout(uint64_t deadline_usec);
/** Handle one message, or wait for one.
 * \param fd  what else to wake up for, may be NULL
 * \param deadline_usec  of CLOCK_MONOTONIC, or SEGUE_FOREVER
 * \return 1: handled one; 0: fd has an event (its revents); -ETIMEDOUT; or the bus is lost */
int segue_bus_wait(struct segue_ctl *ctl, struct pollfd *fd, uint64_t deadline_usec);

#endif /* SEGUE_CTL_BUS_H */
