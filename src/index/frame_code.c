/* SPDX-License-Identifier: Apache-2.0 */
#include "index/frame.h"

#include "base/error.h"
#include "index/frame_check.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/*
 * The bytes of a frame: sections one after the other, nothing else. All numbers are little-endian.
 *
 * A section is a head of 24 bytes and a body of `bytes` bytes, padded with zero bytes to a multiple of 8:
 *   u16 kind, u16 array, u32 flags, u64 count, u64 bytes
 * Sections stand in ascending order of (kind, array), each at most once; one whose count is 0 is left out. flags bit 0: a reader that does not know
 * the section may skip it (without it, it must refuse); the other bits are 0. Within a body each run of values begins at a multiple of 8; the gap
 * before it is zero bytes. a = n_after - n_before, the new rows; array numbers are those of enum index_array.
 *
 *  kind       array     count  body
 *  1 STATE    0         1      u32 n_before, n_after, live_before, live_after, root_before, root_after; i64 next_label_before, next_label_after;
 *                              u32 renumbered_from; u32 0
 *  2 DIGEST   0         6      count times { u64 array, u64 before, u64 after }: arrays 1 to 6, ascending
 *  2 DIGEST   2 LABEL   2      u64 hash (XXH3-64) of the bodies of ADD LABEL and DEL LABEL (of no bytes where there is none), so that they can
 *                              be read without the rest; flags bit 0 is set
 *  3 ADD      1 POINT   a      f64[count][input_dim]: rows n_before, n_before + 1, ...
 *  3 ADD      2 LABEL   a      i64[count]
 *  4 DEL      2 LABEL   c      i64[count]: labels of the rows that die, in the order of their rows
 *  5 APPEND   3 PARENT  a      u32[count]: values of the new rows
 *  5 APPEND   4 LEVEL   a      i16[count]
 *  5 APPEND   5 RADIUS  a      f64[count]
 *  6 SCATTER  3 PARENT  c      u32 row[count], ascending, below n_before; then u32 new[count]; then u32 old[count]
 *  6 SCATTER  4 LEVEL   c      u32 row[count]; i16 new[count]; i16 old[count]
 *  6 SCATTER  5 RADIUS  c      u32 row[count]; f64 new[count]; f64 old[count]
 * For a custom metric, whose function a reader may not have, also
 *  5 APPEND   6 PDIST   a      f64[count]
 *  6 SCATTER  6 PDIST   c      u32 row[count]; f64 new[count]; f64 old[count]
 *
 * A SCATTER section names the rows whose value in that array changes (new and old differ), and no others. The rows that die are those whose new LEVEL
 * is -1; their new PARENT is 0xffffffff, their new RADIUS and PDIST 0.
 *
 * renumbered_from: 0, or the rows that there were before the renumbering with which the frame begins: the live rows, in their order, become rows 0
 * to n_before - 1. Everything else in the frame, digests too, is about the rows after it.
 *
 * By rule, in no section: PDIST, unless the metric is custom, is the inner distance to the parent (0 without one) of every new row and of every row
 * in SCATTER PARENT, forward from the new parent, backward from the old one, whose row is still there; CHILD and NEXT follow from PARENT and LEVEL;
 * PLACE from POINT; n_live, twins and level counts from LEVEL. Blocks are in no frame.
 */
enum { KIND_STATE = 1, KIND_DIGEST, KIND_ADD, KIND_DEL, KIND_APPEND, KIND_SCATTER };
enum { FLAG_SKIPPABLE = 1, ALIGNMENT = 8 };
enum { DIGESTED_FIRST = INDEX_POINT, DIGESTED_LAST = INDEX_PDIST, LABEL_HASHES = 2 };

struct section_head {
    uint16_t kind, array;
    uint32_t flags;
    uint64_t count, bytes;
};
_Static_assert(sizeof(struct section_head) == 24 && offsetof(struct section_head, bytes) == 16, "section_head is written out as it is");

