/* Offload headers against frames: what is true is taken over, what is hostile is refused or made harmless. */
#include "port/vnet.h"
#include "ports.h"

enum { TCPV4 = VIRTIO_NET_HDR_GSO_TCPV4, TCPV6 = VIRTIO_NET_HDR_GSO_TCPV6, UDP_L4 = GSO_UDP_L4 };

static struct packet_pool *pool;
static struct frame f;

static bool decode(struct packet *p, struct virtio_net_hdr h) { return vnet_decode(p, (const uint8_t *)&h, 0); }

/* Whether 'h' is accepted for the frame in 'f'. */
static bool accepts(struct virtio_net_hdr h)
{
    struct packet *p = frame_packet(&f, pool);
    bool accepted = decode(p, h);
    packet_release(p);
    return accepted;
}

static void a_frame_without_offloads_stays_plain(void)
{
    super_frame(&f, 6, false, 100);
    struct packet *p = frame_packet(&f, pool);
    CHECK(decode(p, (struct virtio_net_hdr){0}));
    CHECK_EQ(p->offload, 0);
    CHECK_EQ(p->gso_type, GSO_NONE);
    CHECK(decode(p, (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_DATA_VALID}));
    CHECK_EQ(p->offload, PACKET_DATA_VALID);
    packet_release(p);
}

static void super_frames_come_through_with_their_exact_header_length(void)
{
    static const struct {
        uint8_t proto;
        bool ipv6;
        uint8_t gso;
        uint32_t headers;
    } rows[] = {
        {6, false, TCPV4, 14 + 20 + 32},  {6, true, TCPV6, 14 + 40 + 32},  {6, false, TCPV4 | GSO_ECN, 14 + 20 + 32},
        {17, false, UDP_L4, 14 + 20 + 8}, {17, true, UDP_L4, 14 + 40 + 8},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        super_frame(&f, rows[i].proto, rows[i].ipv6, 40000);
        struct virtio_net_hdr h = super_header(&f, rows[i].gso, 1400), back;
        struct packet *p = frame_packet(&f, pool);
        CHECK(decode(p, h));
        CHECK_EQ(p->gso_type, rows[i].gso);
        CHECK_EQ(p->gso_size, 1400);
        CHECK_EQ(p->hdr_len, rows[i].headers);
        CHECK_EQ(p->offload, PACKET_NEEDS_CSUM);
        CHECK(vnet_encode(p, (uint8_t *)&back));
        h.hdr_len = (uint16_t)rows[i].headers;
        CHECK_BYTES(&back, &h, sizeof h);
        packet_release(p);
    }
}

static void a_super_frame_of_one_piece_is_an_ordinary_frame(void)
{
    super_frame(&f, 6, false, 1000);
    struct packet *p = frame_packet(&f, pool);
    CHECK(decode(p, super_header(&f, TCPV4, 1000)));
    CHECK_EQ(p->gso_type, GSO_NONE);
    CHECK_EQ(p->offload, PACKET_NEEDS_CSUM);
    packet_release(p);
}

#define REFUSED(change)                                                                                                \
    do {                                                                                                               \
        struct virtio_net_hdr h = super_header(&f, TCPV4, 1400);                                                       \
        change;                                                                                                        \
        CHECK(!accepts(h));                                                                                            \
    } while (0)

static void a_header_that_contradicts_the_frame_is_refused(void)
{
    super_frame(&f, 6, false, 5000);
    CHECK(accepts(super_header(&f, TCPV4, 1400)));
    REFUSED(h.gso_type = TCPV6);
    REFUSED(h.gso_type = UDP_L4);
    REFUSED(h.gso_type = UDP_L4 | GSO_ECN);
    REFUSED(h.gso_type = GSO_UDP);
    REFUSED(h.gso_type = 2);
    REFUSED(h.gso_type = GSO_ECN);
    REFUSED(h.gso_size = 0);
    REFUSED(h.flags = 0);
    REFUSED(h.csum_start = 0);
    REFUSED(h.csum_start = 13);
    REFUSED(h.csum_start = 15);
    REFUSED(h.csum_start = 65535);
    REFUSED(h.csum_offset = 6);
    REFUSED(h.csum_offset = 65535);
    REFUSED(h.gso_type = GSO_NONE; h.csum_start = (uint16_t)(f.n - 1); h.csum_offset = 0);
    REFUSED(h.gso_type = GSO_NONE; h.csum_offset = (uint16_t)(f.n - h.csum_start - 1));
    f.bytes[f.l4 + 12] = 0xf0; /* a TCP header beyond nothing: still whole */
    CHECK(accepts(super_header(&f, TCPV4, 1400)));
    f.bytes[f.l4 + 12] = 0x40; /* shorter than a TCP header is */
    REFUSED((void)h);
}

static void a_super_frame_with_bytes_behind_its_packet_is_refused(void)
{
    super_frame(&f, 6, false, 5000);
    f.n += 7;
    REFUSED((void)h);
    super_frame(&f, 6, false, 5000);
    f.n -= 7;
    REFUSED((void)h);
}

static void a_fragment_is_no_super_frame(void)
{
    super_frame(&f, 6, false, 5000);
    f.bytes[f.l3 + 6] = 0x20;
    REFUSED((void)h);
}

