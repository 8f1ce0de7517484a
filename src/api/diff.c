/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handle.h"

#include <pcct/diff.h>

#include "base/memory.h"
#include "base/sort.h"
#include "index/frame.h"

#include <string.h>

enum { ARRAYS = INDEX_PDIST - INDEX_POINT + 1, TWINS = INDEX_LEVELS, LEVELS = INDEX_LEVELS + 1 };

struct level_count {
    uint64_t came, left;
};

struct pcct_diff {
    const struct base_env *env;             /* the store's */
    struct pcct_diff_info info;
    struct base_vector added, removed, replaced; /* int64_t */
    struct pcct_diff_array array[ARRAYS];
    struct level_count *level;              /* [LEVELS] by stored level, twins last; NULL: not asked for */
};

/* What a version did to a label, on the way from one version to the other. */
enum { LEFT = 0, CAME = 1 };

struct reading {
    pcct_diff *diff;
    pcct_store *store;
    struct store_peek peek;
    struct base_vector run;   /* struct run, in the order of the way */
    size_t labels;            /* in all runs */
    int ascending;            /* each run is */
    struct base_vector bytes; /* a payload */
};

struct run {
    const int64_t *label; /* borrowed */
    size_t n;             /* > 0 */
    uint64_t what;
};

/* Labels as unsigned numbers of the same order. */
static uint64_t key_of(int64_t label) { return (uint64_t)label ^ UINT64_C(1) << 63; }
static int64_t label_of(uint64_t key) { return (int64_t)(key ^ UINT64_C(1) << 63); }

static int note(struct reading *r, const int64_t *label, size_t n, uint64_t what, struct pcct_error *err)
{
    struct run *run = NULL;
    int status = 0, ascending = r->ascending;

    if (n == 0) return 0;
    TRY(base_vector_add(&run, &r->run, &r->store->env, 1, err));
    *run = (struct run){ label, n, what };
    r->labels += n;
    for (size_t i = 1; i < n && ascending; i++) ascending = label[i - 1] < label[i];
    r->ascending = ascending;
done:
    return status;
}

/* Within a version deletes come before inserts; on the way back the other way round. */
static int read_labels(struct reading *r, const struct store_version *version, int undo, struct pcct_error *err)
{
    struct index_frame_labels labels;
    const uint8_t *payload = NULL;
    uint64_t bytes = 0;
    int status = 0;

    TRY(store_peek(&payload, &bytes, &r->peek, version, err));
    if (bytes == 0) goto done;
    TRY(index_frame_labels(&labels, payload, bytes, &r->store->metric, err));
    if (undo) TRY(note(r, labels.added, labels.n_added, LEFT, err));
    if (undo) TRY(note(r, labels.gone, labels.n_gone, CAME, err));
    if (!undo) TRY(note(r, labels.gone, labels.n_gone, LEFT, err));
    if (!undo) TRY(note(r, labels.added, labels.n_added, CAME, err));
done:
    return status;
}

/* ---- arrays and levels -------------------------------------------------------------------------------------------------------------------- */

static void count_array(pcct_diff *diff, int array, uint64_t added, uint64_t changed, uint64_t bytes)
{
    struct pcct_diff_array *a = &diff->array[array - INDEX_POINT];

    a->added += added;
    a->changed += changed;
    a->bytes += (added + 2 * changed) * bytes;
}

static void count_level(pcct_diff *diff, int16_t level, int came)
{
    struct level_count *count;

    if (level <= 0 && level != INDEX_LEVEL_TWIN) return;
    count = &diff->level[level == INDEX_LEVEL_TWIN ? TWINS : level];
    if (came) count->came++;
    else count->left++;
}

