/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "input.h"
#include "interrupt.h"
#include "reading.h"
#include "target.h"
#include "text.h"
#include "verbs.h"

#include <pcct/pcct.h>

#include <inttypes.h>
#include <stdlib.h>

enum { PIECE = 4096 }; /* nodes between two looks at signals and at the output's health */

static const struct option_row rows[] = {
    { OPT_AT, 0, "at", "REV", "the version to ask (default main)" },
    { OPT_LABELS, 'l', "labels", "LIST", "these nodes only, in this order: 17,18,400; or a file of labels" },
    { OPT_OUTPUT, 'o', "output", "FILE", "write to FILE (default: standard output, -)" },
    OPTION_IMMUTABLE,
    OPTION_THREADS,
    { OPT_END, 0, NULL, NULL, NULL },
};

struct dump {
    struct target target;
    uint32_t dim;
    uint64_t n;
    int status;             /* of what ended the walk */
    struct pcct_error *err;
};

static int print_node(void *ctx, const struct pcct_node_info *node)
{
    struct dump *dump = ctx;
    char number[TEXT_BYTES];
    FILE *file = dump->target.file;
    fprintf(file, "{\"label\":%" PRId64, node->label);
    if (node->twin) fputs(",\"level\":null", file);
    else fprintf(file, ",\"level\":%d", node->level);
    if (node->parent == -1) fputs(",\"parent\":null", file);
    else fprintf(file, ",\"parent\":%" PRId64, node->parent);
    fprintf(file, ",\"distance\":%s", text_double(number, node->distance));
    fprintf(file, ",\"radius\":%s", text_double(number, node->radius));
    fprintf(file, ",\"depth\":%" PRIu64 ",\"children\":%" PRIu64 ",\"point\":[", node->depth, node->children);
    for (uint32_t j = 0; j < dump->dim; j++) fprintf(file, "%s%s", j ? "," : "", text_double(number, node->point[j]));
    fputs("]}\n", file);
    if (++dump->n % PIECE == 0) {
        dump->status = interrupt_check(dump->err);
        if (dump->status == 0) dump->status = target_flush(&dump->target, dump->err);
    }
    return dump->status;
}

static int print_some(struct dump *dump, const pcct_view *view, const char *list, struct pcct_error *err)
{
    int status = 0;
    int64_t *labels = NULL;
    size_t n = 0;
    struct pcct_node_info node = { .size = sizeof node };
    TRY(label_list_read(&labels, &n, list, err));
    for (size_t i = 0; i < n; i++) TRY(pcct_node_describe(&node, view, labels[i], err)); /* an unknown one: nothing is written */
    for (size_t i = 0; i < n; i++) {
        TRY(pcct_node_describe(&node, view, labels[i], err));
        TRY(print_node(dump, &node));
    }
done:
    free(labels);
    return status;
}

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    pcct_store *store = NULL;
    pcct_view *view = NULL;
    struct dump dump = { .err = err };
    struct pcct_view_info info = { .size = sizeof info };
    TRY(reading_open(&store, options, err));
    TRY(reading_view(&view, store, options, err));
    TRY(pcct_view_describe(&info, view));
    dump.dim = info.dim;
    TRY(target_open(&dump.target, options->value[OPT_OUTPUT], err));
    if (options->value[OPT_LABELS]) TRY(print_some(&dump, view, options->value[OPT_LABELS], err));
    else TRY(pcct_walk(view, print_node, &dump, err));
    TRY(dump.status);
    TRY(target_finish(&dump.target, err));
done:
    target_abandon(&dump.target);
    pcct_view_close(view);
    pcct_store_close(store);
    return status;
}

const struct verb verb_dump = {
    .name = "dump",
    .operands = "STORE",
    .summary = "write the tree of a version, a JSON object a node",
    .detail =
        "A line for each live point, depth first, parents before their children:\n"
        "\n"
        "{\"label\":17,\"level\":3,\"parent\":4,\"distance\":9.5,\"radius\":12.25,\"depth\":2,\"children\":5,\"point\":[...]}\n"
        "\n"
        "level     null for a twin, a point at distance 0 from its parent\n"
        "parent    label; null for the root\n"
        "distance  to the parent; no child of level I is farther than 2^(I+1)\n"
        "radius    nothing below is farther\n"
        "\n"
        "Distance and radius are in the tree's own unit: the distance itself, but the chord between unit vectors for haversine, cosine,\n"
        "angular. FILE of -o appears when the dump is whole, or not at all.\n",
    .rows = rows,
    .operands_least = 1,
    .operands_most = 1,
    .run = run,
};
