/* SPDX-License-Identifier: Apache-2.0 */
#include "store/guard.h"

#include "store/bytes.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/mman.h>

/*
 * The file format of LMDB 0.9 on 64-bit machines (data version 1), as far as it is looked at here. A page: u64 number, u16 pad, u16 flags, then
 * u16 lower, u16 upper (u32 count of pages for an overflow run), then u16 offsets of nodes. A node: u32 size (branch: low half of the child's page
 * number), u16 flags (branch: its upper part), u16 key size, key, data. A tree: u32 pad, u16 flags, u16 depth, u64 branch, leaf and overflow pages,
 * entries, root.
 */
enum { PAGE_FLAGS = 10, PAGE_LOWER = 12, PAGE_UPPER = 14, PAGE_COUNT = 12, PAGE_HEAD = 16, NODE_FLAGS = 4, NODE_KEY_BYTES = 6, NODE_HEAD = 8 };
enum {
    PAGE_IS_BRANCH = 1,
    PAGE_IS_LEAF = 2,
    PAGE_IS_OVERFLOW = 4,
    PAGE_IS_META = 8,
    NODE_BIG = 1,
    NODE_TREE = 2,
    FREE_LIST_FLAGS = 0x4008 /* integer keys; one file without a folder */
};
enum { META_MAGIC = 16, META_VERSION = 20, META_FREE = 40, META_MAIN = 88, META_LAST = 136, META_TXN = 144, META_BYTES = 152 };
enum {
    TREE_PAGE_BYTES = 0,
    TREE_FLAGS = 4,
    TREE_DEPTH = 6,
    TREE_BRANCH = 8,
    TREE_LEAF = 16,
    TREE_OVERFLOW = 24,
    TREE_ENTRIES = 32,
    TREE_ROOT = 40,
    TREE_BYTES = 48
};
enum { DEPTH_MAX = 32, TREES_MAX = 16, TRIES = 20 };
static const uint32_t meta_magic = 0xbeefc0deu, meta_version = 1;

struct tree {
    const uint8_t *data;
    int free_list;
};

struct walk {
    const uint8_t *file;
    uint64_t page_bytes, pages; /* whole pages that the file has */
    uint64_t last;              /* last page number that the meta page knows */
    uint8_t *used;              /* a bit for each page up to `last` */
    struct tree tree[TREES_MAX];
    size_t trees;
    const char *wrong;          /* NULL: nothing yet */
};

static int damaged(struct pcct_error *err, const struct store_folder *folder, const char *wrong)
{
    return base_fail(err, PCCT_E_DAMAGED, "%s/catalogue.mdb is damaged: %s; `pcct fsck --rebuild-catalogue` makes it anew", folder->path, wrong);
}

static uint32_t get16(const uint8_t *data, size_t at)
{
    return (uint32_t)data[at] | (uint32_t)data[at + 1] << 8;
}

/* ---- meta pages --------------------------------------------------------------------------------------------------------------------------- */

static const char *check_meta(const uint8_t *page, uint64_t number, uint64_t page_bytes)
{
    if (store_get64(page, 0) != number || !(get16(page, PAGE_FLAGS) & PAGE_IS_META)) return "a meta page is none";
    if (store_get32(page, META_MAGIC) != meta_magic || store_get32(page, META_VERSION) != meta_version) return "a meta page does not begin like one";
    if (store_get32(page, META_FREE + TREE_PAGE_BYTES) != page_bytes) return "its page size cannot be";
    if (get16(page, META_FREE + TREE_FLAGS) != FREE_LIST_FLAGS || get16(page, META_MAIN + TREE_FLAGS) != 0) return "its flags cannot be";
    if (store_get64(page, META_LAST) < 1 || store_get64(page, META_LAST) > (UINT64_C(1) << 38) / page_bytes) return "its length cannot be";
    return NULL;
}

/* Reads both; *wrong as above. LMDB writes them in turn, one a transaction: transaction n to page n mod 2. */
static int read_metas(const char **wrong, const struct store_folder *folder, int fd, uint64_t file_bytes, struct pcct_error *err)
{
    uint8_t meta[2][META_BYTES];
    uint64_t page_bytes = 0, even, odd;

    *wrong = NULL;
    for (uint64_t i = 0; i < 2 && !*wrong; i++) {
        ssize_t got = base_os_pread(folder->env->os, fd, meta[i], META_BYTES, i * page_bytes);

        if (got < 0) return base_fail_errno(err, errno, "cannot read %s/catalogue.mdb", folder->path);
        if (i == 0 && got == META_BYTES) page_bytes = store_get32(meta[0], META_FREE + TREE_PAGE_BYTES);
        if (got < META_BYTES) *wrong = "it is cut off";
        else if (page_bytes < 512 || page_bytes > 65536 || (page_bytes & (page_bytes - 1)) != 0) *wrong = "its page size cannot be";
        else if (file_bytes < 2 * page_bytes) *wrong = "it is cut off";
        else *wrong = check_meta(meta[i], i, page_bytes);
    }
    if (*wrong) return 0;
    even = store_get64(meta[0], META_TXN);
    odd = store_get64(meta[1], META_TXN);
    if (even % 2 != 0 || (odd != 0 && odd % 2 != 1) || (even > odd ? even - odd : odd - even) > 1)
        *wrong = "its two meta pages do not belong together";
    return 0;
}

