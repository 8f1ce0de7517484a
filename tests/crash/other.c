/* SPDX-License-Identifier: Apache-2.0 */
#include "other.h"

#include "api/handle.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CLOSE = 0, /* is told instead of a step */ MOST_TRIES = 200000, NAP_MICROSECONDS = 50 };

struct writer {
    int line;
    const char *path;
    const struct story_outcome *outcome;
    recorder_mark *mark;
    pcct_store *store;
};

static void answer(const struct writer *w)
{
    NEED(write(w->line, "", 1) == 1, "the first writer is gone");
}

static uint64_t head_of(pcct_store *store)
{
    struct pcct_store_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };

    NEED(pcct_store_describe(&info, store, &err) == 0, "%s", err.message);
    return info.head;
}

static int is_locked(pcct_store *store)
{
    struct pcct_error err = { 0, "" };
    int status = store_lock(store->store, 0, &err);

    if (status == 0) store_unlock(store->store);
    NEED(status == 0 || status == PCCT_E_BUSY, "%s", err.message);
    return status == PCCT_E_BUSY;
}

/* Until the first writer is sure to come before: he has the lock, or his version is there. When two are to be flushed together the lock is given
 * away once before that, to their threads. */
static void let_go_first(struct writer *w, uint64_t step, uint64_t seen)
{
    int tries = 0;

    while (head_of(w->store) == seen && (story_is_double(step - 1) || !is_locked(w->store))) {
        NEED(tries++ < MOST_TRIES, "step %" PRIu64 " does not come", step - 1);
        usleep(NAP_MICROSECONDS);
    }
}

static void do_step(struct writer *w, uint64_t step)
{
    struct pcct_error err = { 0, "" };
    uint64_t seen;

    if (!w->store) NEED(story_open(&w->store, w->path, &err) == 0, "%s", err.message);
    w->mark(step, 0, "", 0);
    seen = head_of(w->store);
    answer(w);
    if (story_writer_of(step) == STORY_OTHER_AT_ONCE) {
        let_go_first(w, step, seen);
        if (story_is_commit(step)) {
            NEED(story_step(&w->store, w->path, step, seen, &err) == PCCT_E_CONFLICT, "step %" PRIu64 " overlooks the other writer's", step);
            seen = head_of(w->store);
        }
    }
    NEED(story_step(&w->store, w->path, step, seen, &err) == 0, "the other writer failed: %s", err.message);
    w->mark(step, 1, &w->outcome[step], sizeof *w->outcome);
    answer(w);
}

static void work(struct writer *w)
{
    uint64_t step;

    while (read(w->line, &step, sizeof step) == (ssize_t)sizeof step) {
        if (step != CLOSE) {
            do_step(w, step);
            continue;
        }
        pcct_store_close(w->store);
        w->store = NULL;
        answer(w);
    }
    pcct_store_close(w->store);
}

void other_start(struct other *other, const char *path, const struct story_outcome *outcome, recorder_mark *mark)
{
    struct writer writer = { .path = path, .outcome = outcome, .mark = mark };
    int ends[2];

    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair: %s", strerror(errno));
    other->line = ends[0];
    other->process = fork();
    NEED(other->process >= 0, "fork: %s", strerror(errno));
    if (other->process == 0) {
        close(ends[0]);
        writer.line = ends[1];
        work(&writer);
        _exit(0);
    }
    close(ends[1]);
}

static void tell(struct other *other, uint64_t step)
{
    NEED(write(other->line, &step, sizeof step) == (ssize_t)sizeof step, "the other writer is gone");
}

void other_wait(struct other *other)
{
    char byte;

    NEED(read(other->line, &byte, 1) == 1, "the other writer failed");
}

void other_begin(struct other *other, uint64_t step)
{
    tell(other, step);
    other_wait(other);
}

void other_close(struct other *other)
{
    tell(other, CLOSE);
    other_wait(other);
}

void other_end(struct other *other)
{
    int status = 0;

    close(other->line);
    NEED(waitpid(other->process, &status, 0) == other->process && status == 0, "the other writer ended with %d", status);
}
