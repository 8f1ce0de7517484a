/* SPDX-License-Identifier: Apache-2.0 */
#include "support_index.h"

#include "index/frame_check.h"

#include <math.h>
#include <string.h>

/* A sound frame, then one thing in it made wrong: it must be refused, in these words, and the state must be as it was. */
struct planted {
    struct support_index s;
    struct index_state before;
    struct index_frame frame;
    struct index_change *change;
    struct index_row *row;
};

static const char *space = "euclidean"; /* or "custom", whose frames tell distances too */

static void start(struct planted *p)
{
    struct base_random random;
    struct pcct_error err = { 0, "" };

    base_random_seed(&random, 81);
    support_index_start(&p->s, space, 2, 2);
    index_frame_init(&p->frame, &p->s.support.env);
    support_index_batch(&p->s, &p->frame, SUPPORT_GAUSS, 120, SUPPORT_PICK_ANY, 0, &random);
    index_frame_free(&p->frame);
    support_state_copy(&p->before, &p->s.state);
    support_ok(index_rebuild_layout(&p->before, &err), &err);
    support_index_batch(&p->s, &p->frame, SUPPORT_GAUSS, 30, SUPPORT_PICK_ROOT, 30, &random);
    p->change = p->frame.change.memory.data;
    p->row = p->frame.added.memory.data;
    support_ok(index_frame_check(&p->frame, &p->before, &err), &err);
}

static void finish(struct planted *p)
{
    index_frame_free(&p->frame);
    index_free(&p->before);
    support_index_free(&p->s);
}

/* The first change that dies, or that stays and is moved. */
static struct index_change *pick(struct planted *p, int dies)
{
    struct index_change *c = p->change;

    while ((c->after.level == INDEX_LEVEL_DEAD) != dies || c->before.parent == c->after.parent) c++;
    assert_true(c < p->change + p->frame.change.count);
    return c;
}

typedef const char *mistake(struct planted *p);

static const char *rows(struct planted *p) { p->frame.n_before++; return "another version"; }
static const char *live(struct planted *p) { p->frame.live_before++; return "another version"; }
static const char *root(struct planted *p) { p->frame.root_before = 3; return "another version"; }
static const char *counter_before(struct planted *p) { p->frame.next_label_before++; return "another version"; }
static const char *digest(struct planted *p) { p->frame.digest_before[INDEX_RADIUS]++; return "another version"; }
static const char *rows_after(struct planted *p) { p->frame.n_after++; return "contradict"; }
static const char *live_after(struct planted *p) { p->frame.live_after++; return "contradict"; }
static const char *counter(struct planted *p) { p->frame.next_label_after++; return "label counter"; }
static const char *row_order(struct planted *p) { p->change[1].node = p->change[0].node; return "out of order"; }
static const char *row_range(struct planted *p) { p->change[p->frame.change.count - 1].node = p->frame.n_before; return "out of range"; }
static const char *old_parent(struct planted *p) { pick(p, 0)->before.parent ^= 1; return "old values"; }
static const char *old_level(struct planted *p) { pick(p, 1)->before.level ^= 1; return "old values"; }
static const char *old_radius(struct planted *p)
{
    struct index_change *c = p->change;

    while (c->before.radius == c->after.radius) c++;
    c->before.radius = 12345;
    return "old values";
}
static const char *dead_with_parent(struct planted *p)
{
    struct index_change *c = pick(p, 1);

    c->after.parent = c->before.parent;
    return "keeps a parent";
}
static const char *dead_with_radius(struct planted *p) { struct index_change *c = pick(p, 1); c->after.radius = 77; return "a radius"; }
static const char *level_range(struct planted *p) { p->row[4].level = 1900; return "level is out of range"; }
static const char *level_free(struct planted *p) { p->row[4].level = INDEX_LEVEL_FREE; return "level is out of range"; }
static const char *radius_nan(struct planted *p) { p->row[4].radius = (double)NAN; return "radius"; }
static const char *radius_negative(struct planted *p) { p->row[4].radius = -1; return "radius"; }
static const char *parent_range(struct planted *p) { p->row[4].parent = p->frame.n_after; return "parent is not live"; }
static const char *parent_self(struct planted *p) { p->row[4].parent = p->frame.n_before + 4; return "parent is not live"; }
static const char *parent_dies(struct planted *p) { p->row[4].parent = pick(p, 1)->node; return "parent is not live"; }
static const char *parent_low(struct planted *p)
{
    p->row[4].level = p->frame.root_after < p->frame.n_before ? index_level(&p->s.state)[p->frame.root_after] : (int16_t)1500;
    return "not above its child";
}
static const char *parent_twin(struct planted *p)
{
    p->row[5].level = p->row[6].level = INDEX_LEVEL_TWIN;
    p->row[6].parent = p->frame.n_before + 5;
    return "parent is not live, or its level";
}
static const char *other_root(struct planted *p)
{
    uint32_t i = 4;

    while (p->frame.n_before + i == p->frame.root_after) i++;
    p->row[i].parent = INDEX_NONE;
    return "another root";
}
static const char *root_elsewhere(struct planted *p) { p->frame.root_after = p->frame.n_before + 9; return "root"; }
/* A row that the frame lets live dies instead, with its children in place. */
static const char *children_left(struct planted *p)
{
    struct index_change *c = p->change;
    const struct index_state *s = &p->s.state;

    while (c->after.level <= 0 || index_child(&p->before)[c->node] == INDEX_NONE || index_parent(s)[index_child(&p->before)[c->node]] != c->node ||
           c->node == p->frame.root_after) {
        c++;
        assert_true(c < p->change + p->frame.change.count);
    }
    c->before = (struct index_row){ index_radius(&p->before)[c->node], 0, index_parent(&p->before)[c->node], index_level(&p->before)[c->node], 0 };
    c->after = (struct index_row){ 0, 0, INDEX_NONE, INDEX_LEVEL_DEAD, 0 };
    return "children would be left";
}
static const char *old_pdist(struct planted *p) { pick(p, 0)->before.pdist += 1; return "old values"; }
static const char *dead_with_pdist(struct planted *p) { pick(p, 1)->after.pdist = 7; return "or a distance"; }
static const char *gone_label(struct planted *p) { ((int64_t *)p->frame.gone_label.memory.data)[2]++; return "deleted labels"; }
static const char *gone_node(struct planted *p) { ((uint32_t *)p->frame.gone.memory.data)[0]++; return "deleted labels"; }
static const char *label_live(struct planted *p)
{
    const struct index_change *c = pick(p, 0);

    ((int64_t *)p->frame.label.data)[3] = index_label(&p->before)[c->node];
    return "label is live already";
}
static const char *label_twice(struct planted *p) { int64_t *label = p->frame.label.data; label[3] = label[20]; return "stands twice"; }
static const char *label_none(struct planted *p) { ((int64_t *)p->frame.label.data)[3] = -1; return "is -1"; }
static const char *point(struct planted *p) { ((double *)p->frame.point.data)[13] = (double)INFINITY; return "of its new points"; }

