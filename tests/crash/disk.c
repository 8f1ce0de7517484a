/* SPDX-License-Identifier: Apache-2.0 */
#include "disk.h"

#include "base/hash.h"

#include <sys/mman.h>

static void free_bytes(struct disk_file *file)
{
    if (file->capacity > 0) munmap(file->bytes, file->capacity);
}

void disk_init(struct disk *disk)
{
    memset(disk, 0, sizeof *disk);
}

void disk_free(struct disk *disk)
{
    for (int i = 0; i < disk->nodes; i++) {
        struct disk_node *node = &disk->node[i];

        free(node->now.entry);
        free(node->folder.entry);
        free_bytes(&node->file);
        free(node->image_folder.entry);
        free_bytes(&node->image_file);
    }
    free(disk->pending);
    disk_init(disk);
}

/* ---- folders and files -------------------------------------------------------------------------------------------------------------------- */

static int look_up(const struct disk_folder *folder, const char *name)
{
    for (size_t i = 0; i < folder->n; i++) {
        if (strcmp(folder->entry[i].name, name) == 0) return folder->entry[i].node;
    }
    return -1;
}

static void set_name(struct disk_folder *folder, const struct disk_entry *entry)
{
    size_t i = 0;

    while (i < folder->n && strcmp(folder->entry[i].name, entry->name) != 0) i++;
    if (entry->node < 0) {
        if (i < folder->n) folder->entry[i] = folder->entry[--folder->n];
        return;
    }
    folder->entry = grown(folder->entry, &folder->capacity, i + 1, sizeof *folder->entry);
    folder->entry[i] = *entry;
    if (i == folder->n) folder->n++;
}

