/* Frames for the packet tests, put together header by header, and slow obvious checksums to judge by.
 *
 * A builder starts with Ethernet and tags, then a network header, perhaps extension headers, then
 * transport and payload; frame_end() fills lengths and checksums in.  Everything is byte arithmetic
 * on purpose: nothing here shares code with what it tests.
 */
#pragma once
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "packet/packet.h"
#include "packet/parse.h"

struct frame {
    uint8_t bytes[70000];
    uint32_t n, l3, l4;
    uint32_t next_at; /* where the next header's number goes, 0 = nowhere */
    uint8_t proto;
    uint8_t final_dst[16]; /* what the pseudo header has as destination */
    bool ipv6;
};

static inline void put_be16(uint8_t *at, uint32_t v)
{
    at[0] = (uint8_t)(v >> 8);
    at[1] = (uint8_t)v;
}
static inline void put_be32(uint8_t *at, uint32_t v)
{
    put_be16(at, v >> 16);
    put_be16(at + 2, v & 0xffff);
}
static inline uint32_t get_be16(const uint8_t *at) { return (uint32_t)(at[0] << 8 | at[1]); }

static inline uint8_t *frame_more(struct frame *f, uint32_t n)
{
    uint8_t *at = f->bytes + f->n;

    memset(at, 0, n);
    f->n += n;
    return at;
}

static inline uint32_t random_bits(void)
{
    static uint64_t state = 88172645463325252u; /* xorshift64: the same run every time */

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16);
}

static inline void random_fill(uint8_t *at, size_t n)
{
    while (n--)
        *at++ = (uint8_t)random_bits();
}

/* 'tags' 802.1Q tags; the type stays to be written by the next header. */
static inline void frame_ethernet(struct frame *f, unsigned tags)
{
    memset(f, 0, sizeof *f);
    random_fill(frame_more(f, 12), 12);
    for (unsigned i = 0; i < tags; i++) {
        uint8_t *tag = frame_more(f, 4);

        put_be16(tag, i ? 0x8100 : 0x88a8);
        put_be16(tag + 2, random_bits());
    }
    f->l3 = f->n + 2;
}

static inline void frame_type(struct frame *f, uint32_t type) { put_be16(frame_more(f, 2), type); }

/* A stack of 'n' label stack entries, each with its depth as label and TTL, the last one the bottom; what
 * comes next is the IP header without a type of its own. */
static inline void frame_labels(struct frame *f, uint32_t type, unsigned n)
{
    frame_type(f, type);
    for (unsigned i = 0; i < n; i++)
        put_be32(frame_more(f, 4), (i + 1) << 12 | (i & 7) << 9 | (uint32_t)(i == n - 1) << 8 | (i + 1));
}

static inline void frame_ipv4(struct frame *f, uint8_t proto, unsigned options)
{
    uint8_t *ip;

    frame_type(f, 0x0800);
    ip = frame_more(f, 20 + options);
    ip[0] = (uint8_t)(0x45 + options / 4);
    ip[1] = (uint8_t)random_bits();
    random_fill(ip + 4, 2);
    ip[8] = 64;
    ip[9] = proto;
    random_fill(ip + 12, 8);
    memset(ip + 20, 1, options);
    f->proto = proto;
    f->l4 = f->n;
}

static inline void frame_ipv6(struct frame *f, uint8_t proto)
{
    uint8_t *ip;

    frame_type(f, 0x86dd);
    ip = frame_more(f, 40);
    random_fill(ip, 4);
    ip[0] = (uint8_t)(0x60 | (ip[0] & 15));
    ip[7] = 64;
    random_fill(ip + 8, 32);
    memcpy(f->final_dst, ip + 24, 16);
    f->ipv6 = true;
    f->next_at = f->l3 + 6;
    f->bytes[f->next_at] = f->proto = proto;
    f->l4 = f->n;
}

/* An extension header of 'size' bytes (a multiple of 8) between what is there and the transport header. */
static inline uint8_t *frame_ext(struct frame *f, uint8_t kind, uint32_t size)
{
    uint8_t *ext = frame_more(f, size);

    ext[0] = f->proto;
    ext[1] = (uint8_t)(kind == 44 ? 0 : kind == 51 ? size / 4 - 2 : size / 8 - 1);
    f->bytes[f->next_at] = kind;
    f->next_at = (uint32_t)(ext - f->bytes);
    f->l4 = f->n;
    return ext;
}

/* A routing header (type 2) with one address and 'left' segments left. */
static inline void frame_routing(struct frame *f, uint8_t left)
{
    uint8_t *ext = frame_ext(f, 43, 24);

    ext[2] = 2;
    ext[3] = left;
    random_fill(ext + 8, 16);
    if (left)
        memcpy(f->final_dst, ext + 8, 16);
}

