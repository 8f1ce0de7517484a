/* SPDX-License-Identifier: Apache-2.0 */
#include "diff_neighbours.h"
#include "fault.h"
#include "kernels.h"
#include "reading.h"
#include "record.h"
#include "text.h"
#include "verbs.h"

#include <pcct/pcct.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct option_row rows[] = {
    { OPT_STAT, 0, "stat", NULL, "also rows and bytes that were written to each array, and nodes that came to or left each level" },
    { OPT_IDS, 0, "ids", NULL, "the labels themselves: a line each, + added, - removed, ! replaced" },
    { OPT_NEIGHBOURS, 0, "neighbours", NULL, "instead of all that: the points whose -k nearest differ, with their lists before and after" },
    { OPT_K, 'k', "k", "K", "with --neighbours: how many (required)" },
    OPTION_METRIC,
    OPTION_IMMUTABLE,
    OPTION_THREADS,
    { OPT_JSON, 0, "json", NULL, "print a JSON object (schema pcct.diff.1), labels included with --ids;\n"
                                 "with --neighbours schema pcct.diff.neighbours.1" },
    { OPT_END, 0, NULL, NULL, NULL },
};

/* The three lists of labels, with the sign each is printed with. */
struct labels {
    const char *name;
    char sign;
    const int64_t *label;
    uint64_t n;
};

static void take_labels(struct labels list[3], const pcct_diff *diff, const struct pcct_diff_info *info)
{
    list[0] = (struct labels){ "added", '+', pcct_diff_added(diff), info->added };
    list[1] = (struct labels){ "removed", '-', pcct_diff_removed(diff), info->removed };
    list[2] = (struct labels){ "replaced", '!', pcct_diff_replaced(diff), info->replaced };
}

static json_t *labels_json(const struct labels *list)
{
    json_t *array = json_array();
    for (uint64_t i = 0; i < list->n; i++) json_array_append_new(array, json_integer(list->label[i]));
    return array;
}

static json_t *stat_json(const pcct_diff *diff)
{
    struct pcct_diff_array array;
    struct pcct_diff_level level;
    json_t *arrays = json_object(), *levels = json_array();
    for (size_t i = 0; pcct_diff_array(&array, diff, i) == 1; i++) {
        json_object_set_new(arrays, array.name, json_pack("{s:I, s:I, s:I}", "added", (json_int_t)array.added, "changed", (json_int_t)array.changed,
                                                          "bytes", (json_int_t)array.bytes));
    }
    for (size_t i = 0; pcct_diff_level(&level, diff, i) == 1; i++) {
        json_array_append_new(levels, json_pack("{s:o, s:I, s:I}", "level", level.level == PCCT_LEVEL_TWINS ? json_null() : json_integer(level.level),
                                                "came", (json_int_t)level.came, "left", (json_int_t)level.left));
    }
    return json_pack("{s:o, s:o}", "arrays", arrays, "levels", levels);
}

static int print_json(const struct options *options, const pcct_diff *diff, const struct pcct_diff_info *info, struct pcct_error *err)
{
    struct labels list[3];
    struct record record;
    take_labels(list, diff, info);
    record_begin(&record, "pcct.diff.1");
    record_count(&record, "from", info->from);
    record_count(&record, "to", info->to);
    record_count(&record, "common", info->common);
    record_count(&record, "undone", info->undone);
    record_count(&record, "applied", info->applied);
    for (int i = 0; i < 3; i++) {
        if (options->value[OPT_IDS]) record_add(&record, list[i].name, labels_json(&list[i]));
        else record_count(&record, list[i].name, list[i].n);
    }
    if (options->value[OPT_STAT]) record_add(&record, "stat", stat_json(diff));
    return record_print(&record, stdout, err);
}

