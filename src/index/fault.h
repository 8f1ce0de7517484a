/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INDEX_FAULT_H
#define INDEX_FAULT_H

#include <stdint.h>

/*
 * What parallel bodies find wrong: of all faults the one with the least item, then the least code, stays. So the message does not depend on
 * which thread was faster. Codes are 1 to 255.
 */
struct index_fault {
    uint64_t least; /* item << 8 | code */
};
#define INDEX_FAULT_NONE ((struct index_fault){ UINT64_MAX })

static inline void index_fault_note(struct index_fault *fault, uint64_t item, unsigned code)
{
    uint64_t mine = item << 8 | code, seen = __atomic_load_n(&fault->least, __ATOMIC_RELAXED);

    /* Relaxed: nothing is published with the number, and it is read after the parallel region. */
    while (mine < seen && !__atomic_compare_exchange_n(&fault->least, &seen, mine, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) continue;
}

static inline int index_fault_found(const struct index_fault *fault) { return fault->least != UINT64_MAX; }
static inline uint64_t index_fault_item(const struct index_fault *fault) { return fault->least >> 8; }
static inline unsigned index_fault_code(const struct index_fault *fault) { return (unsigned)(fault->least & 255); }

#endif