static inline void frame_transport(struct frame *f, uint32_t payload)
{
    uint8_t *at;
    uint32_t n = f->proto == 6 ? 32 : f->proto == 132 ? 12 : 8;

    at = frame_more(f, n);
    random_fill(at, n);
    if (f->proto == 6)
        at[12] = 0x80;
    random_fill(frame_more(f, payload), payload);
}

/* A neighbour solicitation (135) or advertisement (136) with its own option. */
static inline void frame_nd(struct frame *f, uint8_t type)
{
    uint8_t *nd = frame_more(f, 32);

    random_fill(nd, 32);
    nd[0] = type;
    nd[24] = type == 135 ? 1 : 2;
    nd[25] = 1;
}

/* ---- checksums, the slow way ------------------------------------------ */

static inline uint32_t slow_sum(uint32_t sum, const uint8_t *at, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        sum += i & 1 ? at[i] : (uint32_t)at[i] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

static inline uint32_t slow_pseudo(const struct frame *f, uint32_t l4_size)
{
    const uint8_t *ip = f->bytes + f->l3;
    uint8_t rest[4] = {(uint8_t)(l4_size >> 16), 0, 0, f->proto};
    uint32_t sum = f->ipv6 ? slow_sum(slow_sum(0, ip + 8, 16), f->final_dst, 16) : slow_sum(0, ip + 12, 8);
    uint8_t size[2];

    put_be16(size, l4_size & 0xffff);
    return slow_sum(slow_sum(sum, rest, 4), size, 2);
}

static inline uint32_t slow_crc32c(const uint8_t *at, uint32_t n)
{
    uint32_t crc = ~0u;

    while (n--) {
        crc ^= *at++;
        for (int i = 0; i < 8; i++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return ~crc;
}

static inline uint32_t slow_offset(uint8_t proto) { return proto == 6 ? 16 : proto == 17 ? 6 : proto == 132 ? 8 : 2; }

static inline void slow_sctp(uint8_t *l4, uint32_t n)
{
    uint32_t crc;

    memset(l4 + 8, 0, 4);
    crc = slow_crc32c(l4, n);
    for (int i = 0; i < 4; i++)
        l4[8 + i] = (uint8_t)(crc >> 8 * i);
}

/* Writes lengths and all checksums; 'open': the transport's holds the pseudo-header sum only. */
static inline void frame_finish(struct frame *f, bool open)
{
    uint8_t *ip = f->bytes + f->l3, *l4 = f->bytes + f->l4, *field = l4 + slow_offset(f->proto);
    uint32_t n = f->n - f->l4, sum;

    if (f->ipv6) {
        put_be16(ip + 4, f->n - f->l3 - 40);
    } else {
        put_be16(ip + 2, f->n - f->l3);
        put_be16(ip + 10, 0);
        put_be16(ip + 10, ~slow_sum(0, ip, (ip[0] & 15) * 4u));
    }
    if (f->proto == 17)
        put_be16(l4 + 4, n);
    if (f->proto == 132) {
        slow_sctp(l4, n);
        return;
    }
    put_be16(field, 0);
    sum = f->proto == 1 ? 0 : slow_pseudo(f, n);
    if (open) {
        put_be16(field, sum);
        return;
    }
    sum = ~slow_sum(sum, l4, n) & 0xffff;
    put_be16(field, f->proto == 17 && sum == 0 ? 0xffff : sum);
}

static inline void frame_end(struct frame *f)
{
    if (f->proto == 6 || f->proto == 17 || f->proto == 132 || f->proto == 58 || f->proto == 1)
        frame_finish(f, false);
    else
        put_be16(f->bytes + f->l3 + (f->ipv6 ? 4 : 2), f->n - f->l3 - (f->ipv6 ? 40 : 0));
}

/* The frame in a packet of 'pool', layout current. */
static inline struct packet *frame_packet(const struct frame *f, struct packet_pool *pool)
{
    struct packet *p = packet_new(pool, f->n);

    memcpy(p->data, f->bytes, f->n);
    p->len = f->n;
    p->in_port = 7;
    layout_parse(p);
    return p;
}

/* The same with its transport checksum open, as a kernel hands it over. */
static inline struct packet *frame_packet_open(struct frame *f, struct packet_pool *pool)
{
    struct packet *p;

    frame_finish(f, true);
    p = frame_packet(f, pool);
    p->offload = PACKET_NEEDS_CSUM;
    p->csum_start = (uint16_t)f->l4;
    p->csum_offset = (uint16_t)slow_offset(f->proto);
    return p;
}
