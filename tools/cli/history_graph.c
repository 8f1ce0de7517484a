/* SPDX-License-Identifier: Apache-2.0 */
#include "history_graph.h"
#include "fault.h"

#include <stdlib.h>
#include <string.h>

static void drop(struct history_graph *graph, size_t column)
{
    graph->columns--;
    memmove(graph->waits + column, graph->waits + column + 1, (graph->columns - column) * sizeof *graph->waits);
}

/* Column `from` joins column `to` on its left; those on its right move up: "| |_|/ /". */
static void join(struct history_graph *graph, FILE *out, size_t to, size_t from)
{
    for (size_t c = 0; c < from; c++) {
        fputc('|', out);
        fputc(c == from - 1 ? '/' : c >= to ? '_' : ' ', out);
    }
    for (size_t c = from + 1; c < graph->columns; c++) fputs(" /", out);
    fputc('\n', out);
    drop(graph, from);
}

int history_graph_draw(struct history_graph *graph, FILE *out, uint64_t version, uint64_t parent, struct pcct_error *err)
{
    size_t at = 0;
    int status = 0;
    while (at < graph->columns && graph->waits[at] != version) at++;
    if (at == graph->columns) {
        TRY(memory_grow(&graph->waits, &graph->capacity, graph->columns + 1, sizeof *graph->waits, err));
        graph->waits[graph->columns++] = version;
    }
    for (size_t c = graph->columns; c-- > at + 1;) {
        if (graph->waits[c] == version) join(graph, out, at, c);
    }
    for (size_t c = 0; c < graph->columns; c++) fputs(c == at ? "* " : "| ", out);
    graph->waits[at] = parent;
    if (parent == 0) drop(graph, at);
done:
    return status;
}

void history_graph_free(struct history_graph *graph)
{
    free(graph->waits);
    memset(graph, 0, sizeof *graph);
}
