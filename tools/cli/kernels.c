/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels.h"
#include "fault.h"
#include "input.h"
#include "interrupt.h"
#include "text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { NAMED_POINTS = 5, INDUCING_MOST = 250000 };

int kernel_words_given(const struct options *options)
{
    return options->value[OPT_KERNEL] != NULL;
}

static int read_number(double *value, const struct options *options, enum option_id id, struct pcct_error *err)
{
    return options->value[id] ? options_double(value, options, id, err) : 0;
}

static int read_lengthscales(struct kernel_words *words, const char *text, uint32_t dim, struct pcct_error *err)
{
    int status = 0;
    uint32_t n = 0;
    char *copy = strdup(text), *rest = copy, *word = NULL;
    words->lengthscale = malloc(dim * sizeof *words->lengthscale);
    if (!copy || !words->lengthscale) TRY(fault(err, PCCT_E_MEMORY, "no memory for the lengthscales"));
    while ((word = strsep(&rest, ",")) != NULL) {
        double value = 0;
        if (!text_is_double(&value, word, strlen(word))) TRY(fault(err, PCCT_E_INVALID, "\"%s\" is not a lengthscale", word));
        if (n < dim) words->lengthscale[n] = value;
        n++;
    }
    if (n != 1 && n != dim) {
        TRY(fault(err, PCCT_E_INVALID, "--lengthscale has %u numbers; it takes one for each of the %u columns, or one for all", n, dim));
    }
    for (uint32_t j = n; j < dim; j++) words->lengthscale[j] = words->lengthscale[0];
    words->kernel.lengthscale = words->lengthscale;
done:
    free(copy);
    return status;
}