static void try_each(mistake *const *all, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct planted p;
        struct index_state copy;
        struct pcct_error err = { 0, "" };
        const char *words;

        start(&p);
        support_state_copy(&copy, &p.before);
        words = all[i](&p);
        assert_int_equal(index_apply(&p.before, &p.frame, &err), PCCT_E_DAMAGED);
        if (!strstr(err.message, words)) fail_msg("mistake %zu: expected %s, got: %s", i, words, err.message);
        support_state_equal(&p.before, &copy);
        support_index_sound(&p.before);
        index_free(&copy);
        finish(&p);
    }
}

static void test_each_mistake_is_refused(void **state)
{
    static mistake *const all[] = {
        rows, live, root, counter_before, digest, rows_after, live_after, counter, row_order, row_range, old_parent, old_level, old_radius,
        dead_with_parent, dead_with_radius, level_range, level_free, radius_nan, radius_negative, parent_range, parent_self, parent_dies, parent_low,
        parent_twin, other_root, root_elsewhere, children_left, gone_label, gone_node, label_live, label_twice, label_none, point,
    };

    static mistake *const custom[] = { old_pdist, dead_with_pdist, old_parent, dead_with_parent, children_left };

    (void)state;
    try_each(all, sizeof all / sizeof *all);
    space = "custom";
    try_each(custom, sizeof custom / sizeof *custom);
    space = "euclidean";
}

/* A label whose row dies in the frame may be used anew by it. */
static void test_label_used_anew(void **state)
{
    struct planted p;
    struct pcct_error err = { 0, "" };
    int64_t *label;

    (void)state;
    start(&p);
    label = p.frame.label.data;
    label[3] = ((const int64_t *)p.frame.gone_label.memory.data)[0];
    support_ok(index_frame_check(&p.frame, &p.before, &err), &err);
    finish(&p);
}

static int check_call(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct planted *p = ctx;

    (void)env;
    return index_frame_check(&p->frame, &p->before, err);
}

static void test_without_memory(void **state)
{
    struct planted p;

    (void)state;
    start(&p);
    ((int64_t *)p.frame.label.data)[3] = 1000000; /* out of order, so that labels are sorted */
    p.frame.next_label_after = 1000001;
    assert_true(support_fail_each(&p.s.support, check_call, &p) >= 1);
    finish(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_mistake_is_refused),
        cmocka_unit_test(test_label_used_anew),
        cmocka_unit_test(test_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
