/* SPDX-License-Identifier: Apache-2.0 */
#include "support_api.h"

#include "api/kernel_note.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { M = 300, MOST = 125000 }; /* 600 coordinates take three keys, the last one not full; no kernel in the plane has more than MOST points */

struct scene {
    struct support_api s;
    double inducing[2 * M], lengthscale[2];
    struct pcct_kernel kernel;
};

static void start(struct scene *scene)
{
    memset(scene, 0, sizeof *scene);
    support_points(scene->inducing, M, 2, SUPPORT_CLUSTERS, 4);
    scene->inducing[7] = -0.0;
    scene->inducing[2 * M - 1] = 0x1.fffffffffffffp-900;
    scene->lengthscale[0] = 0x1p-200;
    scene->lengthscale[1] = 1.0 / 3;
    scene->kernel = (struct pcct_kernel)PCCT_KERNEL_INIT;
    scene->kernel.name = "matern52";
    scene->kernel.lengthscale = scene->lengthscale;
    scene->kernel.variance = 0.1;
    scene->kernel.nugget = 1e-300;
    scene->kernel.jitter = 0.01;
    scene->kernel.inducing = scene->inducing;
    scene->kernel.m = M;
    support_api_start(&scene->s, "euclidean");
}

/* A version with a kernel, if there is one, and a note of the library's own, if there is one. */
static uint64_t commit(struct scene *scene, const struct pcct_kernel *kernel, const char *key, const char *value)
{
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;
    uint64_t version = 0;

    support_ok(pcct_batch_begin(&batch, scene->s.store, "main", NULL, &err), &err);
    support_ok(pcct_batch_set(batch, "unlike", "the last version", &err), &err);
    if (kernel) support_ok(pcct_batch_set_kernel(batch, kernel, &err), &err);
    if (key) support_ok(api_batch_set(batch, key, value, &err), &err);
    support_ok(pcct_batch_insert(batch, scene->inducing, 1, NULL, &err), &err);
    support_ok(pcct_batch_commit(&version, batch, NULL, &err), &err);
    pcct_batch_close(batch);
    return version;
}

/* The kernel of main; api_kernel_free() in any case. */
static int find(struct api_kernel *k, int *found, const struct scene *scene, struct pcct_error *err)
{
    pcct_view *view = NULL;
    int status;

    support_ok(pcct_view_open(&view, scene->s.store, "main", err), err);
    status = api_kernel_find(k, found, view, &scene->s.env.env, err);
    pcct_view_close(view);
    return status;
}

static void expect_given(struct scene *scene, uint64_t version)
{
    struct api_kernel found, given;
    struct pcct_error err = { 0, "" };
    int is_there = 0;

    support_ok(find(&found, &is_there, scene, &err), &err);
    assert_int_equal(is_there, 1);
    support_ok(api_kernel_read(&given, &scene->kernel, 2, &scene->s.env.env, &err), &err);
    assert_true(found.version == version && given.version == 0);
    assert_true(found.kernel.shape == GP_MATERN52 && found.kernel.dim == 2 && found.m == scene->kernel.m && found.jitter == 0.01);
    assert_true(found.kernel.variance == 0.1 && found.kernel.nugget == 1e-300 && found.kernel.lengthscale == found.lengthscale);
    assert_memory_equal(found.lengthscale, scene->lengthscale, sizeof scene->lengthscale);
    assert_memory_equal(found.inducing, scene->inducing, 2 * found.m * sizeof(double));
    assert_memory_equal(&found.digest, &given.digest, sizeof given.digest);
    api_kernel_free(&given);
    api_kernel_free(&found);
}

static void comes_back_to_the_bit(void **state)
{
    struct pcct_error err = { 0, "" };
    struct api_kernel k;
    struct scene scene;
    uint64_t version;
    int found = 1;

    (void)state;
    start(&scene);
    commit(&scene, NULL, NULL, NULL);
    support_ok(find(&k, &found, &scene, &err), &err);
    assert_int_equal(found, 0);
    api_kernel_free(&k);
    version = commit(&scene, &scene.kernel, NULL, NULL);
    expect_given(&scene, version);
    commit(&scene, NULL, NULL, NULL); /* from there on */
    expect_given(&scene, version);
    scene.kernel.m = 0;
    scene.kernel.inducing = NULL;
    version = commit(&scene, &scene.kernel, NULL, NULL);
    expect_given(&scene, version);
    support_api_finish(&scene.s);
}

