/* The part of a frame that a header may still use, the IP header at its front, and the walk over IPv6 extension
 * headers. */
#pragma once
#include <arpa/inet.h>
#include "packet/packet.h"
#include "packet/wire.h"

/* Bytes [at, end) of a frame; end <= p->len.  Parsers only ever narrow it. */
struct span {
    const struct packet *p;
    uint32_t at, end;
};

/* Bytes that nobody has taken. */
static inline uint32_t span_left(const struct span *s) { return s->end - s->at; }

/* The first 'n' bytes, or NULL if there are not so many. */
static inline const void *span_peek(const struct span *s, uint32_t n)
{
    return n <= span_left(s) ? packet_at(s->p, s->at, n) : NULL;
}

/* The IPv4 header that the span begins with, or NULL: there is none, or it contradicts itself or the span. */
static inline const struct ipv4_header *ipv4_peek(const struct span *s)
{
    const struct ipv4_header *ip = span_peek(s, sizeof *ip);
    uint32_t size = ip ? (ip->version_ihl & 15) * 4u : 0, total = ip ? ntohs(ip->total) : 0;

    return ip && ip->version_ihl >> 4 == 4 && size >= sizeof *ip && total >= size && total <= span_left(s) ? ip : NULL;
}

/* Likewise the IPv6 header. */
static inline const struct ipv6_header *ipv6_peek(const struct span *s)
{
    const struct ipv6_header *ip = span_peek(s, sizeof *ip);

    return ip && ntohl(ip->flow) >> 28 == 6 && ntohs(ip->payload) <= span_left(s) - sizeof *ip ? ip : NULL;
}

/* Where a walk along an IPv6 header chain is.  It ends at the first header that is no extension
 * header, or is cut short; at a later fragment's; and after LAYOUT_MAX_EXTHDRS. */
struct ipv6_walk {
    struct span rest;  /* from the header that 'next' names on */
    uint32_t named_at; /* offset of the byte that says 'next' */
    uint8_t next;
};

/* True for the extension headers with a next header of their own (RFC 8200; ESP hides its own). */
static inline bool ipv6_is_ext(uint8_t next)
{
    return next == PROTO_HOPOPTS || next == PROTO_ROUTING || next == PROTO_FRAGMENT || next == PROTO_AH ||
           next == PROTO_DSTOPTS;
}

/* The extension header that the walk stands before, whole, or NULL: none, or cut short. */
static inline const struct ipv6_ext *ipv6_walk_peek(const struct ipv6_walk *w, uint32_t *size)
{
    const struct ipv6_ext *ext = ipv6_is_ext(w->next) ? span_peek(&w->rest, sizeof *ext) : NULL;

    if (!ext)
        return NULL;
    *size = w->next == PROTO_FRAGMENT ? 8 : 8 + ext->size * (w->next == PROTO_AH ? 4u : 8u);
    return *size <= span_left(&w->rest) ? ext : NULL;
}

/* A later fragment's chain ends at its fragment header: what that names lies in the first fragment. */
static inline bool ipv6_ends_fragment(uint8_t next, const struct ipv6_ext *ext)
{
    return next == PROTO_FRAGMENT && ntohs(((const struct ipv6_fragment *)ext)->offset) & IPV6_OFFSET;
}

/* Over one extension header of 'size' bytes. */
static inline void ipv6_walk_step(struct ipv6_walk *w, const struct ipv6_ext *ext, uint32_t size)
{
    w->next = ext->next;
    w->named_at = w->rest.at;
    w->rest.at += size;
}
