/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_VERSION_OUTPUT_H
#define CLI_VERSION_OUTPUT_H

#include <pcct/pcct.h>

/* The names of a version: a list of strings, each owned; free with version_names_free(). */
struct version_names {
    char **name;
    size_t n, capacity;
};
/* Branches and tags that stand at it; tags as "tag: NAME". */
int version_names_read(struct version_names *names, pcct_store *store, uint64_t version, struct pcct_error *err);
void version_names_free(struct version_names *names);

/* One JSON object on a line; schema and names may be NULL. */
int version_print_json(const char *schema, const struct pcct_version *version, const struct version_names *names, struct pcct_error *err);

#endif
