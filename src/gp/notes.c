/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/notes.h"

#include "base/memory.h"

#include <string.h>

enum { BLOCKS_MOST = 8192 /* 128 MiB of angles */, GRAMS_MOST = 1 << 17 /* 128 MiB, of which what is not used is never touched */ };

#define FULL 0x8000u
#define UNIT 20000.0F /* an angle in a word */

int gp_notes_make(struct gp_notes *notes, uint32_t blocks, uint32_t nodes, const struct base_env *env, struct pcct_error *err)
{
    const uint64_t pairs = (uint64_t)blocks * blocks / 2;
    const size_t above = nodes - blocks;
    int status = 0;

    memset(notes, 0, sizeof *notes);
    notes->env = env;
    notes->blocks = blocks;
    notes->nodes = nodes;
    if (above > 0 && above <= BLOCKS_MOST) TRY(base_take_zero(&notes->above, env, above * above, sizeof *notes->above, err));
    if (blocks > BLOCKS_MOST) goto done;
    notes->capacity = pairs < GRAMS_MOST ? (uint32_t)pairs : GRAMS_MOST;
    TRY(base_take_zero(&notes->angle, env, (size_t)blocks * blocks, sizeof *notes->angle, err));
    TRY(base_take(&notes->first, env, blocks, sizeof *notes->first, err));
    TRY(base_take(&notes->note, env, notes->capacity, sizeof *notes->note, err));
    TRY(base_take(&notes->gram, env, notes->capacity, GP_PIVOTS * GP_PIVOTS * sizeof *notes->gram, err));
    memset(notes->first, 0xff, blocks * sizeof *notes->first);
done:
    return status;
}

void gp_notes_free(struct gp_notes *notes)
{
    if (!notes->env) return;
    base_free(notes->env, notes->angle);
    base_free(notes->env, notes->above);
    base_free(notes->env, notes->first);
    base_free(notes->env, notes->note);
    base_free(notes->env, notes->gram);
    memset(notes, 0, sizeof *notes);
}

void gp_notes_angle(struct gp_notes *notes, uint32_t a, uint32_t b, float angle, int full)
{
    const unsigned word = (unsigned)(angle * UNIT);

    if (word > 0) __atomic_store_n(&notes->angle[(size_t)a * notes->blocks + b], (uint16_t)(word | (full ? FULL : 0)), __ATOMIC_RELAXED);
}

int gp_notes_angle_of(float *angle, int *full, const struct gp_notes *notes, uint32_t b, uint32_t a)
{
    const unsigned word = __atomic_load_n(&notes->angle[(size_t)b * notes->blocks + a], __ATOMIC_RELAXED);

    *angle = (float)(word & (FULL - 1)) / UNIT;
    *full = (word & FULL) != 0;
    return word != 0;
}

void gp_notes_above(struct gp_notes *notes, uint32_t a, uint32_t b, float angle)
{
    const size_t nodes = notes->nodes - notes->blocks, i = a - notes->blocks, j = b - notes->blocks;
    const uint16_t word = (uint16_t)((unsigned)(angle * UNIT) | FULL);

    __atomic_store_n(&notes->above[i * nodes + j], word, __ATOMIC_RELAXED);
    __atomic_store_n(&notes->above[j * nodes + i], word, __ATOMIC_RELAXED);
}

int gp_notes_above_of(float *angle, const struct gp_notes *notes, uint32_t a, uint32_t b)
{
    const size_t nodes = notes->nodes - notes->blocks;
    const unsigned word = __atomic_load_n(&notes->above[(a - notes->blocks) * nodes + (b - notes->blocks)], __ATOMIC_RELAXED);

    *angle = (float)(word & (FULL - 1)) / UNIT;
    return word != 0;
}

uint32_t gp_notes_place(struct gp_notes *notes)
{
    /* Relaxed: a place is nobody else's; it is told to others by gp_notes_leave(). */
    if (__atomic_load_n(&notes->used, __ATOMIC_RELAXED) >= notes->capacity) return GP_NOTES_NONE;
    {
        const uint32_t place = __atomic_fetch_add(&notes->used, 1, __ATOMIC_RELAXED);

        return place < notes->capacity ? place : GP_NOTES_NONE;
    }
}

void gp_notes_leave(struct gp_notes *notes, uint32_t place, uint32_t from, uint32_t to)
{
    struct gp_note *note = &notes->note[place];
    uint32_t next = __atomic_load_n(&notes->first[to], __ATOMIC_RELAXED);

    note->from = from;
    do note->next = next;
    while (!__atomic_compare_exchange_n(&notes->first[to], &next, place, 1, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

uint32_t gp_notes_take(struct gp_notes *notes, uint32_t block)
{
    return __atomic_exchange_n(&notes->first[block], GP_NOTES_NONE, __ATOMIC_ACQUIRE);
}
