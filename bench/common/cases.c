/* SPDX-License-Identifier: Apache-2.0 */
#include "common/cases.h"

#include "common/machine.h"

/* Cases with at most so many points; of those that are the same then, one. Answers their number. */
static size_t shrink(struct bench_case *cases, size_t count, size_t most)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        struct bench_case one = { cases[i].shape, cases[i].n < most ? cases[i].n : most, cases[i].dim };
        size_t same = 0;

        while (same < kept && (cases[same].shape != one.shape || cases[same].n != one.n || cases[same].dim != one.dim)) same++;
        if (same == kept) cases[kept++] = one;
    }
    return kept;
}

struct bench_case *bench_cases(size_t *count, const struct bench_options *options, const struct bench_case *list, size_t listed, size_t quick_n)
{
    struct bench_shapes data = options->data;
    struct bench_sizes n = options->n, d = options->d;
    int given = data.count > 0 || n.count > 0 || d.count > 0;
    struct bench_case *cases = NULL;

    if (data.count == 0) data.item[data.count++] = BENCH_GAUSSIAN;
    if (n.count == 0) n.item[n.count++] = 32768;
    if (d.count == 0) d.item[d.count++] = 3;
    *count = 0;
    cases = bench_take(given ? data.count * n.count * d.count : listed, sizeof *cases);
    if (given) {
        for (size_t s = 0; s < data.count; s++) {
            for (size_t j = 0; j < d.count; j++) {
                for (size_t i = 0; i < n.count; i++) cases[(*count)++] = (struct bench_case){ data.item[s], n.item[i], d.item[j] };
            }
        }
    } else {
        for (size_t i = 0; i < listed; i++) {
            if (list[i].shape != BENCH_CITIES || options->cities) cases[(*count)++] = list[i];
        }
    }
    if (options->quick) *count = shrink(cases, *count, quick_n);
    return cases;
}
