/*
 * Folders, links and device nodes inside the new root. A device is not made (mknod is refused in a
 * user namespace) but bound from the machine's /dev, after a look at what it really is (S30, S35).
 * The node stays the machine's inode, so it is bound read-only: that forbids to change its mode,
 * owner, times and attributes, and says nothing about what is written into the device.
 */
#include "node.h"
#include "path.h"
#include "sys.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* directory(path, mode): make it unless it is there. */
int step_directory(struct birth *birth, const struct arg *arg)
{
    const char *name;
    int folder = path_open_parent(birth, arg[0].text, &name);
    if (folder < 0 || (mkdirat(folder, name, (mode_t)arg[1].number) < 0 && errno != EEXIST))
        return failed(birth, "making the folder %s", arg[0].text);
    return close(folder);
}

/* symlink(path, target) */
int step_symlink(struct birth *birth, const struct arg *arg)
{
    const char *name;
    int folder = path_open_parent(birth, arg[0].text, &name);
    if (folder < 0 || symlinkat(arg[1].text, folder, name) < 0)
        return failed(birth, "making the link %s", arg[0].text);
    return close(folder);
}

/* An empty file to put a mount on, as an O_PATH fd. */
static int make_place(struct birth *birth, const char *path)
{
    const char *name;
    int folder = path_open_parent(birth, path, &name);
    if (folder < 0)
        return -1;
    int file = openat(folder, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0444);
    close(folder);
    if (file < 0)
        return -1;
    close(file);
    return path_open(birth, path, false);
}

int node_take(const char *path, mode_t type, dev_t number)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC};
    struct stat about;
    int node = sys_open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | AT_SYMLINK_NOFOLLOW);
    if (node < 0 || fstat(node, &about) < 0)
        return -1;
    if ((about.st_mode & S_IFMT) != type || about.st_rdev != number) {
        errno = ENODEV;
        return -1;
    }
    return sys_mount_setattr(node, 0, &attr) < 0 ? -1 : node;
}

/* device(path, major, minor): the machine's node of that path and number, in the container. */
int step_device(struct birth *birth, const struct arg *arg)
{
    const char *path = arg[0].text;
    dev_t number = makedev((unsigned)arg[1].number, (unsigned)arg[2].number);
    int node = node_take(path, S_IFCHR, number);
    if (node < 0)
        return failed(birth, "taking the device %s", path);
    int place = make_place(birth, path);
    if (place < 0 || sys_move_mount(node, place) < 0)
        return failed(birth, "binding the device %s", path);
    close(place);
    return close(node);
}
