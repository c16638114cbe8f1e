/* SPDX-License-Identifier: Apache-2.0
 * Whole files: read once into memory, replaced in one step.
 *
 * Reading goes through the one descriptor that was looked at, with pread and never a map: a file that is cut short
 * while it is mapped kills the process.  Writing follows the way that survives a crash at any point (see "Files are
 * hard", danluu.com/file-consistency): new file beside the old, fsync, close, rename, fsync of the folder. */
#include "formats/bytes.h"

#include "base/folders.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ONE_CALL = 1 << 30 }; /* Linux moves at most 2 GiB a call */

static bool is_dash(const char *path)
{
    return strcmp(path, "-") == 0;
}

/* ---- reading ---- */

static cn_status too_large(const char *path, uint64_t limit, cni_error *error)
{
    return cni_fail(error, CN_ERR_LIMIT, "%s: larger than %llu bytes, the limit of an input file", path,
                    (unsigned long long)limit);
}

static cn_status read_exactly(int fd, const char *path, uint8_t *data, size_t size, cni_error *error)
{
    for (size_t done = 0; done < size;) {
        const size_t want = size - done < ONE_CALL ? size - done : ONE_CALL;
        const ssize_t got = pread(fd, data + done, want, (off_t)done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return cni_fail(error, CN_ERR_IO, "%s: cannot read: %m", path);
        if (!got)
            return cni_fail(error, CN_ERR_IO, "%s: ended after %zu of %zu bytes: it was cut while it was read", path,
                            done, size);
        done += (size_t)got;
    }
    return CN_OK;
}

static cn_status read_regular(cni_arena *arena, int fd, const char *path, uint64_t limit, cni_bytes *out,
                              cni_error *error)
{
    struct stat info;
    if (fstat(fd, &info)) return cni_fail(error, CN_ERR_IO, "%s: cannot look at it: %m", path);
    if (S_ISDIR(info.st_mode)) return cni_fail(error, CN_ERR_IO, "%s: is a folder; a file is expected", path);
    if (!S_ISREG(info.st_mode))
        return cni_fail(error, CN_ERR_IO, "%s: is not a regular file; give it through standard input, as -", path);
    if ((uint64_t)info.st_size > limit) return too_large(path, limit, error);
    const size_t size = (size_t)info.st_size;
    uint8_t *data = cni_arena_alloc(arena, size);
    if (!data) return cni_fail(error, CN_ERR_MEMORY, "%s: no memory for its %zu bytes", path, size);
    CN_TRY(read_exactly(fd, path, data, size, error));
    *out = (cni_bytes){data, size};
    return CN_OK;
}

/* The size is not known beforehand: collected outside of the arena, then moved in. */
static cn_status read_stream(cni_arena *arena, int fd, const char *path, uint64_t limit, cni_bytes *out,
                             cni_error *error)
{
    enum { STEP = 1 << 16 };
    cni_buffer buffer = {0};
    cn_status status = CN_OK;
    for (;;) {
        uint8_t *data = cni_buffer_extend(&buffer, STEP);
        const ssize_t got = data ? read(fd, data, STEP) : -1;
        if (data) buffer.size -= STEP - (got > 0 ? (size_t)got : 0);
        if (data && got < 0 && errno == EINTR) continue;
        if (!data)
            status = cni_no_memory(error, path);
        else if (got < 0)
            status = cni_fail(error, CN_ERR_IO, "%s: cannot read: %m", path);
        else if (buffer.size > limit)
            status = too_large(path, limit, error);
        if (status || got <= 0) break;
    }
    uint8_t *copy = status ? NULL : cni_arena_alloc(arena, buffer.size);
    if (copy && buffer.size) memcpy(copy, buffer.data, buffer.size);
    if (!status && !copy) status = cni_fail(error, CN_ERR_MEMORY, "%s: no memory for its %zu bytes", path, buffer.size);
    if (!status) *out = (cni_bytes){copy, buffer.size};
    cni_buffer_free(&buffer);
    return status;
}

cn_status cni_file_read(cni_arena *arena, const char *path, uint64_t limit, cni_bytes *out, cni_error *error)
{
    if (is_dash(path)) return read_stream(arena, STDIN_FILENO, "standard input", limit, out, error);
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return cni_fail(error, CN_ERR_IO, "%s: cannot open: %m", path);
    const cn_status status = read_regular(arena, fd, path, limit, out, error);
    close(fd);
    return status;
}

/* ---- writing ---- */

static cn_status write_all(int fd, const char *path, cni_bytes bytes, cni_error *error)
{
    for (size_t done = 0; done < bytes.size;) {
        const size_t want = bytes.size - done < ONE_CALL ? bytes.size - done : ONE_CALL;
        const ssize_t put = write(fd, bytes.data + done, want);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return cni_fail(error, CN_ERR_IO, "%s: cannot write: %m", path);
        if (!put) return cni_fail(error, CN_ERR_IO, "%s: cannot write: the system takes no more bytes", path);
        done += (size_t)put;
    }
    return CN_OK;
}

/* A new file gets its name only when it is whole, where the system can do that: whatever ends the program before,
 * nothing stays behind.  Elsewhere it is "PATH.PID.N.tmp" from the beginning. */
typedef struct draft {
    int fd;
    char *name; /* NULL: none yet */
} draft;

enum { ATTEMPTS = 100 };

/* The N-th name that nobody else should have.  A long one is cut, so that it is no longer than names may be. */
static char *draft_name(cni_arena *arena, const char *path, int attempt)
{
    enum { KEPT = 200 };
    const char *slash = strrchr(path, '/');
    const size_t folder = slash ? (size_t)(slash - path) + 1 : 0, name = strlen(path) - folder;
    return cni_arena_printf(arena, "%.*s.%ld.%d.tmp", (int)(folder + (name < KEPT ? name : KEPT)), path, (long)getpid(),
                            attempt);
}

static cn_status begin_unnamed(const char *path, const char *folder, draft *out, cni_error *error)
{
    enum { FLAGS = O_TMPFILE | O_WRONLY | O_CLOEXEC };
    *out = (draft){.fd = open(folder, FLAGS, 0666)};
    if (out->fd >= 0 || errno != ENOENT) return CN_OK;
    CN_TRY(cni_make_folders(path, error));
    out->fd = open(folder, FLAGS, 0666);
    return CN_OK;
}

static cn_status begin_named(cni_arena *arena, const char *path, draft *out, cni_error *error)
{
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        char *name = draft_name(arena, path, attempt);
        if (!name) return cni_no_memory(error, path);
        out->fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (out->fd >= 0) {
            out->name = name;
            return CN_OK;
        }
        if (errno != EEXIST) break;
    }
    return cni_fail(error, CN_ERR_IO, "%s: cannot write into its folder: %m", path);
}

