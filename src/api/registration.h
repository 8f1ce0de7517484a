/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_REGISTRATION_H
#define API_REGISTRATION_H

#include "api/handle.h"

/* The metric of a store as SUPER has it, with the function that the caller registered (NULL: none).
 * Errors: FORMAT (a metric that this library does not know), INVALID (another function, or one for a built-in metric). */
int api_metric_open(struct metric *metric, const struct store_super *super, const struct pcct_metric *custom, const char *path,
                    struct pcct_error *err);

/* The metric that a store is to be created with, and its marks in SUPER. Errors: INVALID. */
int api_metric_create(struct store_super *super, const char *name, const struct pcct_metric *custom, struct pcct_error *err);

/* A state to read by, in place of `state`, from which it borrows everything: distances of a custom metric are noted in `calls`, cleared here, so that
 * calls at the same time do not get each other's faults. Nothing to free. */
void api_reader(struct index_state *reader, struct metric_calls *calls, const struct index_state *state);

#endif
