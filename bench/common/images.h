/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_IMAGES_H
#define BENCH_IMAGES_H

#include <stddef.h>

/* Fashion-MNIST where Debian's package dataset-fashion-mnist puts it: pictures of 28 x 28 grey values from 0 to 255, a row each. */
enum { BENCH_IMAGE_DIM = 784 };

#define BENCH_IMAGES_TRAIN "/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz" /* 60000 */
#define BENCH_IMAGES_TEST "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"   /* 10000 */

/* The first n pictures of a file (IDX, gzip) into points[n][BENCH_IMAGE_DIM]. -1: there is no such file. */
int bench_images(double *points, size_t n, const char *path);

#endif
