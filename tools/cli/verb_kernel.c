/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "kernels.h"
#include "npz_array.h"
#include "reading.h"
#include "record.h"
#include "target.h"
#include "text.h"
#include "verbs.h"
#include "writing.h"
#include "zip.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_LETTERS = 8, LETTER_BYTES = 4 };

static const struct option_row rows[] = {
    OPTIONS_KERNEL,
    { OPT_AT, 0, "at", "REV", "show, export: the version to ask (default main)" },
    { OPT_OUTPUT, 'o', "output", "FILE", "export: write to FILE, an .npz (-: standard output)" },
    OPTIONS_WRITING,
    OPTION_IMMUTABLE,
    OPTION_THREADS,
    { OPT_JSON, 0, "json", NULL, "print a JSON object (schema pcct.kernel.1)" },
    OPTION_QUIET,
    { OPT_END, 0, NULL, NULL, NULL },
};

/* ---- set ---------------------------------------------------------------------------------------------------------------------------------- */

static int report_set(struct writing *writing, struct pcct_error *err)
{
    int status = 0;
    char text[TEXT_BYTES], revision[32];
    pcct_view *view = NULL;
    pcct_gp *gp = NULL;
    struct pcct_gp_info info = { .size = sizeof info };
    if (writing->options->value[OPT_JSON]) {
        TRY(writing_report(writing, "pcct.kernel.1", 0, err));
        goto done;
    }
    if (writing->options->value[OPT_QUIET]) goto done;
    (void)snprintf(revision, sizeof revision, "v%" PRIu64, writing->version);
    TRY(pcct_view_open(&view, writing->store, revision, err));
    TRY(pcct_gp_parameters(&gp, view, err));
    TRY(pcct_gp_describe(&info, gp));
    printf("v%" PRIu64 ": kernel %s, %s, digest %s\n", writing->version, info.name, text_count(text, info.m, "inducing point"),
           text_hex((char[TEXT_BYTES]){ 0 }, info.digest));
done:
    pcct_gp_close(gp);
    pcct_view_close(view);
    return status;
}

static int set(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    struct writing writing = { .store = NULL };
    struct kernel_words words = { .lengthscale = NULL };
    pcct_view *view = NULL;
    pcct_batch *batch = NULL;
    if (!kernel_words_given(options)) TRY(fault(err, PCCT_E_INVALID, "--kernel is missing: rbf, matern12, matern32 or matern52"));
    if (options->value[OPT_IMMUTABLE]) TRY(fault(err, PCCT_E_INVALID, "--immutable goes with pcct kernel show and export"));
    TRY(writing_open(&writing, options, err));
    TRY(pcct_view_open(&view, writing.store, "main", err));
    TRY(kernel_words_read(&words, options, view, err));
    TRY(writing_begin(&batch, &writing, PCCT_DUPLICATE_ERROR, err));
    TRY(pcct_batch_set_kernel(batch, &words.kernel, err));
    writing.what = "committing";
    TRY(writing_commit(&writing, batch, err));
    TRY(report_set(&writing, err));
done:
    pcct_batch_close(batch);
    pcct_view_close(view);
    kernel_words_free(&words);
    writing_close(&writing);
    return status;
}

/* ---- show, export ------------------------------------------------------------------------------------------------------------------------- */

static int show(const struct pcct_gp_info *info, pcct_store *store, const struct options *options, struct pcct_error *err)
{
    (void)store;
    char text[TEXT_BYTES];
    struct record record;
    if (!options->value[OPT_JSON]) {
        printf("kernel       %s\nlengthscale  ", info->name);
        for (uint32_t j = 0; j < info->dim; j++) printf("%s%s", j ? "," : "", text_double(text, info->lengthscale[j]));
        printf("\nvariance     %s\n", text_double(text, info->variance));
        printf("nugget       %s\n", text_double(text, info->nugget));
        printf("jitter       %s\n", text_double(text, info->jitter));
        printf("inducing     %zu\n", info->m);
        printf("digest       %s\n", text_hex(text, info->digest));
        printf("set by       v%" PRIu64 "\n", info->version);
        return 0;
    }
    record_begin(&record, "pcct.kernel.1");
    record.exact = 1;
    record_text(&record, "kernel", info->name);
    json_t *scales = json_array();
    for (uint32_t j = 0; j < info->dim; j++) {
        if (json_array_append_new(scales, json_real(info->lengthscale[j])) != 0) record.failed = 1;
    }
    record_add(&record, "lengthscale", scales);
    record_real(&record, "variance", info->variance);
    record_real(&record, "nugget", info->nugget);
    record_real(&record, "jitter", info->jitter);
    record_count(&record, "inducing", info->m);
    record_text(&record, "digest", text_hex(text, info->digest));
    record_count(&record, "version", info->version);
    return record_print(&record, stdout, err);
}

