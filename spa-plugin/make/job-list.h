/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_MAKE_JOB_LIST_H
#define SEGUE_MAKE_JOB_LIST_H

#include "jobs.h"

/** \file
 * Jobs in the order they came, linked by `next`. */

struct segue_job_list {
	struct segue_job *first, **last;
};

static inline void segue_job_list_init(struct segue_job_list *list)
{
	list->first = NULL;
	list->last = &list->first;
}

static inline void segue_job_list_append(struct segue_job_list *list, struct segue_job *job)
{
	job->next = NULL;
	*list->last = job;
	list->last = &job->next;
}

static inline struct segue_job *segue_job_list_take(struct segue_job_list *list)
{
	struct segue_job *job = list->first;

	if (job != NULL && (list->first = job->next) == NULL)
		list->last = &list->first;
	return job;
}

static inline void segue_job_list_remove(struct segue_job_list *list, struct segue_job *job)
{
	struct segue_job **link = &list->first;

	while (*link != job)
		link = &(*link)->next;
	*link = job->next;
	if (list->last == &job->next)
		list->last = link;
}

#endif /* SEGUE_MAKE_JOB_LIST_H */