struct state_body {
    uint32_t n_before, n_after, live_before, live_after, root_before, root_after;
    int64_t next_label_before, next_label_after;
    uint32_t renumbered_from, zero;
};
_Static_assert(sizeof(struct state_body) == 48, "state_body is written out as it is");

struct digest_body {
    uint64_t array, before, after;
};
_Static_assert(sizeof(struct digest_body) == 24, "digest_body is written out as it is");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are written out as they are");

static size_t aligned(size_t bytes) { return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; }

static size_t value_bytes(int array)
{
    return array == INDEX_PARENT ? sizeof(uint32_t) : array == INDEX_LEVEL ? sizeof(int16_t) : sizeof(double);
}

/* The arrays that change: up to this one. */
static int last_array(const struct metric *metric) { return metric_is_custom(metric) ? INDEX_PDIST : INDEX_RADIUS; }

/* One of them, in a row. */
static const void *value_of(const struct index_row *row, int array)
{
    switch (array) {
    case INDEX_PARENT: return &row->parent;
    case INDEX_LEVEL: return &row->level;
    case INDEX_RADIUS: return &row->radius;
    default: return &row->pdist;
    }
}

static int value_differs(const struct index_change *c, int array)
{
    if (array == INDEX_RADIUS) return !index_same_radius(&c->before, &c->after);
    if (array == INDEX_PDIST) return !index_same_pdist(&c->before, &c->after);
    return array == INDEX_PARENT ? c->before.parent != c->after.parent : c->before.level != c->after.level;
}

/* ---- encoding ----------------------------------------------------------------------------------------------------------------------------- */

/* Writes the head and makes room for the body, zeroed, at *body. */
static int add_section(unsigned char **body, struct base_vector *bytes, const struct index_frame *frame, struct section_head head,
                       struct pcct_error *err)
{
    unsigned char *place = NULL;
    int status = 0;

    TRY(base_vector_add(&place, bytes, frame->env, sizeof head + aligned(head.bytes), err));
    memset(place, 0, sizeof head + aligned(head.bytes));
    memcpy(place, &head, sizeof head);
    *body = place + sizeof head;
done:
    return status;
}

static int add_copy(struct base_vector *bytes, const struct index_frame *frame, int kind, int array, uint64_t count, const void *data, size_t n,
                    struct pcct_error *err)
{
    struct section_head head = { (uint16_t)kind, (uint16_t)array, 0, count, n };
    unsigned char *body = NULL;
    int status = 0;

    if (count == 0) return 0;
    TRY(add_section(&body, bytes, frame, head, err));
    memcpy(body, data, n);
done:
    return status;
}

static int add_append(struct base_vector *bytes, const struct index_frame *frame, int array, struct pcct_error *err)
{
    const struct index_row *row = frame->added.memory.data;
    size_t n = frame->added.count, size = value_bytes(array);
    struct section_head head = { KIND_APPEND, (uint16_t)array, 0, n, n * size };
    unsigned char *body = NULL;
    int status = 0;

    if (n == 0) return 0;
    TRY(add_section(&body, bytes, frame, head, err));
    for (size_t i = 0; i < n; i++) memcpy(body + i * size, value_of(&row[i], array), size);
done:
    return status;
}

static int add_scatter(struct base_vector *bytes, const struct index_frame *frame, int array, struct pcct_error *err)
{
    const struct index_change *change = frame->change.memory.data;
    size_t size = value_bytes(array), n = 0, k = 0, first, run;
    struct section_head head = { KIND_SCATTER, (uint16_t)array, 0, 0, 0 };
    unsigned char *body = NULL;
    int status = 0;

    for (size_t i = 0; i < frame->change.count; i++) n += (size_t)value_differs(&change[i], array);
    if (n == 0) return 0;
    first = aligned(n * sizeof(uint32_t));
    run = aligned(n * size);
    head.count = n;
    head.bytes = first + run + n * size;
    TRY(add_section(&body, bytes, frame, head, err));
    for (size_t i = 0; i < frame->change.count; i++) {
        if (!value_differs(&change[i], array)) continue;
        memcpy(body + k * sizeof(uint32_t), &change[i].node, sizeof(uint32_t));
        memcpy(body + first + k * size, value_of(&change[i].after, array), size);
        memcpy(body + first + run + k * size, value_of(&change[i].before, array), size);
        k++;
    }
done:
    return status;
}

