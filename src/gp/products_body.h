/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products of whole numbers, exact: out[rows][32] of up to 8 rows of signed bytes and a panel of unsigned ones, which are GP_COARSE_ZERO too great.
 * The including file defines PRODUCTS (the name), PRODUCTS_ISA, ROWS_TOGETHER and VECTORS_TOGETHER (how many are summed at a time), and over vectors
 * of IWIDTH sums: ivec, ivec_all(x), ivec_store(p, v), ivec_dot(sum, panel, row), which adds to each the products of four bytes.
 */
PRODUCTS_ISA static void PRODUCTS(int32_t *out, const struct gp_coarse_row *row, unsigned rows, const uint8_t *panel, uint32_t m)
{
    enum { SPAN = VECTORS_TOGETHER * IWIDTH };

    for (unsigned i = 0; i < rows; i += ROWS_TOGETHER) {
        const struct gp_coarse_row *at[ROWS_TOGETHER];

        for (unsigned t = 0; t < ROWS_TOGETHER; t++) at[t] = &row[i + t < rows ? i + t : i];
        for (unsigned first = 0; first < GP_ROUNDED_LANES; first += SPAN) {
            ivec sum[ROWS_TOGETHER][VECTORS_TOGETHER];

            for (unsigned t = 0; t < ROWS_TOGETHER; t++) {
                for (unsigned j = 0; j < VECTORS_TOGETHER; j++) sum[t][j] = ivec_all(at[t]->start);
            }
            for (uint32_t l = 0; l < m; l += 4) {
                const uint8_t *lane = panel + ((size_t)l / 4 * GP_ROUNDED_LANES + first) * 4;

                for (unsigned t = 0; t < ROWS_TOGETHER; t++) {
                    for (unsigned j = 0; j < VECTORS_TOGETHER; j++) sum[t][j] = ivec_dot(sum[t][j], lane + (size_t)j * IWIDTH * 4, at[t]->value + l);
                }
            }
            for (unsigned t = 0; t < ROWS_TOGETHER && i + t < rows; t++) {
                for (unsigned j = 0; j < VECTORS_TOGETHER; j++) ivec_store(out + (i + t) * GP_ROUNDED_LANES + first + j * IWIDTH, sum[t][j]);
            }
        }
    }
}
#undef PRODUCTS
#undef PRODUCTS_ISA
#undef ivec_dot
