/*
 * Limits of the container's own user namespace, which hold for all namespaces made in it and below:
 * files in /proc/sys/user, each process's own. Without a user namespace of its own they would be
 * the caller's, and stay alone.
 */
#include "path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>

/* limit(name, value, must): `must` ends the birth where there is no such namespace. */
int step_limit(struct birth *birth, const struct arg *arg)
{
    const char *name = arg[0].text;
    char path[128], value[24];
    if (!birth->own_users && !arg[2].number)
        return 0;
    errno = EPERM;
    snprintf(path, sizeof path, "/proc/sys/user/%s", name);
    int size = snprintf(value, sizeof value, "%llu\n", (unsigned long long)arg[1].number);
    int file = birth->own_users ? path_use(birth, path, O_WRONLY) : -1;
    if (file < 0 || write(file, value, (size_t)size) != size)
        return failed(birth, "limiting %s", name);
    return close(file);
}
