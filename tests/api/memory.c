/* SPDX-License-Identifier: Apache-2.0 */
/* The bound that pcct/batch.h states for the memory of a bulk build, counted byte by byte through the caller's allocator; and what a view holds. */
#include "common.h"

#include <malloc.h>

struct memory {
    int64_t bytes, peak; /* atomic */
};

static void *take(void *ctx, size_t bytes, size_t alignment)
{
    struct memory *m = ctx;
    void *memory = aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    int64_t now, peak = __atomic_load_n(&m->peak, __ATOMIC_RELAXED);

    if (!memory) return NULL;
    now = __atomic_add_fetch(&m->bytes, (int64_t)malloc_usable_size(memory), __ATOMIC_RELAXED);
    while (now > peak && !__atomic_compare_exchange_n(&m->peak, &peak, now, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) continue;
    return memory;
}

static void give_back(void *ctx, void *memory)
{
    struct memory *m = ctx;

    if (memory) __atomic_sub_fetch(&m->bytes, (int64_t)malloc_usable_size(memory), __ATOMIC_RELAXED);
    free(memory);
}

struct bulk {
    size_t n;
    uint32_t dim;
    int threads, kind;
};

/* Kinds of points that are hard in different ways: even, in small clusters, few places with many twins each, on a line in order, a third
 * of them in a small ball. */
enum { EVEN, CLUSTERS, TWINS, LINE, BALL, KINDS };
static const char *const kinds[] = { "even", "clusters", "twins", "line", "ball" };

static double coordinate(struct random_numbers *r, int kind, size_t row, uint32_t axis)
{
    switch (kind) {
    case CLUSTERS: return (double)(row % 97 * (axis + 3) % 89) + random_unit(r) * 1e-3;
    case TWINS: return (double)random_below(r, 5);
    case LINE: return axis == 0 ? (double)row : 0;
    case BALL: return row % 3 == 0 ? random_unit(r) * 1e-2 : random_unit(r) + (double)(row % 97);
    default: return random_unit(r);
    }
}

static int64_t peak_of(const struct bulk *b)
{
    struct pcct_create_options create = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_open_options open = PCCT_OPEN_OPTIONS_INIT;
    struct random_numbers random = { 7 };
    struct pcct_error err = { 0, "" };
    struct memory memory = { 0, 0 };
    struct pcct_allocator allocator = { take, give_back, &memory };
    char *folder = folder_new(), *path = path_join(folder, "store");
    double *points = malloc(b->n * b->dim * sizeof *points);
    pcct_store *store = NULL;
    pcct_batch *batch = NULL;

    CHECK(points, "no memory for the points");
    for (size_t i = 0; i < b->n; i++) {
        for (uint32_t j = 0; j < b->dim; j++) points[i * b->dim + j] = coordinate(&random, b->kind, i, j);
    }
    create.dim = b->dim;
    open.threads = b->threads;
    open.allocator = &allocator;
    OK(pcct_store_create(path, &create, &err));
    OK(pcct_store_open(&store, path, &open, &err));
    OK(pcct_batch_begin(&batch, store, "main", NULL, &err));
    OK(pcct_batch_insert(batch, points, b->n, NULL, &err));
    OK(pcct_batch_commit(NULL, batch, NULL, &err));
    pcct_batch_close(batch);
    pcct_store_close(store);
    CHECK(memory.bytes == 0, "%" PRId64 " bytes were not given back", memory.bytes);
    free(points);
    free(path);
    folder_free(folder);
    return memory.peak;
}

static void the_bound_is_kept(void **test)
{
    static const uint32_t dims[] = { 2, 3, 8 };

    (void)test;
    for (size_t d = 0; d < sizeof dims / sizeof *dims; d++) {
        for (int kind = 0; kind < KINDS; kind++) {
            struct bulk b = { 100000, dims[d], 1 + kind % 2, kind };
            const int64_t peak = peak_of(&b), bound = (int64_t)PCCT_BULK_BYTES(b.n, b.dim);

            printf("d=%u %-8s %d threads: %5.0f bytes a point, bound %5.0f\n", b.dim, kinds[kind], b.threads, (double)peak / (double)b.n,
                   (double)bound / (double)b.n);
            CHECK(peak <= bound, "%" PRId64 " bytes, %" PRId64 " allowed", peak, bound);
            CHECK(2 * peak > bound - (16 << 20), "the bound is no use: %" PRId64 " bytes, %" PRId64 " allowed", peak, bound);
        }
    }
}

/* Bytes of a view of points that came at once, and of its query layout alone (docs/benchmarks.md): coordinates in double and in single precision,
 * links of the tree, blocks that have a sixteenth of their room left. */
static void a_view_is_small(void **test)
{
    enum { N = 100000 };
    static const uint32_t dims[] = { 2, 3, 8, 64 };

    (void)test;
    for (size_t d = 0; d < sizeof dims / sizeof *dims; d++) {
        struct pcct_create_options create = PCCT_CREATE_OPTIONS_INIT;
        struct pcct_view_info info = { .size = sizeof info };
        struct random_numbers random = { d };
        struct pcct_error err = { 0, "" };
        const double dim = (double)dims[d], rows = dim <= 4 ? 9 * (dim + 1) : 0; /* beside the lanes */
        char *folder = folder_new(), *path = path_join(folder, "store");
        double *points = malloc((size_t)N * dims[d] * sizeof *points);
        pcct_store *store = NULL;
        pcct_batch *batch = NULL;
        pcct_view *view = NULL;

        CHECK(points, "no memory for the points");
        for (size_t i = 0; i < (size_t)N * dims[d]; i++) points[i] = random_unit(&random);
        create.dim = dims[d];
        OK(pcct_store_create(path, &create, &err));
        OK(pcct_store_open(&store, path, NULL, &err));
        OK(pcct_batch_begin(&batch, store, "main", NULL, &err));
        OK(pcct_batch_insert(batch, points, N, NULL, &err));
        OK(pcct_batch_commit(NULL, batch, NULL, &err));
        pcct_batch_close(batch);
        OK(pcct_view_open(&view, store, "main", &err));
        OK(pcct_view_describe(&info, view));
        printf("d=%u: %.1f bytes a point, %.1f of them in the layout\n", dims[d], (double)info.memory_bytes / N, (double)info.layout_bytes / N);
        CHECK((double)info.layout_bytes <= (5 * dim + 14 + rows) * N, "%" PRIu64 " bytes in the layout", info.layout_bytes);
        CHECK((double)info.memory_bytes <= (14 * dim + 48 + rows) * N, "%" PRIu64 " bytes", info.memory_bytes);
        pcct_view_close(view);
        pcct_store_close(store);
        free(points);
        free(path);
        folder_free(folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_bound_is_kept), cmocka_unit_test(a_view_is_small) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
