/*
 * Parts of /proc and /sys, and of the machine's files, that a container must not see or not write
 * (S30, S32). A masked file becomes /dev/null, a masked folder an empty read-only one; both sources
 * are ours, not the root's. What a file system of our own making doesn't have needs no mask: this
 * kernel lacks it. What the root doesn't have was taken away under our hands, and ends the birth.
 */
#include "node.h"
#include "path.h"
#include "sys.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum { NULL_MAJOR = 1, NULL_MINOR = 3, MISSING = -2 };

static const unsigned ATTRIBUTES = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

static int empty_folder(void)
{
    int fs = sys_fsopen("tmpfs");
    if (fs < 0 || sys_fsconfig(fs, FSCONFIG_SET_STRING, "mode", "755") < 0 ||
        sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
        return -1;
    int mount = sys_fsmount(fs, ATTRIBUTES);
    close(fs);
    return mount;
}

/* What lies over a thing of that kind from now on: an fd of the mount. */
static int cover_for(mode_t mode)
{
    dev_t null = makedev(NULL_MAJOR, NULL_MINOR);
    return S_ISDIR(mode) ? empty_folder() : node_take("/dev/null", S_IFCHR, null);
}

/*
 * hide(path, device, inode): a place of the machine's own tree is covered before the root is taken
 * from it, so that no root shows it, whatever holds it. Seen by what it is and covered by fd:
 * whoever renames things meanwhile gets no container instead of one that sees it.
 */
int step_hide(struct birth *birth, const struct arg *arg)
{
    struct stat about;
    int place = open(arg[0].text, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (place < 0 || fstat(place, &about) < 0)
        return failed(birth, "finding %s to hide it", arg[0].text);
    if (about.st_dev != arg[1].number || about.st_ino != arg[2].number) {
        errno = ESTALE;
        return failed(birth, "checking that %s is what is to be hidden", arg[0].text);
    }
    int cover = cover_for(about.st_mode);
    if (cover < 0 || sys_move_mount(cover, place) < 0)
        return failed(birth, "hiding %s", arg[0].text);
    close(cover);
    return close(place);
}

/* An fd of what is at `path`; MISSING if its own file system has no such thing; -1 with errno. */
static int find(const struct birth *birth, const char *path)
{
    int place = path_open(birth, path, false);
    return place < 0 && errno == ENOENT && path_is_own(birth, path) ? MISSING : place;
}

/* mask(path) */
int step_mask(struct birth *birth, const struct arg *arg)
{
    struct stat about;
    int place = find(birth, arg[0].text);
    if (place == MISSING)
        return 0;
    if (place < 0 || fstat(place, &about) < 0)
        return failed(birth, "finding %s to mask it", arg[0].text);
    int cover = cover_for(about.st_mode);
    if (cover < 0 || sys_move_mount(cover, place) < 0)
        return failed(birth, "masking %s", arg[0].text);
    close(cover);
    return close(place);
}

/* The same files, mounted over themselves without the right to write. Takes the fd. */
static int forbid_writing(int place)
{
    struct mount_attr attr = {.attr_set = ATTRIBUTES};
    int same = sys_open_tree(place, "", OPEN_TREE_CLONE | AT_EMPTY_PATH | AT_RECURSIVE);
    if (same < 0 || sys_mount_setattr(same, AT_RECURSIVE, &attr) < 0 || sys_move_mount(same, place) < 0)
        return -1;
    close(same);
    return close(place);
}

/* read-only(path) */
int step_read_only(struct birth *birth, const struct arg *arg)
{
    int place = find(birth, arg[0].text);
    if (place == MISSING)
        return 0;
    if (place < 0)
        return failed(birth, "finding %s to make it read-only", arg[0].text);
    if (forbid_writing(place) < 0)
        return failed(birth, "making %s read-only", arg[0].text);
    return 0;
}

/* One entry of a folder of ours, unless something of ours covers it already, or it has just gone. */
static int freeze_entry(int folder, const char *name)
{
    int place = sys_openat2(folder, name, O_PATH, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
    if (place < 0)
        return errno == ENOENT ? 0 : -1;
    return path_mount(place) == path_mount(folder) ? forbid_writing(place) : close(place);
}

/*
 * freeze(path): what lies right in a fresh /proc and is no process's has one mode and one owner for
 * the whole machine, and root inside is that owner. Links have none.
 */
int step_freeze(struct birth *birth, const struct arg *arg)
{
    const struct dirent *entry;
    int folder = path_use_mount(birth, arg[0].text);
    DIR *listing = folder < 0 ? NULL : fdopendir(folder);
    if (!listing)
        return failed(birth, "listing %s", arg[0].text);
    while ((entry = readdir(listing)))
        if (entry->d_type != DT_LNK && entry->d_name[0] != '.' && !isdigit(entry->d_name[0]) &&
            freeze_entry(folder, entry->d_name) < 0)
            return failed(birth, "making %s/%s read-only", arg[0].text, entry->d_name);
    return closedir(listing);
}