int store_guard_metas(const struct store_folder *folder, int fd, uint64_t file_bytes, struct pcct_error *err)
{
    const char *wrong = "";
    int status = 0;

    /* again when a writer may have come between the two reads */
    for (int i = 0; wrong && status == 0 && i < TRIES; i++) status = read_metas(&wrong, folder, fd, file_bytes, err);
    return status == 0 && wrong ? damaged(err, folder, wrong) : status;
}

/* ---- pages -------------------------------------------------------------------------------------------------------------------------------- */

/* Marks n pages as used; 0, and why, when they are not in the file or used already. */
static int use(struct walk *w, uint64_t page, uint64_t n)
{
    if (page < 2 || n < 1 || page > w->last || n > w->last - page + 1) w->wrong = "a page number leads outside";
    else if (page + n > w->pages) w->wrong = "it is cut off";
    for (uint64_t i = page; !w->wrong && i < page + n; i++) {
        if (w->used[i / 8] >> i % 8 & 1) w->wrong = "a page is used twice";
        w->used[i / 8] = (uint8_t)(w->used[i / 8] | 1u << i % 8);
    }
    return !w->wrong;
}

/* A page of a tree of which lower, upper and every node are inside it. *nodes: how many. */
static const uint8_t *tree_page(size_t *nodes, struct walk *w, uint64_t number, int leaf, int free_list)
{
    const uint8_t *page;
    uint32_t lower, upper;

    if (!use(w, number, 1)) return NULL;
    page = w->file + number * w->page_bytes;
    lower = get16(page, PAGE_LOWER);
    upper = get16(page, PAGE_UPPER);
    if (store_get64(page, 0) != number || get16(page, PAGE_FLAGS) != (leaf ? PAGE_IS_LEAF : PAGE_IS_BRANCH)) {
        w->wrong = "a page is of the wrong kind";
    } else if (lower < PAGE_HEAD || lower > upper || upper > w->page_bytes || lower % 2 != 0) w->wrong = "a page's bounds cannot be";
    else if (lower - PAGE_HEAD < (leaf || free_list ? 2u : 4u)) w->wrong = "a page has too few nodes";
    *nodes = (lower - PAGE_HEAD) / 2;
    for (size_t i = 0; !w->wrong && i < *nodes; i++) {
        uint32_t at = get16(page, PAGE_HEAD + 2 * i);

        if (at < upper || at % 2 != 0 || at + NODE_HEAD > w->page_bytes || at + NODE_HEAD + get16(page, at + NODE_KEY_BYTES) > w->page_bytes) {
            w->wrong = "a node is outside its page";
        }
    }
    return w->wrong ? NULL : page;
}

/* An entry of the list of free pages: a count, then page numbers in descending order, none in use. They are marked used, so that none is twice. */
static void check_free(struct walk *w, const uint8_t *data, uint64_t bytes)
{
    uint64_t count = bytes >= 8 ? store_get64(data, 0) : UINT64_MAX, before = UINT64_MAX;

    if (count > bytes / 8 - 1) w->wrong = "the list of free pages is too long";
    for (uint64_t i = 1; !w->wrong && i <= count; i++) {
        uint64_t page = store_get64(data, 8 * i);

        if (page < 2 || page > w->last || page >= before) w->wrong = "the list of free pages names one that cannot be";
        else if (w->used[page / 8] >> page % 8 & 1) w->wrong = "a page in use is listed as free";
        else w->used[page / 8] = (uint8_t)(w->used[page / 8] | 1u << page % 8);
        before = page;
    }
}