static void count_frame(pcct_diff *diff, const struct index_frame *frame, const struct metric *metric, int undo)
{
    const struct index_change *change = frame->change.memory.data;
    const struct index_row *row = frame->added.memory.data;
    uint64_t n = frame->added.count, parents = 0, levels = 0, radii = 0, pdists = 0;

    for (size_t i = 0; i < frame->added.count; i++) count_level(diff, row[i].level, !undo);
    for (size_t i = 0; i < frame->change.count; i++) {
        parents += change[i].before.parent != change[i].after.parent;
        radii += change[i].before.radius != change[i].after.radius;
        pdists += change[i].before.pdist != change[i].after.pdist;
        if (change[i].before.level == change[i].after.level) continue;
        levels++;
        count_level(diff, change[i].before.level, undo);
        count_level(diff, change[i].after.level, !undo);
    }
    count_array(diff, INDEX_POINT, n, 0, metric->input_dim * sizeof(double));
    count_array(diff, INDEX_LABEL, n, 0, sizeof(int64_t));
    diff->array[INDEX_LABEL - INDEX_POINT].bytes += frame->gone.count * sizeof(int64_t);
    count_array(diff, INDEX_PARENT, n, parents, sizeof(uint32_t));
    count_array(diff, INDEX_LEVEL, n, levels, sizeof(int16_t));
    count_array(diff, INDEX_RADIUS, n, radii, sizeof(double));
    if (metric_is_custom(metric)) count_array(diff, INDEX_PDIST, n, pdists, sizeof(double));
}

static int read_all(struct reading *r, const struct store_version *version, int undo, struct pcct_error *err)
{
    struct index_frame frame;
    int status = 0;

    index_frame_init(&frame, &r->store->env);
    TRY(store_frame(&r->bytes, r->store->store, version, err));
    if (r->bytes.count == 0) goto done;
    TRY(index_frame_decode(&frame, r->bytes.memory.data, r->bytes.count, &r->store->metric, err));
    count_frame(r->diff, &frame, &r->store->metric, undo);
done:
    index_frame_free(&frame);
    return status;
}

/* ---- lists -------------------------------------------------------------------------------------------------------------------------------- */

/* A label was live before the first thing that happened to it when that was to leave, and is live after the last when that was to come. */
enum { KINDS = 4 }; /* removed, replaced, neither, added */
static size_t kind_of(uint64_t first, uint64_t last) { return first << 1 | last; }

/* ---- the whole ---------------------------------------------------------------------------------------------------------------------------- */

/* Runs that ascend and whose ranges do not overlap, each label once: put in the order of their ranges they are the lists. *order: what came first to
 * their first labels; NULL when they are not so. */
static int order_runs(struct base_pair **order, const struct reading *r, struct pcct_error *err)
{
    const struct run *run = r->run.memory.data;
    struct base_pair *item = NULL;
    size_t n = r->run.count;
    int status = 0;

    *order = NULL;
    if (!r->ascending) return 0;
    TRY(base_take(&item, &r->store->env, n, sizeof *item, err));
    for (size_t i = 0; i < n; i++) item[i] = (struct base_pair){ key_of(run[i].label[0]), i };
    TRY(base_sort_pairs(item, n, &r->store->env, err));
    for (size_t i = 1; i < n; i++) {
        const struct run *before = &run[item[i - 1].value];

        if (key_of(before->label[before->n - 1]) >= item[i].key) goto done;
    }
    *order = item;
    item = NULL;
done:
    base_free(&r->store->env, item);
    return status;
}

static int join_runs(struct base_vector *const *list, const struct reading *r, const struct base_pair *order, struct pcct_error *err)
{
    const struct run *run = r->run.memory.data;
    int64_t *label[KINDS] = { NULL };
    size_t count[KINDS] = { 0 };
    int status = 0;

    for (size_t i = 0; i < r->run.count; i++) count[kind_of(run[i].what, run[i].what)] += run[i].n;
    for (int i = 0; i < KINDS; i++) {
        if (count[i] > 0) TRY(base_vector_add(&label[i], list[i], r->diff->env, count[i], err));
    }
    for (size_t i = 0; i < r->run.count; i++) {
        const struct run *next = &run[order[i].value];
        int64_t **end = &label[kind_of(next->what, next->what)];

        memcpy(*end, next->label, next->n * sizeof **end);
        *end += next->n;
    }
done:
    return status;
}

