/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "reading.h"
#include "record.h"
#include "text.h"
#include "verbs.h"

#include <pcct/pcct.h>

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static const struct option_row rows[] = {
    { OPT_AT, 0, "at", "REV", "the version to describe (default main)" },
    { OPT_LEVELS, 0, "levels", NULL, "also the levels of the tree and its shape, which takes a walk over all points" },
    { OPT_JSON, 0, "json", NULL, "print a JSON object (schema pcct.info.1); with --levels it has a key \"tree\"" },
    OPTION_IMMUTABLE,
    OPTION_THREADS,
    { OPT_END, 0, NULL, NULL, NULL },
};

/* What --levels adds. */
struct shape {
    struct pcct_level *level; /* from the root's down */
    size_t levels;
    struct pcct_tree_info tree;
};

static int read_shape(struct shape *shape, const pcct_view *view, struct pcct_error *err)
{
    int status = 0;
    TRY(pcct_levels(NULL, &shape->levels, view, err));
    shape->level = calloc(shape->levels + 1, sizeof *shape->level);
    if (!shape->level) TRY(fault(err, PCCT_E_MEMORY, "no memory for the levels"));
    TRY(pcct_levels(shape->level, &shape->levels, view, err));
    shape->tree.size = sizeof shape->tree;
    TRY(pcct_tree_describe(&shape->tree, view, err));
done:
    return status;
}

static json_t *levels_json(const struct shape *shape)
{
    json_t *list = json_array();
    uint64_t net = 0;
    for (size_t i = 0; i < shape->levels; i++) {
        const struct pcct_level *level = &shape->level[i];
        net += level->nodes;
        json_t *one = json_pack("{s:i, s:I, s:I}", "level", (int)level->level, "nodes", (json_int_t)level->nodes, "net", (json_int_t)net);
        if (json_array_append_new(list, one) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *tree_json(const struct shape *shape)
{
    const struct pcct_tree_info *tree = &shape->tree;
    /* the mean of shares of powers of two may be beyond all numbers, for which JSON has no word */
    return json_pack("{s:I, s:I, s:I, s:I, s:f, s:I, s:f, s:o, s:o}", "nodes", (json_int_t)tree->nodes, "inner", (json_int_t)tree->inner, "twins",
                     (json_int_t)tree->twins, "depth_max", (json_int_t)tree->depth_max, "depth_mean", tree->depth_mean, "children_max",
                     (json_int_t)tree->children_max, "children_mean", tree->children_mean, "radius_mean",
                     isfinite(tree->radius_mean) ? json_real(tree->radius_mean) : json_null(), "levels", levels_json(shape));
}

static void print_shape(const struct shape *shape)
{
    char width[TEXT_BYTES];
    uint64_t net = 0;
    if (shape->tree.inner == 0) return; /* no point, or one alone */
    printf("\ndepth      %.2f in the mean, %" PRIu64 " at most\n", shape->tree.depth_mean, shape->tree.depth_max);
    printf("children   %.2f in the mean of %s that have any, %" PRIu64 " at most\n", shape->tree.children_mean,
           text_count(width, shape->tree.inner, "node"), shape->tree.children_max);
    printf("radius     %.3g of 2^(level + 1) in the mean of these\n", shape->tree.radius_mean);
    printf("\nlevel        2^level       nodes   net (this level and above)\n");
    for (size_t i = 0; i < shape->levels; i++) {
        const struct pcct_level *level = &shape->level[i];
        net += level->nodes;
        printf("%5d  %13.6g  %10" PRIu64 "  %10" PRIu64 "\n", level->level, ldexp(1, level->level), level->nodes, net);
    }
}

static int print_json(const char *path, const struct pcct_store_info *store, const struct pcct_view_info *view, const struct shape *shape,
                      struct pcct_error *err)
{
    struct record record;
    char text[TEXT_BYTES];
    record_begin(&record, "pcct.info.1");
    record_text(&record, "store", path);
    record_text(&record, "uuid", text_hex(text, store->uuid));
    record_count(&record, "format", store->format);
    record_count(&record, "dim", store->dim);
    record_text(&record, "metric", store->metric);
    record_add(&record, "custom_metric", json_boolean(store->custom != PCCT_CUSTOM_NONE));
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
    if (shape->level) record_add(&record, "tree", tree_json(shape));
    return record_print(&record, stdout, err);
}

static void print_human(const char *path, const struct pcct_store_info *store, const struct pcct_view_info *view)
{
    char a[TEXT_BYTES], b[TEXT_BYTES];
    fputs("store      ", stdout);
    text_print_escaped(stdout, path);
    printf("\nuuid       %s\nmetric     %s%s, dimension %u, seed %" PRIu64 "\n", text_hex(a, store->uuid), store->metric,
           store->custom != PCCT_CUSTOM_NONE ? " (custom: a program brings its function)" : "", store->dim, store->seed);
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
    struct pcct_store_info store_info = { .size = sizeof store_info };
    struct pcct_view_info view_info = { .size = sizeof view_info };
    struct shape shape = { .level = NULL };
    const char *path = options->operand[0];
    TRY(reading_open(&store, options, err));
    TRY(pcct_store_describe(&store_info, store, err));
    TRY(reading_view(&view, store, options, err));
    TRY(pcct_view_describe(&view_info, view));
    if (options->value[OPT_LEVELS]) TRY(read_shape(&shape, view, err));
    if (options->value[OPT_JSON]) TRY(print_json(path, &store_info, &view_info, &shape, err));
    else print_human(path, &store_info, &view_info);
    if (shape.level && !options->value[OPT_JSON]) print_shape(&shape);
done:
    free(shape.level);
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
