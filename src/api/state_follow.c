/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handle.h"

#include "base/memory.h"
#include "base/par.h"
#include "index/frame_join.h"

/*
 * Frames are read, verified and decoded side by side; then as many as stand behind each other without a renumbering are joined and applied as one.
 * Many at a time, but no more than so many, or so many bytes of them (or one): decoded they take about three times that.
 */
enum { FRAMES_AT_ONCE = 4096, BYTES_AT_ONCE = 64 << 20 };

struct part {
    struct store_version version;
    struct base_vector bytes; /* as in the journal */
    struct index_frame frame; /* empty: a restored state, that of its state parent */
    struct pcct_error err;
    int status;
};

struct following {
    pcct_store *store;
    struct part *part;
    size_t parts;
};

static void read_parts(void *ctx, size_t begin, size_t end, int thread)
{
    struct following *f = ctx;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        struct part *part = &f->part[i];

        part->status = store_frame(&part->bytes, f->store->store, &part->version, &part->err);
        if (part->status == 0 && part->bytes.count > 0) {
            part->status = index_frame_decode(&part->frame, part->bytes.memory.data, part->bytes.count, &f->store->metric, &part->err);
        }
        base_vector_free(&part->bytes, &f->store->env);
    }
}

static void free_parts(struct following *f)
{
    for (size_t i = 0; i < f->parts; i++) index_frame_free(&f->part[i].frame);
    base_free(&f->store->env, f->part);
    f->part = NULL;
    f->parts = 0;
}

/* The frames of the next of n versions; f->parts says of how many. */
static int load(struct following *f, const uint64_t *version, size_t n, struct pcct_error *err)
{
    const struct base_env *env = &f->store->env;
    uint64_t bytes = 0;
    int status = 0;

    if (n > FRAMES_AT_ONCE) n = FRAMES_AT_ONCE;
    TRY(base_take_zero(&f->part, env, n, sizeof *f->part, err));
    while (f->parts < n && bytes < BYTES_AT_ONCE) {
        struct part *part = &f->part[f->parts];

        TRY(store_version(&part->version, NULL, f->store->store, version[f->parts], err));
        part->bytes.item_bytes = 1;
        index_frame_init(&part->frame, env);
        bytes += part->version.bytes;
        f->parts++;
    }
    base_par_for(env, f->parts, 1, read_parts, f);
    for (size_t i = 0; i < f->parts; i++) {
        if (f->part[i].status != 0 && err) *err = f->part[i].err;
        TRY(f->part[i].status);
    }
done:
    return status;
}

static int apply_joined(struct index_state *state, const struct index_frame *const *frame, size_t n, int apart, struct pcct_error *err)
{
    struct index_frame joined;
    int status = 0;

    index_frame_init(&joined, frame[0]->env);
    TRY(index_frame_join(&joined, frame, n, &state->metric, err));
    joined.apart = apart;
    TRY(index_apply(state, &joined, err));
done:
    index_frame_free(&joined);
    return status;
}

static int apply_parts(struct index_state *state, const struct following *f, int apart, struct pcct_error *err)
{
    const struct base_env *env = &f->store->env;
    const struct index_frame **frame = NULL;
    size_t n = 0;
    int status = 0;

    TRY(base_take(&frame, env, f->parts, sizeof *frame, err));
    for (size_t i = 0; i < f->parts; i++) {
        if (f->part[i].frame.sealed) frame[n++] = &f->part[i].frame;
    }
    for (size_t i = 0, next; i < n; i = next) {
        for (next = i + 1; next < n && frame[next]->renumbered_from == 0;) next++;
        if (next - i == 1 && !apart) TRY(index_apply(state, frame[i], err));
        else TRY(apply_joined(state, frame + i, next - i, apart, err));
    }
done:
    base_free(env, frame);
    return status;
}

int api_state_follow(struct index_state *state, pcct_store *store, const struct base_vector *path, int apart, struct pcct_error *err)
{
    const uint64_t *version = path->memory.data;
    struct following f = { .store = store };
    int status = 0;

    for (size_t at = 0; at < path->count;) {
        TRY(load(&f, version + at, path->count - at, err));
        TRY(apply_parts(state, &f, apart, err));
        at += f.parts;
        free_parts(&f);
    }
done:
    free_parts(&f);
    return status;
}
