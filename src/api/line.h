/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_LINE_H
#define API_LINE_H

#include <pthread.h>

/*
 * The line of those who want to commit by one handle, in the order in which they came. Whoever stands in front leads: with the store to itself, it
 * does its own work and that of others who stand behind it, who sleep meanwhile, and so they share what is costly. There is one leader at a time.
 */
struct api_place {
    struct api_place *next; /* in the line, or among those that the leader took out of it */
    pthread_cond_t called;
    int done;
};
struct api_line {
    pthread_mutex_t mutex; /* around all of this */
    struct api_place *first, *last;
    int led;
};
void api_line_start(struct api_line *line);
void api_line_stop(struct api_line *line); /* nobody stands in it */

/* Waits at the end of the line. 1: the caller leads now, and stands in front; 0: its work was done by another. Either way the place, which is
 * initialised here, ends with api_line_leave, of a leader after api_line_done. */
int api_line_join(struct api_line *line, struct api_place *place);
void api_line_leave(struct api_place *place);
/* For the leader, what follows. How many stand in line; who stands in front, NULL: nobody; that one leaves the line. */
unsigned api_line_length(struct api_line *line);
struct api_place *api_line_front(struct api_line *line);
void api_line_take(struct api_line *line);
/* The work of these, which were taken and are linked by `next`, is done; whoever stands in front now leads. Others' places may be gone then. */
void api_line_done(struct api_line *line, struct api_place *taken);

#endif
