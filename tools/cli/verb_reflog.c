/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "reading.h"
#include "record.h"
#include "text.h"
#include "verbs.h"

#include <pcct/pcct.h>

#include <inttypes.h>

static const struct option_row rows[] = {
    { OPT_NUMBER, 'n', "number", "N", "the newest N only" },
    OPTION_IMMUTABLE,
    { OPT_JSON, 0, "json", NULL, "a JSON object a line: number name operation before after time" },
    { OPT_END, 0, NULL, NULL, NULL },
};

struct listing {
    uint64_t most;
    int json, status;
    struct pcct_error *err;
};

static const char *const operations[] = { "commit", "branch", "reset", "delete", "tag", "delete tag", "prune", "policy" };

static int list_one(void *ctx, const struct pcct_reflog_entry *entry)
{
    struct listing *l = ctx;
    char time[TEXT_BYTES];
    struct record record;
    const char *operation = (size_t)entry->operation < sizeof operations / sizeof *operations ? operations[entry->operation] : "?";
    if (entry->operation == PCCT_REF_COMMITTED && !entry->name[0]) operation = "apply"; /* a version that came by a bundle */
    if (l->most-- == 0 || ferror(stdout)) return 1;
    (void)text_time(time, entry->time_ns);
    if (l->json) {
        record_begin(&record, NULL);
        record_count(&record, "number", entry->number);
        record_text(&record, "name", entry->name);
        record_text(&record, "operation", operation);
        record_count(&record, "before", entry->before);
        record_count(&record, "after", entry->after);
        record_text(&record, "time", time);
        l->status = record_print(&record, stdout, l->err);
        return l->status != 0;
    }
    time[10] = ' ';
    printf("%6" PRIu64 "  %.19s UTC  %-10s  %-16s ", entry->number, time, operation, entry->name);
    switch (entry->operation) {
    case PCCT_REF_BRANCH_MADE:
    case PCCT_REF_TAG_MADE: printf("at v%" PRIu64 "\n", entry->after); break;
    case PCCT_REF_BRANCH_DELETED:
    case PCCT_REF_TAG_DELETED: printf("was at v%" PRIu64 "\n", entry->before); break;
    case PCCT_REF_PRUNED:
    case PCCT_REF_POLICY_SET: fputc('\n', stdout); break;
    default: printf("v%" PRIu64 " to v%" PRIu64 "\n", entry->before, entry->after);
    }
    return 0;
}

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    struct listing listing = { 0, options->value[OPT_JSON] != NULL, 0, err };
    pcct_store *store = NULL;
    TRY(options_u64(&listing.most, options, OPT_NUMBER, UINT64_MAX, 0, INT64_MAX, err));
    TRY(reading_open(&store, options, err));
    TRY(pcct_reflog_each(store, options->operand[1], list_one, &listing, err));
    TRY(listing.status);
done:
    pcct_store_close(store);
    return status;
}

const struct verb verb_reflog = {
    .name = "reflog",
    .operands = "STORE [NAME]",
    .summary = "list what happened to branches and tags, newest first",
    .detail = "NAME: a branch or tag, also one that is deleted (default: all of them). Times are UTC.\n",
    .rows = rows,
    .operands_least = 1,
    .operands_most = 2,
    .run = run,
};
