/*
 * The only way to a path inside the container (S29, S30, S32). Every mount that a step has made is
 * remembered by its path in the plan and by its fd, and what lies below it is looked up *beneath
 * that fd*, never from the root again: whoever renames things in the root meanwhile moves the mount
 * about, with everything that we go on to put on it. In the root itself the kernel resolves as if
 * the root were "/". Never through magic links and, unless `follow`, never through a symbolic link.
 */
#pragma once

#include "birth.h"

/* Remember that the mount `fd` is at `path`, which must live as long as `birth`. Takes the fd. */
int path_mounted(struct birth *birth, const char *path, int fd, bool follow);

/* Let go of all of them and of the root: whoever goes on needs no path any more. */
void path_forget(struct birth *birth);

/* Which mount an fd is on, as the kernel counts them; 0 if it doesn't say. */
uint64_t path_mount(int fd);

/* Is `path` looked up in a file system that a step has made, so that "not there" can be believed? */
bool path_is_own(const struct birth *birth, const char *path);

/* An O_PATH fd of `path`, or -1 with errno. */
int path_open(const struct birth *birth, const char *path, bool follow);

/* The file at `path` opened with `flags`, or -1 with errno. */
int path_use(const struct birth *birth, const char *path, unsigned flags);

/* The folder at the root of the mount remembered for `path`, to be listed, or -1 with errno. */
int path_use_mount(const struct birth *birth, const char *path);

/* An O_PATH fd of the folder that holds `path`; `*name` is what is left. -1 with errno. */
int path_open_parent(const struct birth *birth, const char *path, const char **name);
