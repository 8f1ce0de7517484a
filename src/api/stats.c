/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handle.h"

#include <string.h>

/* What the list says of each statistic, and where it stands in the structure. */
struct entry {
    const char *name, *unit, *meaning;
    size_t offset;
    int kind;
};

static const struct entry entries[BASE_STATS] = {
#define PCCT_STAT(kind, name, unit, meaning) { #name, unit, meaning, offsetof(struct pcct_stats, name), PCCT_STAT_IS_##kind },
#include <pcct/stats.def>
#undef PCCT_STAT
};

void api_stats_read(struct pcct_stats *stats, const struct base_watch *watch)
{
    memset(stats, 0, sizeof *stats);
    stats->size = sizeof *stats;
    for (size_t i = 0; i < BASE_STATS; i++) {
        char *member = (char *)stats + entries[i].offset;
        double seconds = (double)watch->value[i] * 1e-9;

        if (entries[i].kind == PCCT_STAT_IS_SECONDS) {
            memcpy(member, &seconds, sizeof seconds);
        } else {
            memcpy(member, &watch->value[i], sizeof watch->value[i]);
        }
    }
}

int pcct_batch_stats(struct pcct_stats *stats, const pcct_batch *batch)
{
    return api_result_write(stats, &batch->stats, sizeof batch->stats);
}

void pcct_batch_schedule(const uint64_t **items, size_t *n, const pcct_batch *batch)
{
    *n = batch->schedule.count;
    *items = *n > 0 ? batch->schedule.memory.data : NULL;
}

int pcct_stats_item(struct pcct_stat *stat, const struct pcct_stats *stats, size_t i)
{
    struct pcct_stat ours = { .size = sizeof ours };
    const struct entry *entry = NULL;

    _Static_assert(sizeof ours.count == sizeof ours.seconds, "each member of the structure is 8 bytes");
    if (i >= BASE_STATS) return PCCT_E_NOT_FOUND;
    entry = &entries[i];
    ours.kind = entry->kind;
    ours.name = entry->name;
    ours.unit = entry->unit;
    ours.meaning = entry->meaning;
    if (stats && entry->offset + sizeof ours.count <= stats->size) {
        const char *member = (const char *)stats + entry->offset;

        if (entry->kind == PCCT_STAT_IS_SECONDS) {
            memcpy(&ours.seconds, member, sizeof ours.seconds);
        } else {
            memcpy(&ours.count, member, sizeof ours.count);
        }
    }
    return api_result_write(stat, &ours, sizeof ours);
}