static int add_label_hashes(struct base_vector *bytes, const struct index_frame *frame, struct pcct_error *err)
{
    const struct section_head head = { KIND_DIGEST, INDEX_LABEL, FLAG_SKIPPABLE, LABEL_HASHES, LABEL_HASHES * sizeof(uint64_t) };
    uint64_t hash[LABEL_HASHES] = { base_hash64(frame->label.data, frame->added.count * sizeof(int64_t)),
                                    base_hash64(frame->gone_label.memory.data, frame->gone.count * sizeof(int64_t)) };
    unsigned char *body = NULL;
    int status = add_section(&body, bytes, frame, head, err);

    if (status == 0) memcpy(body, hash, sizeof hash);
    return status;
}

int index_frame_encode(struct base_vector *bytes, const struct index_frame *frame, const struct metric *metric, struct pcct_error *err)
{
    struct state_body numbers = { frame->n_before, frame->n_after, frame->live_before, frame->live_after, frame->root_before, frame->root_after,
                                  frame->next_label_before, frame->next_label_after, frame->renumbered_from, 0 };
    struct digest_body digest[DIGESTED_LAST - DIGESTED_FIRST + 1];
    size_t n = frame->added.count, gone = frame->gone.count;
    int status = 0;

    assert(frame->sealed && bytes->item_bytes == 1);
    for (int a = DIGESTED_FIRST; a <= DIGESTED_LAST; a++) {
        digest[a - DIGESTED_FIRST] = (struct digest_body){ (uint64_t)a, frame->digest_before[a], frame->digest_after[a] };
    }
    TRY(add_copy(bytes, frame, KIND_STATE, 0, 1, &numbers, sizeof numbers, err));
    TRY(add_copy(bytes, frame, KIND_DIGEST, 0, sizeof digest / sizeof *digest, digest, sizeof digest, err));
    TRY(add_label_hashes(bytes, frame, err));
    TRY(add_copy(bytes, frame, KIND_ADD, INDEX_POINT, n, frame->point.data, n * metric->input_dim * sizeof(double), err));
    TRY(add_copy(bytes, frame, KIND_ADD, INDEX_LABEL, n, frame->label.data, n * sizeof(int64_t), err));
    TRY(add_copy(bytes, frame, KIND_DEL, INDEX_LABEL, gone, frame->gone_label.memory.data, gone * sizeof(int64_t), err));
    for (int array = INDEX_PARENT; array <= last_array(metric); array++) TRY(add_append(bytes, frame, array, err));
    for (int array = INDEX_PARENT; array <= last_array(metric); array++) TRY(add_scatter(bytes, frame, array, err));
done:
    return status;
}

/* ---- decoding: the sections ---------------------------------------------------------------------------------------------------------------- */

enum { STATE, DIGEST, LABELS, ADD_POINT, ADD_LABEL, DEL_LABEL, APPEND_FIRST, APPEND_LAST = APPEND_FIRST + 3, SCATTER_FIRST,
       SCATTER_LAST = SCATTER_FIRST + 3,
       SECTIONS };
enum { ROWS = SCATTER_LAST - SCATTER_FIRST + 1 };

