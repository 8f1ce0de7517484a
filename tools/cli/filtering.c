/* SPDX-License-Identifier: Apache-2.0 */
#include "filtering.h"
#include "fault.h"
#include "input.h"

#include <stdlib.h>
#include <string.h>

static int read_order(struct pcct_filter_options *filter, int64_t **ordering, const char *word, struct pcct_error *err)
{
    if (*word == '\0' || strcmp(word, "label") == 0) {
        filter->order = PCCT_ORDER_LABEL;
        return 0;
    }
    if (strcmp(word, "node") == 0) {
        filter->order = PCCT_ORDER_NODE;
        return 0;
    }
    int status = label_list_read(ordering, &filter->n_ordering, word, err);
    filter->order = PCCT_ORDER_GIVEN;
    filter->ordering = *ordering;
    if (status == PCCT_E_NOT_FOUND) fault_suffix(err, "; orders are label and node");
    return status;
}

int filtering_open(pcct_filter **filter, const pcct_view *view, const struct options *options, struct pcct_error *err)
{
    int status = 0;
    int64_t *labels = NULL, *ordering = NULL, level = 0;
    struct pcct_filter_options ask = PCCT_FILTER_OPTIONS_INIT;
    *filter = NULL;
    if (!options->value[OPT_ONLY] && !options->value[OPT_LEVEL] && !options->value[OPT_PREDECESSORS]) return 0;
    if (options->value[OPT_LEVEL]) {
        TRY(options_i64(&level, options, OPT_LEVEL, PCCT_LEVEL_MIN, PCCT_LEVEL_MAX, err));
        ask.by_level = 1;
        ask.level = (int)level;
    }
    if (options->value[OPT_ONLY]) {
        TRY(label_list_read(&labels, &ask.n_labels, options->value[OPT_ONLY], err));
        ask.labels = labels;
    }
    if (options->value[OPT_PREDECESSORS]) TRY(read_order(&ask, &ordering, options->value[OPT_PREDECESSORS], err));
    TRY(pcct_filter_open(filter, view, &ask, err));
done:
    free(labels);
    free(ordering);
    return status;
}