/* A byte for each number from the least label to the greatest: NONE, or the first and the last thing that happened to it. */
static int mark_labels(int64_t *const *label, size_t *count, const struct reading *r, uint64_t least, size_t span, struct pcct_error *err)
{
    enum { NONE = 0, SOME = 4, FIRST = 2, LAST = 1 };
    const struct run *run = r->run.memory.data;
    uint8_t *mark = NULL;
    int status = 0;

    TRY(base_take_zero(&mark, &r->store->env, span, sizeof *mark, err));
    for (size_t i = 0; i < r->run.count; i++) {
        const uint8_t what = (uint8_t)run[i].what, alone = (uint8_t)(SOME | what * (FIRST | LAST));

        for (size_t j = 0; j < run[i].n; j++) {
            uint8_t *at = &mark[key_of(run[i].label[j]) - least];

            *at = *at == NONE ? alone : (uint8_t)((*at & (SOME | FIRST)) | what);
        }
    }
    for (size_t i = 0; i < span; i++) {
        const size_t kind = kind_of((mark[i] & FIRST) != 0, mark[i] & LAST);

        if (mark[i] != NONE && label[kind]) label[kind][count[kind]++] = label_of(least + i);
    }
done:
    base_free(&r->store->env, mark);
    return status;
}

static int sort_labels(int64_t *const *label, size_t *count, const struct reading *r, struct pcct_error *err)
{
    const struct run *run = r->run.memory.data;
    struct base_pair *event = NULL;
    size_t n = 0, end;
    int status = 0;

    TRY(base_take(&event, &r->store->env, r->labels, sizeof *event, err));
    for (size_t i = 0; i < r->run.count; i++) {
        for (size_t j = 0; j < run[i].n; j++) event[n++] = (struct base_pair){ key_of(run[i].label[j]), run[i].what };
    }
    TRY(base_sort_pairs(event, n, &r->store->env, err));
    for (size_t i = 0; i < n; i = end) {
        size_t kind;

        for (end = i + 1; end < n && event[end].key == event[i].key;) end++;
        kind = kind_of(event[i].value, event[end - 1].value);
        if (label[kind]) label[kind][count[kind]++] = label_of(event[i].key);
    }
done:
    base_free(&r->store->env, event);
    return status;
}

/* Runs of any kind. */
static int merge_runs(struct base_vector *const *list, const struct reading *r, struct pcct_error *err)
{
    const struct run *run = r->run.memory.data;
    uint64_t least = UINT64_MAX, greatest = 0;
    int64_t *label[KINDS] = { NULL };
    size_t count[KINDS] = { 0 };
    int status = 0;

    for (int i = 0; i < KINDS; i++) {
        if (list[i]) TRY(base_vector_add(&label[i], list[i], r->diff->env, r->labels, err));
    }
    for (size_t i = 0; i < r->run.count; i++) {
        for (size_t j = 0; j < run[i].n; j++) {
            const uint64_t key = key_of(run[i].label[j]);

            if (key < least) least = key;
            if (key > greatest) greatest = key;
        }
    }
    /* while the marks take no more memory than what would be sorted they are many times faster */
    if ((greatest - least) / sizeof(struct base_pair) < r->labels) TRY(mark_labels(label, count, r, least, greatest - least + 1, err));
    else TRY(sort_labels(label, count, r, err));
    for (int i = 0; i < KINDS; i++) {
        if (list[i]) list[i]->count = count[i];
    }
done:
    return status;
}

