/* Lets the disk fail under SQLite: preloaded, it answers EIO to a call on a file
 * whose name has ".db" in it while a file of the call's name is in $EIO. And it kills
 * the process, as kill -9 does, before or after the n-th such call that writes or
 * flushes, while the file kill in $EIO says "before n" or "after n". */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* Writes and flushes since the file kill was there. */
static int calls;

static int is_there(const char *name, char *path, size_t size)
{
    const char *switches = getenv("EIO");
    snprintf(path, size, "%s/%s", switches ? switches : "/nowhere", name);
    return access(path, F_OK) == 0;
}

static int is_database(int fd)
{
    char path[4096], link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return strstr(path, ".db") != NULL;
}

static int fails(const char *call, int fd)
{
    char path[4096];
    if (!is_there(call, path, sizeof path) || !is_database(fd))
        return 0;
    errno = EIO;
    return 1;
}

static void may_die(const char *call, const char *moment, int fd)
{
    char path[4096], when[16];
    int at, now;
    int kept = errno;
    if (strcmp(call, "read") != 0 && is_there("kill", path, sizeof path) && is_database(fd)) {
        FILE *file = fopen(path, "r");
        int found = file ? fscanf(file, "%15s %d", when, &at) : 0;
        if (file)
            fclose(file);
        if (strcmp(moment, "before") == 0)
            now = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
        else
            now = __atomic_load_n(&calls, __ATOMIC_SEQ_CST);
        if (found == 2 && now == at && strcmp(when, moment) == 0)
            kill(getpid(), SIGKILL);
    }
    errno = kept;
}

#define FAILING(result, name, call, parameters, arguments)            \
    result name parameters                                            \
    {                                                                 \
        static result(*real) parameters;                              \
        result done;                                                  \
        if (fails(call, fd))                                          \
            return -1;                                                \
        if (!real)                                                    \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                \
        may_die(call, "before", fd);                                  \
        done = real arguments;                                        \
        may_die(call, "after", fd);                                   \
        return done;                                                  \
    }

FAILING(ssize_t, write, "write", (int fd, const void *from, size_t size), (fd, from, size))
FAILING(ssize_t, pwrite, "write", (int fd, const void *from, size_t size, off_t at), (fd, from, size, at))
FAILING(ssize_t, pwrite64, "write", (int fd, const void *from, size_t size, off64_t at), (fd, from, size, at))
FAILING(ssize_t, read, "read", (int fd, void *into, size_t size), (fd, into, size))
FAILING(ssize_t, pread, "read", (int fd, void *into, size_t size, off_t at), (fd, into, size, at))
FAILING(ssize_t, pread64, "read", (int fd, void *into, size_t size, off64_t at), (fd, into, size, at))
FAILING(int, fsync, "sync", (int fd), (fd))
FAILING(int, fdatasync, "sync", (int fd), (fd))
