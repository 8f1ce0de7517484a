/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Training the lengthscales of a Gaussian process, with every epoch a version of the store: it is committed with what it found, main goes back where
 * the likelihood fell, and only neighbour sets that changed are counted as work. vecchia_epoch.py does the same through the command line.
 *
 *     cc vecchia_epoch.c $(pkg-config --cflags --libs pcct) -lm -o vecchia_epoch && gzip -dc cities.csv.gz | ./vecchia_epoch /tmp/epochs.pcct
 *
 * Reads a CSV whose last two columns are latitude and longitude, such as tests/data/cities.csv.gz (GeoNames, CC BY 4.0), and takes N places of Europe.
 * The field is drawn with known lengthscales, so that one sees where training leads.
 *
 * The model: values at M inducing points carry the coarse part of the field, V'V; what is left, R = K - V'V and noise, is approximated by Vecchia's
 * product of conditional densities with the K nearest before each point by residual correlation.
 */
#include <pcct/pcct.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 400, M = 20, K = 12, EPOCHS = 40, LINE = 512, PLACES = 200000 };
static const double truth[2] = { 2.0, 0.7 }, noise = 0.01; /* 100 km east and north */

static double place[N][2], field[N]; /* by label */
static struct pcct_error err;

static void check(int status)
{
    if (status == 0) return;
    fprintf(stderr, "%s: %s\n", pcct_code_name(status), err.message);
    exit(1);
}

/* ---- the data ----------------------------------------------------------------------------------------------------------------------------- */

static void read_places(void)
{
    static double europe[PLACES][2];
    char line[LINE];
    size_t n = 0, i;

    while (n < PLACES && fgets(line, sizeof line, stdin)) {
        char *lng = strrchr(line, ','), *lat = NULL;

        if (!lng) continue;
        *lng++ = '\0';
        lat = strrchr(line, ',');
        if (!lat) continue;
        europe[n][0] = atof(lng) * 1.112 * 0.66262; /* the cosine of 48.5 degrees */
        europe[n][1] = atof(lat + 1) * 1.112;
        n += atof(lat + 1) > 45 && atof(lat + 1) < 52 && atof(lng) > 2 && atof(lng) < 14;
    }
    if (n < N) {
        fprintf(stderr, "%d places between 45 and 52 degrees north, 2 and 14 east are needed; there are %d\n", (int)N, (int)n);
        exit(1);
    }
    for (i = 0; i < N; i++) memcpy(place[i], europe[i * (n - 1) / (N - 1)], sizeof place[i]);
}

/* Matern 3/2, variance 1. */
static double kernel_of(const double *a, const double *b, const double *scale)
{
    const double x = (a[0] - b[0]) / scale[0], y = (a[1] - b[1]) / scale[1], s = sqrt(3 * (x * x + y * y));

    return (1 + s) * exp(-s);
}

/* a = L L', in its lower half; rows are `stride` apart. */
static void factorise(double *a, size_t n, size_t stride)
{
    size_t i, j, l;

    for (j = 0; j < n; j++) {
        for (i = j; i < n; i++) {
            for (l = 0; l < j; l++) a[i * stride + j] -= a[i * stride + l] * a[j * stride + l];
            if (i == j) a[j * stride + j] = sqrt(a[j * stride + j]);
            else a[i * stride + j] /= a[j * stride + j];
        }
    }
}

/* x = L^-1 x, or x = L'^-1 x. */
static void solve(double *x, const double *factor, size_t n, size_t stride, int transposed)
{
    size_t step, l;

    for (step = 0; step < n; step++) {
        const size_t i = transposed ? n - 1 - step : step;

        for (l = 0; l < step; l++) x[i] -= transposed ? factor[(n - 1 - l) * stride + i] * x[n - 1 - l] : factor[i * stride + l] * x[l];
        x[i] /= factor[i * stride + i];
    }
}

static double normal(void)
{
    static unsigned long long state = 1;
    double u[2];
    int i;

    for (i = 0; i < 2; i++) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        u[i] = (double)((state >> 11) + 1) / 9007199254740994.0;
    }
    return sqrt(-2 * log(u[0])) * cos(6.283185307179586 * u[1]);
}

static void draw_field(void)
{
    static double factor[N * N], white[N];
    size_t i, j;

    for (i = 0; i < N; i++) {
        for (j = 0; j < N; j++) factor[i * N + j] = kernel_of(place[i], place[j], truth) + (i == j ? noise : 0);
        white[i] = normal();
    }
    factorise(factor, N, N);
    for (i = 0; i < N; i++) {
        for (j = 0; j <= i; j++) field[i] += factor[i * N + j] * white[j];
    }
}

