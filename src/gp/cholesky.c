/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/cholesky.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

void gp_cholesky_solve(double *panel, const double *factor, size_t stride, uint32_t m, const struct gp_tiles *tiles)
{
    _Alignas(64) double sum[GP_ROWS * GP_LANES];

    for (uint32_t first = 0; first < m; first += GP_ROWS) {
        const uint32_t rows = m - first < GP_ROWS ? m - first : GP_ROWS;
        const double *row[GP_ROWS] = { NULL };

        for (uint32_t i = 0; i < rows; i++) row[i] = factor + (first + i) * stride;
        tiles->dots(sum, row, rows, panel, first);
        tiles->substitute(panel, sum, row, rows, first);
    }
}

/* Rows first to first + rows - 1 of the factor: what stands left of the diagonal block was solved for into panel[first][16]. 0 or the row's number
 * + 1 within the block. */
static uint32_t finish_rows(double *factor, uint32_t m, const double *panel, const double *matrix, uint32_t first, uint32_t rows, double jitter)
{
    for (uint32_t i = 0; i < rows; i++) {
        double *row = factor + (size_t)(first + i) * m;

        for (uint32_t l = 0; l < first; l++) row[l] = panel[(size_t)l * GP_LANES + i];
        for (uint32_t j = 0; j <= i; j++) {
            const double *other = factor + (size_t)(first + j) * m;
            double sum = 0;

            for (uint32_t l = 0; l < first + j; l++) sum = fma(row[l], other[l], sum);
            sum = matrix[(size_t)(first + i) * m + first + j] + (i == j ? jitter : 0) - sum;
            if (j < i) {
                row[first + j] = sum / other[first + j];
            } else {
                if (!(sum > 0)) return i + 1;
                row[first + j] = sqrt(sum);
            }
        }
    }
    return 0;
}

int gp_cholesky(double *factor, uint32_t *row, const double *matrix, uint32_t m, double jitter, const struct gp_tiles *tiles,
                const struct base_env *env, struct pcct_error *err)
{
    double *panel = NULL;
    int status = 0;

    *row = m;
    TRY(base_take(&panel, env, (size_t)m * GP_LANES, sizeof *panel, err));
    for (uint32_t first = 0; first < m && *row == m; first += GP_LANES) {
        const uint32_t rows = m - first < GP_LANES ? m - first : GP_LANES;
        uint32_t bad = 0;

        for (uint32_t l = 0; l < first; l++) {
            for (uint32_t i = 0; i < GP_LANES; i++) panel[(size_t)l * GP_LANES + i] = i < rows ? matrix[(size_t)(first + i) * m + l] : 0;
        }
        gp_cholesky_solve(panel, factor, m, first, tiles);
        bad = finish_rows(factor, m, panel, matrix, first, rows, jitter);
        if (bad > 0) *row = first + bad - 1;
    }
done:
    base_free(env, panel);
    return status;
}