static const struct {
    const char *name;
    int kind, array;
} known[SECTIONS] = {
    { "STATE", KIND_STATE, 0 },
    { "DIGEST", KIND_DIGEST, 0 },
    { "DIGEST LABEL", KIND_DIGEST, INDEX_LABEL },
    { "ADD POINT", KIND_ADD, INDEX_POINT },
    { "ADD LABEL", KIND_ADD, INDEX_LABEL },
    { "DEL LABEL", KIND_DEL, INDEX_LABEL },
    { "APPEND PARENT", KIND_APPEND, INDEX_PARENT },
    { "APPEND LEVEL", KIND_APPEND, INDEX_LEVEL },
    { "APPEND RADIUS", KIND_APPEND, INDEX_RADIUS },
    { "APPEND PDIST", KIND_APPEND, INDEX_PDIST },
    { "SCATTER PARENT", KIND_SCATTER, INDEX_PARENT },
    { "SCATTER LEVEL", KIND_SCATTER, INDEX_LEVEL },
    { "SCATTER RADIUS", KIND_SCATTER, INDEX_RADIUS },
    { "SCATTER PDIST", KIND_SCATTER, INDEX_PDIST },
};

/* Bodies by what they are; NULL and count 0: not there. */
struct sections {
    const unsigned char *body[SECTIONS];
    size_t count[SECTIONS];
};

static int damaged(struct pcct_error *err, const char *section, const char *what)
{
    return base_fail(err, PCCT_E_DAMAGED, "damaged frame: section %s %s", section, what);
}

/* Bytes that a body of so many items must have; count is at most the frame's own length, so nothing overflows. */
static size_t body_bytes(int section, size_t count, const struct metric *metric)
{
    size_t size = value_bytes(known[section].array);

    switch (known[section].kind) {
    case KIND_STATE: return count * sizeof(struct state_body);
    case KIND_DIGEST: return count * (section == LABELS ? sizeof(uint64_t) : sizeof(struct digest_body));
    case KIND_SCATTER: return aligned(count * sizeof(uint32_t)) + aligned(count * size) + count * size;
    case KIND_ADD: return section == ADD_POINT ? count * metric->input_dim * sizeof(double) : count * sizeof(int64_t);
    default: return count * size;
    }
}

static int is_zero(const unsigned char *from, const unsigned char *to)
{
    while (from < to) {
        if (*from++ != 0) return 0;
    }
    return 1;
}

static int take_section(struct sections *sections, const struct section_head *head, const unsigned char *body, const struct metric *metric,
                        struct pcct_error *err)
{
    for (int i = 0; i < SECTIONS; i++) {
        if (known[i].kind != head->kind || known[i].array != head->array || known[i].array > last_array(metric)) continue;
        if (head->flags & ~(uint32_t)FLAG_SKIPPABLE) return damaged(err, known[i].name, "has unknown flags");
        if (head->count == 0 || head->count > head->bytes || head->bytes != body_bytes(i, head->count, metric)) {
            return damaged(err, known[i].name, "has a wrong length");
        }
        sections->body[i] = body;
        sections->count[i] = head->count;
        return 0;
    }
    if (head->flags & FLAG_SKIPPABLE) return 0;
    return base_fail(err, PCCT_E_DAMAGED, "damaged frame: section of unknown kind %u, array %u", head->kind, head->array);
}

/* Sections stand in this order. */
static uint32_t place_of(uint32_t kind, uint32_t array) { return kind << 16 | array; }

/* Up to the last section whose place is not beyond `stop`.
 * 2^52 items of the longest kind have no overflowing length, and no frame has as many bytes. */
static int split(struct sections *sections, const unsigned char *bytes, size_t n_bytes, const struct metric *metric, uint32_t stop,
                 struct pcct_error *err)
{
    uint32_t last = 0;
    size_t at = 0;
    int status = 0;

