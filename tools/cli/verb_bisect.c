/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "interrupt.h"
#include "reading.h"
#include "record.h"
#include "verbs.h"

#include <pcct/pcct.h>

#include <inttypes.h>
#include <stdlib.h>
#include <sys/wait.h>

static const struct option_row rows[] = {
    { OPT_RUN, 0, "run", "COMMAND", "shell command that tells a version: 0 good, 125 cannot tell, other up to 127 bad.\n"
                                    "It finds the version in $PCCT_REVISION (such as v17) and the store in $PCCT_STORE" },
    OPTION_IMMUTABLE,
    { OPT_JSON, 0, "json", NULL, "print a JSON object (schema pcct.bisect.1)" },
    OPTION_QUIET,
    { OPT_END, 0, NULL, NULL, NULL },
};

enum { ANSWER_GOOD = 0, ANSWER_SKIP = 125, ANSWER_LAST = 127 };

/* The versions between the good one and the bad one: the last is bad; those that the command could not tell are skipped. */
struct suspects {
    uint64_t *version;
    char *skipped;
    size_t n, capacity, runs;
};

static int list(struct suspects *s, pcct_store *store, const char *good, const char *bad, struct pcct_error *err)
{
    int status = 0, found = 0;
    pcct_log *log = NULL;
    struct pcct_version version;
    uint64_t common = 0, first = 0;
    char *range = NULL;
    TRY(pcct_resolve(&first, store, good, err));
    TRY(pcct_common_ancestor(&common, store, good, bad, err));
    if (common != first) TRY(fault(err, PCCT_E_INVALID, "%s is no ancestor of %s, so there is no one version where it turned bad", good, bad));
    if (asprintf(&range, "%s..%s", good, bad) < 0) TRY(fault(err, PCCT_E_MEMORY, "out of memory"));
    TRY(pcct_log_open(&log, store, range, err));
    while ((found = pcct_log_next(&version, log, err)) == 1) {
        TRY(memory_grow(&s->version, &s->capacity, s->n + 1, sizeof *s->version, err));
        s->version[s->n++] = version.version;
    }
    if (found < 0) TRY(found);
    if (s->n == 0) TRY(fault(err, PCCT_E_INVALID, "%s and %s are the same version", good, bad));
    for (size_t i = 0; i < s->n / 2; i++) {
        uint64_t swapped = s->version[i];
        s->version[i] = s->version[s->n - 1 - i];
        s->version[s->n - 1 - i] = swapped;
    }
    s->skipped = calloc(s->n, 1);
    if (!s->skipped) TRY(fault(err, PCCT_E_MEMORY, "out of memory"));
done:
    free(range);
    pcct_log_close(log);
    return status;
}

static int ask(int *answer, const struct options *options, uint64_t version, struct pcct_error *err)
{
    char revision[32];
    (void)snprintf(revision, sizeof revision, "v%" PRIu64, version);
    if (setenv("PCCT_REVISION", revision, 1) != 0 || setenv("PCCT_STORE", options->operand[0], 1) != 0) {
        return fault(err, PCCT_E_MEMORY, "out of memory");
    }
    (void)fflush(NULL);
    int how = system(options->value[OPT_RUN]); /* its output is its own; ours is the last line */
    if (how == -1 || !WIFEXITED(how) || WEXITSTATUS(how) > ANSWER_LAST) {
        int status = interrupt_check(err);
        if (status == 0) status = fault(err, PCCT_E_INVALID, "the command did not tell about %s: it did not end with 0 to %d", revision, ANSWER_LAST);
        return status;
    }
    *answer = WEXITSTATUS(how);
    return 0;
}

/* A version between that is not skipped, as near to the middle as there is; hi: there is none. */
static size_t pick(const struct suspects *s, size_t lo, size_t hi)
{
    size_t middle = lo + (hi - lo) / 2;
    for (size_t away = 0; away <= hi - lo; away++) {
        if (middle >= lo + away && middle - away < hi && !s->skipped[middle - away]) return middle - away;
        if (middle + away < hi && !s->skipped[middle + away]) return middle + away;
    }
    return hi;
}

/* *first_bad: place of the first version known to be bad; *unsure: skipped ones stand right before it. */
static int search(size_t *first_bad, size_t *unsure, struct suspects *s, const struct options *options, struct pcct_error *err)
{
    size_t lo = 0, hi = s->n - 1, at;
    int status = 0, answer = 0;
    while ((at = pick(s, lo, hi)) < hi) {
        TRY(ask(&answer, options, s->version[at], err));
        s->runs++;
        if (!options->value[OPT_QUIET]) {
            fprintf(stderr, "v%" PRIu64 " is %s\n", s->version[at], answer == ANSWER_GOOD ? "good" : answer == ANSWER_SKIP ? "skipped" : "bad");
        }
        if (answer == ANSWER_SKIP) s->skipped[at] = 1;
        else if (answer == ANSWER_GOOD) lo = at + 1;
        else hi = at;
    }
    *first_bad = hi;
    *unsure = hi - lo;
done:
    return status;
}

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    pcct_store *store = NULL;
    struct suspects suspects = { .version = NULL };
    struct record record;
    size_t bad = 0, unsure = 0;
    if (!options->value[OPT_RUN]) TRY(fault(err, PCCT_E_INVALID, "--run is missing: the command that tells good from bad"));
    TRY(reading_open(&store, options, err));
    TRY(list(&suspects, store, options->operand[1], options->operand[2], err));
    TRY(search(&bad, &unsure, &suspects, options, err));
    if (options->value[OPT_JSON]) {
        record_begin(&record, "pcct.bisect.1");
        record_count(&record, "first_bad", suspects.version[bad]);
        record_count(&record, "skipped_before", unsure);
        record_count(&record, "runs", suspects.runs);
        TRY(record_print(&record, stdout, err));
    } else if (unsure) {
        printf("one of v%" PRIu64 " to v%" PRIu64 " is the first bad version; the command could not tell more\n", suspects.version[bad - unsure],
               suspects.version[bad]);
    } else {
        printf("v%" PRIu64 " is the first bad version\n", suspects.version[bad]);
    }
    if (unsure) status = FAULT_NO;
done:
    free(suspects.version);
    free(suspects.skipped);
    pcct_store_close(store);
    return status;
}

const struct verb verb_bisect = {
    .name = "bisect",
    .operands = "STORE GOOD BAD",
    .summary = "find the version that something turned bad with",
    .detail = "GOOD is an ancestor of BAD. The versions between are tried by halves.\n",
    .rows = rows,
    .operands_least = 3,
    .operands_most = 3,
    .run = run,
};
