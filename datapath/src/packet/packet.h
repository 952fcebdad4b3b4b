/* Packet buffers: one frame each, with its layout and its offload state.
 *
 * A packet belongs to the poll thread whose pool it came from and is counted by
 * plain references: an output takes a reference, an edit asks packet_own() for a
 * packet nobody else holds.  All bytes of a frame are reached through
 * packet_at(), the one range-checked accessor.
 *
 * Offloads follow virtio_net_hdr: with NEEDS_CSUM the checksum at csum_start +
 * csum_offset holds the non-inverted pseudo-header sum, to be completed over
 * everything from csum_start; gso_type != 0 means that the frame stands for
 * several of gso_size payload bytes.  Offsets count from 'data'; an edit that
 * moves headers moves them too.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "packet/poison.h"

enum {
    PACKET_HEADROOM = 64,      /* for tags and labels pushed in front */
    PACKET_SMALL = 1920,       /* frame bytes that a small buffer holds */
    PACKET_LARGE = 65536 + 64, /* and a large one: a whole GSO frame */
};

enum packet_gso { GSO_NONE = 0, GSO_TCPV4 = 1, GSO_UDP = 3, GSO_TCPV6 = 4, GSO_UDP_L4 = 5, GSO_ECN = 0x80 };
enum packet_flags { PACKET_NEEDS_CSUM = 1, PACKET_DATA_VALID = 2 };

/* Where the headers of a frame lie, from layout_parse().  Offsets from 'data', 0 = not there. */
struct layout {
    uint32_t l3_end;         /* where the network packet ends by its own length (padding begins) */
    uint16_t l3;             /* first byte after Ethernet header and tags, if the header there is whole */
    uint16_t l4;             /* transport header, if it is whole and this is no later fragment */
    uint16_t eth_type;       /* host order; after all tags; 0x05ff for an LLC frame without SNAP */
    uint16_t exthdrs;        /* bits of OFPIEH13_* */
    uint16_t nd_target;      /* ICMPv6 neighbour solicitation and advertisement */
    uint16_t nd_sll, nd_tll; /* the 6 address bytes of a solicitation's, an advertisement's option */
    uint8_t n_vlans;         /* 802.1Q and 802.1ad tags seen, at most LAYOUT_MAX_VLANS */
    uint8_t ip_proto;        /* of the header at l4 (behind IPv6 extension headers), or where the walk ended */
    uint8_t kind;            /* enum layout_l3 */
    uint8_t frag;            /* enum layout_frag */
    bool llc;                /* an 802.3 length where others have a type */
};
/* L3_MPLS: l3 is the outermost label stack entry, nothing behind it is looked at.  L3_PBB: l3 is the I-TAG's TCI,
 * likewise. */
enum layout_l3 { L3_NONE, L3_IPV4, L3_IPV6, L3_ARP, L3_MPLS, L3_PBB };
enum layout_frag { LAYOUT_FRAG_NONE = 0, LAYOUT_FRAG_FIRST = 1, LAYOUT_FRAG_LATER = 3 };
enum { LAYOUT_NO_TYPE = 0x05ff }; /* eth_type of an LLC frame without SNAP (OpenFlow 1.3.5, 7.2.3.7) */
enum { LAYOUT_MAX_VLANS = 8, LAYOUT_MAX_EXTHDRS = 16, LAYOUT_MAX_ND_OPTIONS = 16 };

struct packet_pool;

/* The members that every packet's path touches fill one cache line; the rest lies behind. */
struct packet {
    _Alignas(64) uint8_t *data; /* first byte of the Ethernet header */
    struct packet_pool *pool;
    uint32_t len;
    uint32_t room; /* bytes that fit from 'data' on */
    uint32_t in_port;
    uint16_t refs;
    uint8_t gso_type, offload; /* enum packet_gso, enum packet_flags */
    uint16_t gso_size, hdr_len, csum_start, csum_offset;
    struct layout layout;
    struct packet *next; /* of a port's queue; free for whoever holds the packet */
};
_Static_assert(offsetof(struct packet, next) == 64, "hot members fill the first cache line");

/* Nothing of it is left to an offload. */
static inline bool packet_is_plain(const struct packet *p)
{
    return p->gso_type == GSO_NONE && !(p->offload & PACKET_NEEDS_CSUM);
}

/* The 'n' bytes at 'offset', or NULL if the frame does not have all of them. */
static inline void *packet_at(const struct packet *p, uint32_t offset, uint32_t n)
{
    return offset <= p->len && n <= p->len - offset ? p->data + offset : NULL;
}

/* A pool of 'small' buffers and 'large' ones, mapped but not touched until used. NULL: no memory. */
struct packet_pool *packet_pool_new(unsigned small, unsigned large);
/* All packets must have come back (asserts). */
void packet_pool_free(struct packet_pool *);
unsigned packet_pool_out(const struct packet_pool *); /* packets not in the pool now */

/* The buffers of one size: a stack of those that came back, and those never used so far.  A stack of
 * pointers, not a list through the packets: taking one does not wait for the one before. */
