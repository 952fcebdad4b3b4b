/* The machine's device nodes, fit to be bound into a container. */
#pragma once

#include "birth.h"

/*
 * A detached, read-only mount of the machine's device `number` at `path`, `type` S_IFCHR or S_IFBLK,
 * or -1 with errno: ENODEV if something else is there.
 */
int node_take(const char *path, mode_t type, dev_t number);
