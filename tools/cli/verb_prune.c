/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "record.h"
#include "text.h"
#include "verbs.h"

#include <pcct/pcct.h>

#include <inttypes.h>
#include <time.h>

#define OPTIONS_COMMON                                                                                           \
    { OPT_DRY_RUN, 'n', "dry-run", NULL, "only tell what would go, and how many bytes" },                       \
    { OPT_NO_WAIT, 0, "no-wait", NULL, "exit with 4 at once when another writer is at work" },                  \
    { OPT_JSON, 0, "json", NULL, "print a JSON object (schema pcct.prune.1)" },                                 \
    OPTION_QUIET,                                                                                                \
    { OPT_END, 0, NULL, NULL, NULL }

static const struct option_row prune_rows[] = {
    { OPT_KEEP_LAST, 0, "keep-last", "N", "keep the last N versions of each branch" },
    { OPT_KEEP_EVERY, 0, "keep-every", "N", "keep versions whose generation (show tells it) is a multiple of N" },
    { OPT_OLDER_THAN, 0, "older-than", "DAYS", "only versions that are older than that" },
    { OPT_BY_POLICY, 0, "by-policy", NULL, "by the rules that are kept with the store (policy shows them), and no others" },
    { OPT_BEFORE_EPOCH, 0, "before-epoch", "N", "only versions whose user key epoch (--set epoch=12) is less than N" },
    OPTIONS_COMMON,
};
static const struct option_row gc_rows[] = { OPTIONS_COMMON };

static int report(const struct options *options, const struct pcct_prune_result *result, struct pcct_error *err)
{
    int dry = options->value[OPT_DRY_RUN] != NULL;
    char freed[TEXT_BYTES], left[TEXT_BYTES], count[TEXT_BYTES];
    struct record record;
    if (options->value[OPT_JSON]) {
        record_begin(&record, "pcct.prune.1");
        record_add(&record, "dry_run", json_boolean(dry));
        record_count(&record, "pruned", result->pruned);
        record_count(&record, "left", result->left);
        record_count(&record, "removed", result->removed);
        record_count(&record, "freed_bytes", result->freed_bytes);
        record_count(&record, "left_bytes", result->left_bytes);
        return record_print(&record, stdout, err);
    }
    if (options->value[OPT_QUIET]) return 0;
    printf("%s%s pruned, %" PRIu64 " left; ", dry ? "would be: " : "", text_count(count, result->pruned, "version"), result->left);
    printf("%s freed, %s left\n", text_size(freed, result->freed_bytes), text_size(left, result->left_bytes));
    return 0;
}

static int run(const struct options *options, struct pcct_prune_options *how, struct pcct_error *err)
{
    int status = 0;
    struct pcct_prune_result result = { .size = sizeof result };
    pcct_store *store = NULL;
    how->dry_run = options->value[OPT_DRY_RUN] != NULL;
    how->no_wait = options->value[OPT_NO_WAIT] != NULL;
    TRY(pcct_store_open(&store, options->operand[0], NULL, err));
    TRY(pcct_prune(&result, store, how, err));
    TRY(report(options, &result, err));
done:
    pcct_store_close(store);
    return status;
}

static int run_prune(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    struct pcct_prune_options how = PCCT_PRUNE_OPTIONS_INIT;
    double days = 0;
    how.by_policy = options->value[OPT_BY_POLICY] != NULL;
    TRY(options_u64(&how.keep_last, options, OPT_KEEP_LAST, 0, 1, INT64_MAX, err));
    TRY(options_u64(&how.keep_every, options, OPT_KEEP_EVERY, 0, 1, INT64_MAX, err));
    if (options->value[OPT_BEFORE_EPOCH]) {
        how.key = "epoch";
        TRY(options_double(&how.before, options, OPT_BEFORE_EPOCH, err));
    }
    if (options->value[OPT_OLDER_THAN]) {
        TRY(options_double(&days, options, OPT_OLDER_THAN, err));
        if (!(days >= 0 && days < 36500)) TRY(fault(err, PCCT_E_INVALID, "--older-than takes 0 to 36500 days"));
        how.older_than_ns = (int64_t)time(NULL) * 1000000000 - (int64_t)(days * 86400e9);
    }
    TRY(run(options, &how, err));
done:
    return status;
}

static int run_gc(const struct options *options, struct pcct_error *err)
{
    struct pcct_prune_options how = PCCT_PRUNE_OPTIONS_INIT;
    how.gc = 1;
    return run(options, &how, err);
}

const struct verb verb_prune = {
    .name = "prune",
    .operands = "STORE RULE...",
    .summary = "take old versions away by rules and give their space back",
    .detail = "A version goes when every rule that is given lets it. Those that branches and tags stand at always stay.\n"
              "What others need of it for their states is kept; it can no longer be named.\n"
              "On a full disk it has 16 MiB of its own for that, the file BALLAST, which is made anew when there is room.\n",
    .rows = prune_rows,
    .operands_least = 1,
    .operands_most = 1,
    .run = run_prune,
};

const struct verb verb_gc = {
    .name = "gc",
    .operands = "STORE",
    .summary = "give back what no version needs any more",
    .detail = "Pruning does so too; more may have become free since, by an anchor, or when a process was killed.\n",
    .rows = gc_rows,
    .operands_least = 1,
    .operands_most = 1,
    .run = run_gc,
};
