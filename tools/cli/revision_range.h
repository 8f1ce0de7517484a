/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_REVISION_RANGE_H
#define CLI_REVISION_RANGE_H

#include <pcct/error.h>

/* "A..B" as two revisions; one that is left out is NULL. A user key's value may have dots of its own, so the last ones count. */
struct revision_range {
    const char *from, *to;
    char *text; /* owned: both stand in it */
};
/* Errors: INVALID (no "..", or three dots), MEMORY. */
int revision_range_read(struct revision_range *range, const char *text, struct pcct_error *err);
void revision_range_free(struct revision_range *range);

#endif
