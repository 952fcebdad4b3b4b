/* Checksums that follow a change of the bytes they cover, by the difference.
 *
 * Working by difference keeps a wrong sum wrong (a damaged packet must not look whole), needs
 * no walk over the payload, and is right in a first fragment, whose checksum covers bytes that
 * are not here.  What a difference does to a transport checksum:
 *
 *                          of the pseudo header         of the transport header or body
 *   complete               follows                      follows
 *   NEEDS_CSUM (and GSO)   follows, not inverted        nothing: it is summed up later
 *   UDP, field zero        nothing: there is none       nothing
 *   later fragment         nothing: not here            not reachable
 *
 * UDP over IPv6 without a checksum is left so as well: it is a tunnel's (RFC 6935), or broken anyway.
 */
#pragma once
#include "packet/packet.h"

/* 'n' bytes that were 'old' and are 'new', n even, at an even offset in what is summed. */
struct change {
    const uint8_t *old, *new;
    size_t n;
};

/* The transport checksum of 'p' is still to be completed. */
bool checksum_is_open(const struct packet *p);
/* After a change of bytes in the IPv4 header (nothing to do in other packets). */
void ipv4_follow(struct packet *p, struct change c);
/* After a change of what the pseudo header sums: addresses, protocol. */
void pseudo_follow(struct packet *p, struct change c);
/* After a change in the transport header or behind it. */
void transport_follow(struct packet *p, struct change c);
