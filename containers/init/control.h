/*
 * What is said over the control socket (SOCK_SEQPACKET, one message a datagram, first byte = kind):
 *
 *     to the runner     B pid(u32)      a process was born: reap it, whatever follows
 *                       N flags(u64)    its namespaces are ready; these flags were really used
 *                       W               its walls stand: who joins it now is inside them
 *                       T + fd          the master side of the command's terminal
 *                       E errno(i32) step name NUL what was being done
 *     from the runner   G               go: the port is in place
 *
 * End of file towards us means that the runner is dead; towards the runner, without an E before it,
 * that the command runs (every copy of the socket closes on exec).
 */
#pragma once

#include "birth.h"

#include <stdint.h>

int control_born(struct birth *birth, pid_t pid);
int control_namespaces(struct birth *birth, uint64_t flags);
int control_terminal(struct birth *birth, int master);
void control_error(struct birth *birth, const char *step);