    while (at < n_bytes) {
        struct section_head head;
        uint32_t place;

        if (n_bytes - at < sizeof head) TRY(base_fail(err, PCCT_E_DAMAGED, "damaged frame: it ends within the head of a section"));
        memcpy(&head, bytes + at, sizeof head);
        at += sizeof head;
        place = place_of(head.kind, head.array);
        if (place > stop) break;
        if (place <= last) TRY(base_fail(err, PCCT_E_DAMAGED, "damaged frame: section of kind %u, array %u out of order", head.kind, head.array));
        last = place;
        if (head.bytes > n_bytes - at || aligned(head.bytes) > n_bytes - at || head.bytes >> 48) {
            TRY(base_fail(err, PCCT_E_DAMAGED, "damaged frame: section of kind %u, array %u is longer than the frame", head.kind, head.array));
        }
        TRY(take_section(sections, &head, bytes + at, metric, err));
        if (!is_zero(bytes + at + head.bytes, bytes + at + aligned(head.bytes))) {
            TRY(base_fail(err, PCCT_E_DAMAGED, "damaged frame: section of kind %u, array %u is not padded with zeros", head.kind, head.array));
        }
        at += aligned(head.bytes);
    }
done:
    return status;
}

/* The hashes of the labels, which must be there and right. */
static int prove_labels(const struct sections *s, struct pcct_error *err)
{
    uint64_t hash[LABEL_HASHES];

    if (s->count[LABELS] != LABEL_HASHES) return damaged(err, "DIGEST LABEL", "is missing or has a wrong length");
    memcpy(hash, s->body[LABELS], sizeof hash);
    if (hash[0] != base_hash64(s->body[ADD_LABEL], s->count[ADD_LABEL] * sizeof(int64_t))) return damaged(err, "ADD LABEL", "has a wrong checksum");
    if (hash[1] != base_hash64(s->body[DEL_LABEL], s->count[DEL_LABEL] * sizeof(int64_t))) return damaged(err, "DEL LABEL", "has a wrong checksum");
    return 0;
}

int index_frame_labels(struct index_frame_labels *labels, const void *bytes, size_t n_bytes, const struct metric *metric, struct pcct_error *err)
{
    struct sections sections = { { NULL }, { 0 } };
    int status = 0;

    assert((uintptr_t)bytes % ALIGNMENT == 0);
    memset(labels, 0, sizeof *labels);
    TRY(split(&sections, bytes, n_bytes, metric, place_of(KIND_DEL, INDEX_LABEL), err));
    TRY(prove_labels(&sections, err));
    /* every section begins at a multiple of its numbers' size */
    labels->added = (const int64_t *)(const void *)sections.body[ADD_LABEL];
    labels->gone = (const int64_t *)(const void *)sections.body[DEL_LABEL];
    labels->n_added = sections.count[ADD_LABEL];
    labels->n_gone = sections.count[DEL_LABEL];
done:
    return status;
}

/* ---- decoding: what they say --------------------------------------------------------------------------------------------------------------- */

static int read_numbers(struct index_frame *frame, const struct sections *s, struct pcct_error *err)
{
    struct state_body numbers;

    if (s->count[STATE] != 1) return damaged(err, "STATE", "is missing or there more than once");
    memcpy(&numbers, s->body[STATE], sizeof numbers);
    frame->n_before = numbers.n_before;
    frame->n_after = numbers.n_after;
    frame->live_before = numbers.live_before;
    frame->live_after = numbers.live_after;
    frame->root_before = numbers.root_before;
    frame->root_after = numbers.root_after;
    frame->next_label_before = numbers.next_label_before;
    frame->next_label_after = numbers.next_label_after;
    frame->renumbered_from = numbers.renumbered_from;
    if (numbers.zero != 0) return damaged(err, "STATE", "has unknown numbers");
    if (numbers.renumbered_from != 0 && (numbers.renumbered_from <= numbers.n_before || numbers.renumbered_from == INDEX_NONE ||
                                         numbers.n_before != numbers.live_before)) {
        return damaged(err, "STATE", "tells of a renumbering that drops no rows, or leaves dead ones");
    }
    if (s->count[DIGEST] != DIGESTED_LAST - DIGESTED_FIRST + 1) return damaged(err, "DIGEST", "has not one item for each array");
    for (int a = DIGESTED_FIRST; a <= DIGESTED_LAST; a++) {
        struct digest_body digest;

        memcpy(&digest, s->body[DIGEST] + (size_t)(a - DIGESTED_FIRST) * sizeof digest, sizeof digest);
        if (digest.array != (uint64_t)a) return damaged(err, "DIGEST", "names another array than expected");
        frame->digest_before[a] = digest.before;
        frame->digest_after[a] = digest.after;
    }
    return 0;
}

