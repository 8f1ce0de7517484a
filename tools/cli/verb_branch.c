/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "reading.h"
#include "record.h"
#include "text.h"
#include "verbs.h"

#include <pcct/pcct.h>

#include <inttypes.h>
#include <string.h>

#define ROWS(schema)                                                                                                                    \
    { OPT_DELETE, 0, "delete", NULL, "delete NAME; versions stay" },                                                                    \
    { OPT_EXPECT, 0, "expect", "REV", "delete only if NAME stands at REV, else exit with 4" },                                          \
    { OPT_NO_WAIT, 0, "no-wait", NULL, "exit with 4 at once when another writer is at work" },                                          \
    { OPT_JSON, 0, "json", NULL, "the list as JSON objects, one a line: name kind version time; else one object\n(schema " schema ")" }, \
    OPTION_IMMUTABLE,                                                                                                                   \
    OPTION_QUIET,                                                                                                                       \
    { OPT_END, 0, NULL, NULL, NULL }

static const struct option_row branch_rows[] = { ROWS("pcct.branch.1") };
static const struct option_row tag_rows[] = { ROWS("pcct.tag.1") };

struct listing {
    int kind, json, status;
    struct pcct_error *err;
};

static int list_one(void *ctx, const struct pcct_ref *ref)
{
    struct listing *l = ctx;
    char time[TEXT_BYTES];
    struct record record;
    if (ref->kind != l->kind || ferror(stdout)) return 0;
    (void)text_time(time, ref->time_ns);
    if (l->json) {
        record_begin(&record, NULL);
        record_text(&record, "name", ref->name);
        record_text(&record, "kind", ref->kind == PCCT_TAG ? "tag" : "branch");
        record_count(&record, "version", ref->version);
        record_text(&record, "time", time);
        l->status = record_print(&record, stdout, l->err);
        return l->status != 0;
    }
    time[10] = ' ';
    printf("%-20s v%-6" PRIu64 "  %.19s UTC\n", ref->name, ref->version, time);
    return 0;
}

static int report(const struct options *options, pcct_store *store, const char *schema, struct pcct_error *err)
{
    int status = 0, deleted = options->value[OPT_DELETE] != NULL;
    uint64_t version = 0;
    struct record record;
    const char *name = options->operand[1];
    if (!deleted) TRY(pcct_resolve(&version, store, name, err));
    if (options->value[OPT_JSON]) {
        record_begin(&record, schema);
        record_text(&record, "name", name);
        record_add(&record, "version", deleted ? json_null() : record_number(version));
        TRY(record_print(&record, stdout, err));
    } else if (!options->value[OPT_QUIET]) {
        if (deleted) printf("%s %s deleted\n", options->verb->name, name);
        else printf("%s %s at v%" PRIu64 "\n", options->verb->name, name, version);
    }
done:
    return status;
}

static int run(const struct options *options, int kind, const char *schema, struct pcct_error *err)
{
    int status = 0;
    pcct_store *store = NULL;
    struct pcct_ref_options how = PCCT_REF_OPTIONS_INIT;
    struct listing listing = { kind, options->value[OPT_JSON] != NULL, 0, err };
    const char *name = options->operand[1], *revision = options->operand[2];
    how.no_wait = options->value[OPT_NO_WAIT] != NULL;
    how.expect = options->value[OPT_EXPECT];
    if (options->value[OPT_DELETE] && !name) TRY(fault(err, PCCT_E_INVALID, "--delete needs the name of a %s", options->verb->name));
    if (options->value[OPT_DELETE] && revision) TRY(fault(err, PCCT_E_INVALID, "--delete takes no revision; --expect does"));
    if (how.expect && !options->value[OPT_DELETE]) TRY(fault(err, PCCT_E_INVALID, "--expect goes with --delete; see pcct reset for moving a branch"));
    TRY(reading_open(&store, options, err));
    if (!name) {
        TRY(pcct_refs_each(store, list_one, &listing, err));
        TRY(listing.status);
        goto done;
    }
    if (options->value[OPT_DELETE]) TRY(kind == PCCT_TAG ? pcct_tag_delete(store, name, &how, err) : pcct_branch_delete(store, name, &how, err));
    else TRY(kind == PCCT_TAG ? pcct_tag_create(store, name, revision, &how, err) : pcct_branch_create(store, name, revision, &how, err));
    TRY(report(options, store, schema, err));
done:
    pcct_store_close(store);
    return status;
}

static int run_branch(const struct options *options, struct pcct_error *err) { return run(options, PCCT_BRANCH, "pcct.branch.1", err); }
static int run_tag(const struct options *options, struct pcct_error *err) { return run(options, PCCT_TAG, "pcct.tag.1", err); }

const struct verb verb_branch = {
    .name = "branch",
    .operands = "STORE [NAME [REV]]",
    .summary = "list, make or delete branches",
    .detail = "NAME is made at REV (default main). Commits go to it with --branch NAME of insert, delete and restore.\n",
    .rows = branch_rows,
    .operands_least = 1,
    .operands_most = 3,
    .run = run_branch,
};

const struct verb verb_tag = {
    .name = "tag",
    .operands = "STORE [NAME [REV]]",
    .summary = "list, make or delete tags",
    .detail = "NAME is made at REV (default main), and stays there. Tagged versions are never pruned.\n",
    .rows = tag_rows,
    .operands_least = 1,
    .operands_most = 3,
    .run = run_tag,
};
