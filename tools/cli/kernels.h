/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_KERNELS_H
#define CLI_KERNELS_H

#include "options.h"
#include "output.h"

#include <pcct/pcct.h>

/* The words of a kernel and its inducing points. OPTION_KERNEL and OPTIONS_KERNEL_REST are for verbs that have --lengthscale and --seed anyway. */
#define OPTION_KERNEL { OPT_KERNEL, 0, "kernel", "NAME", "rbf, matern12, matern32 or matern52" }
#define OPTIONS_KERNEL_REST                                                                                                    \
    { OPT_VARIANCE, 0, "variance", "S2", "K(x, x) (default 1)" },                                                              \
    { OPT_NUGGET, 0, "nugget", "T2", "variance of noise (default 0)" },                                                        \
    { OPT_JITTER, 0, "jitter", "J", "share of the variance on the diagonal of the inducing points (default 1e-6)" },           \
    { OPT_INDUCING, 0, "inducing", "M", "how many inducing points (default 0), or a list or file of their labels" },           \
    { OPT_INDUCING_BY, 0, "inducing-by", "WAY", "farthest (default), net or random: how M of them are chosen" }
#define OPTIONS_KERNEL                                                                                                         \
    OPTION_KERNEL,                                                                                                             \
    { OPT_LENGTHSCALE, 0, "lengthscale", "L1,L2,...", "divide coordinates by these, one for each column or for all (default 1)" }, \
    OPTIONS_KERNEL_REST,                                                                                                       \
    { OPT_SEED, 0, "seed", "S", "with --inducing-by random: the seed (default 0)" }

struct kernel_words {
    struct pcct_kernel kernel;
    double *lengthscale, *inducing;
};

/* Whether the options name a kernel. */
int kernel_words_given(const struct options *options);
/* Reads them, and chooses the inducing points in the view. kernel_words_free() in any case. */
int kernel_words_read(struct kernel_words *words, const struct options *options, const pcct_view *view, struct pcct_error *err);
void kernel_words_free(struct kernel_words *words);

/* --metric residual or correlation: a kernel on the view of a question. */
#define OPTION_METRIC                                                                                                               \
    { OPT_METRIC, 0, "metric", "METRIC", "residual: by residual correlation under the version's kernel (pcct kernel);\n"            \
        "correlation: without its inducing points; default: the store's metric" }
#define OPTION_OVERRIDE { OPT_OVERRIDE, 0, "override", NULL, "with --kernel: although the version has another kernel" }
#define OPTIONS_CORRELATING OPTION_METRIC, OPTIONS_KERNEL, OPTION_OVERRIDE,                                                          \
    { OPT_BRUTE, 0, "brute", NULL, "with --metric: compare with every point; the answer is the same" }

/* Names the kernel in an .npz: by the word of --metric, with its digest. */
void correlating_tell(struct output *output, const pcct_gp *gp, const struct options *options);

/* *gp is NULL when the store's own metric is asked for. */
int correlating_open(pcct_gp **gp, const pcct_view *view, const struct options *options, int threads, struct pcct_error *err);
/* Warns on standard error of points whose correlations are noise, and of more jitter than was given. gp NULL: nothing. */
void correlating_warn(const pcct_gp *gp, const struct options *options);

#endif