static int by_value(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int check_distinct(const int64_t *labels, size_t n, struct pcct_error *err)
{
    int status = 0;
    int64_t *sorted = malloc((n + 1) * sizeof *sorted);
    if (!sorted) TRY(fault(err, PCCT_E_MEMORY, "no memory for %zu labels", n));
    memcpy(sorted, labels, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_value);
    for (size_t i = 1; i < n; i++) {
        if (sorted[i] == sorted[i - 1]) TRY(fault(err, PCCT_E_DUPLICATE, "label %" PRId64 " is twice among those of --inducing", sorted[i]));
    }
done:
    free(sorted);
    return status;
}

/* A file or list of labels leaves nothing to be chosen. */
static int check_choice(const struct options *options, int how, int chosen, struct pcct_error *err)
{
    if (options->value[OPT_INDUCING_BY] && !chosen) return fault(err, PCCT_E_INVALID, "--inducing-by goes with --inducing and a number");
    if (options->value[OPT_SEED] && how != PCCT_INDUCING_RANDOM && !options->value[OPT_ORDER]) {
        return fault(err, PCCT_E_INVALID, "--seed goes with --inducing-by random");
    }
    return 0;
}

static int check_number(size_t m, size_t wanted, int how, const struct options *options, struct pcct_error *err)
{
    char text[TEXT_BYTES];
    if (m == wanted) return 0;
    if (m == 0) return fault(err, PCCT_E_INVALID, "--inducing %zu: there are no points that inducing points could be chosen among", wanted);
    if (options->value[OPT_QUIET]) return 0;
    fprintf(stderr, "pcct: %s: note: %s chosen, not %zu: %s\n", options->verb->name, text_count(text, m, "inducing point"), wanted,
            how == PCCT_INDUCING_NET ? "the next net has more than that" : "there are no more points");
    return 0;
}

static int choose_inducing(struct kernel_words *words, const struct options *options, const pcct_view *view, uint32_t dim, struct pcct_error *err)
{
    static const char *const ways[] = { "farthest", "net", "random", NULL };
    int status = 0;
    const char *text = options->value[OPT_INDUCING];
    int64_t number = 0, *labels = NULL;
    size_t m = 0;
    struct pcct_inducing_options choose = PCCT_INDUCING_OPTIONS_INIT;
    const int chosen = text && text_is_int64(&number, text, strlen(text));
    TRY(options_choice(&choose.how, options, OPT_INDUCING_BY, ways, err));
    TRY(options_u64(&choose.seed, options, OPT_SEED, 0, 0, UINT64_MAX, err));
    TRY(check_choice(options, choose.how, chosen, err));
    if (!text) goto done;
    if (chosen) {
        if (number < 0 || number > INDUCING_MOST) TRY(fault(err, PCCT_E_INVALID, "--inducing %" PRId64 " is out of range", number));
        m = (size_t)number;
    } else {
        TRY(label_list_read(&labels, &m, text, err));
        TRY(check_distinct(labels, m, err));
    }
    words->inducing = malloc((m * dim + 1) * sizeof *words->inducing);
    if (!words->inducing) TRY(fault(err, PCCT_E_MEMORY, "no memory for %zu inducing points", m));
    if (chosen) {
        choose.lengthscale = words->lengthscale;
        TRY(pcct_inducing_choose(words->inducing, NULL, &m, view, &choose, err));
        TRY(check_number(m, (size_t)number, choose.how, options, err));
    } else {
        TRY(pcct_view_find(words->inducing, view, labels, m, err));
    }
    words->kernel.inducing = words->inducing;
    words->kernel.m = m;
done:
    free(labels);
    return status;
}

int kernel_words_read(struct kernel_words *words, const struct options *options, const pcct_view *view, struct pcct_error *err)
{
    int status = 0;
    const struct pcct_kernel none = PCCT_KERNEL_INIT;
    struct pcct_view_info info = { .size = sizeof info };
    memset(words, 0, sizeof *words);
    words->kernel = none;
    TRY(pcct_view_describe(&info, view));
    words->kernel.name = options->value[OPT_KERNEL];
    if (options->value[OPT_LENGTHSCALE]) TRY(read_lengthscales(words, options->value[OPT_LENGTHSCALE], info.dim, err));
    if (options->value[OPT_VARIANCE]) {
        TRY(read_number(&words->kernel.variance, options, OPT_VARIANCE, err));
        if (!(words->kernel.variance > 0)) TRY(fault(err, PCCT_E_INVALID, "--variance must be above 0"));
    }
    TRY(read_number(&words->kernel.nugget, options, OPT_NUGGET, err));
    if (options->value[OPT_JITTER]) {
        TRY(read_number(&words->kernel.jitter, options, OPT_JITTER, err));
        if (!(words->kernel.jitter > 0)) TRY(fault(err, PCCT_E_INVALID, "--jitter must be above 0"));
    }
    TRY(choose_inducing(words, options, view, info.dim, err));
done:
    return status;
}

void kernel_words_free(struct kernel_words *words)
{
    free(words->lengthscale);
    free(words->inducing);
    words->lengthscale = words->inducing = NULL;
}

/* ---- questions ---------------------------------------------------------------------------------------------------------------------------- */

void correlating_warn(const pcct_gp *gp, const struct options *options)
{
    struct pcct_gp_info info = { .size = sizeof info };
    if (!gp || pcct_gp_describe(&info, gp) != 0) return;
    if (info.jitter_used > info.jitter) {
        fprintf(stderr, "pcct: %s: warning: the inducing points need a jitter of %g, not %g\n", options->verb->name, info.jitter_used, info.jitter);
    }
    if (info.noisy == 0) return;
    fprintf(stderr, "pcct: %s: warning: inducing points and rounding leave so little of %" PRIu64 " of %" PRIu64
            " points that their correlations are noise: labels", options->verb->name, info.noisy, info.n);
    for (uint64_t i = 0; i < info.noisy && i < NAMED_POINTS; i++) fprintf(stderr, "%s %" PRId64, i ? "," : "", info.noisy_labels[i]);
    fputs(info.noisy > NAMED_POINTS ? ", ...\n" : "\n", stderr);
}

/* --lengthscale and --seed are words of an order, too, where the verb has one. */
static int is_of_order(const struct options *options, enum option_id id)
{
    int has_order = 0;
    for (const struct option_row *row = options->verb->rows; row->id != OPT_END; row++) has_order |= row->id == OPT_ORDER;
    return has_order && (id == OPT_SEED || (id == OPT_LENGTHSCALE && !options->value[OPT_METRIC]));
}

static int check(const struct options *options, struct pcct_error *err)
{
    static const enum option_id with_metric[] = { OPT_KERNEL, OPT_OVERRIDE, OPT_BRUTE }, with_kernel[] = { OPT_LENGTHSCALE, OPT_VARIANCE, OPT_NUGGET,
        OPT_JITTER, OPT_INDUCING, OPT_INDUCING_BY, OPT_SEED };
    for (size_t i = 0; i < sizeof with_metric / sizeof *with_metric; i++) {
        if (!options->value[OPT_METRIC] && options->value[with_metric[i]]) {
            return fault(err, PCCT_E_INVALID, "--kernel, --override and --brute go with --metric residual or correlation");
        }
    }
    for (size_t i = 0; i < sizeof with_kernel / sizeof *with_kernel; i++) {
        if (!options->value[OPT_KERNEL] && options->value[with_kernel[i]] && !is_of_order(options, with_kernel[i])) {
            return fault(err, PCCT_E_INVALID, "--lengthscale and the like go with --kernel");
        }
    }
    if (options->value[OPT_METRIC] && options->value[OPT_BOUNDS]) {
        return fault(err, PCCT_E_INVALID, "--bounds goes with the store's own metric, not with --metric");
    }
    if (options->value[OPT_METRIC] && options->value[OPT_PREDECESSORS] && options->value[OPT_LABELS]) {
        return fault(err, PCCT_E_INVALID, "--predecessors with --metric goes with pcct graph, which finds those of all points");
    }
    return 0;
}

static int on_features(void *context, double done)
{
    (void)context;
    (void)done;
    return interrupt_asked();
}

int correlating_open(pcct_gp **gp, const pcct_view *view, const struct options *options, int threads, struct pcct_error *err)
{
    static const char *const metrics[] = { "residual", "correlation", NULL };
    int status = 0;
    struct kernel_words words = { .lengthscale = NULL };
    struct pcct_gp_options open = PCCT_GP_OPTIONS_INIT;
    *gp = NULL;
    TRY(check(options, err));
    if (!options->value[OPT_METRIC]) goto done;
    TRY(options_choice(&open.plain, options, OPT_METRIC, metrics, err));
    if (kernel_words_given(options)) {
        TRY(kernel_words_read(&words, options, view, err));
        open.kernel = &words.kernel;
    }
    open.override = options->value[OPT_OVERRIDE] != NULL;
    open.threads = threads;
    open.progress = on_features;
    TRY(pcct_gp_open(gp, view, &open, err));
done:
    if (status == PCCT_E_CANCELLED) (void)interrupt_check(err);
    kernel_words_free(&words);
    return status;
}

void correlating_tell(struct output *output, const pcct_gp *gp, const struct options *options)
{
    struct pcct_gp_info info = { .size = sizeof info };
    if (pcct_gp_describe(&info, gp) != 0) return;
    output->kernel_word = options->value[OPT_METRIC];
    memcpy(output->kernel, info.digest, sizeof output->kernel);
}
