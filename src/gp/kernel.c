/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/kernel.h"

#include <math.h>
#include <string.h>

static const char *const names[GP_SHAPES] = { "rbf", "matern12", "matern32", "matern52" };

const char *gp_shape_name(enum gp_shape shape)
{
    return shape < GP_SHAPES ? names[shape] : "custom";
}

enum gp_shape gp_shape_named(const char *name)
{
    int shape = 0;

    while (shape < GP_SHAPES && strcmp(names[shape], name) != 0) shape++;
    return (enum gp_shape)shape;
}

int gp_kernel_check(const struct gp_kernel *kernel, struct pcct_error *err)
{
    if (kernel->dim == 0) return base_fail(err, PCCT_E_INVALID, "a kernel needs at least one dimension");
    if (!(kernel->variance >= 0x1p-200 && kernel->variance <= 0x1p200)) {
        return base_fail(err, PCCT_E_INVALID, "the kernel's variance is %g; it must be a positive number (2^-200 to 2^200)", kernel->variance);
    }
    if (!(kernel->nugget >= 0 && kernel->nugget <= 0x1p200)) {
        return base_fail(err, PCCT_E_INVALID, "the nugget is %g; it must be 0 or a positive number (up to 2^200)", kernel->nugget);
    }
    if (kernel->shape == GP_CUSTOM && !kernel->tile) return base_fail(err, PCCT_E_INVALID, "a custom kernel needs its function");
    for (uint32_t j = 0; kernel->lengthscale && j < kernel->dim; j++) {
        const double scale = kernel->lengthscale[j];

        if (scale >= 0x1p-200 && scale <= 0x1p200) continue;
        return base_fail(err, PCCT_E_INVALID, "lengthscale %u is %g; lengthscales must be positive numbers (2^-200 to 2^200)", j + 1, scale);
    }
    return 0;
}

void gp_kernel_scale(double *out, const struct gp_kernel *kernel, const double *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < kernel->dim; j++) {
            const double value = rows[i * kernel->dim + j];

            out[i * kernel->dim + j] = kernel->lengthscale ? value / kernel->lengthscale[j] : value;
        }
    }
}
