/* SPDX-License-Identifier: Apache-2.0 */
#include "support_block.h"

#include "block/layout_cells.h"

#include <math.h>
#include <string.h>

struct planted {
    struct support_env env;
    struct support_block block;
};

static void plant(struct planted *planted)
{
    struct pcct_error err = { 0, "" };

    support_env_start(&planted->env, 1);
    support_block_start(&planted->block, &planted->env, 5000, 2, SUPPORT_UNIFORM, 1);
    support_ok(support_block_build(&planted->block, 4000, 64, &err), &err);
    support_block_remove(&planted->block, 1500); /* so that there are free numbers */
    support_block_check(&planted->block);
}

static void uproot(struct planted *planted)
{
    support_block_finish(&planted->block);
    support_env_finish(&planted->env);
}

static void assert_fault(const struct planted *planted, const char *words)
{
    struct pcct_error err = { 0, "" };

    assert_int_equal(block_check(&planted->block.layout, &planted->block.source, support_block_has, &err), PCCT_E_DAMAGED);
    if (!strstr(err.message, words)) fail_msg("\"%s\" does not say \"%s\"", err.message, words);
}

/* Each invariant broken by the least amount, everywhere it can be. */
static void broken_summaries_are_found(void **state)
{
    struct planted p;
    struct block_layout *layout = &p.block.layout;

    (void)state;
    plant(&p);
    for (uint32_t inner = 0; inner < layout->inners; inner++) {
        const uint32_t count = ((struct block_link *)layout->inner.data)[inner].count;

        for (uint32_t slot = 0; slot < count; slot++) {
            double *reach = (double *)layout->top_reach.data + inner * METRIC_FANOUT + slot;
            int64_t *label = (int64_t *)layout->least_label.data + inner * METRIC_FANOUT + slot;

            for (uint32_t j = 0; j < 4; j++) {
                double *side = (double *)layout->box.data + (inner * 4 + j) * METRIC_FANOUT + slot, kept = *side;

                *side = nextafter(kept, j < 2 ? 9 : -9);
                assert_fault(&p, "T6b");
                *side = kept;
            }
            *reach = nextafter(*reach, -9);
            assert_fault(&p, "T6c");
            *reach = (double)INFINITY; /* a greater one is allowed; so is a lesser label and a larger box */
            ++*label;
            assert_fault(&p, "T6c");
            *label -= 2;
        }
    }
    assert_int_equal(block_check(layout, &p.block.source, support_block_has, NULL), 0);
    uproot(&p);
}

/* Every value that a block keeps, changed by the least amount. */
static void wrong_lanes_are_found(void **state)
{
    struct planted p;
    struct block_layout *layout = &p.block.layout;
    uint32_t *where, node = 0, outside = 0, at;
    float *y, *reach, kept_reach;

    (void)state;
    plant(&p);
    where = layout->where.data;
    while (where[node] == BLOCK_NONE || p.block.reach[node] < 0 || isinf(p.block.reach[node])) node++;
    while (where[outside] != BLOCK_NONE) outside++;
    at = where[node];
    for (uint32_t j = 0; j < 2; j++) {
        float kept;

        y = block_lanes(layout, at / METRIC_LANES) + j * METRIC_LANES + at % METRIC_LANES;
        kept = *y;
        *y = nextafterf(kept, 0.25F);
        assert_fault(&p, "T6e");
        *y = -kept;
        assert_fault(&p, "T6e");
        *y = kept;
    }
    assert_int_equal(layout->row_words, 3);
    for (uint32_t j = 0; j < 3; j++) {
        double *row = block_row(layout, at / METRIC_LANES, at % METRIC_LANES) + j;
        const double kept = *row;

        ((unsigned char *)row)[0] ^= 1;
        assert_fault(&p, "T6e: the row beside");
        *row = kept;
    }
    reach = block_reaches(layout, at / METRIC_LANES) + at % METRIC_LANES;
    kept_reach = *reach;
    *reach = nextafterf(kept_reach, 9);
    assert_fault(&p, "T6e");
    *reach = nextafterf(kept_reach, -9);
    assert_fault(&p, "T6e");
    *reach = kept_reach;
    p.block.reach[node] = nextafter(p.block.reach[node], 1) + 1; /* the source says otherwise */
    assert_fault(&p, "T6e");
    p.block.reach[node] = -(double)INFINITY;
    assert_fault(&p, "T6a");
    p.block.reach[node] = -1;
    assert_fault(&p, "T6e");
    block_renew_reach(layout, &p.block.source, &node, 1);
    p.block.reach[outside] = 1;
    assert_fault(&p, "T6a");
    p.block.reach[outside] = -(double)INFINITY;
    support_block_check(&p.block);
    uproot(&p);
}