static void print_stat(const pcct_diff *diff)
{
    struct pcct_diff_array array;
    struct pcct_diff_level level;
    char size[TEXT_BYTES];
    printf("\narray         added     changed       bytes\n");
    for (size_t i = 0; pcct_diff_array(&array, diff, i) == 1; i++) {
        if (array.bytes == 0) continue;
        printf("%-8s %10" PRIu64 "  %10" PRIu64 "  %10s\n", array.name, array.added, array.changed, text_size(size, array.bytes));
    }
    printf("\nlevel          came        left\n");
    for (size_t i = 0; pcct_diff_level(&level, diff, i) == 1; i++) {
        if (level.level == PCCT_LEVEL_TWINS) printf("twins   ");
        else printf("%5d   ", level.level);
        printf(" %10" PRIu64 "  %10" PRIu64 "\n", level.came, level.left);
    }
}

static void print_human(const struct options *options, const pcct_diff *diff, const struct pcct_diff_info *info)
{
    struct labels list[3];
    take_labels(list, diff, info);
    if (options->value[OPT_IDS]) {
        for (int i = 0; i < 3; i++) {
            for (uint64_t j = 0; j < list[i].n && !ferror(stdout); j++) printf("%c%" PRId64 "\n", list[i].sign, list[i].label[j]);
        }
    } else {
        printf("v%" PRIu64 "..v%" PRIu64 ": %" PRIu64 " added, %" PRIu64 " removed, %" PRIu64 " replaced", info->from, info->to, info->added,
               info->removed, info->replaced);
        if (info->by_states) fputs(" (by their states: versions between were pruned)", stdout);
        if (info->undone && info->applied) printf(" (by way of v%" PRIu64 ")", info->common);
        fputc('\n', stdout);
    }
    if (options->value[OPT_STAT] && !info->by_states) print_stat(diff);
}

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    struct pcct_diff_options how = PCCT_DIFF_OPTIONS_INIT;
    struct pcct_diff_info info = { .size = sizeof info };
    pcct_store *store = NULL;
    pcct_diff *diff = NULL;
    char *from = strdup(options->operand[1]);
    const char *to = options->operand[2];
    if (!from) TRY(fault(err, PCCT_E_MEMORY, "out of memory"));
    if (!to) {
        char *dots = strstr(from, "..");
        if (dots) *dots = '\0';
        to = dots && dots[2] ? dots + 2 : "main";
    }
    how.stat = options->value[OPT_STAT] != NULL;
    TRY(reading_open(&store, options, err));
    if (options->value[OPT_NEIGHBOURS]) {
        TRY(diff_neighbours(options, store, *from ? from : "main", to, err));
        goto done;
    }
    if (options->value[OPT_K] || options->value[OPT_METRIC]) TRY(fault(err, PCCT_E_INVALID, "-k and --metric go with --neighbours"));
    TRY(pcct_diff_open(&diff, store, *from ? from : "main", to, &how, err));
    TRY(pcct_diff_describe(&info, diff));
    if (options->value[OPT_JSON]) TRY(print_json(options, diff, &info, err));
    else print_human(options, diff, &info);
done:
    free(from);
    pcct_diff_close(diff);
    pcct_store_close(store);
    return status;
}

const struct verb verb_diff = {
    .name = "diff",
    .operands = "STORE REV [REV]",
    .summary = "tell what differs between two versions, by label",
    .detail = "From the first REV to the second (default main), or REV..REV; in either direction and across branches.\n"
              "A label is replaced when both versions have it and its point was inserted anew in between.\n"
              "\n"
              "--neighbours prints row,jaccard,before,after: a line for each point whose list differs in a label, a distance or the place of a\n"
              "point in it; jaccard is the share of labels in both lists among those in either. A point of one version has one list only.\n"
              "With --metric each version's lists are by its own kernel. Where the two have different kernels all distances differ, and the\n"
              "points are listed whose labels do.\n",
    .rows = rows,
    .operands_least = 2,
    .operands_most = 3,
    .run = run,
};