/* HARDENING S10: whoever completes an open checksum overwrites two bytes after we have matched on them. */
static void an_open_checksum_over_an_address_is_closed_before_anybody_matches(void)
{
    super_frame(&f, 6, false, 100);
    struct packet *p = frame_packet(&f, pool);
    struct virtio_net_hdr h = super_header(&f, 0, 0);
    h.csum_start = (uint16_t)f.l3;
    h.csum_offset = 16; /* the IPv4 destination */
    uint32_t sum = ~slow_sum(0, f.bytes + f.l3, f.n - f.l3) & 0xffff;
    CHECK(decode(p, h));
    CHECK_EQ(p->offload, 0);
    CHECK_EQ(get_be16(p->data + f.l3 + 16), sum);
    packet_release(p);
}

static void an_inner_checksum_of_a_tunnel_is_completed(void)
{
    static struct frame inner;
    super_frame(&inner, 6, false, 200);
    frame_ethernet(&f, 0);
    frame_ipv4(&f, 17, 0);
    frame_transport(&f, 8 + inner.n);
    memcpy(f.bytes + f.n - inner.n, inner.bytes, inner.n);
    frame_end(&f);
    struct virtio_net_hdr h = super_header(&inner, 0, 0);
    h.csum_start = (uint16_t)(h.csum_start + f.n - inner.n);
    struct packet *p = frame_packet(&f, pool);
    CHECK(decode(p, h));
    CHECK_EQ(p->offload, 0);
    frame_finish(&inner, false);
    CHECK_BYTES(p->data + f.n - inner.n, inner.bytes, inner.n);
    packet_release(p);
    h.gso_type = TCPV4;
    h.gso_size = 100;
    CHECK(!accepts(h));
}

static void an_sctp_checksum_is_completed(void)
{
    frame_ethernet(&f, 1);
    frame_ipv6(&f, 132);
    frame_transport(&f, 333);
    frame_end(&f);
    struct packet *p = frame_packet(&f, pool);
    memset(p->data + f.l4 + 8, 0xee, 4);
    CHECK(decode(p, super_header(&f, 0, 0)));
    CHECK_EQ(p->offload, 0);
    CHECK_BYTES(p->data, f.bytes, f.n);
    packet_release(p);
}

static void offsets_follow_a_tag_that_was_put_back(void)
{
    frame_ethernet(&f, 1);
    frame_ipv4(&f, 6, 0);
    frame_transport(&f, 5000);
    frame_finish(&f, true);
    struct virtio_net_hdr h = super_header(&f, TCPV4, 1400);
    h.csum_start = (uint16_t)(h.csum_start - 4);
    struct packet *p = frame_packet(&f, pool);
    CHECK(vnet_decode(p, (const uint8_t *)&h, 4));
    CHECK_EQ(p->csum_start, f.l4);
    CHECK_EQ(p->hdr_len, f.l4 + 32);
    h.csum_start = 65533;
    CHECK(!vnet_decode(p, (const uint8_t *)&h, 4));
    packet_release(p);
}

static void a_super_frame_behind_a_label_can_not_be_told(void)
{
    uint8_t header[VNET_HDR_SIZE];
    super_frame(&f, 6, false, 5000);
    struct packet *p = super_packet(&f, pool, TCPV4, 1400);
    CHECK(vnet_encode(p, header));
    uint8_t *front = packet_push(p, 4); /* an MPLS label (RFC 3032) */
    memmove(front, front + 4, 12);
    memcpy(front + 12, "\x88\x47\x00\x00\x11\x40", 6);
    layout_parse(p);
    CHECK(!vnet_encode(p, header));
    packet_release(p);
}

/* HARDENING S25: whatever the header says, nothing outside the frame is touched (ASan watches) and what is accepted
 * adds up. */
static void random_headers_are_refused_or_make_sense(void)
{
    unsigned accepted = 0;
    for (int i = 0; i < 200000; i++) {
        struct virtio_net_hdr h;
        if (i % 50 == 0)
            super_frame(&f, i & 64 ? 6 : 17, i & 128, random_bits() % 3000);
        struct packet *p = frame_packet(&f, pool);
        p->len -= random_bits() % 8 ? 0 : random_bits() % (p->len + 1);
        h = super_header(&f, (uint8_t)(random_bits() % 6), (uint16_t)(random_bits() % 1500));
        for (int bit = 0; bit < 2; bit++)
            ((uint8_t *)&h)[random_bits() % sizeof h] ^= (uint8_t)(random_bits() % 8 ? 0 : random_bits());
        if (decode(p, h)) {
            accepted++;
            CHECK(!(p->offload & PACKET_NEEDS_CSUM) || p->csum_start + p->csum_offset + 2u <= p->len);
            CHECK(!p->gso_type ||
                  (p->gso_size && (uint32_t)p->hdr_len + p->gso_size < p->len && p->offload & PACKET_NEEDS_CSUM));
        }
        packet_release(p);
    }
    CHECK(accepted > 1000);
}

int main(void)
{
    pool = packet_pool_new(64, 16);
    a_frame_without_offloads_stays_plain();
    super_frames_come_through_with_their_exact_header_length();
    a_super_frame_of_one_piece_is_an_ordinary_frame();
    a_header_that_contradicts_the_frame_is_refused();
    a_super_frame_with_bytes_behind_its_packet_is_refused();
    a_fragment_is_no_super_frame();
    an_open_checksum_over_an_address_is_closed_before_anybody_matches();
    an_inner_checksum_of_a_tunnel_is_completed();
    an_sctp_checksum_is_completed();
    offsets_follow_a_tag_that_was_put_back();
    a_super_frame_behind_a_label_can_not_be_told();
    random_headers_are_refused_or_make_sense();
    CHECK_EQ(packet_pool_out(pool), 0);
    packet_pool_free(pool);
    return checks_end();
}
