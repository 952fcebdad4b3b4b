/* Offload headers and frames as a hostile container may send them: decode, edit as the switch does, then everything
 * that relies on what was accepted.
 *
 * Input: 10 bytes of header, 1 byte of shift, 1 byte: how many edits; 20 bytes each: kind, field, argument, value; the
 * frame.
 */
#include <stdlib.h>
#include <string.h>

#include "act/execute.h"
#include "packet/checksum.h"
#include "packet/gso.h"
#include "packet/parse.h"
#include "port/vnet.h"

enum { EDIT_SIZE = 20 };

static struct packet_pool *pool;

static void nobody(struct executor *e, struct port *in, const struct packet *p, const struct action *a)
{
    (void)e;
    (void)in;
    (void)p;
    (void)a;
}

/* An open checksum is the one of the outer transport header, whatever was done to the packet. */
static void check(const struct packet *p)
{
    if (p->gso_type && !(p->offload & PACKET_NEEDS_CSUM))
        abort();
    if (p->offload & PACKET_NEEDS_CSUM && (p->csum_start != p->layout.l4 || p->layout.frag))
        abort();
}

/* The packet, or NULL: it ended. */
static struct packet *edit(struct packet *p, const uint8_t *script)
{
    static const uint8_t kinds[] = {
        ACT_SET_FIELD,   ACT_SET_FIELD,    ACT_SET_FIELD,    ACT_PUSH_VLAN, ACT_POP_VLAN,
        ACT_PUSH_MPLS,   ACT_POP_MPLS,     ACT_PUSH_PBB,     ACT_POP_PBB,   ACT_COPY_TTL_OUT,
        ACT_COPY_TTL_IN, ACT_SET_MPLS_TTL, ACT_DEC_MPLS_TTL, ACT_SET_TTL,   ACT_DEC_TTL,
    };
    struct executor quiet = {.to_controller = nobody};
    struct action a = {.kind = kinds[script[0] % sizeof kinds],
                       .field = script[1] % FIELD_LIMIT,
                       .arg = (uint16_t)(script[2] << 8 | script[3])};
    memcpy(a.value, script + 4, sizeof a.value);
    if (action_edit(&quiet, &a, NULL, &p)) {
        check(p);
        return p;
    }
    packet_release(p);
    return NULL;
}

static void use(struct packet *p)
{
    static struct packet *pieces[GSO_MAX_SEGMENTS];
    uint8_t header[VNET_HDR_SIZE];
    if (!vnet_encode(p, header))
        abort(); /* what was accepted can be told again */
    if (p->gso_type) {
        uint64_t packets, bytes;
        gso_wire(p, &packets, &bytes);
        unsigned n = gso_segment(p, pieces, GSO_MAX_SEGMENTS);
        if (packets <= GSO_MAX_SEGMENTS && n != packets)
            abort(); /* what was accepted can be cut */
        while (n)
            packet_release(pieces[--n]);
    } else if (p->offload & PACKET_NEEDS_CSUM) {
        if (!checksum_complete(p))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { HEAD = VNET_HDR_SIZE + 2 };
    if (!pool)
        pool = packet_pool_new(2048, 2048);
    if (size < HEAD)
        return -1;
    const uint8_t *script = data + HEAD, *frame = script + data[HEAD - 1] * EDIT_SIZE, *end = data + size;
    if (frame > end || end - frame > PACKET_LARGE)
        return -1;
    uint32_t n = (uint32_t)(end - frame);
    struct packet *p = packet_new(pool, n);
    memcpy(p->data, frame, n);
    p->len = n;
    if (vnet_decode(p, data, data[VNET_HDR_SIZE] & 4)) {
        layout_parse(p);
        check(p);
        for (; p && script < frame; script += EDIT_SIZE)
            p = edit(p, script);
        if (p)
            use(p);
    }
    packet_release(p);
    if (packet_pool_out(pool))
        abort();
    return 0;
}
