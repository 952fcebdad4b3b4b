/*
 * Standard input, output and error where they are devices: the user's terminal, or /dev/null.
 *
 * An open device leads to the machine's inode, and who owns that inside could change its mode or
 * owner by fchmod (S35). So such an fd is opened anew through a read-only mount of the same node:
 * what is read and written stays the same, and every change of the inode is refused. Files and
 * pipes stay as they are: they were handed over to be written to. A folder is none of these: it is
 * a way out.
 */
#include "birth.h"
#include "node.h"
#include "sys.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

/* The one of these nodes that is this device: any of them is as good as another, unlike terminals. */
static int equal_node(char **paths, const struct stat *about)
{
    int node = -1;
    errno = ENODEV;
    for (; node < 0 && *paths; paths++)
        node = node_take(*paths, about->st_mode & S_IFMT, about->st_rdev);
    return node;
}

/* A read-only, detached mount of the very node that `fd` has open; -1 with errno. */
static int same_node(int fd, const struct stat *about)
{
    char link[32], path[256];
    struct stat found;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return -1;
    path[length] = '\0';
    int node = node_take(path, about->st_mode & S_IFMT, about->st_rdev);
    if (node >= 0 && (fstat(node, &found) < 0 || found.st_dev != about->st_dev || found.st_ino != about->st_ino)) {
        errno = ENODEV;
        return -1;
    }
    return node;
}

/* A new open file of the node, with the old one's flags and place. Never waits, takes no terminal. */
static int open_again(int node, int fd)
{
    char link[32];
    int flags = fcntl(fd, F_GETFL);
    snprintf(link, sizeof link, "/proc/self/fd/%d", node);
    int again = open(link, (flags & O_ACCMODE) | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    off_t place = lseek(fd, 0, SEEK_CUR);
    if (again < 0 || fcntl(again, F_SETFL, flags) < 0)
        return -1;
    return place > 0 && lseek(again, place, SEEK_SET) < 0 ? -1 : again;
}

static int replace(int fd, const struct stat *about, char **harmless)
{
    int node = equal_node(harmless, about);
    if (node < 0)
        node = same_node(fd, about);
    if (node < 0)
        return -1;
    int again = open_again(node, fd);
    if (again < 0)
        return errno == EACCES ? close(node) : -1; /* who may not open it can't change it either */
    if (dup2(again, fd) < 0)
        return -1;
    close(again);
    return close(node);
}

/* streams(harmless): paths of devices that have no state, such as /dev/null. */
int step_streams(struct birth *birth, const struct arg *arg)
{
    struct stat about;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fstat(fd, &about) < 0)
            continue;
        if ((S_ISCHR(about.st_mode) || S_ISBLK(about.st_mode)) && replace(fd, &about, arg[0].list) < 0)
            return failed(birth, "opening the device on descriptor %d anew", fd);
        errno = EISDIR;
        if (S_ISDIR(about.st_mode)) /* from there ".." leads through the machine's whole tree */
            return failed(birth, "looking at descriptor %d", fd);
    }
    return 0;
}
