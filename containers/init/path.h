/*
 * The only way to a path inside the container's root (S29): resolved by the kernel as if the root
 * were "/", never through magic links, and, unless `follow`, never through a symbolic link. So
 * whoever renames things in the root while we look can't lead us out of it.
 */
#pragma once

#include "birth.h"

/* An O_PATH fd of `path`, or -1 with errno. */
int path_open(const struct birth *birth, const char *path, bool follow);

/* An O_PATH fd of the folder that holds `path`; `*name` is what is left. -1 with errno. */
int path_open_parent(const struct birth *birth, const char *path, const char **name);
