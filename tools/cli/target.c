/* SPDX-License-Identifier: Apache-2.0 */
#include "target.h"
#include "fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A symbolic link stays one: what it leads to is replaced. */
static char *real_path(const char *path)
{
    char *real = realpath(path, NULL);
    return real ? real : strdup(path);
}

static int open_temporary(struct target *target, const char *path, struct pcct_error *err)
{
    int status = 0, fd = -1;
    mode_t mask = umask(0);
    (void)umask(mask);
    target->path = real_path(path);
    if (!target->path || asprintf(&target->temporary, "%s.XXXXXX", target->path) < 0) {
        target->temporary = NULL;
        TRY(fault(err, PCCT_E_MEMORY, "no memory to write %s", path));
    }
    fd = mkstemp(target->temporary);
    if (fd < 0) {
        int error_number = errno;
        free(target->temporary);
        target->temporary = NULL;
        TRY(fault_errno(err, error_number, "%s", path));
    }
    (void)fchmod(fd, 0666 & ~mask);
    target->file = fdopen(fd, "wb");
    if (!target->file) TRY(fault_errno(err, errno, "%s", path));
    fd = -1;
done:
    if (fd >= 0) (void)close(fd);
    return status;
}

int target_open(struct target *target, const char *path, struct pcct_error *err)
{
    struct stat about;
    memset(target, 0, sizeof *target);
    if (!path || strcmp(path, "-") == 0) {
        target->file = stdout;
        target->name = "standard output";
        return 0;
    }
    target->name = path;
    if (stat(path, &about) == 0 && !S_ISREG(about.st_mode)) {
        target->file = fopen(path, "wbe");
        return target->file ? 0 : fault_errno(err, errno, "%s", path);
    }
    int status = open_temporary(target, path, err);
    if (status != 0) target_abandon(target);
    return status;
}

int target_flush(struct target *target, struct pcct_error *err)
{
    errno = 0;
    if (fflush(target->file) == 0 && !ferror(target->file)) return 0;
    return fault_errno(err, errno ? errno : EIO, "writing %s", target->name);
}

int target_finish(struct target *target, struct pcct_error *err)
{
    int status = 0;
    TRY(target_flush(target, err));
    if (target->file == stdout) goto done;
    int closed = fclose(target->file);
    target->file = NULL;
    if (closed != 0) TRY(fault_errno(err, errno, "writing %s", target->name));
    if (target->temporary) {
        if (rename(target->temporary, target->path) != 0) TRY(fault_errno(err, errno, "%s", target->name));
        free(target->temporary);
        target->temporary = NULL;
    }
done:
    target_abandon(target);
    return status;
}

void target_abandon(struct target *target)
{
    if (target->file && target->file != stdout) (void)fclose(target->file);
    if (target->temporary) (void)unlink(target->temporary);
    free(target->temporary);
    free(target->path);
    memset(target, 0, sizeof *target);
}
