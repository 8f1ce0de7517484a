/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "base/par.h"

#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void support_ok_at(int status, const struct pcct_error *err, const char *file, int line)
{
    if (status == 0) return;
    print_error("%s: %s\n", pcct_code_name(status), err ? err->message : "");
    _fail(file, line);
}

/* ---- memory ------------------------------------------------------------------------------------------------------------------------------- */

static void *counted_alloc(void *ctx, size_t bytes, size_t alignment)
{
    struct support_env *support = ctx;
    size_t whole = (bytes + alignment - 1) / alignment * alignment;
    void *memory;

    if (base_par_add(&support->taken, 1) == support->fail_at) return NULL;
    memory = aligned_alloc(alignment, whole);
    if (!memory) return NULL;
    memset(memory, 0xa5, bytes);
    base_par_add(&support->live, 1);
    return memory;
}

static void counted_free(void *ctx, void *memory)
{
    struct support_env *support = ctx;

    base_par_add(&support->live, (uint64_t)-1);
    free(memory);
}

void support_env_start(struct support_env *support, int threads)
{
    memset(support, 0, sizeof(*support));
    base_os_init(&support->os);
    base_env_init(&support->env, &support->os, threads);
    support->env.memory = (struct pcct_allocator){counted_alloc, counted_free, support};
}

void support_env_finish(struct support_env *support)
{
    assert_int_equal(support->live, 0);
}

void support_env_fail(struct support_env *support, uint64_t fail_at)
{
    support->taken = 0;
    support->fail_at = fail_at;
}

uint64_t support_fail_each(struct support_env *support, support_call *call, void *ctx)
{
    for (uint64_t n = 1;; n++) {
        struct pcct_error err = {0, ""};
        uint64_t live = support->live;
        int status;

        support_env_fail(support, n);
        status = call(ctx, &support->env, &err);
        support_env_fail(support, 0);
        if (status == 0) return n - 1;
        if (status != PCCT_E_MEMORY) support_ok(status, &err);
        assert_int_equal(err.code, PCCT_E_MEMORY);
        assert_true(strlen(err.message) > 0);
        assert_int_equal(support->live, live);
        assert_true(n < 100000);
    }
}

/* ---- points ------------------------------------------------------------------------------------------------------------------------------- */

void support_points(double *rows, size_t n, uint32_t dim, enum support_shape shape, uint64_t seed)
{
    struct base_random random;

    base_random_seed(&random, seed);
    for (size_t row = 0; row < n; row++) {
        double size = pow(10, -(double)base_random_below(&random, 12));
        double centre = (double)base_random_below(&random, 5);

        for (uint32_t j = 0; j < dim; j++) {
            double *x = &rows[row * dim + j];

            if (shape == SUPPORT_GRID) *x = (double)base_random_below(&random, dim > 2 ? 3 : 9);
            else if (shape == SUPPORT_CLUSTERS) *x = centre + size * base_random_gauss(&random);
            else *x = base_random_unit(&random);
        }
    }
}

double support_key(const double *a, const double *b, enum metric_sum sum, uint32_t dim)
{
    double key = 0;

    for (uint32_t j = 0; j < dim; j++) {
        const double t = a[j] - b[j];

        if (sum == METRIC_SQUARES) key = key + t * t;
        else if (sum == METRIC_SIZES) key = key + fabs(t);
        else if (fabs(t) > key) key = fabs(t);
    }
    return key;
}

size_t support_brute_knn(struct base_topk_entry *entry, size_t k, const double *rows, const int64_t *label, const char *alive, size_t n,
                         enum metric_sum sum, uint32_t dim, const double *q)
{
    size_t count = 0;

    for (size_t row = 0; row < n; row++) {
        const struct base_topk_entry item = { support_key(q, rows + row * dim, sum, dim), label ? label[row] : (int64_t)row };
        size_t place;

        if (alive && !alive[row]) continue;
        /* a sorted list, not the heap that is under test */
        for (place = count; place > 0 && base_topk_less(&item, &entry[place - 1]); place--) {
            if (place < k) entry[place] = entry[place - 1];
        }
        if (place < k) entry[place] = item;
        if (count < k) count++;
    }
    return count;
}

/* ---- folders ------------------------------------------------------------------------------------------------------------------------------ */

char *support_folder_new(void)
{
    const char *parent = getenv("TMPDIR");
    char *path = NULL;

    assert_true(asprintf(&path, "%s/pcct-test-XXXXXX", parent && *parent ? parent : P_tmpdir) > 0);
    assert_non_null(mkdtemp(path));
    return path;
}

static int remove_one(const char *path, const struct stat *what, int flag, struct FTW *where)
{
    (void)what;
    (void)flag;
    (void)where;
    return remove(path);
}

void support_folder_free(char *path)
{
    assert_int_equal(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(path);
}