/* A block's box and label leave an entry out, or its frame is not what the lanes were made with. */
static void wrong_frames_are_found(void **state)
{
    struct planted p;
    struct block_layout *layout = &p.block.layout;
    double *frame, kept;

    (void)state;
    plant(&p);
    for (uint32_t block = 0; block < layout->blocks; block++) {
        if (block_link_of(layout, block)->count == 0) continue;
        frame = block_frame(layout, block);
        for (uint32_t j = 0; j < 2; j++) {
            double *low = block_low(layout, block) + j, *high = block_high(layout, block) + j;

            kept = *low;
            *low = nextafter(kept, 9);
            assert_fault(&p, "T6b");
            *low = kept;
            kept = *high;
            *high = nextafter(kept, -9);
            assert_fault(&p, "T6b");
            *high = (double)NAN;
            assert_fault(&p, "T6b");
            *high = kept;
            kept = frame[1 + j];
            frame[1 + j] += 1 / frame[0];
            assert_fault(&p, "T6e");
            frame[1 + j] = (double)NAN;
            assert_fault(&p, "T6e");
            frame[1 + j] = kept;
        }
        ++*block_least(layout, block);
        assert_fault(&p, "T6c");
        --*block_least(layout, block);
        kept = frame[0];
        for (int fault = 0; fault < 7; fault++) {
            const double scales[] = { 2 * kept, kept / 2, 1.5 * kept, 0, -kept, (double)INFINITY, (double)NAN };

            frame[0] = scales[fault];
            assert_fault(&p, "T6e");
        }
        frame[0] = 2 * METRIC_SCALE_MAX;
        assert_fault(&p, "T6e");
        frame[0] = kept;
    }
    support_block_check(&p.block);
    uproot(&p);
}

/* Every number that leads somewhere, set to many values: found, or harmless (equal to what it was); never followed. */
static void every_link_is_checked(void **state)
{
    static const uint32_t values[] = { 0, 1, 2, 64, 5000, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff };
    struct planted p;
    struct block_layout *layout = &p.block.layout;
    struct block_array array[BLOCK_ARRAYS];

    (void)state;
    plant(&p);
    block_arrays(array, layout);
    for (int a = 0; a < BLOCK_ARRAYS; a++) {
        const int links = strcmp(array[a].name, "block") == 0 || strcmp(array[a].name, "inner") == 0;

        if (!links && strcmp(array[a].name, "node") != 0 && strcmp(array[a].name, "child") != 0 && strcmp(array[a].name, "where") != 0) continue;
        for (size_t word = 0; word < array[a].items * array[a].item_bytes / 4; word += links ? 1 : 7) {
            uint32_t *at = (uint32_t *)array[a].buffer->data + word, kept = *at;
            const size_t item = word * 4 / array[a].item_bytes, within = word * 4 % array[a].item_bytes / 4;

            if (links && within == 2) continue; /* size_at_build leads nowhere */
            if (strcmp(array[a].name, "node") == 0 && within >= ((struct block_link *)layout->block.data)[item].count) continue;
            if (strcmp(array[a].name, "child") == 0 && within >= ((struct block_link *)layout->inner.data)[item].count) continue;
            for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
                *at = values[v];
                if (values[v] != kept) {
                    const int status = block_check_links(layout, NULL);

                    /* a free number's slot leads nowhere either */
                    if (links && within == 1 && kept == 0 && (values[v] & 0xffff0000) == 0) assert_int_equal(status, 0);
                    else assert_int_equal(status, PCCT_E_DAMAGED);
                }
            }
            *at = kept;
        }
    }
    {
        uint32_t *const number[] = { &layout->blocks, &layout->inners, &layout->free_block, &layout->free_inner, &layout->root, &layout->rows };

        for (size_t field = 0; field < sizeof number / sizeof *number; field++) {
            const uint32_t kept = *number[field];

            for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
                *number[field] = values[v];
                assert_int_equal(block_check_links(layout, NULL), values[v] == kept ? 0 : PCCT_E_DAMAGED);
            }
            *number[field] = kept;
        }
    }
    layout->entries++;
    assert_int_equal(block_check_links(layout, NULL), PCCT_E_DAMAGED);
    layout->entries--;
    support_block_check(&p.block);
    uproot(&p);
}