static void set_value(struct index_row *row, int array, const unsigned char *value)
{
    if (array == INDEX_PARENT) memcpy(&row->parent, value, sizeof row->parent);
    if (array == INDEX_LEVEL) memcpy(&row->level, value, sizeof row->level);
    if (array == INDEX_RADIUS) memcpy(&row->radius, value, sizeof row->radius);
    if (array == INDEX_PDIST) memcpy(&row->pdist, value, sizeof row->pdist);
}

/* Not negative, not -0, finite: whatever is compared with == later is then equal in its bits. */
static int is_length(double x)
{
    return x >= 0 && x < (double)INFINITY && !signbit(x);
}

static int read_added(struct index_frame *frame, const struct sections *s, const struct metric *metric, struct pcct_error *err)
{
    size_t n = s->count[ADD_POINT], point_bytes = n * metric->input_dim * sizeof(double);
    struct index_row *row = NULL;
    int status = 0, last = APPEND_FIRST + last_array(metric) - INDEX_PARENT;

    if (frame->n_after < frame->n_before || frame->n_after - frame->n_before != n) {
        TRY(damaged(err, "ADD POINT", "has not as many rows as STATE says"));
    }
    if (s->count[ADD_LABEL] != n) TRY(damaged(err, "ADD LABEL", "has not as many rows as STATE says"));
    for (int i = APPEND_FIRST; i <= last; i++) {
        if (s->count[i] != n) TRY(damaged(err, known[i].name, "has not as many rows as STATE says"));
    }
    if (n == 0) goto done;
    TRY(base_buffer_reserve(&frame->point, frame->env, point_bytes, 0, err));
    TRY(base_buffer_reserve(&frame->label, frame->env, n * sizeof(int64_t), 0, err));
    TRY(base_vector_add(&row, &frame->added, frame->env, n, err));
    memcpy(frame->point.data, s->body[ADD_POINT], point_bytes);
    memcpy(frame->label.data, s->body[ADD_LABEL], n * sizeof(int64_t));
    for (size_t i = 0; i < n; i++) {
        row[i] = (struct index_row){ 0, 0, INDEX_NONE, INDEX_LEVEL_FREE, 0 };
        for (int j = APPEND_FIRST; j <= last; j++) set_value(&row[i], known[j].array, s->body[j] + i * value_bytes(known[j].array));
        if (!is_length(row[i].radius)) TRY(damaged(err, "APPEND RADIUS", "has a value that is none"));
        if (!is_length(row[i].pdist)) TRY(damaged(err, "APPEND PDIST", "has a value that is none"));
    }
done:
    return status;
}

static uint32_t scatter_row(const struct sections *s, int section, size_t k)
{
    uint32_t row = INDEX_NONE;

    if (k < s->count[section]) memcpy(&row, s->body[section] + k * sizeof row, sizeof row);
    return row;
}

static int check_scatter(const struct index_frame *frame, const struct sections *s, int section, struct pcct_error *err)
{
    size_t n = s->count[section], rows = n * sizeof(uint32_t), values = n * value_bytes(known[section].array);
    const unsigned char *body = s->body[section];

    if (n == 0) return 0;
    for (size_t k = 0; k < n; k++) {
        uint32_t row = scatter_row(s, section, k);

        if (row >= frame->n_before || (k > 0 && scatter_row(s, section, k - 1) >= row)) {
            return damaged(err, known[section].name, "has rows out of order or range");
        }
    }
    if (!is_zero(body + rows, body + aligned(rows)) || !is_zero(body + aligned(rows) + values, body + aligned(rows) + aligned(values))) {
        return damaged(err, known[section].name, "is not padded with zeros");
    }
    return 0;
}

