/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRASH_PLANT_H
#define CRASH_PLANT_H

#include "oplog.h"

/*
 * Mistakes that a store could make, planted into the log of one that does not make them: what a program writes does not depend on whether a flush
 * was left out or came later, so its log without the flush is the log of the wrong program. The suite must find each.
 */
struct plant {
    const char *name;
    const char *about;
    void (*apply)(struct oplog *log);
    int told;        /* it does no harm before the catalogue tells of what it left undone */
    unsigned levels; /* durabilities of the writer at which it is one: bits numbered by enum pcct_durability */
};

extern const struct plant plants[];
extern const size_t plant_count;

/* The first write to the catalogue among the calls from `from` on. */
size_t plant_told(const struct oplog *log, size_t from);

#endif
