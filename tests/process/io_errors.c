/* Lets the disk fail under SQLite: preloaded, it answers EIO to a call on a file
 * whose name has ".db" in it while a file of the call's name is in $EIO. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int fails(const char *call, int fd)
{
    char path[4096], link[64];
    const char *switches = getenv("EIO");
    snprintf(path, sizeof path, "%s/%s", switches ? switches : "/nowhere", call);
    if (access(path, F_OK) != 0)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    if (!strstr(path, ".db"))
        return 0;
    errno = EIO;
    return 1;
}

#define FAILING(result, name, call, parameters, arguments)            \
    result name parameters                                            \
    {                                                                 \
        static result(*real) parameters;                              \
        if (fails(call, fd))                                          \
            return -1;                                                \
        if (!real)                                                    \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                \
        return real arguments;                                        \
    }

FAILING(ssize_t, write, "write", (int fd, const void *from, size_t size), (fd, from, size))
FAILING(ssize_t, pwrite, "write", (int fd, const void *from, size_t size, off_t at), (fd, from, size, at))
FAILING(ssize_t, pwrite64, "write", (int fd, const void *from, size_t size, off64_t at), (fd, from, size, at))
FAILING(ssize_t, read, "read", (int fd, void *into, size_t size), (fd, into, size))
FAILING(ssize_t, pread, "read", (int fd, void *into, size_t size, off_t at), (fd, into, size, at))
FAILING(ssize_t, pread64, "read", (int fd, void *into, size_t size, off64_t at), (fd, into, size, at))
FAILING(int, fsync, "sync", (int fd), (fd))
FAILING(int, fdatasync, "sync", (int fd), (fd))
