/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRASH_TELLING_H
#define CRASH_TELLING_H

/* The story with the recorder preloaded; the store is folder/store, the log is `log`. durability: enum pcct_durability of the writers. Beside
 * the folder stand bundles that are applied, and a store in which one process alone did what is told: two have to come to the same. */
int telling_record(const char *folder, const char *log, int durability);

#endif
