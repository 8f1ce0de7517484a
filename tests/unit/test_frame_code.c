/* SPDX-License-Identifier: Apache-2.0 */
#include "support_index.h"

#include "index/rows.h"

#include <stdlib.h>
#include <string.h>

/* A state, its copy before the last batch, and the bytes of that batch's frame. */
struct coded {
    struct support_index s;
    struct index_state before;
    struct index_frame frame;
    struct base_vector bytes;
};

static const char *space = "euclidean"; /* or "custom", whose frames tell distances too */

static void start(struct coded *c, size_t n, enum support_pick pick, size_t n_dead)
{
    struct base_random random;
    struct pcct_error err = { 0, "" };

    base_random_seed(&random, 21);
    support_index_start(&c->s, space, 2, 1);
    index_frame_init(&c->frame, &c->s.support.env);
    support_index_batch(&c->s, &c->frame, SUPPORT_LATTICE, 60, SUPPORT_PICK_ANY, 0, &random);
    index_frame_free(&c->frame);
    support_state_copy(&c->before, &c->s.state);
    support_ok(index_rebuild_layout(&c->before, &err), &err);
    support_index_batch(&c->s, &c->frame, SUPPORT_LATTICE, n, pick, n_dead, &random);
    c->bytes = (struct base_vector){ .item_bytes = 1 };
    support_ok(index_frame_encode(&c->bytes, &c->frame, &c->s.metric, &err), &err);
}

static void finish(struct coded *c)
{
    base_vector_free(&c->bytes, &c->s.support.env);
    index_frame_free(&c->frame);
    index_free(&c->before);
    support_index_free(&c->s);
}

static void same_changes(const struct index_frame *a, const struct index_frame *b)
{
    const struct index_change *x = a->change.memory.data, *y = b->change.memory.data;

    assert_int_equal(a->change.count, b->change.count);
    for (size_t i = 0; i < a->change.count; i++) {
        assert_int_equal(x[i].node, y[i].node);
        if (x[i].before.parent != x[i].after.parent) {
            assert_int_equal(x[i].before.parent, y[i].before.parent);
            assert_int_equal(x[i].after.parent, y[i].after.parent);
        } else {
            assert_int_equal(y[i].before.parent, y[i].after.parent);
        }
        if (x[i].before.level != x[i].after.level) {
            assert_int_equal(x[i].before.level, y[i].before.level);
            assert_int_equal(x[i].after.level, y[i].after.level);
        } else {
            assert_int_equal(y[i].before.level, y[i].after.level);
        }
        if (x[i].before.radius != x[i].after.radius) assert_true(x[i].before.radius == y[i].before.radius && x[i].after.radius == y[i].after.radius);
        if (strcmp(space, "custom") != 0) continue;
        if (x[i].before.pdist != x[i].after.pdist) assert_true(x[i].before.pdist == y[i].before.pdist && x[i].after.pdist == y[i].after.pdist);
    }
}

static void test_what_was_written_is_read(void **state)
{
    static const struct { size_t n, n_dead; enum support_pick pick; } cases[] = {
        { 40, 20, SUPPORT_PICK_ANY }, { 0, 5, SUPPORT_PICK_ROOT }, { 7, 0, SUPPORT_PICK_ANY }, { 0, 1, SUPPORT_PICK_ALL }, { 0, 0, SUPPORT_PICK_ANY },
        { 1, 1, SUPPORT_PICK_ALL },
    };

    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct coded c;
        struct index_frame out;
        struct base_vector again = { .item_bytes = 1 };
        struct pcct_error err = { 0, "" };

        start(&c, cases[k].n, cases[k].pick, cases[k].n_dead);
        index_frame_init(&out, &c.s.support.env);
        support_ok(index_frame_decode(&out, c.bytes.memory.data, c.bytes.count, &c.s.metric, &err), &err);
        assert_int_equal(c.bytes.count % 8, 0);
        assert_int_equal(out.n_before, c.frame.n_before);
        assert_int_equal(out.n_after, c.frame.n_after);
        assert_int_equal(out.live_after, c.frame.live_after);
        assert_int_equal(out.root_after, c.frame.root_after);
        assert_int_equal(out.next_label_after, c.frame.next_label_after);
        assert_memory_equal(out.digest_before, c.frame.digest_before, sizeof out.digest_before);
        assert_memory_equal(out.digest_after, c.frame.digest_after, sizeof out.digest_after);
        assert_int_equal(out.gone.count, c.frame.gone.count);
        if (out.gone.count) assert_memory_equal(out.gone.memory.data, c.frame.gone.memory.data, out.gone.count * 4);
        if (out.gone.count) assert_memory_equal(out.gone_label.memory.data, c.frame.gone_label.memory.data, out.gone.count * 8);
        same_changes(&c.frame, &out);
        support_ok(index_frame_encode(&again, &out, &c.s.metric, &err), &err);
        assert_int_equal(again.count, c.bytes.count);
        assert_memory_equal(again.memory.data, c.bytes.memory.data, again.count);
        base_vector_free(&again, &c.s.support.env);
        index_frame_free(&out);
        finish(&c);
    }
}