/* Value k of a section, into the rows before and after. */
static int read_scatter(struct index_change *change, const struct sections *s, int section, size_t k, struct pcct_error *err)
{
    int array = known[section].array;
    size_t n = s->count[section], size = value_bytes(array), first = aligned(n * sizeof(uint32_t)), run = aligned(n * size);

    set_value(&change->after, array, s->body[section] + first + k * size);
    set_value(&change->before, array, s->body[section] + first + run + k * size);
    if (!is_length(change->after.radius) || !is_length(change->before.radius) || !is_length(change->after.pdist) ||
        !is_length(change->before.pdist)) {
        return damaged(err, known[section].name, "has a value that is none");
    }
    return value_differs(change, array) ? 0 : damaged(err, known[section].name, "has a value that does not change");
}

/* Merges the three lists of rows. Values that a frame does not change are left equal on both sides. */
static int read_changes(struct index_frame *frame, const struct sections *s, struct pcct_error *err)
{
    const struct index_row untold = { 0, 0, INDEX_NONE, INDEX_LEVEL_FREE, 0 };
    size_t at[ROWS] = { 0 }, most = 0;
    struct index_change *change = NULL;
    int status = 0;

    for (int i = 0; i < ROWS; i++) {
        TRY(check_scatter(frame, s, SCATTER_FIRST + i, err));
        most += s->count[SCATTER_FIRST + i];
    }
    TRY(base_vector_add(&change, &frame->change, frame->env, most, err));
    frame->change.count = 0;
    for (;;) {
        uint32_t node = INDEX_NONE;

        for (int i = 0; i < ROWS; i++) {
            uint32_t row = scatter_row(s, SCATTER_FIRST + i, at[i]);

            if (row < node) node = row;
        }
        if (node == INDEX_NONE) break;
        *change = (struct index_change){ node, untold, untold };
        for (int i = 0; i < ROWS; i++) {
            if (scatter_row(s, SCATTER_FIRST + i, at[i]) == node) TRY(read_scatter(change, s, SCATTER_FIRST + i, at[i]++, err));
        }
        change++;
        frame->change.count++;
    }
done:
    return status;
}

static int read_gone(struct index_frame *frame, const struct sections *s, struct pcct_error *err)
{
    const struct index_change *change = frame->change.memory.data;
    uint32_t *node = NULL;
    int64_t *label = NULL;
    size_t n = 0;
    int status = 0;

    for (size_t i = 0; i < frame->change.count; i++) n += change[i].after.level == INDEX_LEVEL_DEAD;
    if (n != s->count[DEL_LABEL]) TRY(damaged(err, "DEL LABEL", "has not as many rows as die"));
    if (n == 0) goto done;
    TRY(base_vector_add(&node, &frame->gone, frame->env, n, err));
    TRY(base_vector_add(&label, &frame->gone_label, frame->env, n, err));
    memcpy(label, s->body[DEL_LABEL], n * sizeof *label);
    for (size_t i = 0; i < frame->change.count; i++) {
        if (change[i].after.level == INDEX_LEVEL_DEAD) *node++ = change[i].node;
    }
done:
    return status;
}

int index_frame_decode(struct index_frame *frame, const void *bytes, size_t n_bytes, const struct metric *metric, struct pcct_error *err)
{
    struct sections sections = { { NULL }, { 0 } };
    int status = 0;

    assert(!frame->sealed && frame->change.count == 0 && frame->added.count == 0);
    TRY(split(&sections, bytes, n_bytes, metric, UINT32_MAX, err));
    TRY(prove_labels(&sections, err));
    TRY(read_numbers(frame, &sections, err));
    TRY(read_added(frame, &sections, metric, err));
    TRY(read_changes(frame, &sections, err));
    TRY(read_gone(frame, &sections, err));
    frame->sealed = 1;
done:
    if (status != 0) index_frame_free(frame);
    return status;
}