/* No name is given where /proc is missing. */
static cn_status give_name(cni_arena *arena, const char *path, draft *out, cni_error *error)
{
    char self[40];
    snprintf(self, sizeof self, "/proc/self/fd/%d", out->fd);
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        char *name = draft_name(arena, path, attempt);
        if (!name) return cni_no_memory(error, path);
        if (linkat(AT_FDCWD, self, AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0) {
            out->name = name;
            break;
        }
        if (errno != EEXIST) break;
    }
    return CN_OK;
}

/* Where modes are the mount's, as on FAT, all files have the same one and nobody may change it. */
static bool has_mode(int fd, const struct stat *old)
{
    struct stat info;
    return fstat(fd, &info) == 0 && info.st_mode == old->st_mode;
}

/* After a failed fsync the pages may be dropped and marked clean: this descriptor is never asked again. */
static cn_status fill(cni_arena *arena, draft *to, const char *path, const struct stat *old, cni_bytes bytes,
                      cni_error *error)
{
    cn_status status = write_all(to->fd, path, bytes, error);
    if (!status && old && !has_mode(to->fd, old) && fchmod(to->fd, old->st_mode & 07777))
        status = cni_fail(error, CN_ERR_IO, "%s: cannot keep the mode of the old file: %m", path);
    if (!status && fsync(to->fd)) status = cni_fail(error, CN_ERR_IO, "%s: cannot bring it to the disk: %m", path);
    if (!status && !to->name) status = give_name(arena, path, to, error);
    if (close(to->fd) && errno != EINTR && !status) status = cni_fail(error, CN_ERR_IO, "%s: cannot close: %m", path);
    return status;
}

static char *folder_of(cni_arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? cni_arena_text_n(arena, path, (size_t)(slash - path) + 1) : cni_arena_text(arena, ".");
}

static cn_status sync_folder(const char *folder, cni_error *error)
{
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return errno == EACCES ? CN_OK : cni_fail(error, CN_ERR_IO, "%s: cannot open: %m", folder);
    cn_status status = CN_OK;
    if (fsync(fd) && errno != EINVAL && errno != EROFS) /* some file systems cannot */
        status = cni_fail(error, CN_ERR_IO, "%s: cannot bring the folder to the disk: %m", folder);
    close(fd);
    return status;
}

static cn_status replace(cni_arena *arena, const char *path, cni_bytes bytes, cni_error *error)
{
    struct stat old;
    const bool exists = lstat(path, &old) == 0;
    if ((exists && S_ISDIR(old.st_mode)) || (*path && path[strlen(path) - 1] == '/'))
        return cni_fail(error, CN_ERR_IO, "%s: is a folder; the name of a file is expected", path);
    if (exists && !S_ISREG(old.st_mode) && !S_ISLNK(old.st_mode))
        return cni_fail(error, CN_ERR_IO, "%s: is not a regular file; write to standard output, as -", path);
    const struct stat *kept = exists && S_ISREG(old.st_mode) ? &old : NULL;
    const char *folder = folder_of(arena, path);
    draft to;
    if (!folder) return cni_no_memory(error, path);
    cn_status status = begin_unnamed(path, folder, &to, error);
    if (!status && to.fd >= 0) status = fill(arena, &to, path, kept, bytes, error);
    if (!status && !to.name) {
        status = begin_named(arena, path, &to, error);
        if (!status) status = fill(arena, &to, path, kept, bytes, error);
    }
    if (!status && rename(to.name, path)) status = cni_fail(error, CN_ERR_IO, "%s: cannot put it in place: %m", path);
    if (status) {
        if (to.name) unlink(to.name);
        return status;
    }
    return sync_folder(folder, error);
}

cn_status cni_file_write(const char *path, cni_bytes bytes, cni_error *error)
{
    if (is_dash(path)) return write_all(STDOUT_FILENO, "standard output", bytes, error);
    cni_arena arena = {0};
    const cn_status status = replace(&arena, path, bytes, error);
    cni_arena_free(&arena);
    return status;
}
