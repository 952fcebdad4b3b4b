/* The queue of event frames on their way out of the switch.  Control thread only.
 *
 * Frames wait in order.  OpenFlow messages for the same session share a frame as long as
 * it is the last one and has room.  Frames marked VS_FRAME_LOSSY (packet-ins) are refused
 * when too many bytes wait; everything else always gets in.
 */
#pragma once
#include <stdbool.h>
#include "vswitch.h"

struct event {
    struct event *next;
    int fd; /* goes along: a duplicate of our own, so that a port may close its descriptor meanwhile; -1: none */
    size_t room;
    vs_frame frame; /* the payload follows */
};

struct events {
    struct event *first, **last;
    size_t bytes; /* of all frames that wait */
    uint64_t lost;
    int lent; /* the descriptor of the event that was taken last, ours until the next */
};

/* Empty. */
void events_init(struct events *);
/* Frees all that waits and closes the descriptors that go along. */
void events_destroy(struct events *);
/* A frame of this header (its size is filled in) and 'n' bytes; 'fd', if any, is duplicated, the caller keeps its own.
 */
void events_put(struct events *, vs_frame header, const void *payload, size_t n, int fd);
/* The end of a command: 'text' may be NULL. */
void events_done(struct events *, const vs_frame *command, int error, const char *text);
/* Whole OpenFlow messages for a session; 'lossy' ones may be refused (counted). */
void events_openflow(struct events *, uint32_t bridge, uint32_t session, uint64_t tag, const uint8_t *messages,
                     size_t n, bool lossy);
/* The oldest frame; '*fd' is valid until the next call. */
long events_take(struct events *, uint8_t *out, size_t size, int *fd);
