/* SPDX-License-Identifier: Apache-2.0 */
#include "api/gp_handle.h"

#include "base/par.h"
#include "query/filter.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define NOISE_SHARE 1e-8 /* of K(x, x): p below it is mostly rounding */

static void hex(char text[33], const struct base_hash128 *digest)
{
    for (size_t i = 0; i < sizeof digest->byte; i++) {
        text[2 * i] = "0123456789abcdef"[digest->byte[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[digest->byte[i] & 15];
    }
    text[32] = '\0';
}

/* The kernel that is meant: the given one, unless the version has another and nobody says that this is known. */
static int choose_kernel(pcct_gp *gp, const struct pcct_gp_options *o, struct pcct_error *err)
{
    struct api_kernel set = { .env = NULL };
    char given_text[33], set_text[33];
    int status = 0, found = 0;

    if (!o->kernel || !o->override) TRY(api_kernel_find(&set, &found, gp->view, &gp->env, err));
    if (!o->kernel) {
        if (!found && set.missing) {
            TRY(base_fail(err, PCCT_E_NOT_FOUND, "no kernel is set for version v%" PRIu64 " by the versions that are here; where these are a "
                          "copy of one version or of a range, an older one may have had it; set it again, or give one",
                          gp->view->record.version));
        }
        if (!found) {
            TRY(base_fail(err, PCCT_E_NOT_FOUND, "no kernel is set for version v%" PRIu64 "; set one, as pcct kernel set does, or give one",
                          gp->view->record.version));
        }
        gp->kernel = set;
        gp->kernel.env = &gp->env;
        set.env = NULL;
        goto done;
    }
    TRY(api_kernel_read(&gp->kernel, o->kernel, gp->view->state.metric.input_dim, &gp->env, err));
    if (found && memcmp(&gp->kernel.digest, &set.digest, sizeof set.digest) != 0) {
        hex(given_text, &gp->kernel.digest);
        hex(set_text, &set.digest);
        TRY(base_fail(err, PCCT_E_CONFLICT, "the kernel that is given has the digest %s, that of version v%" PRIu64 " has %s; set it for the store "
                      "first, or override", given_text, gp->view->record.version, set_text));
    }
done:
    api_kernel_free(&set);
    return status;
}

static int read_points(pcct_gp *gp, struct pcct_error *err)
{
    const struct index_state *state = &gp->view->state;
    const size_t dim = state->metric.input_dim, n = state->n_live;
    int status = 0;

    gp->n = n;
    TRY(base_take(&gp->node, &gp->env, n, sizeof *gp->node, err));
    TRY(base_take(&gp->label, &gp->env, n, sizeof *gp->label, err));
    TRY(base_take(&gp->point, &gp->env, n * dim, sizeof *gp->point, err));
    TRY(base_take(&gp->row, &gp->env, state->n, sizeof *gp->row, err));
    TRY(query_nodes_by_label(gp->node, state, &gp->env, err));
    memset(gp->row, 0xff, state->n * sizeof *gp->row);
    for (size_t i = 0; i < n; i++) {
        gp->row[gp->node[i]] = (uint32_t)i;
        gp->label[i] = index_label(state)[gp->node[i]];
        memcpy(gp->point + i * dim, index_points(state) + gp->node[i] * dim, dim * sizeof *gp->point);
    }
done:
    return status;
}

static int find_noise(pcct_gp *gp, const double *diagonal, struct pcct_error *err)
{
    int status = 0;

    TRY(base_take(&gp->noisy, &gp->env, gp->n, sizeof *gp->noisy, err));
    for (size_t i = 0; i < gp->n; i++) {
        if (gp->features.p[i] <= NOISE_SHARE * (diagonal ? diagonal[i] : gp->kernel.kernel.variance)) gp->noisy[gp->n_noisy++] = gp->label[i];
    }
done:
    return status;
}

/* The caller's features, whose p are given or follow from a diagonal. */
static int take_features(pcct_gp *gp, const struct pcct_gp_options *o, uint32_t m, const struct gp_tiles *tiles, struct pcct_error *err)
{
    const struct gp_kernel *kernel = &gp->kernel.kernel;
    double *p = NULL;
    int status = 0;

    gp->given = 1;
    TRY(base_take(&p, &gp->env, gp->n, sizeof *p, err));
    for (size_t i = 0; i < gp->n; i++) {
        double square = 0;

        if (o->diagonal && !(o->diagonal[i] > 0 && o->diagonal[i] <= kernel->variance)) {
            TRY(base_fail(err, PCCT_E_INVALID, "the kernel's value for point %zu and itself is %g; it must be above 0 and at most the variance, %g",
                          i, o->diagonal[i], kernel->variance));
        }
        for (size_t l = 0; o->diagonal && l < m; l++) square = fma(o->v[i * m + l], o->v[i * m + l], square);
        p[i] = o->diagonal ? fmax(o->diagonal[i] - square + kernel->nugget, GP_FLOOR * o->diagonal[i]) : o->p[i];
    }
    TRY(gp_features_given(&gp->features, kernel, gp->point, o->v, p, gp->n, m, tiles, &gp->env, err));
done:
    base_free(&gp->env, p);
    return status;
}

static int make_features(pcct_gp *gp, const struct pcct_gp_options *o, struct pcct_error *err)
{
    const struct gp_kernel *kernel = &gp->kernel.kernel;
    const struct gp_tiles *tiles = gp_tiles_choose(METRIC_ISA_BEST);
    const uint32_t m = o->plain ? 0 : (uint32_t)gp->kernel.m;
    int status = 0;

    if (!o->v != !(o->p || o->diagonal) || (o->p && o->diagonal)) {
        TRY(base_fail(err, PCCT_E_INVALID, "features come as v and p, or as v and the kernel's diagonal"));
    }
    if (o->v) {
        TRY(take_features(gp, o, m, tiles, err));
    } else {
        TRY(gp_inducing_make(&gp->inducing, kernel, gp->kernel.inducing, m, gp->kernel.jitter, tiles, &gp->env, err));
        TRY(gp_features_make(&gp->features, &gp->inducing, gp->point, gp->n, &gp->env, err));
    }
    TRY(find_noise(gp, o->diagonal, err));
    gp->ready = 1;
done:
    return status;
}

static int start(pcct_gp **out, const pcct_view *view, int threads, struct pcct_error *err)
{
    struct base_env env;
    pcct_gp *gp = NULL;
    int status = 0;

    *out = NULL;
    if (threads < 0) TRY(base_fail(err, PCCT_E_INVALID, "threads must be 0 (all) or more, not %d", threads));
    base_env_init(&env, view->state.env->os, threads);
    env.memory = view->state.env->memory;
    TRY(base_take_zero(&gp, &env, 1, sizeof *gp, err));
    gp->env = env;
    gp->view = view;
    pthread_mutex_init(&gp->lock, NULL);
    *out = gp;
done:
    return status;
}

int pcct_gp_open(pcct_gp **out, const pcct_view *view, const struct pcct_gp_options *options, struct pcct_error *err)
{
    struct pcct_gp_options o;
    struct base_watch watch;
    pcct_gp *gp = NULL;
    int status = 0;

    if (!out) return base_fail(err, PCCT_E_INVALID, "pcct_gp_open needs a place for the handle");
    *out = NULL;
    base_watch_begin(&watch, NULL, NULL, NULL);
    TRY(api_options_read(&o, sizeof o, options, "the options of pcct_gp_open", err));
    if (view->state.metric.embeds) {
        TRY(base_fail(err, PCCT_E_INVALID, "kernels are of coordinates; points of the metric %s are directions", metric_called(&view->state.metric)));
    }
    TRY(start(&gp, view, o.threads, err));
    watch.progress = o.progress;
    watch.progress_ctx = o.progress_ctx;
    gp->env.watch = &watch;
    TRY(choose_kernel(gp, &o, err));
    TRY(read_points(gp, err));
    TRY(make_features(gp, &o, err));
    *out = gp;
done:
    if (gp) gp->env.watch = NULL;
    base_watch_end(&watch, view->state.env);
    if (status != 0) pcct_gp_close(gp);
    return status;
}

int pcct_gp_parameters(pcct_gp **out, const pcct_view *view, struct pcct_error *err)
{
    const struct pcct_gp_options o = PCCT_GP_OPTIONS_INIT;
    pcct_gp *gp = NULL;
    int status = 0;

    if (!out) return base_fail(err, PCCT_E_INVALID, "pcct_gp_parameters needs a place for the handle");
    *out = NULL;
    TRY(start(&gp, view, 1, err));
    TRY(choose_kernel(gp, &o, err));
    *out = gp;
    gp = NULL;
done:
    pcct_gp_close(gp);
    return status;
}

void pcct_gp_close(pcct_gp *gp)
{
    struct base_env env;

    if (!gp) return;
    gp_features_free(&gp->features);
    gp_inducing_free(&gp->inducing);
    api_kernel_free(&gp->kernel);
    gp_prepared_free(gp->prepared, &gp->env);
    pthread_mutex_destroy(&gp->lock);
    env = gp->env;
    base_free(&env, gp->node);
    base_free(&env, gp->label);
    base_free(&env, gp->point);
    base_free(&env, gp->row);
    base_free(&env, gp->noisy);
    base_free(&env, gp);
}

int pcct_gp_describe(struct pcct_gp_info *info, const pcct_gp *gp)
{
    const struct api_kernel *k = &gp->kernel;
    struct pcct_gp_info ours = { .version = k->version, .n = gp->view->state.n_live, .m = k->m, .dim = k->kernel.dim };

    strcpy(ours.name, gp_shape_name(k->kernel.shape)); /* all are shorter */
    memcpy(ours.digest, k->digest.byte, sizeof ours.digest);
    ours.variance = k->kernel.variance;
    ours.nugget = k->kernel.nugget;
    ours.jitter = k->jitter;
    ours.lengthscale = k->lengthscale;
    ours.inducing = k->inducing;
    if (gp->ready) {
        ours.m = gp->features.form.m;
        ours.jitter_used = gp->given ? 0 : gp->inducing.jitter;
        ours.v = gp->features.v;
        ours.p = gp->features.p;
        ours.noisy = gp->n_noisy;
        ours.noisy_labels = gp->noisy;
    }
    return api_result_write(info, &ours, sizeof ours);
}
