/* The ladder of checks between a virtio_net_hdr and a packet's offload state: see vnet.h. */
#include "port/vnet.h"

#include <linux/if_ether.h>
#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <string.h>

#include "packet/checksum.h"
#include "packet/parse.h"

_Static_assert(sizeof(struct virtio_net_hdr) == VNET_HDR_SIZE, "virtio_net_hdr");
_Static_assert(GSO_TCPV4 == VIRTIO_NET_HDR_GSO_TCPV4 && GSO_TCPV6 == VIRTIO_NET_HDR_GSO_TCPV6 &&
                   GSO_ECN == VIRTIO_NET_HDR_GSO_ECN,
               "packet_gso");

enum { TCP_CSUM = 16, UDP_CSUM = 6, SCTP_CRC = 8, TCP_HEADER = 20, UDP_HEADER = 8 };

/* What a gso_type claims to be.  UFO (GSO_UDP) is absent: no port asks for it, so no kernel sends it. */
static const struct claim {
    uint8_t type, l3, proto;
} claims[] = {
    {GSO_TCPV4, L3_IPV4, IPPROTO_TCP},  {GSO_TCPV4 | GSO_ECN, L3_IPV4, IPPROTO_TCP},
    {GSO_TCPV6, L3_IPV6, IPPROTO_TCP},  {GSO_TCPV6 | GSO_ECN, L3_IPV6, IPPROTO_TCP},
    {GSO_UDP_L4, L3_IPV4, IPPROTO_UDP}, {GSO_UDP_L4, L3_IPV6, IPPROTO_UDP},
};

static bool claim_holds(const struct packet *p, uint8_t gso_type)
{
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++)
        if (claims[i].type == gso_type && claims[i].l3 == p->layout.kind && claims[i].proto == p->layout.ip_proto)
            return true;
    return false;
}

/* The open checksum is the one of the outer, unfragmented transport header (layout current). */
static bool is_outer_transport(const struct packet *p)
{
    uint16_t field = p->layout.ip_proto == IPPROTO_TCP ? TCP_CSUM : p->layout.ip_proto == IPPROTO_UDP ? UDP_CSUM : 0;
    return field && p->layout.l4 == p->csum_start && p->csum_offset == field && !p->layout.frag;
}

static bool complete_sctp(struct packet *p)
{
    uint8_t *crc = packet_at(p, (uint32_t)p->csum_start + SCTP_CRC, 4);
    if (!crc)
        return false;
    memset(crc, 0, 4);
    uint32_t sum = ~crc32c(~0u, p->data + p->csum_start, p->len - p->csum_start);
    memcpy(crc, &sum, 4); /* least significant byte first (RFC 9260, appendix A) */
    p->offload &= (uint8_t)~PACKET_NEEDS_CSUM;
    return true;
}

static bool complete_now(struct packet *p)
{
    if (p->layout.ip_proto == IPPROTO_SCTP && p->layout.l4 == p->csum_start && p->csum_offset == SCTP_CRC)
        return complete_sctp(p);
    return checksum_complete(p);
}

/* Headers up to the payload of a super-frame, 0 when they are not whole: the header's own hdr_len is only a hint. */
static uint32_t exact_headers(const struct packet *p)
{
    if (p->layout.ip_proto == IPPROTO_UDP)
        return (uint32_t)p->csum_start + UDP_HEADER;
    const uint8_t *tcp = packet_at(p, p->csum_start, TCP_HEADER);
    uint32_t size = tcp ? (tcp[12] >> 4) * 4u : 0;
    return size >= TCP_HEADER ? p->csum_start + size : 0;
}

static bool decode_gso(struct packet *p, const struct virtio_net_hdr *h)
{
    if (!h->gso_size || !claim_holds(p, h->gso_type) || p->layout.l3_end != p->len)
        return false;
    uint32_t headers = exact_headers(p);
    if (!headers || headers > p->len || headers > UINT16_MAX)
        return false;
    if (p->len - headers <= h->gso_size)
        return true; /* one frame's worth: an ordinary packet with an open checksum */
    p->gso_type = h->gso_type;
    p->gso_size = h->gso_size;
    p->hdr_len = (uint16_t)headers;
    return true;
}

bool vnet_decode(struct packet *p, const uint8_t header[VNET_HDR_SIZE], uint32_t shift)
{
    struct virtio_net_hdr h;
    memcpy(&h, header, sizeof h);
    p->offload = h.flags & VIRTIO_NET_HDR_F_DATA_VALID ? PACKET_DATA_VALID : 0;
    p->gso_type = GSO_NONE;
    p->gso_size = p->hdr_len = p->csum_start = p->csum_offset = 0;
    if (!(h.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
        return h.gso_type == VIRTIO_NET_HDR_GSO_NONE;
    uint32_t start = h.csum_start + shift;
    if (start < ETH_HLEN || start > UINT16_MAX || start + h.csum_offset + 2u > p->len)
        return false;
    p->offload |= PACKET_NEEDS_CSUM;
    p->csum_start = (uint16_t)start;
    p->csum_offset = h.csum_offset;
    layout_parse(p);
    if (!is_outer_transport(p))
        return h.gso_type == VIRTIO_NET_HDR_GSO_NONE && complete_now(p);
    return h.gso_type == VIRTIO_NET_HDR_GSO_NONE || decode_gso(p, &h);
}

bool vnet_encode(const struct packet *p, uint8_t header[VNET_HDR_SIZE])
{
    struct virtio_net_hdr h = {0};
    if (p->gso_type) {
        if (p->layout.l4 != p->csum_start) /* behind a label or a tunnel header: the kernel could not find its way */
            return false;
        h.gso_type = p->gso_type;
        h.gso_size = p->gso_size;
        h.hdr_len = p->hdr_len;
    }
    if (p->offload & PACKET_NEEDS_CSUM) {
        h.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        h.csum_start = p->csum_start;
        h.csum_offset = p->csum_offset;
    }
    memcpy(header, &h, sizeof h);
    return true;
}