/* Two inner nodes that are each other's parents are sound one by one, yet hang nowhere. */
static void rings_are_found(void **state)
{
    struct planted p;
    struct block_layout *layout = &p.block.layout;
    struct block_link *link;
    uint32_t *child;
    struct pcct_error err = { 0, "" };

    (void)state;
    plant(&p);
    support_ok(support_block_build(&p.block, 64 * 14 * 3, 64, &err), &err);
    assert_int_equal(layout->inners, 4);
    link = layout->inner.data;
    child = layout->child.data;
    support_ok(block_check_links(layout, &err), &err);
    for (uint32_t slot = 1; slot < 14; slot++) ((struct block_link *)layout->block.data)[child[3 * 16 + slot] & ~BLOCK_IS_LEAF].count = 0;
    link[0].count = 2; /* the third child of the root is its own only child now */
    link[3] = (struct block_link){ 3, 0, 1, 0 };
    child[3 * 16] = 3;
    assert_int_equal(block_check_links(layout, &err), PCCT_E_DAMAGED);
    uproot(&p);
}

/* Boxes that no points have, of which the next entries would make others. */
static void only_boxes_of_points_are_taken(void **state)
{
    const double bad[] = { (double)NAN, (double)INFINITY, 0x1p600, -0x1p600 };
    struct planted p;
    struct block_layout *layout = &p.block.layout;
    uint32_t block = 0;

    (void)state;
    plant(&p);
    while (block_link_of(layout, block)->count == 0) block++;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        double *const box = block_boxes(layout, layout->root);
        double *const place[] = { block_low(layout, block), block_high(layout, block) + 1, block_frame(layout, block), box, box + 3 * METRIC_FANOUT };

        for (size_t j = 0; j < sizeof place / sizeof place[0]; j++) {
            const double kept = *place[j];

            *place[j] = bad[i];
            assert_int_equal(block_check_links(layout, NULL), PCCT_E_DAMAGED);
            *place[j] = kept;
        }
    }
    *block_low(layout, block) = *block_high(layout, block) + 1;
    assert_int_equal(block_check_links(layout, NULL), PCCT_E_DAMAGED);
    uproot(&p);
}

