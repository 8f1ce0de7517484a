/* SPDX-License-Identifier: Apache-2.0 */
#include "judge.h"

#include <stdarg.h>
#include <sys/stat.h>

struct court {
    const struct judge_case *c;
    const char *path;
    char *why;
    pcct_store *store;
    struct story_history history;
    struct pcct_error err;
};

static int wrong(struct court *court, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int wrong(struct court *court, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(court->why, JUDGE_TEXT, format, arguments);
    va_end(arguments);
    return 1;
}

#define MUST(call, what)                                                                                    \
    do {                                                                                                    \
        if ((call) != 0) return wrong(court, "%s: %s", what, court->err.message);                           \
    } while (0)

/* Opening a view applies frames, and compares each with its digest. */
static int check_view(struct court *court, size_t i)
{
    struct pcct_view_info info = { .size = sizeof info };
    pcct_view *view = NULL;
    char revision[32];

    if (i >= court->history.n) return 0;
    snprintf(revision, sizeof revision, "v%" PRIu64, court->history.at[i].version);
    if (pcct_view_open(&view, court->store, revision, &court->err) != 0) return wrong(court, "%s cannot be opened: %s", revision, court->err.message);
    MUST(pcct_view_describe(&info, view), "a view cannot be described");
    pcct_view_close(view);
    if (info.version == court->history.at[i].version && memcmp(info.identity, court->history.at[i].identity, 16) == 0) return 0;
    return wrong(court, "the view of %s is of another version", revision);
}

static void first_damage(void *ctx, int damaged, const char *text)
{
    struct court *court = ctx;

    if (damaged && !court->why[0]) snprintf(court->why, JUDGE_TEXT, "fsck: %s", text);
}

static int check_files(struct court *court)
{
    struct pcct_fsck_options options = PCCT_FSCK_OPTIONS_INIT;
    struct pcct_fsck_result result = { .size = sizeof result };

    options.threads = 1;
    options.report = first_damage;
    options.report_ctx = court;
    MUST(pcct_fsck(&result, court->path, &options, &court->err), "fsck");
    if (result.damaged > 0) return 1;
    if (result.versions_readable == result.versions && result.versions >= court->history.n) return 0;
    return wrong(court, "fsck can read %" PRIu64 " of %" PRIu64 " versions; main has %zu", result.versions_readable, result.versions,
                 court->history.n);
}

static int open_store(struct court *court)
{
    struct pcct_open_options options = PCCT_OPEN_OPTIONS_INIT;

    options.threads = 1;
    return pcct_store_open(&court->store, court->path, &options, &court->err);
}

static int same(const struct story_outcome *a, const struct story_outcome *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* From the first step of which the disk has nothing; those under way are repeated in any case, as callers that got no answer would do. */
static int go_on(struct court *court, uint64_t found)
{
    const struct judge_case *c = court->c;
    uint64_t first = c->unanswered;

    if (found + 1 < first) first = found + 1;
    for (uint64_t step = first > 0 ? first : 1; step < first + 2; step++) {
        const uint64_t end = step > found ? step : found; /* what comes later may have happened before it is repeated */
        struct story_outcome outcome;

        if (story_step(&court->store, court->path, step, 0, &court->err) != 0 ||
            story_outcome(&outcome, &court->history, court->store, end, &court->err) != 0)
            return wrong(court, "step %" PRIu64 " cannot be done: %s", step, court->err.message);
        if (!same(&outcome, &c->outcome[end])) {
            return wrong(court, "step %" PRIu64 " ends at v%" PRIu64 " of %" PRIu64 " points or another identity; right: v%" PRIu64 " of %" PRIu64,
                         step, outcome.head, outcome.live, c->outcome[end].head, c->outcome[end].live);
        }
    }
    return 0;
}

/* *step is the one after which the store is as it is now. */
static int find_state(uint64_t *step, struct court *court)
{
    const struct judge_case *c = court->c;
    struct story_outcome now;

    for (*step = c->begun + 1; (*step)-- > c->least;) { /* the newest version is asked for by its number, so the later state first */
        if (story_outcome(&now, &court->history, court->store, *step, &court->err) == 0 && same(&now, &c->outcome[*step])) return 0;
    }
    MUST(story_outcome(&now, &court->history, court->store, c->least, &court->err), "what was acknowledged is not there");
    return wrong(court, "main is at v%" PRIu64 " of %" PRIu64 " points; acknowledged was v%" PRIu64 " of %" PRIu64 " (or refs differ)",
                 now.head, now.live, c->outcome[c->least].head, c->outcome[c->least].live);
}

static int check_store(struct court *court, struct random_numbers *r)
{
    struct story_outcome now;
    uint64_t step = 0;

    if (find_state(&step, court) != 0 || check_files(court) != 0 || check_view(court, 0) != 0) return 1;
    if (court->history.n > 0 && check_view(court, random_below(r, court->history.n)) != 0) return 1;
    if (go_on(court, step) != 0) return 1;
    MUST(story_outcome(&now, &court->history, court->store, 0, &court->err), "after two steps more the log cannot be read");
    if (check_view(court, 0) != 0) return 1;
    return court->c->deep ? check_files(court) : 0;
}

int judge(char why[JUDGE_TEXT], const char *path, const struct judge_case *c, struct random_numbers *r)
{
    struct court whole = { .c = c, .path = path, .why = why }, *court = &whole;
    int answer = 0;

    why[0] = '\0';
    answer = open_store(court);
    if (answer == PCCT_E_NOT_FOUND && c->unanswered == 0) {
        answer = story_create(path, &court->err); /* not there yet: it can be made */
        if (answer == 0) answer = open_store(court);
    }
    if (answer != 0) answer = wrong(court, "it cannot be opened: %s", court->err.message);
    else answer = check_store(court, r);
    pcct_store_close(court->store);
    return answer;
}
