/* Theory of operation.  A super-frame is headers, then payload to cut into pieces of gso_size.
 * Each piece gets a copy of the headers with lengths, IPv4 identification, TCP sequence number and
 * flags made its own, and the super-frame's pseudo-header sum (which covers the whole length)
 * changed to its own length: so nothing has to know which addresses that sum was made of (a
 * routing header's, say).  checksum_complete() does the rest.
 *
 * TCP: FIN and PSH stay only on the last piece, CWR only on the first.
 */
#include "packet/gso.h"
#include "packet/checksum.h"
#include "packet/span.h"

void gso_wire(const struct packet *p, uint64_t *packets, uint64_t *bytes)
{
    uint32_t payload;

    *packets = 1;
    *bytes = p->len;
    if (p->gso_type == GSO_NONE || p->gso_size == 0 || p->hdr_len >= p->len)
        return;
    payload = p->len - p->hdr_len;
    *packets = (payload + p->gso_size - 1) / p->gso_size;
    *bytes += (*packets - 1) * p->hdr_len;
}

/* How a kind of super-frame looks: what the layout must say, where its checksum lies. */
static const struct kind {
    uint8_t gso, l3, proto, csum;
} kinds[] = {
    {GSO_TCPV4, L3_IPV4, PROTO_TCP, offsetof(struct tcp_header, csum)},
    {GSO_TCPV6, L3_IPV6, PROTO_TCP, offsetof(struct tcp_header, csum)},
    {GSO_UDP_L4, L3_IPV4, PROTO_UDP, offsetof(struct udp_header, csum)},
    {GSO_UDP_L4, L3_IPV6, PROTO_UDP, offsetof(struct udp_header, csum)},
};

/* A cut: of what, into how many pieces, which of them. */
struct cut {
    const struct packet *super;
    uint32_t headers, payload;
    unsigned n;
};

static bool kind_holds(const struct packet *p)
{
    const struct layout *l = &p->layout;

    if (!l->l4 || l->frag || !(p->offload & PACKET_NEEDS_CSUM) || p->csum_start != l->l4)
        return false;
    if (l->l3 != sizeof(struct eth_header) + sizeof(struct vlan_tag) * l->n_vlans)
        return false; /* LLC: its length field can't speak of a super-frame */
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].gso == (p->gso_type & ~GSO_ECN) && kinds[i].l3 == l->kind && kinds[i].proto == l->ip_proto)
            return kinds[i].csum == p->csum_offset;
    return false;
}

static uint32_t transport_size(const struct packet *p)
{
    const struct tcp_header *tcp;

    if (p->layout.ip_proto == PROTO_UDP)
        return sizeof(struct udp_header);
    tcp = packet_at(p, p->layout.l4, sizeof *tcp);
    return (tcp->offset >> 4) * 4u;
}

/* False: not a super-frame that can be cut into at most 'max'. */
static bool cut_plan(struct cut *cut, const struct packet *p, unsigned max)
{
    if (!kind_holds(p) || p->gso_size == 0)
        return false;
    cut->super = p;
    cut->headers = p->layout.l4 + transport_size(p);
    cut->payload = p->layout.l3_end - cut->headers;
    cut->n = cut->payload ? (cut->payload + p->gso_size - 1) / p->gso_size : 1;
    return cut->n <= max;
}

static void finish_ip(struct packet *s, unsigned i)
{
    uint32_t l3 = s->layout.l3, size = s->layout.l3_end - l3;
    struct ipv6_header *six = packet_at(s, l3, sizeof *six);
    struct ipv4_header *four = packet_at(s, l3, sizeof *four);

    if (s->layout.kind == L3_IPV6) {
        six->payload = htons((uint16_t)(size - sizeof *six));
        return;
    }
    four->total = htons((uint16_t)size);
    four->id = htons((uint16_t)(ntohs(four->id) + i));
    four->csum = 0;
    four->csum = (uint16_t)~checksum_fold(checksum_add(0, s->data + l3, (four->version_ihl & 15) * 4u));
}

static void finish_tcp(struct packet *s, const struct cut *cut, unsigned i)
{
    struct tcp_header *tcp = packet_at(s, s->layout.l4, sizeof *tcp);

    tcp->seq = htonl(ntohl(tcp->seq) + i * cut->super->gso_size);
    if (i > 0)
        tcp->flags &= (uint8_t)~TCP_CWR;
    if (i < cut->n - 1)
        tcp->flags &= (uint8_t)~(TCP_FIN | TCP_PSH);
}

static void finish_udp(struct packet *s)
{
    struct udp_header *udp = packet_at(s, s->layout.l4, sizeof *udp);

    udp->size = htons((uint16_t)(s->layout.l3_end - s->layout.l4));
}

/* The pseudo header's length word becomes this piece's. */
static bool finish_checksum(struct packet *s, const struct cut *cut)
{
    be16 old = htons((uint16_t)(cut->super->layout.l3_end - cut->super->layout.l4));
    be16 new = htons((uint16_t)(s->layout.l3_end - s->layout.l4)), sum;
    uint8_t *field = packet_at(s, (uint32_t)s->csum_start + s->csum_offset, sizeof sum);

    memcpy(&sum, field, sizeof sum);
    sum = (uint16_t)~checksum_update((uint16_t)~sum, (uint8_t *)&old, (uint8_t *)&new, sizeof sum);
    memcpy(field, &sum, sizeof sum);
    return checksum_complete(s); /* true: kind_holds() found the field in the header */
}

/* Piece 'i' with headers and payload as they are in the super-frame, or NULL: no buffer. */
static struct packet *cut_copy(const struct cut *cut, unsigned i)
{
    const struct packet *p = cut->super;
    uint32_t from = i * p->gso_size, left = cut->payload - from, n = left < p->gso_size ? left : p->gso_size;
    struct packet *s = packet_new(p->pool, cut->headers + n);

    if (!s)
        return NULL;
    s->len = cut->headers + n;
    s->in_port = p->in_port;
    s->offload = PACKET_NEEDS_CSUM;
    s->csum_start = p->csum_start;
    s->csum_offset = p->csum_offset;
    s->layout = p->layout;
    s->layout.l3_end = s->len;
    memcpy(s->data, p->data, cut->headers);
    memcpy(s->data + cut->headers, p->data + cut->headers + from, n);
    return s;
}

static struct packet *cut_piece(const struct cut *cut, unsigned i)
{
    struct packet *s = cut_copy(cut, i);

    if (!s)
        return NULL;
    finish_ip(s, i);
    if (s->layout.ip_proto == PROTO_TCP)
        finish_tcp(s, cut, i);
    else
        finish_udp(s);
    if (finish_checksum(s, cut))
        return s;
    packet_release(s);
    return NULL;
}

unsigned gso_segment(const struct packet *p, struct packet **out, unsigned max)
{
    struct cut cut;

    if (!cut_plan(&cut, p, max))
        return 0;
    for (unsigned i = 0; i < cut.n; i++) {
        out[i] = cut_piece(&cut, i);
        if (!out[i]) {
            while (i > 0)
                packet_release(out[--i]);
            return 0;
        }
    }
    return cut.n;
}