/* ---- an epoch ----------------------------------------------------------------------------------------------------------------------------- */

/* Covariance of what is left of two points: K - v.v, with the noise p on the diagonal. */
static double residual(const struct pcct_gp_info *info, size_t a, size_t b)
{
    double r = kernel_of(place[a], place[b], info->lengthscale);
    size_t l;

    if (a == b) return info->p[a];
    for (l = 0; l < info->m; l++) r -= info->v[a * info->m + l] * info->v[b * info->m + l];
    return r;
}

/* log p(field): Vecchia's product for the residual process, the coarse part by Woodbury's identity. */
static double log_likelihood(const pcct_view *view, const pcct_gp *gp)
{
    struct pcct_ordering_options how = PCCT_ORDERING_OPTIONS_INIT;
    struct pcct_vecchia_rows rows;
    struct pcct_gp_info info;
    pcct_vecchia *vecchia = NULL;
    static double a[K * K], w[K], c[K], coarse[M * M], g[M], v[M];
    double square = 0, log_det = 0;
    size_t r, i, j, l;

    rows.size = sizeof rows;
    info.size = sizeof info;
    how.gp = gp;
    check(pcct_vecchia_open(&vecchia, view, K, &how, &err));
    check(pcct_vecchia_read(&rows, vecchia));
    check(pcct_gp_describe(&info, gp));
    memset(coarse, 0, sizeof coarse);
    memset(g, 0, sizeof g);
    for (r = 0; r < rows.n; r++) {
        const size_t n = (size_t)(rows.starts[r + 1] - rows.starts[r]), at = (size_t)rows.labels[r];
        const int32_t *near = rows.ranks + rows.starts[r];
        double off = field[at], variance = residual(&info, at, at);

        for (i = 0; i < n; i++) {
            for (j = 0; j < n; j++) a[i * K + j] = residual(&info, (size_t)rows.labels[near[i]], (size_t)rows.labels[near[j]]);
            w[i] = c[i] = residual(&info, at, (size_t)rows.labels[near[i]]);
        }
        factorise(a, n, K);
        solve(w, a, n, K, 0);
        solve(w, a, n, K, 1);
        memcpy(v, info.v + at * M, sizeof v);
        for (i = 0; i < n; i++) {
            off -= w[i] * field[rows.labels[near[i]]];
            variance -= w[i] * c[i];
            for (l = 0; l < M; l++) v[l] -= w[i] * info.v[(size_t)rows.labels[near[i]] * M + l];
        }
        square += off * off / variance;
        log_det += log(variance);
        for (l = 0; l < M; l++) {
            g[l] += v[l] * off / variance;
            for (j = 0; j < M; j++) coarse[l * M + j] += v[l] * v[j] / variance;
        }
    }
    pcct_vecchia_close(vecchia);
    for (l = 0; l < M; l++) coarse[l * M + l] += 1;
    factorise(coarse, M, M);
    solve(g, coarse, M, M, 0);
    for (l = 0; l < M; l++) {
        square -= g[l] * g[l];
        log_det += 2 * log(coarse[l * M + l]);
    }
    return -0.5 * (square + log_det + N * 1.8378770664093453);
}

struct epoch {
    double scale[2], value;
    uint64_t version;
};

static int count_set(void *ctx, const struct pcct_neighbours_change *change)
{
    int i, same = 0;

    for (i = 0; i < K * K; i++) same += change->before[i / K] == change->after[i % K];
    *(int *)ctx += same < K; /* the sets differ, not only their order */
    return 0;
}

