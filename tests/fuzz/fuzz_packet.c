/* Any bytes as a frame: parse it, edit it at random, cut it, complete it; the layout stays current,
 * and every buffer comes back to the pool.
 *
 * Input: a script length, then that many script bytes (edits and offload state), then the frame.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "base/check.h"
#include "packet/checksum.h"
#include "packet/edit.h"
#include "packet/gso.h"
#include "packet/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct packet_pool *pool;

struct script {
    const uint8_t *at;
    size_t left;
};

static uint8_t next(struct script *s)
{
    if (!s->left)
        return 0;
    s->left--;
    return *s->at++;
}

/* The parser on bytes that end where their allocation ends. */
static void parse_exactly(const struct packet *p)
{
    uint8_t *exact = malloc(p->len ? p->len : 1);
    struct packet view = {.data = exact, .len = p->len, .room = p->len, .refs = 1};

    memcpy(exact, p->data, p->len);
    layout_parse(&view);
    MUST(memcmp(&view.layout, &p->layout, sizeof view.layout) == 0);
    free(exact);
}

/* Offload state as ports let it pass: an open checksum is TCP's or UDP's; all else may be nonsense. */
static void offload(struct packet *p, struct script *s)
{
    static const uint8_t types[] = {GSO_NONE, GSO_TCPV4, GSO_UDP, GSO_TCPV6, GSO_UDP_L4, GSO_TCPV4 | GSO_ECN};
    uint8_t how = next(s);

    if (how & 1)
        p->offload = PACKET_NEEDS_CSUM;
    p->csum_start = how & 2 ? p->layout.l4 : (uint16_t)(next(s) << 8 | next(s));
    p->csum_offset = how & 4 ? 16 : 6;
    p->gso_type = types[(how >> 4) % sizeof types];
    p->gso_size = (uint16_t)(next(s) * 4);
    p->hdr_len = how & 8 ? (uint16_t)(p->csum_start + 20) : next(s);
}

static void edit(struct packet *p, uint8_t what, struct script *s)
{
    enum { OTHERS = 12 };
    uint8_t value[16];
    uint16_t type;

    for (unsigned i = 0; i < sizeof value; i++)
        value[i] = next(s);
    type = (uint16_t)(value[0] << 8 | value[1]);
    switch (what % (EDIT_LIMIT + OTHERS)) {
    case EDIT_LIMIT: edit_push_vlan(p, value[0] & 1 ? 0x8100 : 0x88a8); break;
    case EDIT_LIMIT + 1: edit_pop_vlan(p); break;
    case EDIT_LIMIT + 2: edit_dec_ttl(p); break;
    case EDIT_LIMIT + 3: edit_set_ttl(p, value[0]); break;
    case EDIT_LIMIT + 4: edit_push_mpls(p, value[0] & 1 ? 0x8847 : 0x8848); break;
    case EDIT_LIMIT + 5: edit_pop_mpls(p, type); break;
    case EDIT_LIMIT + 6: edit_push_pbb(p, 0x88e7); break;
    case EDIT_LIMIT + 7: edit_pop_pbb(p); break;
    case EDIT_LIMIT + 8: edit_set_mpls_ttl(p, value[0]); break;
    case EDIT_LIMIT + 9: edit_dec_mpls_ttl(p); break;
    case EDIT_LIMIT + 10: edit_copy_ttl_out(p); break;
    case EDIT_LIMIT + 11: edit_copy_ttl_in(p); break;
    default: edit_set(p, what % (EDIT_LIMIT + OTHERS), value);
    }
}

static void cut(struct packet *p)
{
    static struct packet *out[GSO_MAX_SEGMENTS];
    uint64_t packets, bytes;

    gso_wire(p, &packets, &bytes);
    MUST(packets >= 1 && bytes >= p->len);
    for (unsigned n = gso_segment(p, out, GSO_MAX_SEGMENTS); n > 0; n--) {
        parse_exactly(out[n - 1]);
        packet_release(out[n - 1]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script s = {data + 1, size ? data[0] : 0};
    struct packet *p, *copy;

    if (size < 1 + s.left || size > PACKET_LARGE)
        return 0;
    if (!pool)
        pool = packet_pool_new(GSO_MAX_SEGMENTS + 4, 4);
    size -= 1 + s.left;
    p = packet_new(pool, (uint32_t)size);
    memcpy(p->data, s.at + s.left, size);
    p->len = (uint32_t)size;
    layout_parse(p);
    parse_exactly(p);
    offload(p, &s);
    copy = packet_own(packet_ref(p));
    while (s.left) {
        edit(copy, next(&s), &s);
        parse_exactly(copy);
    }
    if (copy->gso_type)
        cut(copy);
    else if (copy->offload & PACKET_NEEDS_CSUM)
        checksum_complete(copy);
    packet_release(copy);
    packet_release(p);
    MUST(packet_pool_out(pool) == 0);
    return 0;
}
