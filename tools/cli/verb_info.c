/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "record.h"
#include "text.h"
#include "verbs.h"

#include <pcct/pcct.h>

#include <inttypes.h>

static const struct option_row rows[] = {
    { OPT_AT, 0, "at", "REV", "the version to describe (default main)" },
    { OPT_JSON, 0, "json", NULL, "print a JSON object (schema pcct.info.1)" },
    OPTION_THREADS,
    { OPT_END, 0, NULL, NULL, NULL },
};

static int print_json(const char *path, const struct pcct_store_info *store, const struct pcct_view_info *view, struct pcct_error *err)
{
    struct record record;
    char text[TEXT_BYTES];
    record_begin(&record, "pcct.info.1");
    record_text(&record, "store", path);
    record_text(&record, "uuid", text_hex(text, store->uuid));
    record_count(&record, "format", store->format);
    record_count(&record, "dim", store->dim);
    record_text(&record, "metric", store->metric);
    record_count(&record, "seed", store->seed);
    record_count(&record, "head", store->head);
    record_count(&record, "journal_bytes", store->journal_bytes);
    record_count(&record, "anchor_bytes", store->anchor_bytes);
    record_count(&record, "anchors", store->anchors);
    record_count(&record, "disk_bytes", store->disk_bytes);
    record_count(&record, "version", view->version);
    record_text(&record, "identity", text_hex(text, view->identity));
    record_count(&record, "n_live", view->n_live);
    record_count(&record, "n_rows", view->n_rows);
    record_count(&record, "twins", view->twins);
    record_add(&record, "level_max", json_integer(view->level_max));
    record_add(&record, "level_min", json_integer(view->level_min));
    record_count(&record, "levels", view->levels);
    record_add(&record, "root_label", view->n_live ? json_integer(view->root_label) : json_null());
    record_count(&record, "blocks", view->blocks);
    record_count(&record, "memory_bytes", view->memory_bytes);
    record_count(&record, "layout_bytes", view->layout_bytes);
    record_count(&record, "anchor", view->anchor);
    record_count(&record, "frames", view->frames);
    return record_print(&record, stdout, err);
}

static void print_human(const char *path, const struct pcct_store_info *store, const struct pcct_view_info *view)
{
    char a[TEXT_BYTES], b[TEXT_BYTES];
    fputs("store      ", stdout);
    text_print_escaped(stdout, path);
    printf("\nuuid       %s\nmetric     %s, dimension %u, seed %" PRIu64 "\n", text_hex(a, store->uuid), store->metric, store->dim, store->seed);
    printf("main       v%" PRIu64 ", format %u\n", store->head, store->format);
    printf("on disk    %s: journal %s, ", text_size(a, store->disk_bytes), text_size(b, store->journal_bytes));
    printf("%s %s\n\n", text_count(a, store->anchors, "anchor"), text_size(b, store->anchor_bytes));
    printf("version    v%" PRIu64 "\nidentity   %s\n", view->version, text_hex(a, view->identity));
    printf("points     %" PRIu64 " live of %s", view->n_live, text_count(a, view->n_rows, "row"));
    if (view->twins) printf(", %" PRIu64 " at the place of another", view->twins);
    printf("\ntree       %s", text_count(a, view->levels, "level"));
    if (view->n_live) printf(", %d down to %d, root %" PRId64, view->level_max, view->level_min, view->root_label);
    printf("\nmemory     %s, of which %s in ", text_size(a, view->memory_bytes), text_size(b, view->layout_bytes));
    printf("%s\nopened     ", text_count(a, view->blocks, "query block"));
    if (view->anchor) printf("from the anchor of v%" PRIu64 " and ", view->anchor);
    printf("%s\n", text_count(a, view->frames, "frame"));
}

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    pcct_store *store = NULL;
    pcct_view *view = NULL;
    struct pcct_open_options open = PCCT_OPEN_OPTIONS_INIT;
    struct pcct_store_info store_info = { .size = sizeof store_info };
    struct pcct_view_info view_info = { .size = sizeof view_info };
    const char *path = options->operand[0];
    TRY(options_threads(&open.threads, options, err));
    TRY(pcct_store_open(&store, path, &open, err));
    TRY(pcct_store_describe(&store_info, store, err));
    TRY(pcct_view_open(&view, store, options->value[OPT_AT] ? options->value[OPT_AT] : "main", err));
    TRY(pcct_view_describe(&view_info, view));
    if (options->value[OPT_JSON]) TRY(print_json(path, &store_info, &view_info, err));
    else print_human(path, &store_info, &view_info);
done:
    pcct_view_close(view);
    pcct_store_close(store);
    return status;
}

const struct verb verb_info = {
    .name = "info",
    .operands = "STORE",
    .summary = "describe a store and one of its versions",
    .detail = NULL,
    .rows = rows,
    .operands_least = 1,
    .operands_most = 1,
    .run = run,
};
