/* The forwarder's socket: SOCK_SEQPACKET, one frame a datagram, a descriptor beside it. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "vswitch.h"

struct wire_frame {
    size_t size;
    int fd; /* received: the receiver's to close; sent: stays the sender's; -1 none */
    uint8_t bytes[VS_FRAME_MAX];
};

/* A listening socket at 'path', mode 0600.  A stale one is replaced, one that answers is not (-EADDRINUSE).  fd or
 * -errno. */
int wire_listen(const char *path);
/* Which file a path leads to, now. */
struct wire_name {
    dev_t device;
    ino_t inode;
};
int wire_name(const char *path, struct wire_name *);
/* Whether it leads there still: names are removed without a word. */
bool wire_is_named(const char *path, const struct wire_name *);
/* A peer of our own user or root, or -errno. */
int wire_accept(int listener);
/* 0; -EAGAIN: not now; -ECONNRESET or another -errno: the peer is gone. */
int wire_send(int fd, const struct wire_frame *);
/* The next frame, with its descriptor (-1: none; the caller's from here on); returns as wire_send does. */
int wire_receive(int fd, struct wire_frame *);
/* Tells a peer who connects in vain why (at most 128 bytes of it); the connection stays the caller's. */
void wire_refuse(int fd, const char *why);
