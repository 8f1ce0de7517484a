/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_PUBLISH_H
#define STORE_PUBLISH_H

#include "base/env.h"
#include "base/error.h"

/*
 * A place where one thread shows something that others look at: the view of the head. Looking takes a counted reference and nothing else, so nobody
 * waits: a reader holds no lock while it uses what it found, and who replaces it waits for no reader, only for a grace period of microseconds, after
 * which no one can be between reading the pointer and counting himself in.
 *
 * This is the only room that knows liburcu (flavour memb: reading is a nanosecond, and threads of the caller need not announce anything). Threads
 * register at their first look and unregister when they end. liburcu does not outlive fork() with threads registered: in a child of a process that
 * used it the same calls take a mutex instead.
 */

/* First member of what is shown. A reference more than 0 keeps it; whoever gives back the last one frees it. */
struct store_shown {
    uint64_t references;
};
void store_shown_start(struct store_shown *shown);      /* one reference, the caller's */
void store_shown_take(struct store_shown *shown);       /* one more; the caller has one */
int store_shown_take_living(struct store_shown *shown); /* 0 if there is none left; the memory must not go away meanwhile */
int store_shown_give(struct store_shown *shown);        /* 1: that was the last one */
int store_shown_alone(const struct store_shown *shown); /* the caller's is the only one; what others did with theirs has happened before */

struct store_publish;
int store_publish_new(struct store_publish **publish, const struct base_env *env, struct pcct_error *err);
/* Nothing is shown any more, and nobody is at it. NULL is fine. */
void store_publish_free(struct store_publish *publish, const struct base_env *env);

/* What is shown, with a reference for the caller; NULL: nothing. Any thread. */
struct store_shown *store_publish_take(struct store_publish *publish);
/* Shows another (NULL: nothing) with the caller's reference to it, and hands the reference to the one before back (NULL: there was none). When it
 * returns, whoever may still use that one has a reference. One thread at a time. */
struct store_shown *store_publish_swap(struct store_publish *publish, struct store_shown *shown);

#endif
