/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <stddef.h>
#include <stdint.h>

/* A benchmark that cannot go on says why and ends with status 1; what it put into its temporary folder is removed. */
_Noreturn void bench_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* count items of item_bytes bytes, zeroed, freed with free(). */
void *bench_take(size_t count, size_t item_bytes);

double bench_seconds(void);  /* of a clock that only goes forward */
int bench_processors(void);  /* that this process may use */

/* Sorts value[0..count) and returns the least of them that is not below a share `part` of them: 0.5 the median, 0.99 the 99th percentile. */
double bench_percentile(double *value, size_t count, double part);

/* Of this process, in kB: all resident memory, and of it what is its own and what is of mapped files. */
struct bench_resident {
    uint64_t all_kb, own_kb, file_kb;
};
struct bench_resident bench_resident(void);

/* Makes a folder under `dir`, else $TMPDIR, else /tmp, that is removed with everything in it when the process ends. Once a process.
 * The text lives as long as the process. */
const char *bench_folder(const char *dir);
void bench_remove(const char *path); /* a file or a folder with all that is in it */

#endif
