/* SPDX-License-Identifier: Apache-2.0 */
#include "ordering.h"
#include "fault.h"
#include "input.h"
#include "interrupt.h"
#include "reading.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *word;
    int kind;
} kinds[] = {
    { "maxmin", PCCT_ORDERING_MAXMIN },   { "coordinate", PCCT_ORDERING_COORDINATE }, { "hilbert", PCCT_ORDERING_HILBERT },
    { "random", PCCT_ORDERING_RANDOM },   { "coarse", PCCT_ORDERING_COARSE },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static int read_kind(struct ordering *ordering, const struct options *options, struct pcct_error *err)
{
    const char *word = options->value[OPT_ORDER] ? options->value[OPT_ORDER] : kinds[0].word;
    struct pcct_ordering_options *ask = &ordering->ask;
    for (size_t i = 0; i < KINDS; i++) {
        if (strcmp(word, kinds[i].word) == 0) ask->kind = kinds[i].kind;
    }
    if (options->value[OPT_AXIS] && ask->kind != PCCT_ORDERING_COORDINATE) {
        return fault(err, PCCT_E_INVALID, "--axis goes with --order coordinate");
    }
    if (options->value[OPT_SEED] && ask->kind != PCCT_ORDERING_RANDOM && !options->value[OPT_INDUCING_BY]) {
        return fault(err, PCCT_E_INVALID, "--seed goes with --order random");
    }
    if (ask->kind != 0) return 0;
    int status = label_list_read(&ordering->given, &ask->n_ordering, word, err);
    ask->kind = PCCT_ORDERING_GIVEN;
    ask->ordering = ordering->given;
    if (status == PCCT_E_NOT_FOUND) fault_suffix(err, "; orders are maxmin, coarse, hilbert, coordinate, random");
    return status;
}

static int read_lengthscales(struct ordering *ordering, const char *text, struct pcct_error *err)
{
    int status = 0;
    const uint32_t dim = ordering->info.dim;
    uint32_t n = 0;
    char *copy = strdup(text), *rest = copy, *word = NULL;
    ordering->lengthscale = malloc(dim * sizeof *ordering->lengthscale);
    if (!copy || !ordering->lengthscale) TRY(fault(err, PCCT_E_MEMORY, "no memory for the lengthscales"));
    while ((word = strsep(&rest, ",")) != NULL) {
        double value = 0;
        if (!text_is_double(&value, word, strlen(word))) TRY(fault(err, PCCT_E_INVALID, "\"%s\" is not a lengthscale", word));
        if (n < dim) ordering->lengthscale[n] = value;
        n++;
    }
    if (n != 1 && n != dim) {
        TRY(fault(err, PCCT_E_INVALID, "--lengthscale has %u numbers; it takes one for each of the %u columns, or one for all", n, dim));
    }
    for (uint32_t j = n; j < dim; j++) ordering->lengthscale[j] = ordering->lengthscale[0];
    ordering->ask.lengthscale = ordering->lengthscale;
done:
    free(copy);
    return status;
}

static int on_progress(void *context, double done)
{
    struct ordering *ordering = context;
    progress_show(&ordering->progress, done, "ordering");
    return interrupt_asked();
}

int ordering_open(struct ordering *ordering, const struct options *options, struct pcct_error *err)
{
    int status = 0;
    uint64_t axis = 0;
    const struct pcct_ordering_options ask = PCCT_ORDERING_OPTIONS_INIT;
    memset(ordering, 0, sizeof *ordering);
    ordering->ask = ask;
    ordering->info.size = sizeof ordering->info;
    progress_begin(&ordering->progress, options->verb->name, options->value[OPT_QUIET] != NULL);
    TRY(options_threads(&ordering->ask.threads, options, err));
    TRY(options_u64(&ordering->ask.seed, options, OPT_SEED, 0, 0, UINT64_MAX, err));
    TRY(reading_open(&ordering->store, options, err));
    TRY(reading_view(&ordering->view, ordering->store, options, err));
    TRY(pcct_view_describe(&ordering->info, ordering->view));
    TRY(options_u64(&axis, options, OPT_AXIS, 1, 1, ordering->info.dim, err));
    /* With --metric they are the kernel's. */
    if (options->value[OPT_LENGTHSCALE] && !options->value[OPT_METRIC]) TRY(read_lengthscales(ordering, options->value[OPT_LENGTHSCALE], err));
    TRY(read_kind(ordering, options, err));
    ordering->ask.axis = (uint32_t)axis - 1;
    ordering->ask.progress = on_progress;
    ordering->ask.progress_ctx = ordering;
done:
    return status;
}

void ordering_close(struct ordering *ordering)
{
    progress_end(&ordering->progress);
    free(ordering->lengthscale);
    free(ordering->given);
    pcct_view_close(ordering->view);
    pcct_store_close(ordering->store);
    memset(ordering, 0, sizeof *ordering);
}
