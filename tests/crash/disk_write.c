/* SPDX-License-Identifier: Apache-2.0 */
#include "disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 64 << 10, PATH = 1000 };

struct path {
    char text[PATH];
};

static struct path join(const char *folder, const char *name)
{
    struct path path;
    size_t n = strlen(folder), m = strlen(name);

    NEED(n + m + 2 <= PATH, "the path %s/%s is too long", folder, name);
    memcpy(path.text, folder, n);
    path.text[n] = '/';
    memcpy(path.text + n + 1, name, m + 1);
    return path;
}

static int remove_one(const char *path, const struct stat *what, int flag, struct FTW *where)
{
    (void)what;
    (void)flag;
    (void)where;
    return remove(path);
}

static void put_all(int fd, const void *data, uint64_t bytes, uint64_t at)
{
    NEED(pwrite(fd, data, bytes, (off_t)at) == (ssize_t)bytes, "pwrite: %s", strerror(errno));
}

/* A time that tells what was written into a file: whoever writes to it changes it to the present. */
static struct timespec stamp_of(uint64_t hash)
{
    return (struct timespec){ (time_t)(1 + (hash & 0x3fffffff)), (long)((hash >> 30) % 1000000000) };
}

static int is_there(int fd, uint64_t size, struct timespec stamp)
{
    struct stat about;

    NEED(fstat(fd, &about) == 0, "fstat: %s", strerror(errno));
    return (uint64_t)about.st_size == size && about.st_mtim.tv_sec == stamp.tv_sec && about.st_mtim.tv_nsec == stamp.tv_nsec;
}

/* Only what differs is written: most of an image is that of the one before it. */
static void write_file(const char *path, const struct disk_file *file, uint64_t hash)
{
    static uint8_t there[CHUNK];
    struct timespec stamp[2] = { stamp_of(hash), stamp_of(hash) };
    int fd = open(path, O_RDWR | O_CREAT, 0600);

    NEED(fd >= 0, "%s: %s", path, strerror(errno));
    if (!is_there(fd, file->size, stamp[1])) {
        NEED(ftruncate(fd, (off_t)file->size) == 0, "%s: %s", path, strerror(errno));
        for (uint64_t at = 0, n; at < file->size; at += n) {
            n = file->size - at < CHUNK ? file->size - at : CHUNK;
            NEED(pread(fd, there, n, (off_t)at) == (ssize_t)n, "%s: %s", path, strerror(errno));
            if (memcmp(there, file->bytes + at, n) != 0) put_all(fd, file->bytes + at, n, at);
        }
        NEED(futimens(fd, stamp) == 0, "%s: %s", path, strerror(errno));
    }
    close(fd);
}

/* What LMDB's lock file holds after a failure of power is of no meaning; it is written through a mapping, so anything may be there. */
static void write_lock(const char *path, uint64_t size, struct random_numbers *r)
{
    uint64_t noise[512];
    int fd;

    (void)remove(path);
    fd = open(path, O_RDWR | O_CREAT, 0600);
    NEED(fd >= 0, "%s: %s", path, strerror(errno));
    NEED(ftruncate(fd, (off_t)size) == 0, "%s: %s", path, strerror(errno));
    for (size_t i = 0; i < sizeof noise / sizeof noise[0]; i++) noise[i] = random_next(r);
    if (random_below(r, 4) == 0) put_all(fd, noise, size < sizeof noise ? size : sizeof noise, 0);
    close(fd);
}

static const struct disk_entry *entry_of(const struct disk_folder *folder, const char *name)
{
    for (size_t i = 0; i < folder->n; i++) {
        if (strcmp(folder->entry[i].name, name) == 0) return &folder->entry[i];
    }
    return NULL;
}

/* What is not in the image, or is there as another kind of thing, goes. */
static void clear_folder(const struct disk *disk, const char *path, const struct disk_folder *folder)
{
    DIR *list = opendir(path);
    const struct dirent *found;

    NEED(list, "%s: %s", path, strerror(errno));
    while ((found = readdir(list))) {
        const struct disk_entry *entry = entry_of(folder, found->d_name);

        if (strcmp(found->d_name, ".") == 0 || strcmp(found->d_name, "..") == 0) continue;
        if (entry && disk->node[entry->node].is_folder == (found->d_type == DT_DIR)) continue;
        NEED(nftw(join(path, found->d_name).text, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0, "%s/%s: %s", path, found->d_name, strerror(errno));
    }
    closedir(list);
}

void disk_write(const struct disk *disk, const char *path, struct random_numbers *r)
{
    static struct path where[DISK_NODES];

    for (int i = 1; i < disk->nodes; i++) where[i].text[0] = '\0';
    if (mkdir(path, 0700) != 0) NEED(errno == EEXIST, "%s: %s", path, strerror(errno));
    where[0] = join(path, ".");
    for (int i = 0; i < disk->nodes; i++) { /* a folder's number is below those of what is in it */
        const struct disk_node *node = &disk->node[i];
        const struct disk_folder *folder = node->changed ? &node->image_folder : &node->folder;

        if (!where[i].text[0] || !node->is_folder) continue;
        if (mkdir(where[i].text, 0700) != 0) NEED(errno == EEXIST, "%s: %s", where[i].text, strerror(errno));
        clear_folder(disk, where[i].text, folder);
        for (size_t j = 0; j < folder->n; j++) {
            const struct disk_entry *entry = &folder->entry[j];
            const struct disk_node *child = &disk->node[entry->node];
            const struct disk_file *file = child->changed ? &child->image_file : &child->file;
            struct path name = join(where[i].text, entry->name);
            size_t n = strlen(entry->name);

            if (child->is_folder) where[entry->node] = name;
            else if (n > 5 && strcmp(entry->name + n - 5, "-lock") == 0) write_lock(name.text, file->size, r);
            else write_file(name.text, file, child->image_hash);
        }
    }
}