static int sum_up(struct reading *r, struct pcct_error *err)
{
    pcct_diff *diff = r->diff;
    struct base_vector *const list[KINDS] = { &diff->removed, &diff->replaced, NULL, &diff->added };
    struct base_pair *order = NULL;
    int status = 0;

    diff->removed.count = diff->replaced.count = diff->added.count = 0; /* of a way that was given up */
    TRY(order_runs(&order, r, err));
    if (order) TRY(join_runs(list, r, order, err));
    else TRY(merge_runs(list, r, err));
    diff->info.added = diff->added.count;
    diff->info.removed = diff->removed.count;
    diff->info.replaced = diff->replaced.count;
done:
    base_free(&r->store->env, order);
    return status;
}

/* A label that both versions have, but whose node has other coordinates: that it was inserted anew with the same is not known here. */
static int same_place(const struct index_state *a, uint32_t x, const struct index_state *b, uint32_t y)
{
    size_t bytes = a->metric.input_dim * sizeof(double);

    return memcmp(index_points(a) + x * a->metric.input_dim, index_points(b) + y * b->metric.input_dim, bytes) == 0;
}

/* Labels of state i that the other one has not, or elsewhere. */
static int list_others(struct base_vector *list, const struct reading *r, struct index_state state[2], int i, struct pcct_error *err)
{
    uint32_t other = INDEX_NONE;
    int64_t *item = NULL;
    int status = 0;

    for (uint32_t node = 0; node < state[i].n; node++) {
        int64_t label = index_label(&state[i])[node];

        if (!index_is_live(&state[i], node)) continue;
        TRY(index_find(&other, &state[1 - i], label, err));
        if (other != INDEX_NONE && same_place(&state[i], node, &state[1 - i], other)) continue;
        TRY(base_vector_add(&item, list, &r->store->env, 1, err));
        *item = label;
    }
done:
    return status;
}

/* Where the commits between were pruned, the two states themselves are compared. */
static int compare_states(struct reading *r, struct pcct_error *err)
{
    struct pcct_diff_info *info = &r->diff->info;
    const uint64_t version[2] = { info->from, info->to };
    struct base_vector list[2] = { { .item_bytes = sizeof(int64_t) }, { .item_bytes = sizeof(int64_t) } };
    struct index_state state[2];
    int status = 0, opened = 0;

    info->undone = info->applied = info->common = 0;
    info->by_states = 1;
    for (int i = 0; i < ARRAYS; i++) r->diff->array[i].added = r->diff->array[i].changed = r->diff->array[i].bytes = 0;
    if (r->diff->level) memset(r->diff->level, 0, LEVELS * sizeof *r->diff->level);
    r->run.count = r->labels = 0;
    r->ascending = 1;
    for (; opened < 2; opened++) TRY(api_state_open(&state[opened], NULL, NULL, r->store, &r->store->env, version[opened], err));
    for (int i = 0; i < 2; i++) {
        TRY(list_others(&list[i], r, state, i, err));
        TRY(note(r, list[i].memory.data, list[i].count, i == 0 ? LEFT : CAME, err));
    }
    TRY(sum_up(r, err));
done:
    while (opened > 0) index_free(&state[--opened]);
    for (int i = 0; i < 2; i++) base_vector_free(&list[i], &r->store->env);
    return status;
}

static int read_way(struct reading *r, struct pcct_error *err)
{
    const size_t item_bytes = sizeof(struct store_version);
    struct base_vector way[2] = { { .item_bytes = item_bytes }, { .item_bytes = item_bytes } }; /* applied, undone */
    struct pcct_diff_info *info = &r->diff->info;
    int status = 0;

    TRY(store_way(&info->common, &way[1], &way[0], r->store->store, info->from, info->to, err));
    info->applied = way[0].count;
    info->undone = way[1].count;
    for (int undo = 1; undo >= 0; undo--) {
        const struct store_version *version = way[undo].memory.data;

        for (size_t i = 0; i < way[undo].count; i++) {
            TRY(read_labels(r, &version[i], undo, err));
            if (r->diff->level) TRY(read_all(r, &version[i], undo, err));
        }
    }
    TRY(sum_up(r, err));
done:
    for (int i = 0; i < 2; i++) base_vector_free(&way[i], &r->store->env);
    return status;
}