/* The last one that a batch is given counts, and leaves nothing of those before; NULL ends it for the versions after, too. */
static void one_for_a_version(void **state)
{
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;
    struct api_kernel k;
    struct scene scene;
    uint64_t version = 0;
    size_t keys;
    int found = 1;

    (void)state;
    start(&scene);
    support_ok(pcct_batch_begin(&batch, scene.s.store, "main", NULL, &err), &err);
    support_ok(pcct_batch_set(batch, "pcc", "mine", &err), &err);
    support_ok(pcct_batch_set_kernel(batch, &scene.kernel, &err), &err);
    keys = batch->key.count;
    scene.kernel.m = 1;
    support_ok(pcct_batch_set_kernel(batch, &scene.kernel, &err), &err);
    assert_int_equal(batch->key.count, keys - 2);
    scene.kernel.nugget = -1; /* refused: the one before stays */
    assert_int_equal(pcct_batch_set_kernel(batch, &scene.kernel, &err), PCCT_E_INVALID);
    scene.kernel.nugget = 1e-300;
    support_ok(pcct_batch_insert(batch, scene.inducing, 1, NULL, &err), &err);
    support_ok(pcct_batch_commit(&version, batch, NULL, &err), &err);
    pcct_batch_close(batch);
    expect_given(&scene, version);
    support_ok(pcct_batch_begin(&batch, scene.s.store, "main", NULL, &err), &err);
    support_ok(pcct_batch_set_kernel(batch, &scene.kernel, &err), &err);
    support_ok(pcct_batch_set_kernel(batch, NULL, &err), &err);
    assert_int_equal(batch->key.count, 1);
    support_ok(pcct_batch_commit(&version, batch, NULL, &err), &err);
    pcct_batch_close(batch);
    commit(&scene, NULL, NULL, NULL);
    support_ok(find(&k, &found, &scene, &err), &err);
    assert_int_equal(found, 0);
    api_kernel_free(&k);
    support_api_finish(&scene.s);
}

static void read_fails(const struct scene *scene, int code, const char *words)
{
    struct pcct_error err = { 0, "" };
    struct api_kernel k;

    assert_int_equal(api_kernel_read(&k, &scene->kernel, 2, &scene->s.env.env, &err), code);
    if (!strstr(err.message, words)) fail_msg("\"%s\" is not in \"%s\"", words, err.message);
    api_kernel_free(&k);
}

static void tile(void *ctx, double *out, const double *const *a, size_t na, const double *const *b, size_t nb)
{
    (void)ctx;
    for (size_t i = 0; i < na * nb; i++) out[i] = *a[i / nb] == *b[i % nb];
}