/* Decodes damaged bytes, copied to where a read beyond them is seen, and applies what comes out. Returns whether all of it went through. */
static int survives(struct coded *c, const unsigned char *bytes, size_t n)
{
    struct index_frame out;
    struct pcct_error err = { 0, "" };
    unsigned char *exact = malloc(n > 0 ? n : 1);
    int status;

    assert_non_null(exact);
    memcpy(exact, bytes, n);
    index_frame_init(&out, &c->s.support.env);
    status = index_frame_decode(&out, exact, n, &c->s.metric, &err);
    if (status != 0) {
        assert_int_equal(status, PCCT_E_DAMAGED);
        assert_true(err.message[0] != '\0');
    } else {
        struct index_state copy;

        support_state_copy(&copy, &c->before);
        support_ok(index_rebuild_layout(&copy, &err), &err);
        status = index_apply(&copy, &out, &err);
        if (status != 0) assert_int_equal(status, PCCT_E_DAMAGED);
        index_free(&copy);
    }
    index_frame_free(&out);
    free(exact);
    return status == 0;
}

/* Nothing that differs in a bit goes through: what decoding does not see, the old values or the digests do. */
static void test_flipped_bits(void **state)
{
    struct coded c;
    unsigned char *bytes;

    (void)state;
    start(&c, 12, SUPPORT_PICK_ROOT, 4);
    bytes = c.bytes.memory.data;
    assert_true(survives(&c, bytes, c.bytes.count));
    for (size_t bit = 0; bit < c.bytes.count * 8; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        if (survives(&c, bytes, c.bytes.count)) {
            /* but for flag bit 0 of a section head, which means nothing for a section that is known */
            assert_true(bit % 64 == 32);
        }
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    finish(&c);
}

static void test_cut_off_and_scrambled(void **state)
{
    struct coded c;
    struct base_random random;
    unsigned char *copy;

    (void)state;
    start(&c, 12, SUPPORT_PICK_ANY, 9);
    for (size_t n = 0; n < c.bytes.count; n++) assert_false(survives(&c, c.bytes.memory.data, n));
    base_random_seed(&random, 4);
    copy = malloc(c.bytes.count);
    assert_non_null(copy);
    for (int round = 0; round < 3000; round++) {
        memcpy(copy, c.bytes.memory.data, c.bytes.count);
        for (uint64_t k = base_random_below(&random, 4); k < 4; k++) {
            static const uint64_t odd[] = { 0, 1, UINT64_MAX, 0x8000000000000000, 0x7fffffff, 0x100000000, 8, 0x7ff0000000000000 };

            memcpy(copy + 4 * base_random_below(&random, c.bytes.count / 4 - 1), &odd[base_random_below(&random, 8)], 8);
        }
        survives(&c, copy, c.bytes.count);
    }
    free(copy);
    finish(&c);
}

/* The last section is SCATTER RADIUS, or SCATTER PDIST. Its first row told to change from what it changes to: refused, not passed over. */
static void test_change_that_is_none(void **state)
{
    struct coded c;
    struct index_frame out;
    struct pcct_error err = { 0, "" };
    unsigned char *at, *last = NULL;
    uint64_t count, bytes;

    (void)state;
    start(&c, 12, SUPPORT_PICK_ROOT, 4);
    for (at = c.bytes.memory.data; at < (unsigned char *)c.bytes.memory.data + c.bytes.count; at += 24 + (bytes + 7) / 8 * 8) {
        memcpy(&bytes, at + 16, sizeof bytes);
        last = at;
    }
    assert_true(last && last[0] == 6 && last[2] == (strcmp(space, "custom") == 0 ? INDEX_PDIST : INDEX_RADIUS));
    memcpy(&count, last + 8, sizeof count);
    at = last + 24 + (count * 4 + 7) / 8 * 8;
    memcpy(at + count * 8, at, 8);
    index_frame_init(&out, &c.s.support.env);
    assert_int_equal(index_frame_decode(&out, c.bytes.memory.data, c.bytes.count, &c.s.metric, &err), PCCT_E_DAMAGED);
    assert_non_null(strstr(err.message, strcmp(space, "custom") == 0 ? "SCATTER PDIST" : "SCATTER RADIUS"));
    assert_int_equal(out.change.count, 0);
    index_frame_free(&out);
    finish(&c);
}

/* A renumbering drops rows and leaves live ones only; how many it was told to drop is checked where the frame is applied. */
static void test_renumbering(void **state)
{
    struct coded c;
    struct index_frame out;
    struct pcct_error err = { 0, "" };
    unsigned char *numbers;
    uint32_t zero = 0, live;

    (void)state;
    start(&c, 12, SUPPORT_PICK_ANY, 0);
    numbers = (unsigned char *)c.bytes.memory.data + 24;
    live = c.frame.live_before;
    assert_int_equal(live, c.frame.n_before); /* nothing is dead: it could be what a renumbering left */
    index_frame_init(&out, &c.s.support.env);
    support_ok(index_frame_decode(&out, c.bytes.memory.data, c.bytes.count, &c.s.metric, &err), &err);
    assert_int_equal(out.renumbered_from, 0);
    index_frame_free(&out);
    for (int k = 0; k < 6; k++) {
        const uint32_t from[] = { live + 1, 4294967294u, live, live - 1, 4294967295u, live + 1 };

        memcpy(numbers + 40, &from[k], 4);
        if (k == 5) memcpy(numbers + 8, &zero, 4); /* live rows before */
        if (k < 2) {
            support_ok(index_frame_decode(&out, c.bytes.memory.data, c.bytes.count, &c.s.metric, &err), &err);
            assert_int_equal(out.renumbered_from, from[k]);
            assert_int_equal(out.n_before, live);
            index_frame_free(&out);
            assert_false(survives(&c, c.bytes.memory.data, c.bytes.count)); /* the state has not so many */
        } else {
            assert_int_equal(index_frame_decode(&out, c.bytes.memory.data, c.bytes.count, &c.s.metric, &err), PCCT_E_DAMAGED);
            assert_non_null(strstr(err.message, "renumbering"));
        }
    }
    memcpy(numbers + 8, &live, 4);
    memcpy(numbers + 40, &zero, 4);
    assert_true(survives(&c, c.bytes.memory.data, c.bytes.count));
    numbers[46] = 1;
    assert_int_equal(index_frame_decode(&out, c.bytes.memory.data, c.bytes.count, &c.s.metric, &err), PCCT_E_DAMAGED);
    assert_non_null(strstr(err.message, "STATE"));
    index_frame_free(&out);
    finish(&c);
}

/* An unknown section is refused, or skipped if it says that it may be. */
static void test_unknown_section(void **state)
{
    struct coded c;
    struct index_frame out;
    struct pcct_error err = { 0, "" };
    unsigned char *more = NULL;

    (void)state;
    start(&c, 3, SUPPORT_PICK_ANY, 2);
    support_ok(base_vector_add(&more, &c.bytes, &c.s.support.env, 32, &err), &err);
    memset(more, 0, 32);
    more[0] = 9;  /* kind */
    more[8] = 1;  /* count */
    more[16] = 5; /* bytes */
    index_frame_init(&out, &c.s.support.env);
    assert_int_equal(index_frame_decode(&out, c.bytes.memory.data, c.bytes.count, &c.s.metric, &err), PCCT_E_DAMAGED);
    assert_non_null(strstr(err.message, "unknown kind 9"));
    more[4] = 1; /* skippable */
    support_ok(index_frame_decode(&out, c.bytes.memory.data, c.bytes.count, &c.s.metric, &err), &err);
    index_frame_free(&out);
    finish(&c);
}

static int code_call(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct coded *c = ctx;
    struct base_vector bytes = { .item_bytes = 1 };
    struct index_frame out;
    int status = 0;

    index_frame_init(&out, env);
    TRY(index_frame_encode(&bytes, &c->frame, &c->s.metric, err));
    TRY(index_frame_decode(&out, bytes.memory.data, bytes.count, &c->s.metric, err));
    assert_int_equal(bytes.count, c->bytes.count);
done:
    base_vector_free(&bytes, env);
    index_frame_free(&out);
    return status;
}

static void test_without_memory(void **state)
{
    struct coded c;

    (void)state;
    start(&c, 30, SUPPORT_PICK_ANY, 20);
    assert_true(support_fail_each(&c.s.support, code_call, &c) >= 7);
    finish(&c);
}

/* Distances stand in the frames of custom metrics, and only there. */
static void test_distances_of_the_other_kind(void **state)
{
    static const char *const spaces[] = { "euclidean", "custom" };
    struct pcct_error err = { 0, "" };
    struct metric metric[2];
    struct coded c[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        space = spaces[i];
        start(&c[i], 12, SUPPORT_PICK_ROOT, 4);
        metric[i] = c[i].s.metric;
    }
    for (int i = 0; i < 2; i++) {
        struct index_frame out;

        index_frame_init(&out, &c[i].s.support.env);
        assert_int_equal(index_frame_decode(&out, c[i].bytes.memory.data, c[i].bytes.count, &metric[1 - i], &err), PCCT_E_DAMAGED);
        assert_non_null(strstr(err.message, i == 0 ? "APPEND PDIST has not as many rows" : "unknown kind 5, array 6"));
        index_frame_free(&out);
        finish(&c[i]);
    }
    space = "euclidean";
}

/* Labels alone, proved by their own hashes: the rest of the payload may be rubbish, a bit of them may not. */
static void test_labels(void **state)
{
    struct coded c;
    struct index_frame_labels labels;
    struct pcct_error err = { 0, "" };
    unsigned char *bytes, *at;
    uint64_t n;

    (void)state;
    start(&c, 12, SUPPORT_PICK_ROOT, 4);
    bytes = c.bytes.memory.data;
    support_ok(index_frame_labels(&labels, bytes, c.bytes.count, &c.s.metric, &err), &err);
    assert_int_equal(labels.n_added, 12);
    assert_memory_equal(labels.added, c.frame.label.data, 12 * 8);
    assert_int_equal(labels.n_gone, c.frame.gone.count);
    assert_true(labels.n_gone >= 4);
    assert_memory_equal(labels.gone, c.frame.gone_label.memory.data, labels.n_gone * 8);
    for (at = bytes; at[0] != 3; at += 24 + (n + 7) / 8 * 8) memcpy(&n, at + 16, sizeof n);
    at[24] ^= 1; /* a coordinate */
    support_ok(index_frame_labels(&labels, bytes, c.bytes.count, &c.s.metric, &err), &err);
    for (int list = 0; list < 2; list++) {
        unsigned char *label = (unsigned char *)(uintptr_t)(list ? labels.gone : labels.added);

        for (size_t bit = 0; bit < 64; bit++) {
            label[bit / 8] ^= (unsigned char)(1 << bit % 8);
            assert_int_equal(index_frame_labels(&labels, bytes, c.bytes.count, &c.s.metric, &err), PCCT_E_DAMAGED);
            label[bit / 8] ^= (unsigned char)(1 << bit % 8);
        }
        support_ok(index_frame_labels(&labels, bytes, c.bytes.count, &c.s.metric, &err), &err);
    }
    n = (uint64_t)((const unsigned char *)(labels.gone + labels.n_gone) - bytes); /* nothing behind it is looked at */
    support_ok(index_frame_labels(&labels, bytes, n, &c.s.metric, &err), &err);
    assert_int_equal(index_frame_labels(&labels, bytes, n - 8, &c.s.metric, &err), PCCT_E_DAMAGED);
    assert_int_equal(index_frame_labels(&labels, bytes, 0, &c.s.metric, &err), PCCT_E_DAMAGED);
    finish(&c);
}

static int use_custom(void **state)
{
    (void)state;
    space = "custom";
    return 0;
}

static int use_euclidean(void **state)
{
    (void)state;
    space = "euclidean";
    return 0;
}

#define BY_FUNCTION(test) { #test " (custom)", test, use_custom, use_euclidean, NULL }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_written_is_read), cmocka_unit_test(test_flipped_bits),    cmocka_unit_test(test_cut_off_and_scrambled),
        cmocka_unit_test(test_change_that_is_none),      cmocka_unit_test(test_unknown_section), cmocka_unit_test(test_renumbering),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_without_memory),           cmocka_unit_test(test_distances_of_the_other_kind),
        BY_FUNCTION(test_what_was_written_is_read),      BY_FUNCTION(test_flipped_bits),         BY_FUNCTION(test_cut_off_and_scrambled),
        BY_FUNCTION(test_change_that_is_none),           BY_FUNCTION(test_renumbering),          BY_FUNCTION(test_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
