/*
 * The streams of a detached container: what its command writes goes to a bounded log and to whoever
 * has joined (`vswitch attach`), what they type goes to the command. Process 1 does it, which lives
 * as long as the container: no other process has to.
 *
 * The log is two files of at most `limit` bytes; when one is full the other is emptied and goes on.
 * Who joins connects to a socket (SOCK_SEQPACKET, one message a datagram, first byte = kind):
 *
 *     to the console     I bytes              typed
 *                        W rows cols (u16)    the terminal of who has joined is as large as this
 *                        E                    no more will be typed
 *     from the console   O bytes              written
 *
 * End of file towards them means that the container has ended. Somebody who reads nothing for a
 * second is hung up on: a container never waits longer for its audience.
 */
#pragma once

#include "birth.h"

#include <poll.h>

enum { CONSOLE_CLIENTS = 8, CONSOLE_POLLS = 3 + CONSOLE_CLIENTS };

/* In the command's process: its standard streams are the console's. Without one, nothing happens. */
int console_enter(struct birth *birth);

/* The master side of the command's terminal, or -1: there is none, or it is not the console's. */
int console_master(const struct birth *birth);

/* In process 1: lets go of the command's ends. */
void console_keep(struct birth *birth);

/* What to wait for; how many entries of `set` that are. */
unsigned console_polls(struct birth *birth, struct pollfd *set);

/* Serves what poll has found; never blocks for more than a second a client. */
void console_serve(struct birth *birth, const struct pollfd *set);

/* The command has ended: what it wrote until then is kept and passed on. */
void console_finish(struct birth *birth);