static void check_leaf_node(struct walk *w, const uint8_t *page, uint32_t at, int free_list, uint64_t *overflow)
{
    uint64_t bytes = store_get32(page, at), key_bytes = get16(page, at + NODE_KEY_BYTES);
    uint32_t flags = get16(page, at + NODE_FLAGS);
    const uint8_t *data = page + at + NODE_HEAD + key_bytes;
    uint64_t room = w->page_bytes - at - NODE_HEAD - key_bytes;

    if (key_bytes < 1 || key_bytes > 511 || flags > NODE_TREE) w->wrong = "a node is of an unknown kind";
    else if (flags == NODE_BIG) {
        uint64_t n = (PAGE_HEAD - 1 + bytes) / w->page_bytes + 1, run;

        if (room < 8) w->wrong = "a node is outside its page";
        if (w->wrong || !use(w, store_get64(data, 0), n)) return;
        data = w->file + store_get64(data, 0) * w->page_bytes;
        run = store_get32(data, PAGE_COUNT);
        if (get16(data, PAGE_FLAGS) != PAGE_IS_OVERFLOW || run < n) w->wrong = "a run of pages is of the wrong kind";
        else if (run > n) use(w, store_get64(data, 0) + n, run - n);
        *overflow += run;
        data += PAGE_HEAD;
    } else if (room < bytes) w->wrong = "a node is outside its page";
    else if (flags == NODE_TREE) {
        if (free_list || bytes != TREE_BYTES || get16(data, TREE_FLAGS) != 0 || w->trees == TREES_MAX) w->wrong = "a table is none";
        else w->tree[w->trees++] = (struct tree){data, 0};
    }
    if (!w->wrong && free_list) check_free(w, data, bytes);
}

/* Walks one tree; trees inside its leaves are added to the list. The free list goes last, when all pages in use are known. */
static void check_tree(struct walk *w, const struct tree *tree)
{
    struct { const uint8_t *page; size_t next, nodes; } stack[DEPTH_MAX];
    uint64_t branches = 0, leaves = 0, overflow = 0, entries = 0, number = store_get64(tree->data, TREE_ROOT);
    uint32_t depth = get16(tree->data, TREE_DEPTH), at = 0;

    if (number == UINT64_MAX && depth == 0) return;
    if (depth < 1 || depth > DEPTH_MAX) w->wrong = "a table's depth cannot be";
    while (!w->wrong) {
        int leaf = at + 1 == depth;

        stack[at].next = 0;
        stack[at].page = tree_page(&stack[at].nodes, w, number, leaf, tree->free_list);
        if (w->wrong) return;
        if (leaf) {
            leaves++;
            entries += stack[at].nodes;
            for (size_t i = 0; !w->wrong && i < stack[at].nodes; i++) {
                check_leaf_node(w, stack[at].page, get16(stack[at].page, PAGE_HEAD + 2 * i), tree->free_list, &overflow);
            }
            stack[at].next = stack[at].nodes;
        } else branches++;
        while (stack[at].next == stack[at].nodes && at > 0) at--;
        if (stack[at].next == stack[at].nodes) break;
        {
            const uint8_t *node = stack[at].page + get16(stack[at].page, PAGE_HEAD + 2 * stack[at].next++);

            number = store_get32(node, 0) | (uint64_t)get16(node, NODE_FLAGS) << 32;
        }
        at++;
    }
    if (!w->wrong && (branches != store_get64(tree->data, TREE_BRANCH) || leaves != store_get64(tree->data, TREE_LEAF) ||
                      overflow != store_get64(tree->data, TREE_OVERFLOW) || entries != store_get64(tree->data, TREE_ENTRIES))) {
        w->wrong = "a table's counts are wrong";
    }
}

int store_guard_pages(int *checked, const struct store_folder *folder, int fd, uint64_t txn_id, struct pcct_error *err)
{
    struct walk w = {0};
    struct stat about;
    uint8_t meta[META_BYTES];
    void *map = MAP_FAILED;
    int status = 0;

    *checked = 0;
    if (base_os_fstat(folder->env->os, fd, &about) != 0) return base_fail_errno(err, errno, "cannot look at %s/catalogue.mdb", folder->path);
    map = base_os_mmap(folder->env->os, NULL, (size_t)about.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) return base_fail_errno(err, errno, "cannot map %s/catalogue.mdb", folder->path);
    w.file = map;
    w.page_bytes = store_get32(w.file, META_FREE + TREE_PAGE_BYTES);
    w.pages = (uint64_t)about.st_size / w.page_bytes;
    memcpy(meta, w.file + (txn_id % 2) * w.page_bytes, META_BYTES);
    if (txn_id == 0 || store_get64(meta, META_TXN) != txn_id) goto done;
    *checked = 1;
    w.last = store_get64(meta, META_LAST);
    TRY(base_take_zero(&w.used, folder->env, w.last / 8 + 1, 1, err));
    w.tree[w.trees++] = (struct tree){meta + META_MAIN, 0};
    for (size_t i = 0; !w.wrong && i < w.trees; i++) check_tree(&w, &w.tree[i]);
    if (!w.wrong) check_tree(&w, &(struct tree){meta + META_FREE, 1});
    if (w.wrong) status = damaged(err, folder, w.wrong);
done:
    base_free(folder->env, w.used);
    base_os_munmap(folder->env->os, map, (size_t)about.st_size);
    return status;
}
