/* Paths inside the container's root: see path.h for the promise. */
#include "path.h"
#include "sys.h"

#include <errno.h>
#include <limits.h>

int path_open(const struct birth *birth, const char *path, bool follow)
{
    uint64_t resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    return sys_openat2(birth->root, path, O_PATH, follow ? resolve : resolve | RESOLVE_NO_SYMLINKS);
}

int path_open_parent(const struct birth *birth, const char *path, const char **name)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    if (!slash || length >= sizeof folder) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(folder, path, length);
    folder[length] = '\0';
    *name = slash + 1;
    return path_open(birth, length ? folder : "/", false);
}
