/* Terminals of the container's own devpts. */
#pragma once

#include "birth.h"

/* A new one: its master side, looked at; -1 with errno. */
int terminal_open(const struct birth *birth);

/* The other side of one; -1 with errno. */
int terminal_peer(int master);
