/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kernel_note.h"

#include "base/memory.h"
#include "gp/features.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* A value of a note holds 4096 bytes, so 255 numbers of 16 digits; a version has at most 1024 keys. */
enum { DIGITS = 16, NUMBERS = 255, COORDINATES_MOST = 250000, KEY_BYTES = 64, HEAD_NUMBERS = 5 };

/* ---- what callers give -------------------------------------------------------------------------------------------------------------------- */

static int copy(struct api_kernel *k, const struct pcct_kernel *given, struct pcct_error *err)
{
    const size_t dim = k->kernel.dim;
    int status = 0;

    TRY(base_take(&k->lengthscale, k->env, dim, sizeof(double), err));
    TRY(base_take(&k->inducing, k->env, k->m * dim, sizeof(double), err));
    for (size_t j = 0; j < dim; j++) k->lengthscale[j] = given->lengthscale ? given->lengthscale[j] : 1;
    if (k->m > 0) memcpy(k->inducing, given->inducing, k->m * dim * sizeof(double));
    k->kernel.lengthscale = k->kernel.shape == GP_CUSTOM ? NULL : k->lengthscale;
    for (size_t i = 0; i < k->m * dim; i++) {
        if (fabs(k->inducing[i]) < METRIC_COORDINATE_LIMIT) continue;
        TRY(base_fail(err, PCCT_E_INVALID, "coordinate %zu of inducing point %zu is not a number that points may have", i % dim + 1, i / dim));
    }
done:
    return status;
}

static int take_digest(struct api_kernel *k, struct pcct_error *err)
{
    const double numbers[3] = { k->kernel.variance, k->kernel.nugget, k->jitter };
    const uint64_t sizes[2] = { k->kernel.dim, k->m };
    const char *name = gp_shape_name(k->kernel.shape);
    struct base_hasher *hasher = NULL;
    int status = 0;

    TRY(base_hasher_new(&hasher, k->env, err));
    base_hasher_feed(hasher, name, strlen(name) + 1);
    base_hasher_feed(hasher, numbers, sizeof numbers);
    base_hasher_feed(hasher, sizes, sizeof sizes);
    base_hasher_feed(hasher, k->lengthscale, k->kernel.dim * sizeof(double));
    base_hasher_feed(hasher, k->inducing, k->m * k->kernel.dim * sizeof(double));
    k->digest = base_hasher_128(hasher);
done:
    base_hasher_free(hasher, k->env);
    return status;
}

int api_kernel_read(struct api_kernel *k, const struct pcct_kernel *given, uint32_t dim, const struct base_env *env, struct pcct_error *err)
{
    struct pcct_kernel g;
    int status = 0;

    memset(k, 0, sizeof *k);
    k->env = env;
    TRY(api_options_read(&g, sizeof g, given, "the kernel", err));
    k->kernel.shape = g.name ? gp_shape_named(g.name) : GP_CUSTOM;
    if (g.name && k->kernel.shape == GP_SHAPES) {
        TRY(base_fail(err, PCCT_E_INVALID, "there is no kernel \"%.64s\"; there are rbf, matern12, matern32 and matern52", g.name));
    }
    if (g.name && g.tile) TRY(base_fail(err, PCCT_E_INVALID, "a kernel is one by name or a function of your own, not both"));
    if (g.m > 0 && !g.inducing) TRY(base_fail(err, PCCT_E_INVALID, "%zu inducing points are announced and none given", g.m));
    if (g.m > COORDINATES_MOST / dim) {
        TRY(base_fail(err, PCCT_E_LIMIT, "%zu inducing points of %u coordinates; %d coordinates are the limit", g.m, dim, COORDINATES_MOST));
    }
    if (!(g.jitter >= 0 && g.jitter <= 0.01)) TRY(base_fail(err, PCCT_E_INVALID, "the jitter is %g; it must be 0 (1e-6) to 0.01", g.jitter));
    k->kernel.dim = dim;
    k->kernel.variance = g.variance == 0 ? 1 : g.variance;
    k->kernel.nugget = g.nugget;
    k->kernel.tile = g.tile;
    k->kernel.ctx = g.ctx;
    k->jitter = g.jitter > 0 ? g.jitter : GP_JITTER;
    k->m = g.m;
    TRY(copy(k, &g, err));
    TRY(gp_kernel_check(&k->kernel, err));
    TRY(take_digest(k, err));
done:
    return status;
}