struct packet_class {
    struct packet **free;
    uint8_t *fresh;
    uint32_t n_free, n_fresh;
    uint32_t stride, room, count;
    uint32_t backlog; /* of those that are out, how many wait for the tables: counted by whoever keeps them */
};

struct packet_pool {
    struct packet_class small, large;
    size_t map_size;
};

/* A buffer that was never used, or NULL: the class is empty. */
struct packet *packet_fresh(struct packet_class *);

/* An empty packet with one reference and room for 'len' bytes behind PACKET_HEADROOM, or NULL. */
static inline struct packet *packet_new(struct packet_pool *pool, uint32_t len)
{
    struct packet_class *c = len <= PACKET_SMALL ? &pool->small : &pool->large;
    struct packet *p;

    if (len > PACKET_LARGE)
        return NULL;
    p = c->n_free ? c->free[--c->n_free] : packet_fresh(c);
    if (!p)
        return NULL;
    poison_lift(p, c->stride);
    memset(p, 0, offsetof(struct packet, next)); /* the rest stays cold */
    p->data = (uint8_t *)(p + 1) + PACKET_HEADROOM;
    p->pool = pool;
    p->room = c->room;
    p->refs = 1;
    return p;
}

/* Is it in a buffer for super-frames? */
static inline bool packet_is_large(const struct packet *p)
{
    return (const uint8_t *)p >= (const uint8_t *)p->pool->large.free;
}
/* The buffers of its size, of its pool. */
static inline struct packet_class *packet_class_of(const struct packet *p)
{
    return packet_is_large(p) ? &p->pool->large : &p->pool->small;
}

/* One more reference, for whoever gets it. */
static inline struct packet *packet_ref(struct packet *p)
{
    p->refs++;
    return p;
}

/* Drops one reference; NULL is fine. */
static inline void packet_release(struct packet *p)
{
    struct packet_class *c;

    if (!p || --p->refs)
        return;
    c = packet_class_of(p);
    c->free[c->n_free++] = p;
    poison_set(p, c->stride);
}

/* ---- waiting: what goes nowhere for now may not take the buffers of what moves ----
 *
 * An eighth of each size is kept for packets on their way (a batch that came in, copies, pieces of
 * super-frames).  What may wait in one place is a multiple of what is free beyond that (Choudhury and
 * Hahne's dynamic threshold): while little waits it may be much, and when many places have filled
 * up, a further one still gets its share, whatever the others do.
 *
 * What waits for the tables, of all ports, is an eighth at most, divided in the same way, and counts as free for
 * those who wait elsewhere: it moves on by itself, and new flows take no place from a slow queue. */
enum { PACKET_KEPT = 8 };
enum packet_share {
    SHARE_OF_QUEUE = 1,
    SHARE_OF_PORT = 14
}; /* in halves: alone, a third of the buffers; seven eighths */

/* How many of that size are free. */
static inline uint32_t packet_class_free(const struct packet_class *c) { return c->n_free + c->n_fresh; }
/* Are only so many left of a size that they are needed for what is on its way? */
static inline bool packet_class_short(const struct packet_class *c)
{
    return packet_class_free(c) <= c->count / PACKET_KEPT;
}
/* Is less left of a size than is kept for packets on their way? */
static inline bool packet_pool_short(const struct packet_pool *pool)
{
    return packet_class_short(&pool->small) || packet_class_short(&pool->large);
}
/* May 'p' wait where 'held' of its size do already?  Where none waits, one may as long as half of the reserve is there,
 * so that it goes on everywhere. */
static inline bool packet_may_wait(const struct packet *p, uint32_t held, enum packet_share share)
{
    const struct packet_class *c = packet_class_of(p);
    uint32_t left = packet_class_free(c), reserve = c->count / PACKET_KEPT;

    if (!held)
        return left >= reserve / 2;
    return left > reserve && (uint64_t)held * 2 < (uint64_t)(left + c->backlog - reserve) * share;
}
/* How many more may wait for the tables in a place where 'held' of that size do already? */
static inline uint32_t packet_class_backlog_room(const struct packet_class *c, uint32_t held)
{
    uint32_t most = c->count / PACKET_KEPT, all = c->backlog + held;

    return most > all ? (most - all) / 2 : 0; /* each more counts twice */
}

/* A packet with the same content and one reference, or NULL. */
struct packet *packet_copy(const struct packet *);
/* 'p' itself if only the caller holds it, else a copy (the caller's reference to 'p' moves to
 * it).  NULL: no buffer; the reference is gone then. */
static inline struct packet *packet_own(struct packet *p)
{
    struct packet *copy;

    if (p->refs == 1)
        return p;
    copy = packet_copy(p);
    p->refs--;
    return copy;
}

/* Moves the start of the frame forward (n > 0 bytes more in front) or back; the offload offsets
 * follow, the layout does not.  NULL: no room (or not so many bytes). */
uint8_t *packet_push(struct packet *, uint32_t n);
/* Takes 'n' bytes off the front; where the rest begins, or NULL: it has not so many. */
uint8_t *packet_pull(struct packet *, uint32_t n);
