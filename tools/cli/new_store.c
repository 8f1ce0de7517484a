/* SPDX-License-Identifier: Apache-2.0 */
#include "new_store.h"
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int new_store_begin(struct new_store *made, const char *place, struct pcct_error *err)
{
    int status = 0;
    size_t length = strlen(place);
    struct stat about;
    memset(made, 0, sizeof *made);
    made->place = place;
    while (length > 1 && place[length - 1] == '/') length--;
    if (lstat(place, &about) == 0) TRY(fault(err, PCCT_E_EXISTS, "%s exists already", place));
    if (asprintf(&made->folder, "%.*s.new-XXXXXX", (int)length, place) < 0) {
        made->folder = NULL;
        TRY(fault(err, PCCT_E_MEMORY, "no memory to make %s", place));
    }
    if (!mkdtemp(made->folder)) {
        int error_number = errno;
        free(made->folder);
        made->folder = NULL;
        TRY(fault_errno(err, error_number, "cannot make a folder beside %s", place));
    }
    if (asprintf(&made->path, "%s/store", made->folder) < 0) {
        made->path = NULL;
        TRY(fault(err, PCCT_E_MEMORY, "no memory to make %s", place));
    }
done:
    return status;
}

/* The folder that the place is in. */
static int above_open(const struct new_store *made)
{
    char *above = NULL;
    int fd = -1;
    if (asprintf(&above, "%s/..", made->folder) < 0) return -1;
    fd = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(above);
    return fd;
}

int new_store_finish(struct new_store *made, struct pcct_error *err)
{
    int status = 0, fd = above_open(made);
    if (fd < 0) TRY(fault_errno(err, errno, "cannot open the folder of %s", made->place));
    if (rename(made->path, made->place) != 0) { /* never over anything but an empty folder */
        if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR) TRY(fault(err, PCCT_E_EXISTS, "%s exists already", made->place));
        TRY(fault_errno(err, errno, "cannot put the new store at %s", made->place));
    }
    if (fsync(fd) != 0) TRY(fault_errno(err, errno, "cannot write the folder of %s to the disk", made->place));
done:
    if (fd >= 0) (void)close(fd);
    return status;
}

static int remove_entry(const char *path, const struct stat *about, int type, struct FTW *walk)
{
    (void)about;
    (void)type;
    (void)walk;
    return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

void new_store_end(struct new_store *made)
{
    if (made->folder) (void)nftw(made->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(made->path);
    free(made->folder);
    made->path = made->folder = NULL;
}
