/*
 * The container's mounts: a private mount table, the new root, file systems on it, and the pivot.
 *
 * All of it goes by fds: a mount is made or cloned detached, gets its attributes while nobody can
 * see it, and is attached to a place that path_open() has found. Our mount table is this process's
 * alone, so nobody sees a file system of ours between its attachment and its masks; who owns the
 * root's files can only move it elsewhere, masks and all. The old root is let go at the pivot;
 * until then the machine's own /proc and /dev are still within reach, which a fresh /proc in a user
 * namespace needs and the device nodes come from.
 */
#include "birth.h"
#include "path.h"
#include "sys.h"

#include <errno.h>
#include <stdio.h>

enum { SKIP_MISSING = 1, EMPTY_IF_REFUSED = 2, PROPAGATION_PRIVATE = 1 << 18 /* MS_PRIVATE */ };

/* private(): nothing mounted here reaches the machine, nothing mounted there reaches us. */
int step_private(struct birth *birth, const struct arg *arg)
{
    (void)arg;
    struct mount_attr attr = {.propagation = PROPAGATION_PRIVATE};
    if (syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &attr, sizeof attr) < 0)
        return failed(birth, "making the mounts private");
    return 0;
}

/*
 * root(source, anchor, attributes): the tree at `source`, with all that is mounted in it, becomes
 * the new root. It is attached over the folder `anchor` since only an attached mount can be pivoted
 * to; that happens in this mount namespace alone. Its path has no links (containers/rootfs.py): who
 * puts one there now wants another root.
 */
int step_root(struct birth *birth, const struct arg *arg)
{
    const char *source = arg[0].text, *anchor = arg[1].text;
    int found = sys_openat2(AT_FDCWD, source, O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
    unsigned whole = OPEN_TREE_CLONE | AT_EMPTY_PATH | AT_RECURSIVE;
    int root = found < 0 ? -1 : sys_open_tree(found, "", whole);
    if (root < 0)
        return failed(birth, "taking %s as the root", source);
    close(found);
    struct mount_attr attr = {.attr_set = arg[2].number};
    if (sys_mount_setattr(root, AT_RECURSIVE, &attr) < 0)
        return failed(birth, "restricting the mounts under %s", source);
    int place = open(anchor, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (place < 0 || sys_move_mount(root, place) < 0)
        return failed(birth, "attaching the root to %s", anchor);
    close(place);
    birth->root = root;
    return 0;
}

/* Set one "key=value" or "flag" option. */
static int configure(int fs, char *option)
{
    char *equals = strchr(option, '=');
    if (!equals)
        return sys_fsconfig(fs, FSCONFIG_SET_FLAG, option, NULL);
    *equals = '\0';
    return sys_fsconfig(fs, FSCONFIG_SET_STRING, option, equals + 1);
}

static int configure_all(int fs, const char *options)
{
    char text[256], *rest = text, *option;
    if (snprintf(text, sizeof text, "%s", options) >= (int)sizeof text) {
        errno = E2BIG;
        return -1;
    }
    while ((option = strsep(&rest, ",")))
        if (*option && configure(fs, option) < 0)
            return -1;
    return sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL);
}

/* A detached mount of a fresh file system, or -1 with errno. */
static int make_mount(const char *type, const char *options, unsigned attributes)
{
    int fs = sys_fsopen(type);
    if (fs < 0)
        return -1;
    int mount = configure_all(fs, options) < 0 ? -1 : sys_fsmount(fs, attributes);
    int error = errno;
    close(fs);
    errno = error;
    return mount;
}

/* mount(type, path, options, attributes, skip): a fresh file system on `path`, remembered. */
int step_mount(struct birth *birth, const struct arg *arg)
{
    const char *type = arg[0].text, *path = arg[1].text;
    uint64_t skip = arg[4].number;
    unsigned attributes = (unsigned)arg[3].number;
    bool follow = skip & SKIP_MISSING;
    int place = path_open(birth, path, follow);
    if (place < 0 && errno == ENOENT && (skip & SKIP_MISSING))
        return 0;
    if (place < 0)
        return failed(birth, "finding %s in the root", path);
    int mount = make_mount(type, arg[2].text, attributes);
    if (mount < 0 && errno == EPERM && (skip & EMPTY_IF_REFUSED))
        mount = make_mount("tmpfs", "mode=755", attributes | MOUNT_ATTR_RDONLY);
    if (mount < 0 || sys_move_mount(mount, place) < 0 || path_mounted(birth, path, mount, follow) < 0)
        return failed(birth, "mounting %s on %s", type, path);
    return close(place);
}

/* pivot(): the new root becomes "/", and the machine's tree is let go. */
int step_pivot(struct birth *birth, const struct arg *arg)
{
    (void)arg;
    if (fchdir(birth->root) < 0 || sys_pivot_root(".", ".") < 0)
        return failed(birth, "changing to the new root");
    if (sys_umount_detached(".") < 0)
        return failed(birth, "letting go of the old root");
    if (chdir("/") < 0)
        return failed(birth, "entering the new root");
    return 0;
}
