/*
 * Terminals of the container's own devpts, so that the command never holds the machine's (S31: what
 * we open is looked at before it is used).
 */
#pragma once

#include "birth.h"

/* A new one: its master side, looked at; -1 with errno. */
int pty_open(const struct birth *birth);

/* The other side of one; -1 with errno. */
int pty_peer(int master);