static void each_parameter_is_checked(void **state)
{
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;
    struct scene scene;
    struct pcct_kernel good;

    (void)state;
    start(&scene);
    good = scene.kernel;
    scene.kernel.name = "matern";
    read_fails(&scene, PCCT_E_INVALID, "\"matern\"");
    scene.kernel.name = NULL;
    read_fails(&scene, PCCT_E_INVALID, "function");
    scene.kernel = good;
    scene.kernel.tile = tile;
    read_fails(&scene, PCCT_E_INVALID, "not both");
    scene.kernel = good;
    scene.kernel.inducing = NULL;
    read_fails(&scene, PCCT_E_INVALID, "300 inducing points");
    scene.kernel = good;
    scene.kernel.m = MOST + 1;
    read_fails(&scene, PCCT_E_LIMIT, "250000");
    scene.kernel = good;
    scene.kernel.jitter = 0.0101;
    read_fails(&scene, PCCT_E_INVALID, "jitter");
    scene.kernel.jitter = (double)NAN;
    read_fails(&scene, PCCT_E_INVALID, "jitter");
    scene.kernel = good;
    scene.kernel.variance = -1;
    read_fails(&scene, PCCT_E_INVALID, "variance");
    scene.kernel = good;
    scene.lengthscale[1] = 0;
    read_fails(&scene, PCCT_E_INVALID, "lengthscale 2");
    scene.lengthscale[1] = 1;
    scene.inducing[9] = (double)NAN;
    read_fails(&scene, PCCT_E_INVALID, "coordinate 2 of inducing point 4");
    scene.inducing[9] = 0;
    scene.kernel.size = 3;
    read_fails(&scene, PCCT_E_INVALID, "kernel");
    scene.kernel = good;
    scene.kernel.name = NULL;
    scene.kernel.tile = tile;
    support_ok(pcct_batch_begin(&batch, scene.s.store, "main", NULL, &err), &err);
    assert_int_equal(pcct_batch_set_kernel(batch, &scene.kernel, &err), PCCT_E_INVALID);
    assert_non_null(strstr(err.message, "pcct_gp_open"));
    pcct_batch_close(batch);
    support_api_finish(&scene.s);
    support_api_start(&scene.s, "haversine");
    support_ok(pcct_batch_begin(&batch, scene.s.store, "main", NULL, &err), &err);
    assert_int_equal(pcct_batch_set_kernel(batch, &good, &err), PCCT_E_INVALID);
    assert_non_null(strstr(err.message, "haversine"));
    pcct_batch_close(batch);
    support_api_finish(&scene.s);
}

static struct base_hash128 digest_of(const struct scene *scene, uint32_t dim)
{
    struct pcct_error err = { 0, "" };
    struct base_hash128 digest;
    struct api_kernel k;

    support_ok(api_kernel_read(&k, &scene->kernel, dim, &scene->s.env.env, &err), &err);
    digest = k.digest;
    api_kernel_free(&k);
    return digest;
}

/* What stands for a default is the default; anything else makes another digest. */
static void the_digest_is_of_all(void **state)
{
    struct scene scene;
    struct base_hash128 digest[9];
    struct pcct_kernel good;
    double ones[2] = { 1, 1 };

    (void)state;
    start(&scene);
    good = scene.kernel;
    digest[0] = digest_of(&scene, 2);
    scene.kernel.name = "matern32";
    digest[1] = digest_of(&scene, 2);
    scene.kernel = good;
    scene.kernel.variance = 0.2;
    digest[2] = digest_of(&scene, 2);
    scene.kernel = good;
    scene.kernel.nugget = 0;
    digest[3] = digest_of(&scene, 2);
    scene.kernel = good;
    scene.kernel.jitter = 0;
    digest[4] = digest_of(&scene, 2);
    scene.kernel.jitter = 1e-6;
    assert_memory_equal(&digest[4], &(struct base_hash128[]){ digest_of(&scene, 2) }, sizeof *digest);
    scene.kernel = good;
    scene.kernel.lengthscale = NULL;
    digest[5] = digest_of(&scene, 2);
    scene.kernel.lengthscale = ones;
    assert_memory_equal(&digest[5], &(struct base_hash128[]){ digest_of(&scene, 2) }, sizeof *digest);
    scene.kernel = good;
    scene.kernel.m = M - 1;
    digest[6] = digest_of(&scene, 2);
    scene.kernel = good;
    scene.inducing[2 * M - 1] = 0;
    digest[7] = digest_of(&scene, 2);
    scene.kernel.m = M / 2;
    digest[8] = digest_of(&scene, 1);
    for (int i = 0; i < 9; i++) {
        for (int j = 0; j < i; j++) assert_memory_not_equal(&digest[i], &digest[j], sizeof *digest);
    }
    support_api_finish(&scene.s);
}

/* As many inducing points as there may be, beside a note of the caller's. */
static void the_most_there_may_be(void **state)
{
    double *many = calloc(2 * MOST, sizeof *many);
    struct pcct_error err = { 0, "" };
    struct api_kernel k;
    struct scene scene;
    int found = 0;

    (void)state;
    start(&scene);
    for (int i = 0; i < 2 * MOST; i++) many[i] = i / 3.0;
    scene.kernel.inducing = many;
    scene.kernel.m = MOST;
    commit(&scene, &scene.kernel, NULL, NULL);
    support_ok(find(&k, &found, &scene, &err), &err);
    assert_true(found == 1 && k.m == MOST);
    assert_memory_equal(k.inducing, many, 2 * MOST * sizeof *many);
    api_kernel_free(&k);
    free(many);
    support_api_finish(&scene.s);
}

