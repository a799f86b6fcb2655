/* Counts the steps in which a program changes a folder on disk, and ends it or lets one fail.
 *
 * Preloaded (LD_PRELOAD), so that every step counts, SQLite's too, and the program itself holds no
 * trace of it. Environment:
 *   FAULTS_UNDER  the folder, absolute, without links; what lies elsewhere is not counted
 *   FAULTS_STEP   the step at which something happens, from 1; 0 only counts
 *   FAULTS_KIND   kill    the process is killed before the step
 *                 within  a write: after half of its bytes; any other step: when it is done
 *                 full    from this step on, nothing that takes space is taken: ENOSPC
 *                 fail    this step alone fails: ENOSPC where it takes space, else EIO
 *   FAULTS_LOG    a file elsewhere that gets one line a step: number, what, path
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum outcome { GO_ON, HALF, FAIL };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long steps;

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static int under(const char *path) {
    const char *folder = getenv("FAULTS_UNDER");
    size_t length = folder ? strlen(folder) : 0;
    return length && strncmp(path, folder, length) == 0 && (path[length] == '/' || !path[length]);
}

/* The absolute path of what a descriptor is open on; 0 where it is no file of the folder. */
static int path_of(int descriptor, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length <= 0)
        return 0;
    path[length] = 0;
    return under(path);
}

