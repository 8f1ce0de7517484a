/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_NPY_H
#define BENCH_NPY_H

#include <stddef.h>

/* Writes folder/name.what.npy, rows x columns, for other programs to read. */
void bench_npy_doubles(const char *folder, const char *name, const char *what, const double *value, size_t rows, size_t columns);

#endif