/* Notes that no kernel makes: DAMAGED, never another kernel. */
static void notes_that_are_none(void **state)
{
    static const char *const change[][2] = {
        { "pcct.kernel", "cubic" },
        { "pcct.kernel.head.0000", "" },
        { "pcct.kernel.head.0000", "3ff000000000000000000000000000003f50624dd2f1a9fc40000000000000004072c00000000000" }, /* m = 300: well */
        { "pcct.kernel.head.0000", "3FF000000000000000000000000000003f50624dd2f1a9fc40000000000000004072c00000000000" },
        { "pcct.kernel.head.0000", "3ff000000000000000000000000000003f50624dd2f1a9fc40000000000000004072d00000000000" }, /* m = 301 */
        { "pcct.kernel.head.0000", "3ff000000000000000000000000000003f50624dd2f1a9fc40000000000000007ff8000000000000" }, /* m = nan */
        { "pcct.kernel.head.0000", "3ff000000000000000000000000000003f50624dd2f1a9fc4000000000000000c072c00000000000" }, /* m = -300 */
        { "pcct.kernel.head.0000", "3ff000000000000000000000000000003f50624dd2f1a9fc40000000000000004202a05f20000000" }, /* m = 10^10 */
        { "pcct.kernel.head.0000", "3ff000000000000000000000000000003f50624dd2f1a9fc40080000000000004072c00000000000" }, /* dim = 3 */
        { "pcct.kernel.head.0000", "bff000000000000000000000000000003f50624dd2f1a9fc40000000000000004072c00000000000" }, /* variance = -1 */
        { "pcct.kernel.inducing.0002", "0" },
        { "pcct.kernel.lengthscale.0000", "00000000000000003ff0000000000000" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof change / sizeof *change; i++) {
        struct pcct_error err = { 0, "" };
        struct api_kernel k;
        struct scene scene;
        int found = 0;

        start(&scene);
        commit(&scene, &scene.kernel, change[i][0], change[i][1]);
        assert_int_equal(find(&k, &found, &scene, &err), i == 2 ? 0 : PCCT_E_DAMAGED);
        if (i != 2 && !strstr(err.message, "v1")) fail_msg("%zu: %s", i, err.message);
        assert_int_equal(found, i == 2);
        api_kernel_free(&k);
        support_api_finish(&scene.s);
    }
}

static int set_and_find(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    const struct scene *scene = ctx;
    struct api_kernel k = { .env = NULL };
    pcct_batch *batch = NULL;
    pcct_view *view = NULL;
    int status = 0, found = 0;

    TRY(pcct_batch_begin(&batch, scene->s.store, "main", NULL, err));
    TRY(pcct_batch_set_kernel(batch, &scene->kernel, err));
    TRY(pcct_view_open(&view, scene->s.store, "main", err));
    TRY(api_kernel_find(&k, &found, view, env, err));
    assert_int_equal(found, 1);
done:
    if (status != 0) assert_int_equal(found, 0);
    api_kernel_free(&k);
    pcct_view_close(view);
    pcct_batch_close(batch);
    return status;
}

static void memory_runs_out(void **state)
{
    struct scene scene;

    (void)state;
    start(&scene);
    commit(&scene, &scene.kernel, NULL, NULL);
    assert_true(support_fail_each(&scene.s.env, set_and_find, &scene) > 20);
    expect_given(&scene, 1);
    support_api_finish(&scene.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back_to_the_bit),
        cmocka_unit_test(one_for_a_version),
        cmocka_unit_test(each_parameter_is_checked),
        cmocka_unit_test(the_digest_is_of_all),
        cmocka_unit_test(the_most_there_may_be),
        cmocka_unit_test(notes_that_are_none),
        cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
