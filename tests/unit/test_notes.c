/* SPDX-License-Identifier: Apache-2.0 */
#include "support_gp.h"

#include "base/par.h"
#include "gp/notes.h"

enum { BLOCKS = 60 };

static void angles(void **test)
{
    struct support_env env;
    struct gp_notes notes;
    struct pcct_error err = { 0, "" };
    float angle = 0;
    int full = 0;

    (void)test;
    support_env_start(&env, 1);
    support_ok(gp_notes_make(&notes, BLOCKS, BLOCKS + 9, &env.env, &err), &err);
    assert_false(gp_notes_angle_of(&angle, &full, &notes, 3, 4));
    gp_notes_angle(&notes, 3, 4, 0.7854F, 1);
    gp_notes_angle(&notes, 4, 3, 1.5F, 0);
    gp_notes_angle(&notes, 5, 3, 0, 1); /* says nothing */
    assert_true(gp_notes_angle_of(&angle, &full, &notes, 3, 4));
    assert_true(full && angle <= 0.7854F && angle > 0.7852F);
    assert_true(gp_notes_angle_of(&angle, &full, &notes, 4, 3));
    assert_true(!full && angle <= 1.5F && angle > 1.4998F);
    assert_false(gp_notes_angle_of(&angle, &full, &notes, 5, 3));
    assert_false(gp_notes_above_of(&angle, &notes, BLOCKS + 2, BLOCKS + 7));
    gp_notes_above(&notes, BLOCKS + 2, BLOCKS + 7, 0);
    gp_notes_above(&notes, BLOCKS + 8, BLOCKS, 1.25F);
    assert_true(gp_notes_above_of(&angle, &notes, BLOCKS + 7, BLOCKS + 2) && angle <= 0); /* known to say nothing */
    assert_true(gp_notes_above_of(&angle, &notes, BLOCKS, BLOCKS + 8) && angle <= 1.25F && angle > 1.2498F);
    gp_notes_free(&notes);
    support_env_finish(&env);
}

/* What is left is found once, by whom it is for; places run out. */
static void left_and_taken(void **test)
{
    struct support_env env;
    struct gp_notes notes;
    struct pcct_error err = { 0, "" };
    uint32_t place[3], met = 0;

    (void)test;
    support_env_start(&env, 1);
    support_ok(gp_notes_make(&notes, 3, 3, &env.env, &err), &err);
    assert_int_equal(notes.capacity, 4);
    for (uint32_t i = 0; i < 3; i++) {
        place[i] = gp_notes_place(&notes);
        for (int j = 0; j < 256; j++) gp_notes_gram(&notes, place[i])[j] = (float)(i + 1);
    }
    gp_notes_leave(&notes, place[0], 2, 1);
    gp_notes_leave(&notes, place[1], 0, 1);
    gp_notes_leave(&notes, place[2], 2, 0);
    for (uint32_t at = gp_notes_take(&notes, 1); at != GP_NOTES_NONE; at = notes.note[at].next) {
        assert_true(gp_notes_gram(&notes, at)[255] == (notes.note[at].from == 2 ? 1 : 2));
        met += 1 + notes.note[at].from;
    }
    assert_int_equal(met, 4);
    assert_int_equal(gp_notes_take(&notes, 1), GP_NOTES_NONE);
    assert_int_equal(gp_notes_take(&notes, 0), place[2]);
    assert_int_not_equal(gp_notes_place(&notes), GP_NOTES_NONE);
    assert_int_equal(gp_notes_place(&notes), GP_NOTES_NONE);
    gp_notes_free(&notes);
    gp_notes_free(&notes);
    support_ok(gp_notes_make(&notes, 100000, 200000, &env.env, &err), &err); /* too many: nothing is kept */
    assert_true(!notes.angle && !notes.above);
    gp_notes_free(&notes);
    support_ok(gp_notes_make(&notes, 100000, 100100, &env.env, &err), &err); /* of blocks */
    assert_true(!notes.angle && notes.above);
    gp_notes_free(&notes);
    support_env_finish(&env);
}

static void leave_from(void *ctx, size_t begin, size_t end, int thread)
{
    struct gp_notes *notes = ctx;

    (void)thread;
    for (size_t from = begin; from < end; from++) {
        for (uint32_t to = 0; to < (uint32_t)from; to++) {
            const uint32_t place = gp_notes_place(notes);

            gp_notes_gram(notes, place)[7] = (float)(from * BLOCKS + to);
            gp_notes_leave(notes, place, (uint32_t)from, to);
        }
    }
}

/* Many at once: all arrives, whole. */
static void by_many(void **test)
{
    struct support_env env;
    struct gp_notes notes;
    struct pcct_error err = { 0, "" };
    size_t met = 0;

    (void)test;
    support_env_start(&env, 4);
    support_ok(gp_notes_make(&notes, BLOCKS, BLOCKS + 9, &env.env, &err), &err);
    base_par_for(&env.env, BLOCKS, 1, leave_from, &notes);
    for (uint32_t to = 0; to < BLOCKS; to++) {
        char seen[BLOCKS] = { 0 };

        for (uint32_t at = gp_notes_take(&notes, to); at != GP_NOTES_NONE; at = notes.note[at].next) {
            const uint32_t from = notes.note[at].from;

            assert_true(from > to && !seen[from] && gp_notes_gram(&notes, at)[7] == (float)(from * BLOCKS + to));
            seen[from] = 1;
            met++;
        }
    }
    assert_int_equal(met, BLOCKS * (BLOCKS - 1) / 2);
    gp_notes_free(&notes);
    support_env_finish(&env);
}

static int make(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct gp_notes notes;
    const int status = gp_notes_make(&notes, *(const uint32_t *)ctx, 2 * *(const uint32_t *)ctx, env, err);

    gp_notes_free(&notes);
    return status;
}

static void memory_may_fail(void **test)
{
    struct support_env env;
    uint32_t blocks = BLOCKS;

    (void)test;
    support_env_start(&env, 1);
    assert_int_equal(support_fail_each(&env, make, &blocks), 5);
    support_env_finish(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(angles),
        cmocka_unit_test(left_and_taken),
        cmocka_unit_test(by_many),
        cmocka_unit_test(memory_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
