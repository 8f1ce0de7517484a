/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_HISTORY_GRAPH_H
#define CLI_HISTORY_GRAPH_H

#include <pcct/error.h>

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Draws versions, each told before its parent, as columns of lines. A zeroed structure is empty. */
struct history_graph {
    uint64_t *waits; /* the version that each column comes to next */
    size_t columns, capacity;
};
/* Prints the columns up to and with this version's mark (with lines before where branches part), and goes on to its parent (0: it has none). */
int history_graph_draw(struct history_graph *graph, FILE *out, uint64_t version, uint64_t parent, struct pcct_error *err);
void history_graph_free(struct history_graph *graph);

#endif