int pcct_diff_open(pcct_diff **out, pcct_store *store, const char *from, const char *to, const struct pcct_diff_options *options,
                   struct pcct_error *err)
{
    static const char *const name[ARRAYS] = { "point", "label", "parent", "level", "radius", "pdist" };
    struct reading r = { .store = store, .run.item_bytes = sizeof(struct run), .bytes.item_bytes = 1, .ascending = 1 };
    struct pcct_diff_options o;
    pcct_diff *diff = NULL;
    uint64_t before = 0, after = 0;
    int status = 0;

    if (!out) return base_fail(err, PCCT_E_INVALID, "pcct_diff_open needs a place for the handle");
    *out = NULL;
    store_peek_begin(&r.peek, store->store);
    TRY(api_options_read(&o, sizeof o, options, "the options of pcct_diff_open", err));
    TRY(base_take_zero(&diff, &store->env, 1, sizeof *diff, err));
    diff->env = &store->env;
    diff->added.item_bytes = diff->removed.item_bytes = diff->replaced.item_bytes = sizeof(int64_t);
    for (int i = 0; i < ARRAYS; i++) diff->array[i].name = name[i];
    if (o.stat) TRY(base_take_zero(&diff->level, &store->env, LEVELS, sizeof *diff->level, err));
    TRY(pcct_resolve(&diff->info.from, store, from, err));
    TRY(pcct_resolve(&diff->info.to, store, to, err));
    r.diff = diff;
    TRY(store_prunes(&before, store->store, err));
    status = read_way(&r, err);
    if (status == 0) TRY(store_prunes(&after, store->store, err));
    else if (store_prunes(&after, store->store, NULL) != 0) goto done;
    /* or pruned while it was read: then what was read after it was proved may have been taken away meanwhile */
    if (status == PCCT_E_NOT_FOUND || after != before) status = compare_states(&r, err);
    if (status != 0) goto done;
    *out = diff;
    diff = NULL;
done:
    store_peek_end(&r.peek);
    base_vector_free(&r.run, &store->env);
    base_vector_free(&r.bytes, &store->env);
    pcct_diff_close(diff);
    return status;
}

void pcct_diff_close(pcct_diff *diff)
{
    struct base_env env;

    if (!diff) return;
    env = *diff->env;
    base_vector_free(&diff->added, &env);
    base_vector_free(&diff->removed, &env);
    base_vector_free(&diff->replaced, &env);
    base_free(&env, diff->level);
    base_free(&env, diff);
}

int pcct_diff_describe(struct pcct_diff_info *info, const pcct_diff *diff)
{
    return api_result_write(info, &diff->info, sizeof diff->info);
}

const int64_t *pcct_diff_added(const pcct_diff *diff) { return diff->added.memory.data; }
const int64_t *pcct_diff_removed(const pcct_diff *diff) { return diff->removed.memory.data; }
const int64_t *pcct_diff_replaced(const pcct_diff *diff) { return diff->replaced.memory.data; }

int pcct_diff_array(struct pcct_diff_array *array, const pcct_diff *diff, size_t i)
{
    if (i >= ARRAYS) return 0;
    *array = diff->array[i];
    return 1;
}

int pcct_diff_level(struct pcct_diff_level *level, const pcct_diff *diff, size_t i)
{
    if (!diff->level) return 0;
    for (int l = INDEX_LEVELS - 1; l >= 0; l--) {
        const int stored = l == 0 ? TWINS : l; /* no ordinary level is stored as 0 */
        const struct level_count *count = &diff->level[stored];

        if (count->came + count->left == 0 || i-- > 0) continue;
        *level = (struct pcct_diff_level){ stored == TWINS ? PCCT_LEVEL_TWINS : l - INDEX_LEVEL_BIAS, 0, count->came, count->left };
        return 1;
    }
    return 0;
}