/* The jitter that the factor takes, which may be more than was given: found where there are no points to compute anything for. */
static int find_jitter(double *jitter, const struct pcct_gp_info *info, pcct_store *store, struct pcct_error *err)
{
    int status = 0;
    struct pcct_kernel kernel = PCCT_KERNEL_INIT;
    struct pcct_gp_options open = PCCT_GP_OPTIONS_INIT;
    struct pcct_gp_info made = { .size = sizeof made };
    pcct_view *view = NULL;
    pcct_gp *gp = NULL;
    kernel.name = info->name;
    kernel.lengthscale = info->lengthscale;
    kernel.variance = info->variance;
    kernel.nugget = info->nugget;
    kernel.jitter = info->jitter;
    kernel.inducing = info->inducing;
    kernel.m = info->m;
    open.kernel = &kernel;
    open.override = 1;
    TRY(pcct_view_open(&view, store, "v0", err));
    TRY(pcct_gp_open(&gp, view, &open, err));
    TRY(pcct_gp_describe(&made, gp));
    *jitter = info->m > 0 ? made.jitter_used : info->jitter;
done:
    pcct_gp_close(gp);
    pcct_view_close(view);
    return status;
}

static int export(const struct pcct_gp_info *info, pcct_store *store, const struct options *options, struct pcct_error *err)
{
    int status = 0;
    double jitter = 0;
    unsigned char name[NAME_LETTERS * LETTER_BYTES] = { 0 };
    struct target target = { .file = NULL };
    struct zip_writer *writer = calloc(1, sizeof *writer);
    if (!writer) TRY(fault(err, PCCT_E_MEMORY, "no memory to write the kernel"));
    if (!options->value[OPT_OUTPUT]) TRY(fault(err, PCCT_E_INVALID, "-o is missing: the .npz to write"));
    TRY(find_jitter(&jitter, info, store, err));
    TRY(target_open(&target, options->value[OPT_OUTPUT], err));
    writer->out = target.file;
    for (size_t i = 0; i < NAME_LETTERS && info->name[i]; i++) name[i * LETTER_BYTES] = (unsigned char)info->name[i];
    npz_array_add(writer, "name.npy", "<U8", name, 1, 0, sizeof name);
    npz_array_add(writer, "lengthscale.npy", "<f8", info->lengthscale, info->dim, 0, sizeof(double));
    npz_array_add(writer, "variance.npy", "<f8", &info->variance, 1, 0, sizeof(double));
    npz_array_add(writer, "nugget.npy", "<f8", &info->nugget, 1, 0, sizeof(double));
    npz_array_add(writer, "jitter.npy", "<f8", &jitter, 1, 0, sizeof(double));
    npz_array_add(writer, "inducing.npy", "<f8", info->inducing, info->m, info->dim, sizeof(double));
    zip_write_end(writer);
    TRY(target_finish(&target, err));
done:
    target_abandon(&target);
    free(writer);
    return status;
}

static int read_kernel(const struct options *options,
                       int (*tell)(const struct pcct_gp_info *, pcct_store *, const struct options *, struct pcct_error *),
                       struct pcct_error *err)
{
    int status = 0;
    pcct_store *store = NULL;
    pcct_view *view = NULL;
    pcct_gp *gp = NULL;
    struct pcct_gp_info info = { .size = sizeof info };
    if (kernel_words_given(options)) TRY(fault(err, PCCT_E_INVALID, "--kernel goes with pcct kernel set"));
    TRY(reading_open(&store, options, err));
    TRY(reading_view(&view, store, options, err));
    TRY(pcct_gp_parameters(&gp, view, err));
    TRY(pcct_gp_describe(&info, gp));
    TRY(tell(&info, store, options, err));
done:
    pcct_gp_close(gp);
    pcct_view_close(view);
    pcct_store_close(store);
    return status;
}

static int run(const struct options *options, struct pcct_error *err)
{
    const char *action = options->operand[0];
    struct options rest = *options;
    rest.operand[0] = options->operand[1];
    rest.operand[1] = NULL;
    rest.n_operands = 1;
    if (strcmp(action, "set") == 0) return set(&rest, err);
    if (strcmp(action, "show") == 0) return read_kernel(&rest, show, err);
    if (strcmp(action, "export") == 0) return read_kernel(&rest, export, err);
    return fault(err, PCCT_E_INVALID, "\"%s\" is nothing to do with a kernel; usage: pcct kernel set|show|export STORE", action);
}

const struct verb verb_kernel = {
    .name = "kernel",
    .operands = "set|show|export STORE",
    .summary = "set or show the covariance kernel of a version",
    .detail =
        "set     commits a version with this kernel; it is the kernel of that version and of all after it until another is set.\n"
        "        Inducing points are chosen among the points of main and copied: they stay when those are deleted.\n"
        "show    the parameters, with the digest that tells one kernel from another\n"
        "export  an .npz with inducing [m,d], lengthscale [d], variance, nugget, jitter, name: with it anybody can compute\n"
        "        K(x, x') = variance f(r), r the distance of points divided by lengthscale; L L' = K(Z, Z) + jitter variance I;\n"
        "        v = L^-1 K(Z, x); p = variance - v'v + nugget, at least 1e-9 variance; rho = (K - v'v') / sqrt(p p')\n"
        "        jitter is that which the factor took, ten times as much as was set or more where it needs that\n"
        "        f: rbf exp(-r^2/2); matern12 exp(-r); matern32 (1+s) exp(-s), s = sqrt(3) r;\n"
        "        matern52 (1 + s + s^2/3) exp(-s), s = sqrt(5) r\n"
        "\n"
        "pcct graph and pcct knn with --metric residual ask by sqrt(1 - |rho|) under this kernel.\n",
    .rows = rows,
    .operands_least = 2,
    .operands_most = 2,
    .run = run,
};
