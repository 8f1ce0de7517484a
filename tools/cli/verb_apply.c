/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "interrupt.h"
#include "progress.h"
#include "record.h"
#include "text.h"
#include "verbs.h"

#include <pcct/pcct.h>

#include <string.h>

static const struct option_row rows[] = {
    { OPT_CREATE, 0, "create", NULL, "make the store first if it is not there: of the bundle's dimension, metric and seed" },
    { OPT_MOVE, 0, "move", NULL, "put branches where the bundle has them even where that is not forward: for a copy that\n"
                                 "nobody else writes to" },
    { OPT_NO_WAIT, 0, "no-wait", NULL, "exit with 4 at once when another writer is at work" },
    OPTION_THREADS,
    OPTION_DURABILITY,
    { OPT_JSON, 0, "json", NULL, "print a JSON object (schema pcct.apply.1)" },
    OPTION_QUIET,
    { OPT_END, 0, NULL, NULL, NULL },
};

static int on_progress(void *context, double done)
{
    progress_show(context, done, "applying");
    return interrupt_asked();
}

static int create(const char *path, const char *file, struct pcct_error *err)
{
    int status = 0;
    struct pcct_bundle_info info = { .size = sizeof info };
    struct pcct_create_options how = PCCT_CREATE_OPTIONS_INIT;
    static const uint8_t empty[sizeof info.base];
    TRY(pcct_bundle_describe(&info, file, err));
    if (memcmp(info.base, empty, sizeof empty) != 0) {
        TRY(fault(err, PCCT_E_NOT_FOUND, "the bundle is on top of another version; a new store begins with one that is made without A (..B)"));
    }
    if (info.custom) {
        TRY(fault(err, PCCT_E_INVALID, "a store with the custom metric \"%s\" is made by a program that has its function; apply the bundle to it "
                  "then", info.metric));
    }
    how.dim = info.dim;
    how.metric = info.metric;
    how.seed = info.seed;
    TRY(pcct_store_create(path, &how, err));
done:
    return status;
}

static int open_store(pcct_store **store, const struct options *options, struct pcct_error *err)
{
    static const char *const durabilities[] = { "full", "wal", "none", NULL };
    int status = 0;
    struct pcct_open_options open = PCCT_OPEN_OPTIONS_INIT;
    TRY(options_threads(&open.threads, options, err));
    TRY(options_choice(&open.durability, options, OPT_DURABILITY, durabilities, err));
    status = pcct_store_open(store, options->operand[0], &open, err);
    if (status != PCCT_E_NOT_FOUND || !options->value[OPT_CREATE]) goto done;
    status = create(options->operand[0], options->operand[1], err);
    if (status != PCCT_E_EXISTS) TRY(status); /* another made it meanwhile */
    TRY(pcct_store_open(store, options->operand[0], &open, err));
done:
    return status;
}

static int report(const struct options *options, const struct pcct_apply_result *result, struct pcct_error *err)
{
    char applied[TEXT_BYTES];
    if (options->value[OPT_JSON]) {
        struct record record;
        record_begin(&record, "pcct.apply.1");
        record_count(&record, "applied", result->applied);
        record_count(&record, "skipped", result->skipped);
        record_count(&record, "refs", result->refs);
        return record_print(&record, stdout, err);
    }
    if (options->value[OPT_QUIET]) return 0;
    printf("%s applied, %d there already, %d of branches and tags made or moved\n", text_count(applied, result->applied, "version"),
           (int)result->skipped, (int)result->refs);
    return 0;
}

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    struct pcct_apply_options how = PCCT_APPLY_OPTIONS_INIT;
    struct pcct_apply_result result = { .size = sizeof result };
    struct progress progress;
    pcct_store *store = NULL;
    progress_begin(&progress, "apply", options->value[OPT_QUIET] != NULL);
    how.move = options->value[OPT_MOVE] != NULL;
    how.no_wait = options->value[OPT_NO_WAIT] != NULL;
    how.progress = on_progress;
    how.progress_ctx = &progress;
    TRY(open_store(&store, options, err));
    TRY(pcct_apply(&result, store, options->operand[1], &how, err));
    progress_end(&progress);
    TRY(report(options, &result, err));
done:
    progress_end(&progress);
    if (status == PCCT_E_CANCELLED) (void)interrupt_check(err);
    pcct_store_close(store);
    return status;
}

const struct verb verb_apply = {
    .name = "apply",
    .operands = "STORE FILE",
    .summary = "put the versions of a bundle into a store",
    .detail = "Versions that are there already are passed over, so it can be repeated. Nothing in FILE is trusted: each version must\n"
              "come out with the identity that it had. Branches go forward only, unless --move is given.\n",
    .rows = rows,
    .operands_least = 2,
    .operands_most = 2,
    .run = run,
};