/* Sides of planes, set to everything they can be: only what they were is a tree. */
static void only_trees_of_planes_are_taken(void **state)
{
    struct planted p;
    struct block_layout *layout = &p.block.layout;

    (void)state;
    plant(&p);
    for (uint32_t inner = 0; inner < layout->inners; inner++) {
        struct block_plane *plane = block_planes(layout, inner);

        for (uint32_t i = 0; i + 1 < block_inner(layout, inner)->count; i++) {
            const struct block_plane kept = plane[i];

            for (uint32_t value = 0; value < 256; value++) {
                plane[i].left = (uint8_t)value;
                assert_int_equal(block_check_links(layout, NULL), value == kept.left ? 0 : PCCT_E_DAMAGED);
                plane[i].left = kept.left;
                plane[i].right = (uint8_t)value;
                assert_int_equal(block_check_links(layout, NULL), value == kept.right ? 0 : PCCT_E_DAMAGED);
                plane[i].right = kept.right;
            }
            plane[i].axis = 2;
            assert_int_equal(block_check_links(layout, NULL), PCCT_E_DAMAGED);
            plane[i].axis = BLOCK_BY_NUMBER - 1;
            assert_int_equal(block_check_links(layout, NULL), PCCT_E_DAMAGED);
            plane[i].axis = BLOCK_BY_NUMBER;
            assert_int_equal(block_check_links(layout, NULL), 0);
            assert_int_equal(block_check(layout, &p.block.source, support_block_has, NULL), PCCT_E_DAMAGED); /* it divides others */
            plane[i] = kept;
        }
    }
    support_block_check(&p.block);
    uproot(&p);
}

/* Planes that lead to each other, and to which none leads. */
static void rings_of_planes_are_found(void **state)
{
    struct planted p;
    struct block_layout *layout = &p.block.layout;
    struct block_plane *plane;

    (void)state;
    plant(&p);
    plane = block_planes(layout, layout->root);
    assert_true(block_inner(layout, layout->root)->count > 3);
    for (uint32_t i = 1; i + 1 < block_inner(layout, layout->root)->count; i++) { /* a plane takes the place of its own side */
        const struct block_plane kept = plane[i];
        uint8_t *above = NULL;

        for (uint32_t other = 0; other + 1 < block_inner(layout, layout->root)->count; other++) {
            if (plane[other].left == i) above = &plane[other].left;
            if (plane[other].right == i) above = &plane[other].right;
        }
        assert_non_null(above);
        *above = kept.left;
        plane[i].left = (uint8_t)i;
        assert_int_equal(block_check_links(layout, NULL), PCCT_E_DAMAGED);
        *above = (uint8_t)i;
        plane[i] = kept;
    }
    support_block_check(&p.block);
    uproot(&p);
}

/* A plane that is moved by the least amount has an entry on the wrong side, or names another side first. */
static void entries_outside_of_their_cells_are_found(void **state)
{
    struct planted p;
    struct block_layout *layout = &p.block.layout;

    (void)state;
    plant(&p);
    support_ok(support_block_build(&p.block, 4000, 64, NULL), NULL); /* all planes have their entries still */
    for (uint32_t inner = 0; inner < layout->inners; inner++) {
        for (uint32_t i = 0; i + 1 < block_inner(layout, inner)->count; i++) {
            struct block_plane *plane = &block_planes(layout, inner)[i];
            const struct block_plane kept = *plane;

            plane->value = nextafter(kept.value, 9);
            assert_fault(&p, "T6f");
            plane->value = kept.value;
            plane->label++;
            assert_fault(&p, "T6f");
            plane->label--;
            plane->node++;
            assert_fault(&p, "T6f");
            *plane = kept;
            plane->left = kept.right;
            plane->right = kept.left;
            assert_fault(&p, "T6f");
            *plane = kept;
        }
    }
    support_block_check(&p.block);
    uproot(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_summaries_are_found),
        cmocka_unit_test(wrong_lanes_are_found),
        cmocka_unit_test(wrong_frames_are_found),
        cmocka_unit_test(every_link_is_checked),
        cmocka_unit_test(rings_are_found),
        cmocka_unit_test(only_boxes_of_points_are_taken),
        cmocka_unit_test(only_trees_of_planes_are_taken),
        cmocka_unit_test(rings_of_planes_are_found),
        cmocka_unit_test(entries_outside_of_their_cells_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
