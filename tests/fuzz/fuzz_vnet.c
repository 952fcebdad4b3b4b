/* Offload headers and frames as a hostile container may send them: decode, then everything that
 * relies on what was accepted.
 *
 * Input: 10 bytes of header, 1 byte of shift, the frame.
 */
#include <stdlib.h>
#include <string.h>

#include "packet/checksum.h"
#include "packet/gso.h"
#include "packet/parse.h"
#include "port/vnet.h"

static struct packet_pool *pool;

static void use(struct packet *p)
{
    static struct packet *pieces[GSO_MAX_SEGMENTS];
    uint8_t header[VNET_HDR_SIZE];
    layout_parse(p);
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
    if (!pool)
        pool = packet_pool_new(2048, 2048);
    if (size < VNET_HDR_SIZE + 1 || size - VNET_HDR_SIZE - 1 > PACKET_LARGE)
        return -1;
    const uint8_t *frame = data + VNET_HDR_SIZE + 1;
    uint32_t n = (uint32_t)(size - VNET_HDR_SIZE - 1);
    struct packet *p = packet_new(pool, n);
    memcpy(p->data, frame, n);
    p->len = n;
    if (vnet_decode(p, data, data[VNET_HDR_SIZE] & 4))
        use(p);
    packet_release(p);
    return 0;
}
