/* SPDX-License-Identifier: Apache-2.0 */
#include "telling.h"

#include "guest.h"
#include "other.h"
#include "story.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ALL = STORY_STEPS + STORY_MORE };

/* Doing one thing after the other; the first that fails ends it. */
#define TRY(call)                  \
    do {                           \
        status = (call);           \
        if (status != 0) goto done; \
    } while (0)

/* One process does it all. */
static int alone(struct story_outcome *outcome, const char *above, struct pcct_error *err)
{
    struct story_history history;
    pcct_store *store = NULL;
    char path[900];
    int status = 0;

    snprintf(path, sizeof path, "%s/alone", above);
    NEED(mkdir(path, 0700) == 0, "%s: %s", path, strerror(errno));
    snprintf(path, sizeof path, "%s/alone/store", above);
    TRY(story_create(path, err));
    TRY(story_open(&store, path, err));
    for (uint64_t step = 0; step <= ALL; step++) {
        if (step > 0) TRY(story_step(&store, path, step, 0, err));
        TRY(story_outcome(&outcome[step], &history, store, step, err));
    }
done:
    pcct_store_close(store);
    return status;
}

/* What is to come out of each step, in memory that processes share. In a process of its own: the one that is recorded begins as one that has no store
 * open yet, nor threads. */
static const struct story_outcome *prepare(const char *above)
{
    struct story_outcome *outcome = mmap(NULL, (ALL + 1) * sizeof *outcome, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct pcct_error err = { 0, "" };
    int status = 0;
    pid_t child;

    NEED(outcome != MAP_FAILED, "mmap: %s", strerror(errno));
    child = fork();
    NEED(child >= 0, "fork: %s", strerror(errno));
    if (child == 0) {
        for (uint64_t step = 1; step <= ALL; step++) {
            if (story_applies(step)) guest_make(above, step);
        }
        NEED(alone(outcome, above, &err) == 0, "one process alone: %s", err.message);
        _exit(0);
    }
    NEED(waitpid(child, &status, 0) == child && status == 0, "the story alone ended with %d", status);
    return outcome;
}

struct telling {
    const struct story_outcome *outcome;
    const char *path;
    recorder_mark *mark;
    struct other other;
    pcct_store *store;
};

/* A step, and the next one too if the other writer begins it at once: *step is the last one that is done. */
static int go_on(uint64_t *step, struct telling *t, struct pcct_error *err)
{
    const enum story_writer next = story_writer_of(*step + 1);
    struct story_outcome now;
    struct story_history history;
    int status = 0;

    if (story_writer_of(*step) == STORY_OTHER) {
        other_begin(&t->other, *step);
        other_wait(&t->other);
        return 0;
    }
    if (story_is_alone(*step)) other_close(&t->other);
    t->mark(*step, 0, "", 0);
    if (next == STORY_OTHER_AT_ONCE) other_begin(&t->other, *step + 1);
    TRY(story_step(&t->store, t->path, *step, t->outcome[*step - 1].head, err));
    t->mark(*step, 1, &t->outcome[*step], sizeof *t->outcome);
    if (next == STORY_OTHER_AT_ONCE) {
        other_wait(&t->other);
        ++*step;
    }
    TRY(story_outcome(&now, &history, t->store, *step, err));
    NEED(memcmp(&now, &t->outcome[*step], sizeof now) == 0, "step %" PRIu64 " ends otherwise with two writers", *step);
done:
    return status;
}

int telling_record(const char *folder, const char *log, int durability)
{
    void (*start)(const char *, const char *) = (void (*)(const char *, const char *))(size_t)dlsym(RTLD_DEFAULT, "recorder_start");
    struct telling t = { .mark = (recorder_mark *)(size_t)dlsym(RTLD_DEFAULT, "recorder_mark") };
    struct pcct_error err = { 0, "" };
    char path[800], above[800];
    int status = 0;

    NEED(start && t.mark, "the recorder is not there");
    snprintf(above, sizeof above, "%s/..", folder);
    snprintf(path, sizeof path, "%s/store", folder);
    story_of(durability, 1);
    t.path = path;
    t.outcome = prepare(above);
    start(log, folder);
    other_start(&t.other, path, t.outcome, t.mark);
    t.mark(0, 0, "", 0);
    TRY(story_create(path, &err));
    TRY(story_open(&t.store, path, &err));
    t.mark(0, 1, &t.outcome[0], sizeof *t.outcome);
    for (uint64_t step = 1; step <= ALL; step++) TRY(go_on(&step, &t, &err));
done:
    if (status != 0) fprintf(stderr, "crash suite: the writer failed: %s\n", err.message);
    pcct_store_close(t.store);
    other_end(&t.other);
    return status != 0;
}