void api_kernel_free(struct api_kernel *k)
{
    if (!k->env) return;
    base_free(k->env, k->lengthscale);
    base_free(k->env, k->inducing);
    k->env = NULL;
}

/* ---- as notes ----------------------------------------------------------------------------------------------------------------------------- */

static void put_numbers(char *text, const double *numbers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t bits;

        memcpy(&bits, &numbers[i], sizeof bits);
        (void)snprintf(text + i * DIGITS, DIGITS + 1, "%016" PRIx64, bits);
    }
}

/* 0 when the text is not n numbers. */
static int get_numbers(double *numbers, size_t n, const char *text)
{
    if (strlen(text) != n * DIGITS || strspn(text, "0123456789abcdef") != n * DIGITS) return 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t bits = 0;

        for (size_t j = 0; j < DIGITS; j++) {
            const char c = text[i * DIGITS + j];

            bits = bits << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
        }
        memcpy(&numbers[i], &bits, sizeof bits);
    }
    return 1;
}

/* Key number i of a list of numbers. */
static void key_of(char key[KEY_BYTES], const char *list, size_t i)
{
    (void)snprintf(key, KEY_BYTES, API_KERNEL_KEY ".%s.%04zu", list, i);
}

static int note_list(pcct_batch *batch, const char *list, const double *numbers, size_t n, struct pcct_error *err)
{
    char key[KEY_BYTES], value[NUMBERS * DIGITS + 1];
    int status = 0;

    for (size_t i = 0; i * NUMBERS < n; i++) {
        key_of(key, list, i);
        put_numbers(value, numbers + i * NUMBERS, n - i * NUMBERS < NUMBERS ? n - i * NUMBERS : NUMBERS);
        TRY(api_batch_set(batch, key, value, err));
    }
done:
    return status;
}

int api_kernel_note(pcct_batch *batch, const struct api_kernel *k, struct pcct_error *err)
{
    int status = 0;

    api_batch_unset(batch, API_KERNEL_KEY);
    if (!k) {
        TRY(api_batch_set(batch, API_KERNEL_KEY, "none", err));
        goto done;
    }
    {
        const double head[HEAD_NUMBERS] = { k->kernel.variance, k->kernel.nugget, k->jitter, (double)k->kernel.dim, (double)k->m };

        TRY(api_batch_set(batch, API_KERNEL_KEY, gp_shape_name(k->kernel.shape), err));
        TRY(note_list(batch, "head", head, HEAD_NUMBERS, err));
    }
    TRY(note_list(batch, "lengthscale", k->lengthscale, k->kernel.dim, err));
    TRY(note_list(batch, "inducing", k->inducing, k->m * k->kernel.dim, err));
done:
    if (status != 0) api_batch_unset(batch, API_KERNEL_KEY);
    return status;
}

static const char *value_of(const struct pcct_version *version, const char *key)
{
    for (size_t i = 0; i < version->n_keys; i++) {
        if (strcmp(version->keys[i].key, key) == 0) return version->keys[i].value;
    }
    return NULL;
}

static int read_list(double *numbers, size_t n, const struct pcct_version *version, const char *list, struct pcct_error *err)
{
    char key[KEY_BYTES];

    for (size_t i = 0; i * NUMBERS < n; i++) {
        const char *value = NULL;

        key_of(key, list, i);
        value = value_of(version, key);
        if (value && get_numbers(numbers + i * NUMBERS, n - i * NUMBERS < NUMBERS ? n - i * NUMBERS : NUMBERS, value)) continue;
        return base_fail(err, PCCT_E_DAMAGED, "the kernel of version v%" PRIu64 " cannot be read: key %s", version->version, key);
    }
    return 0;
}