static void set_size(struct disk_file *file, uint64_t size)
{
    if (size < file->size) memset(file->bytes + size, 0, file->size - size);
    if (size > file->capacity) {
        struct disk_file more = { NULL, file->size, size + size / 2 + 4096 };

        /* shared, so that a fork does not have to copy it; zeros */
        more.bytes = mmap(NULL, more.capacity, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        NEED(more.bytes != MAP_FAILED, "memory");
        if (file->size > 0) memcpy(more.bytes, file->bytes, file->size);
        free_bytes(file);
        *file = more;
    }
    file->size = size;
}

static void put_bytes(struct disk_file *file, uint64_t at, const uint8_t *data, uint64_t n)
{
    if (at + n > file->size) set_size(file, at + n);
    memcpy(file->bytes + at, data, n);
}

static void dig(struct disk_file *file, uint64_t at, uint64_t n)
{
    if (at >= file->size) return;
    memset(file->bytes + at, 0, n < file->size - at ? n : file->size - at);
}

static void change_file(struct disk_file *file, const struct op *op)
{
    const struct op_head *head = &op->head;

    if (head->kind == OP_WRITE) put_bytes(file, head->at, op->data, head->data_bytes);
    else if (head->kind == OP_SIZE) set_size(file, head->at);
    else if (head->kind == OP_HOLE) dig(file, head->at, head->other);
    else if (head->at > file->size) set_size(file, head->at);
}

static void bring_to_disk(struct disk *disk, const struct disk_change *change)
{
    struct disk_node *node = &disk->node[change->node];

    for (int i = 0; i < change->names; i++) set_name(&node->folder, &change->set[i]);
    if (change->names == 0) change_file(&node->file, change->op);
    node->hashed = 0;
}

/* ---- calls -------------------------------------------------------------------------------------------------------------------------------- */

/* The newest node of that inode: numbers are given again. -1: none that counts. */
static int find(const struct disk *disk, uint64_t inode)
{
    int i = disk->nodes - 1;

    while (i >= 0 && disk->node[i].inode != inode) i--;
    return i;
}

static int add_node(struct disk *disk, uint64_t inode, int is_folder, const char *name)
{
    struct disk_node *node = &disk->node[disk->nodes];

    NEED(disk->nodes < DISK_NODES, "too many files");
    node->inode = inode;
    node->is_folder = is_folder;
    snprintf(node->name, sizeof node->name, "%s", name);
    return disk->nodes++;
}

static struct disk_change *add_change(struct disk *disk, const struct op *op, int node)
{
    struct disk_change *change;

    disk->pending = grown(disk->pending, &disk->capacity, disk->n_pending + 1, sizeof *disk->pending);
    change = &disk->pending[disk->n_pending++];
    memset(change, 0, sizeof *change);
    change->op = op;
    change->node = node;
    return change;
}

static void name_set(struct disk_change *change, const char *name, int node)
{
    struct disk_entry *entry = &change->set[change->names++];

    NEED(strlen(name) < sizeof entry->name, "the name %s", name);
    strcpy(entry->name, name);
    entry->node = node;
}

static void change_names(struct disk *disk, const struct op *op, int folder)
{
    struct disk_folder *now = &disk->node[folder].now;
    struct disk_change *change = add_change(disk, op, folder);
    const char *to = op->to;

    switch (op->head.kind) {
    case OP_MAKE: name_set(change, op->name, add_node(disk, op->head.other, op->head.flags & OP_FOLDER, op->name)); break;
    case OP_REMOVE: name_set(change, op->name, -1); break;
    case OP_LINK: name_set(change, to, look_up(now, op->name)); break;
    default:
        NEED(op->head.node == op->head.other, "%s moves from a folder to another", op->name);
        name_set(change, op->name, op->head.kind == OP_EXCHANGE ? look_up(now, to) : -1);
        name_set(change, to, look_up(now, op->name));
    }
    for (int i = 0; i < change->names; i++) set_name(now, &change->set[i]);
}

static void sync_node(struct disk *disk, int node)
{
    size_t kept = 0;

    for (size_t i = 0; i < disk->n_pending; i++) {
        if (disk->pending[i].node == node) bring_to_disk(disk, &disk->pending[i]);
        else disk->pending[kept++] = disk->pending[i];
    }
    disk->n_pending = kept;
}

void disk_begin(struct disk *disk, const struct op *op)
{
    int node = find(disk, op->head.node);

    if (node >= 0) add_change(disk, op, node);
}

void disk_apply(struct disk *disk, const struct op *op)
{
    int node;

    if (op->head.kind == OP_MARK) return;
    if (op->head.kind == OP_ROOT) {
        add_node(disk, op->head.node, 1, "");
        return;
    }
    node = find(disk, op->head.node);
    if (node < 0) return;
    switch (op->head.kind) {
    case OP_SYNC: sync_node(disk, node); break;
    case OP_WRITE:
    case OP_SIZE:
    case OP_ROOM:
    case OP_HOLE:
        if (op->head.flags & OP_SYNCHRONOUS) {
            struct disk_change change = { .op = op, .node = node };

            if (disk->n_pending > 0 && disk->pending[disk->n_pending - 1].op == op) disk->n_pending--;
            bring_to_disk(disk, &change);
        } else add_change(disk, op, node);
        break;
    default: change_names(disk, op, node);
    }
}

/* ---- images ------------------------------------------------------------------------------------------------------------------------------- */

struct choice {
    enum disk_pattern pattern;
    size_t at;      /* which change DISK_TORN, _ALL_BUT and _ONLY are about */
    uint64_t share; /* of 100: how likely a sector or call is taken */
    struct random_numbers *r;
};

static int take(const struct choice *choice, size_t i, int whole)
{
    switch (choice->pattern) {
    case DISK_NONE: return 0;
    case DISK_ALL: return 1;
    case DISK_TORN: return i < choice->at || (i == choice->at && random_below(choice->r, 100) < choice->share);
    case DISK_SECTORS: return random_below(choice->r, 100) < choice->share;
    case DISK_WHOLE: return whole;
    case DISK_ALL_BUT: return i != choice->at;
    default: return i == choice->at;
    }
}

static void begin_image(struct disk_node *node)
{
    if (node->changed) return;
    node->changed = 1;
    node->image_folder.n = 0;
    for (size_t i = 0; i < node->folder.n; i++) set_name(&node->image_folder, &node->folder.entry[i]);
    set_size(&node->image_file, node->file.size);
    if (node->file.size > 0) memcpy(node->image_file.bytes, node->file.bytes, node->file.size);
}

static void take_some(struct disk_node *node, const struct op *op, const struct choice *choice, size_t i)
{
    int whole = random_below(choice->r, 100) < choice->share, longer = choice->pattern != DISK_NONE && random_below(choice->r, 4) == 0;
    uint64_t at = op->head.at, end = at + op->head.data_bytes, n;

    if (op->head.kind != OP_WRITE) {
        if (!take(choice, i, whole)) return;
        begin_image(node);
        change_file(&node->image_file, op);
        return;
    }
    if (longer && end > node->file.size) {
        begin_image(node);
        if (end > node->image_file.size) set_size(&node->image_file, end);
    }
    for (; at < end; at += n) {
        n = DISK_SECTOR - at % DISK_SECTOR;
        if (n > end - at) n = end - at;
        if (!take(choice, i, whole)) continue;
        begin_image(node);
        put_bytes(&node->image_file, at, op->data + (at - op->head.at), n);
    }
}

static const struct disk_folder *image_folder(const struct disk_node *node)
{
    return node->changed ? &node->image_folder : &node->folder;
}

static const struct disk_file *image_file(const struct disk_node *node)
{
    return node->changed ? &node->image_file : &node->file;
}

static int is_lock(const char *name)
{
    size_t n = strlen(name);

    return n > 5 && strcmp(name + n - 5, "-lock") == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct disk_entry *)a)->name, ((const struct disk_entry *)b)->name);
}

