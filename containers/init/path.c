/* Paths inside the container: see path.h for the promise. */
#include "path.h"
#include "sys.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

int path_mounted(struct birth *birth, const char *path, int fd, bool follow)
{
    if (birth->n_mounts == BIRTH_MAX_MOUNTS) {
        errno = ENOSPC;
        return -1;
    }
    birth->mount[birth->n_mounts++] = (struct mounted){.path = path, .fd = fd, .follow = follow};
    return 0;
}

void path_forget(struct birth *birth)
{
    while (birth->n_mounts > 0)
        close(birth->mount[--birth->n_mounts].fd);
    close(birth->root);
    birth->root = -1;
}

uint64_t path_mount(int fd)
{
    struct statx about;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &about) < 0 || !(about.stx_mask & STATX_MNT_ID))
        return 0;
    return about.stx_mnt_id;
}

/* What is left of `path` below `folder`, without a slash before it; NULL if it is not below. */
static const char *below(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 && path[length] == '/' ? path + length + 1 : NULL;
}

/* The innermost mount of ours that `path` lies below, and what is left of it; NULL: in the root. */
static const struct mounted *base(const struct birth *birth, const char **path)
{
    const struct mounted *found = NULL;
    const char *whole = *path, *rest;
    for (unsigned i = 0; i < birth->n_mounts; i++)
        if ((rest = below(whole, birth->mount[i].path)) && rest >= *path) {
            found = &birth->mount[i];
            *path = rest;
        }
    return found;
}

static int look_up(const struct birth *birth, const char *path, unsigned flags, uint64_t resolve)
{
    const struct mounted *mount = base(birth, &path);
    resolve |= RESOLVE_NO_MAGICLINKS | (mount ? RESOLVE_BENEATH : RESOLVE_IN_ROOT);
    return sys_openat2(mount ? mount->fd : birth->root, path, flags, resolve);
}

int path_open(const struct birth *birth, const char *path, bool follow)
{
    return look_up(birth, path, O_PATH, follow ? 0 : RESOLVE_NO_SYMLINKS);
}

int path_use(const struct birth *birth, const char *path, unsigned flags)
{
    return look_up(birth, path, flags, RESOLVE_NO_SYMLINKS);
}

bool path_is_own(const struct birth *birth, const char *path) { return base(birth, &path) != NULL; }

/* The root of the mount that is remembered for `path` itself, or -1 with errno. */
static int open_mount(const struct birth *birth, const char *path, unsigned flags)
{
    for (unsigned i = birth->n_mounts; i-- > 0;)
        if (strcmp(birth->mount[i].path, path) == 0)
            return sys_openat2(birth->mount[i].fd, ".", flags, RESOLVE_BENEATH);
    errno = ENOENT;
    return -1;
}

int path_use_mount(const struct birth *birth, const char *path)
{
    return open_mount(birth, path, O_RDONLY | O_DIRECTORY);
}

static int open_folder(const struct birth *birth, const char *path)
{
    int own = open_mount(birth, path, O_PATH);
    return own < 0 && errno == ENOENT ? path_open(birth, path, false) : own;
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
    return open_folder(birth, length ? folder : "/");
}
