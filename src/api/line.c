/* SPDX-License-Identifier: Apache-2.0 */
#include "api/line.h"

#include <assert.h>
#include <stddef.h>

void api_line_start(struct api_line *line)
{
    pthread_mutex_init(&line->mutex, NULL);
    line->first = line->last = NULL;
    line->led = 0;
}

void api_line_stop(struct api_line *line)
{
    assert(!line->first && !line->led);
    pthread_mutex_destroy(&line->mutex);
}

int api_line_join(struct api_line *line, struct api_place *place)
{
    place->next = NULL;
    place->done = 0;
    pthread_cond_init(&place->called, NULL);
    pthread_mutex_lock(&line->mutex);
    if (line->last) line->last->next = place;
    else line->first = place;
    line->last = place;
    while (!place->done && (line->led || line->first != place)) pthread_cond_wait(&place->called, &line->mutex);
    if (!place->done) line->led = 1;
    pthread_mutex_unlock(&line->mutex);
    return !place->done;
}

void api_line_leave(struct api_place *place)
{
    pthread_cond_destroy(&place->called);
}

unsigned api_line_length(struct api_line *line)
{
    unsigned length = 0;

    pthread_mutex_lock(&line->mutex);
    for (const struct api_place *place = line->first; place; place = place->next) length++;
    pthread_mutex_unlock(&line->mutex);
    return length;
}

struct api_place *api_line_front(struct api_line *line)
{
    struct api_place *front;

    pthread_mutex_lock(&line->mutex);
    front = line->first;
    pthread_mutex_unlock(&line->mutex);
    return front;
}

void api_line_take(struct api_line *line)
{
    struct api_place *taken;

    pthread_mutex_lock(&line->mutex);
    taken = line->first;
    line->first = taken->next;
    if (!line->first) line->last = NULL;
    taken->next = NULL;
    pthread_mutex_unlock(&line->mutex);
}

void api_line_done(struct api_line *line, struct api_place *taken)
{
    pthread_mutex_lock(&line->mutex);
    while (taken) {
        struct api_place *next = taken->next;

        taken->done = 1; /* it goes when the mutex is free */
        pthread_cond_signal(&taken->called);
        taken = next;
    }
    line->led = 0;
    if (line->first) pthread_cond_signal(&line->first->called);
    pthread_mutex_unlock(&line->mutex);
}