/* Of every file that can be reached. Nodes are numbered as they were made, so a folder's number is below those of what is in it. */
static uint64_t hash_image(struct disk *disk)
{
    uint64_t folder_hash = 0, part[3], hash = 0;
    char reached[DISK_NODES] = { 1 };

    for (int i = 0; i < disk->nodes; i++) {
        struct disk_node *node = &disk->node[i];
        struct disk_folder sorted = { NULL, 0, 0 };

        if (!reached[i] || !node->is_folder) continue;
        for (size_t j = 0; j < image_folder(node)->n; j++) set_name(&sorted, &image_folder(node)->entry[j]);
        if (sorted.n > 0) qsort(sorted.entry, sorted.n, sizeof *sorted.entry, by_name);
        for (size_t j = 0; j < sorted.n; j++) {
            struct disk_node *child = &disk->node[sorted.entry[j].node];
            const struct disk_file *file = image_file(child);

            reached[sorted.entry[j].node] = 1;
            if (is_lock(sorted.entry[j].name)) continue;
            if (!child->hashed) child->hash = base_hash64(child->file.bytes, child->file.size);
            child->hashed = 1;
            child->image_hash = child->changed ? base_hash64(file->bytes, file->size) : child->hash;
            folder_hash = base_hash64(sorted.entry[j].name, strlen(sorted.entry[j].name));
            part[0] = hash ^ (uint64_t)i;
            part[1] = folder_hash;
            part[2] = child->is_folder ? 1 : child->image_hash;
            hash = base_hash64(part, sizeof part);
        }
        free(sorted.entry);
    }
    return hash;
}

uint64_t disk_image(struct disk *disk, enum disk_pattern pattern, struct random_numbers *r)
{
    struct choice choice = { pattern, 0, random_below(r, 101), r };

    choice.at = disk->n_pending > 0 ? random_below(r, disk->n_pending) : 0;
    for (int i = 0; i < disk->nodes; i++) disk->node[i].changed = 0;
    for (size_t i = 0; i < disk->n_pending; i++) {
        const struct disk_change *change = &disk->pending[i];
        struct disk_node *node = &disk->node[change->node];

        if (change->names == 0) take_some(node, change->op, &choice, i);
        else if (take(&choice, i, random_below(r, 100) < choice.share)) {
            begin_image(node);
            for (int j = 0; j < change->names; j++) set_name(&node->image_folder, &change->set[j]);
        }
    }
    return hash_image(disk);
}