static int read_version(struct api_kernel *k, const struct pcct_version *version, const char *name, uint32_t dim, const struct base_env *env,
                        struct pcct_error *err)
{
    struct pcct_kernel given = PCCT_KERNEL_INIT;
    double head[HEAD_NUMBERS] = { 0 }, *lengthscale = NULL, *inducing = NULL;
    int status = 0;

    TRY(read_list(head, HEAD_NUMBERS, version, "head", err));
    if (head[3] != dim || !(head[4] >= 0 && head[4] <= COORDINATES_MOST / dim)) {
        TRY(base_fail(err, PCCT_E_DAMAGED, "the kernel of version v%" PRIu64 " is not for %u coordinates", version->version, dim));
    }
    given.name = name;
    given.variance = head[0];
    given.nugget = head[1];
    given.jitter = head[2];
    given.m = (size_t)head[4];
    TRY(base_take(&lengthscale, env, dim, sizeof *lengthscale, err));
    TRY(base_take(&inducing, env, given.m * dim, sizeof *inducing, err));
    TRY(read_list(lengthscale, dim, version, "lengthscale", err));
    TRY(read_list(inducing, given.m * dim, version, "inducing", err));
    given.lengthscale = lengthscale;
    given.inducing = inducing;
    status = api_kernel_read(k, &given, dim, env, err);
    if (status == PCCT_E_INVALID) status = base_fail(err, PCCT_E_DAMAGED, "the kernel of version v%" PRIu64 " is none", version->version);
    k->version = version->version;
done:
    base_free(env, inducing);
    base_free(env, lengthscale);
    return status;
}

int api_kernel_find(struct api_kernel *k, int *found, const pcct_view *view, const struct base_env *env, struct pcct_error *err)
{
    const uint32_t dim = view->state.metric.input_dim;
    struct pcct_version version;
    pcct_log *log = NULL;
    char revision[32];
    uint64_t generation = 0;
    int status = 0, more = 0;

    memset(k, 0, sizeof *k);
    *found = 0;
    (void)snprintf(revision, sizeof revision, "v%" PRIu64, view->record.version);
    TRY(pcct_log_open(&log, view->store, revision, err));
    while ((more = pcct_log_next(&version, log, err)) > 0) {
        const char *name = value_of(&version, API_KERNEL_KEY);

        generation = version.generation;
        if (!name) continue;
        if (strcmp(name, "none") == 0) break;
        TRY(read_version(k, &version, name, dim, env, err));
        *found = 1;
        break;
    }
    if (more < 0) status = more;
    k->missing = more == 0 && generation > 1;
done:
    pcct_log_close(log);
    return status;
}

int pcct_batch_set_kernel(pcct_batch *batch, const struct pcct_kernel *kernel, struct pcct_error *err)
{
    const struct base_env *env = &batch->store->env;
    struct api_kernel ours = { .env = NULL };
    int status = 0;

    if (batch->store->metric.embeds) {
        TRY(base_fail(err, PCCT_E_INVALID, "kernels are of coordinates; points of the metric %s are directions",
                      metric_called(&batch->store->metric)));
    }
    if (kernel) {
        TRY(api_kernel_read(&ours, kernel, batch->store->metric.input_dim, env, err));
        if (ours.kernel.shape == GP_CUSTOM) {
            TRY(base_fail(err, PCCT_E_INVALID, "a kernel that is a function cannot be kept in a store; give it to pcct_gp_open"));
        }
    }
    TRY(api_kernel_note(batch, kernel ? &ours : NULL, err));
done:
    api_kernel_free(&ours);
    return status;
}
