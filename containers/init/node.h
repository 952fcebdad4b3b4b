/* The machine's device nodes, fit to be bound into a container. */
#pragma once

#include "birth.h"

/*
 * A detached, read-only mount of the machine's character device `number` at `path`, or -1 with
 * errno: ENODEV if something else is there.
 */
int node_take(const char *path, dev_t number);