/* Commits the kernel with what was found under it; *changed: neighbour sets that are not those of the lists, which go along. */
static void run_epoch(struct epoch *epoch, int number, int *changed, pcct_neighbours **lists, pcct_store *store)
{
    struct pcct_kernel kernel = PCCT_KERNEL_INIT;
    struct pcct_inducing_options choose = PCCT_INDUCING_OPTIONS_INIT;
    struct pcct_gp_options open = PCCT_GP_OPTIONS_INIT;
    struct pcct_neighbours_options how = PCCT_NEIGHBOURS_OPTIONS_INIT;
    static double inducing[M * 2];
    pcct_batch *batch = NULL;
    pcct_view *view = NULL;
    pcct_gp *gp = NULL;
    size_t m = M;
    char text[64];

    check(pcct_view_open(&view, store, "main", &err));
    choose.lengthscale = epoch->scale;
    check(pcct_inducing_choose(inducing, NULL, &m, view, &choose, &err));
    kernel.name = "matern32";
    kernel.lengthscale = epoch->scale;
    kernel.nugget = noise;
    kernel.inducing = inducing;
    kernel.m = m;
    open.kernel = &kernel;
    open.override = 1; /* main has the last epoch's */
    check(pcct_gp_open(&gp, view, &open, &err));
    epoch->value = log_likelihood(view, gp);
    how.gp = gp;
    *changed = 0;
    if (*lists) check(pcct_neighbours_renew(NULL, *lists, view, &how, count_set, changed, &err));
    else check(pcct_neighbours_open(lists, view, K, &how, &err));
    pcct_gp_close(gp);
    pcct_view_close(view);

    check(pcct_batch_begin(&batch, store, "main", NULL, &err));
    check(pcct_batch_set_kernel(batch, &kernel, &err));
    snprintf(text, sizeof text, "%d", number);
    check(pcct_batch_set(batch, "epoch", text, &err));
    snprintf(text, sizeof text, "%.6f", epoch->value);
    check(pcct_batch_set(batch, "log-likelihood", text, &err));
    check(pcct_batch_commit(&epoch->version, batch, NULL, &err));
    pcct_batch_close(batch);
}

/* From one epoch to the next: a lengthscale is tried larger, then smaller; where neither helps for any, by less. */
static struct epoch train(pcct_store *store)
{
    struct epoch best = { { 1, 1 }, 0, 0 };
    pcct_neighbours *lists = NULL;
    double step = 2;
    int number = 1, way = 0, failed = 0, changed = 0;

    run_epoch(&best, number, &changed, &lists, store);
    printf("epoch  1: lengthscales %.3f %.3f, log-likelihood %.3f\n", best.scale[0], best.scale[1], best.value);
    while (++number <= EPOCHS && step > 1.05) {
        struct epoch next = best;
        char revision[32];

        next.scale[way / 2] *= way % 2 ? 1 / step : step;
        run_epoch(&next, number, &changed, &lists, store);
        printf("epoch %2d: lengthscales %.3f %.3f, log-likelihood %.3f, %3d sets of neighbours changed: ", number, next.scale[0], next.scale[1],
               next.value, changed);
        if (next.value > best.value) {
            puts("better");
            best = next;
            failed = 0;
            continue; /* the same way again */
        }
        snprintf(revision, sizeof revision, "v%d", (int)best.version);
        check(pcct_branch_reset(NULL, store, "main", revision, NULL, &err));
        printf("back to %s\n", revision);
        way = (way + 1) % 4;
        if (++failed == 4) {
            step = sqrt(step);
            failed = 0;
        }
    }
    pcct_neighbours_close(lists);
    return best;
}

int main(int count, char **words)
{
    struct pcct_create_options create = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_gp_info info;
    pcct_store *store = NULL;
    pcct_batch *batch = NULL;
    pcct_view *view = NULL;
    pcct_gp *gp = NULL;
    struct epoch best;
    double again;

    if (count != 2) {
        fprintf(stderr, "usage: vecchia_epoch PATH (of a store that is not there yet) <CSV\n");
        return 1;
    }
    read_places();
    draw_field();
    create.dim = 2;
    check(pcct_store_create(words[1], &create, &err));
    check(pcct_store_open(&store, words[1], NULL, &err));
    check(pcct_batch_begin(&batch, store, "main", NULL, &err));
    check(pcct_batch_insert(batch, place[0], N, NULL, &err)); /* labels 0 to N - 1 */
    check(pcct_batch_commit(NULL, batch, "places", &err));
    pcct_batch_close(batch);

    best = train(store);

    /* main is the best epoch: its kernel is read from the store, and gives the same likelihood to the bit. */
    check(pcct_view_open(&view, store, "main", &err));
    check(pcct_gp_open(&gp, view, NULL, &err));
    info.size = sizeof info;
    check(pcct_gp_describe(&info, gp));
    again = log_likelihood(view, gp);
    printf("main is v%d: lengthscales %.3f %.3f (the field's: %.3f %.3f), log-likelihood %.3f\n", (int)info.version, info.lengthscale[0],
           info.lengthscale[1], truth[0], truth[1], again);
    pcct_gp_close(gp);
    pcct_view_close(view);
    pcct_store_close(store);
    return info.version == best.version && again == best.value ? 0 : 1;
}
