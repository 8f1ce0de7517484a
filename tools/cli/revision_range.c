/* SPDX-License-Identifier: Apache-2.0 */
#include "revision_range.h"

#include "fault.h"

#include <stdlib.h>
#include <string.h>

int revision_range_read(struct revision_range *range, const char *text, struct pcct_error *err)
{
    char *dots = NULL;
    *range = (struct revision_range){ NULL, NULL, NULL };
    if (!strstr(text, "..")) return fault(err, PCCT_E_INVALID, "\"%.200s\" is no range of versions: write A..B, A.. or ..B", text);
    range->text = strdup(text);
    if (!range->text) return fault(err, PCCT_E_MEMORY, "no memory for a range of versions");
    for (char *next = strstr(range->text, ".."); next; next = strstr(next + 1, "..")) dots = next;
    *dots = '\0';
    if (*range->text) range->from = range->text;
    if (dots[2]) range->to = dots + 2;
    return 0;
}

void revision_range_free(struct revision_range *range)
{
    free(range->text);
    *range = (struct revision_range){ NULL, NULL, NULL };
}