static int resolve(int folder, const char *given, char *path) {
    if (given[0] == '/') {
        snprintf(path, PATH_MAX, "%s", given);
        return under(path);
    }
    char beginning[PATH_MAX];
    if (folder == AT_FDCWD) {
        if (!getcwd(beginning, sizeof beginning))
            return 0;
    } else {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t length = readlink(link, beginning, sizeof beginning - 1);
        if (length <= 0)
            return 0;
        beginning[length] = 0;
    }
    if (snprintf(path, PATH_MAX, "%s/%s", beginning, given) >= PATH_MAX)
        return 0;
    return under(path);
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

/* Counts one step and says what becomes of it; *dies: the process is killed once it is done. */
static enum outcome step(const char *what, const char *path, int takes_space, int *dies) {
    const char *kind = getenv("FAULTS_KIND"), *log = getenv("FAULTS_LOG"), *at = getenv("FAULTS_STEP");
    long chosen = at ? atol(at) : 0;
    enum outcome outcome = GO_ON;
    pthread_mutex_lock(&lock);
    long now = ++steps;
    if (log) {
        FILE *file = fopen(log, "a");
        if (file) {
            fprintf(file, "%ld %s %s\n", now, what, path);
            fclose(file);
        }
    }
    if (kind && chosen) {
        if (now == chosen && !strcmp(kind, "kill"))
            die();
        if (now == chosen && !strcmp(kind, "within")) {
            *dies = 1;
            outcome = HALF;
        }
        if (now >= chosen && !strcmp(kind, "full") && takes_space) {
            errno = ENOSPC;
            outcome = FAIL;
        }
        if (now == chosen && !strcmp(kind, "fail")) {
            errno = takes_space ? ENOSPC : EIO;
            outcome = FAIL;
        }
    }
    /* Nothing may follow a step that is the last one. */
    if (!*dies)
        pthread_mutex_unlock(&lock);
    return outcome;
}

/* A step that is done whole or not at all. */
#define WHOLE(what, path, takes_space, call)                     \
    do {                                                         \
        int dies = 0;                                            \
        if (step(what, path, takes_space, &dies) == FAIL)        \
            return -1;                                           \
        __typeof__(call) result = call;                          \
        if (dies)                                                \
            die();                                               \
        return result;                                           \
    } while (0)

/* A write, of which half may be done. */
#define PARTLY(what, path, count, call)                          \
    do {                                                         \
        int dies = 0;                                            \
        enum outcome outcome = step(what, path, 1, &dies);       \
        if (outcome == FAIL)                                     \
            return -1;                                           \
        if (outcome == HALF)                                     \
            count /= 2;                                          \
        ssize_t result = call;                                   \
        if (dies)                                                \
            die();                                               \
        return result;                                           \
    } while (0)

ssize_t write(int descriptor, const void *bytes, size_t count) {
    REAL(write);
    char path[PATH_MAX];
    if (!path_of(descriptor, path))
        return real(descriptor, bytes, count);
    PARTLY("write", path, count, real(descriptor, bytes, count));
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t at) {
    REAL(pwrite);
    char path[PATH_MAX];
    if (!path_of(descriptor, path))
        return real(descriptor, bytes, count, at);
    PARTLY("write", path, count, real(descriptor, bytes, count, at));
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t at) {
    REAL(pwrite64);
    char path[PATH_MAX];
    if (!path_of(descriptor, path))
        return real(descriptor, bytes, count, at);
    PARTLY("write", path, count, real(descriptor, bytes, count, at));
}

ssize_t writev(int descriptor, const struct iovec *parts, int count) {
    REAL(writev);
    char path[PATH_MAX];
    if (!path_of(descriptor, path))
        return real(descriptor, parts, count);
    PARTLY("write", path, count, real(descriptor, parts, count));
}

int ftruncate(int descriptor, off_t length) {
    REAL(ftruncate);
    char path[PATH_MAX];
    if (!path_of(descriptor, path))
        return real(descriptor, length);
    WHOLE("truncate", path, 0, real(descriptor, length));
}

int ftruncate64(int descriptor, off64_t length) {
    REAL(ftruncate64);
    char path[PATH_MAX];
    if (!path_of(descriptor, path))
        return real(descriptor, length);
    WHOLE("truncate", path, 0, real(descriptor, length));
}

int fsync(int descriptor) {
    REAL(fsync);
    char path[PATH_MAX];
    if (!path_of(descriptor, path))
        return real(descriptor);
    WHOLE("sync", path, 0, real(descriptor));
}

int fdatasync(int descriptor) {
    REAL(fdatasync);
    char path[PATH_MAX];
    if (!path_of(descriptor, path))
        return real(descriptor);
    WHOLE("sync", path, 0, real(descriptor));
}

static int makes(const char *path, int flags) {
    struct stat there;
    return (flags & O_TRUNC) || ((flags & O_CREAT) && lstat(path, &there) != 0);
}

#define MODE()                                                   \
    mode_t mode = 0;                                             \
    if (flags & O_CREAT) {                                       \
        va_list rest;                                            \
        va_start(rest, flags);                                   \
        mode = va_arg(rest, mode_t);                             \
        va_end(rest);                                            \
    }

int open(const char *given, int flags, ...) {
    REAL(open);
    MODE();
    char path[PATH_MAX];
    if (!resolve(AT_FDCWD, given, path) || !makes(path, flags))
        return real(given, flags, mode);
    WHOLE("create", path, 1, real(given, flags, mode));
}

int open64(const char *given, int flags, ...) {
    REAL(open64);
    MODE();
    char path[PATH_MAX];
    if (!resolve(AT_FDCWD, given, path) || !makes(path, flags))
        return real(given, flags, mode);
    WHOLE("create", path, 1, real(given, flags, mode));
}

int openat(int folder, const char *given, int flags, ...) {
    REAL(openat);
    MODE();
    char path[PATH_MAX];
    if (!resolve(folder, given, path) || !makes(path, flags))
        return real(folder, given, flags, mode);
    WHOLE("create", path, 1, real(folder, given, flags, mode));
}

int openat64(int folder, const char *given, int flags, ...) {
    REAL(openat64);
    MODE();
    char path[PATH_MAX];
    if (!resolve(folder, given, path) || !makes(path, flags))
        return real(folder, given, flags, mode);
    WHOLE("create", path, 1, real(folder, given, flags, mode));
}

int rename(const char *from, const char *to) {
    REAL(rename);
    char path[PATH_MAX];
    if (!resolve(AT_FDCWD, to, path))
        return real(from, to);
    WHOLE("rename", path, 0, real(from, to));
}

int link(const char *from, const char *to) {
    REAL(link);
    char path[PATH_MAX];
    if (!resolve(AT_FDCWD, to, path))
        return real(from, to);
    WHOLE("link", path, 0, real(from, to));
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    REAL(linkat);
    char path[PATH_MAX];
    if (!resolve(to_folder, to, path))
        return real(from_folder, from, to_folder, to, flags);
    WHOLE("link", path, 0, real(from_folder, from, to_folder, to, flags));
}

int unlink(const char *given) {
    REAL(unlink);
    char path[PATH_MAX];
    if (!resolve(AT_FDCWD, given, path))
        return real(given);
    WHOLE("remove", path, 0, real(given));
}

int unlinkat(int folder, const char *given, int flags) {
    REAL(unlinkat);
    char path[PATH_MAX];
    if (!resolve(folder, given, path))
        return real(folder, given, flags);
    WHOLE("remove", path, 0, real(folder, given, flags));
}

int rmdir(const char *given) {
    REAL(rmdir);
    char path[PATH_MAX];
    if (!resolve(AT_FDCWD, given, path))
        return real(given);
    WHOLE("remove", path, 0, real(given));
}

int mkdir(const char *given, mode_t mode) {
    REAL(mkdir);
    char path[PATH_MAX];
    if (!resolve(AT_FDCWD, given, path))
        return real(given, mode);
    WHOLE("make folder", path, 1, real(given, mode));
}
