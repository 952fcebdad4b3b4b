/* Super-frames: the frames that they stand for are whole, in order, and what an edit makes of the
 * super-frame it makes of each of them. */
#include "check.h"
#include "frames.h"
#include "packet/edit.h"
#include "packet/gso.h"

static struct packet_pool *pool;
static struct frame f, again;
static struct packet *pieces[GSO_MAX_SEGMENTS], *others[GSO_MAX_SEGMENTS];

static void release_all(struct packet **p, unsigned n)
{
    while (n > 0)
        packet_release(p[--n]);
}

/* A super-frame as a kernel hands it over. */
static struct packet *super(bool ipv6, uint8_t proto, unsigned tags, unsigned exts, uint32_t payload, uint16_t size)
{
    struct packet *p;

    frame_ethernet(&f, tags);
    if (ipv6)
        frame_ipv6(&f, proto);
    else
        frame_ipv4(&f, proto, exts * 4);
    for (unsigned i = 0; ipv6 && i < exts; i++)
        frame_ext(&f, 60, 16);
    if (ipv6 && exts == 2)
        frame_routing(&f, 1);
    frame_transport(&f, payload);
    p = frame_packet_open(&f, pool);
    p->gso_type = proto == 17 ? GSO_UDP_L4 : ipv6 ? GSO_TCPV6 : GSO_TCPV4;
    p->gso_size = size;
    p->hdr_len = (uint16_t)(f.n - payload);
    return p;
}

static struct packet *random_super(uint32_t seed)
{
    uint32_t payload = 1 + random_bits() % (seed & 8 ? 60000 : 4000);
    uint16_t size = (uint16_t)(payload / 40 + 1 + random_bits() % 1500);

    return super(seed & 1, seed & 2 ? 6 : 17, seed >> 4 & 3, seed >> 6 & 3, payload, size);
}

/* Every checksum and length of 's' is what it would be had the frame been built like this. */
static void check_whole(const struct packet *s)
{
    again = f;
    memcpy(again.bytes, s->data, s->len);
    again.n = s->len;
    again.l3 = s->layout.l3;
    again.l4 = s->layout.l4;
    frame_end(&again);
    CHECK_BYTES(s->data, again.bytes, s->len);
}

static void check_layout(const struct packet *p)
{
    struct packet copy = *p;

    layout_parse(&copy);
    CHECK_BYTES(&copy.layout, &p->layout, sizeof copy.layout);
}

static void pieces_are_whole_and_hold_the_payload_in_order(void)
{
    for (uint32_t round = 0; round < 2000; round++) {
        struct packet *p = random_super(round);
        uint32_t headers = p->hdr_len, at = headers;
        unsigned n = gso_segment(p, pieces, GSO_MAX_SEGMENTS);
        uint64_t packets, bytes, total = 0;

        gso_wire(p, &packets, &bytes);
        CHECK_EQ(n, packets);
        for (unsigned i = 0; i < n; i++) {
            struct packet *s = pieces[i];

            CHECK_EQ(s->offload | s->gso_type, 0);
            CHECK_EQ(s->in_port, 7);
            CHECK(s->len - headers == p->gso_size || i == n - 1);
            CHECK_BYTES(s->data + headers, p->data + at, s->len - headers);
            check_whole(s);
            check_layout(s);
            at += s->len - headers;
            total += s->len;
        }
        CHECK_EQ(at, p->len);
        CHECK_EQ(total, bytes);
        CHECK_BYTES(p->data, f.bytes, f.n);
        release_all(pieces, n);
        packet_release(p);
    }
}

static void tcp_pieces_have_their_own_sequence_numbers_and_flags(void)
{
    struct packet *p;
    unsigned n;

    p = super(false, 6, 0, 0, 2500, 1000);
    put_be32(p->data + 38, 0xfffffe00); /* wraps */
    put_be16(p->data + 18, 0xffff);
    p->data[47] = 0xff;
    n = gso_segment(p, pieces, GSO_MAX_SEGMENTS);
    CHECK_EQ(n, 3);
    CHECK_BYTES(pieces[0]->data + 38, "\xff\xff\xfe\x00", 4);
    CHECK_BYTES(pieces[1]->data + 38, "\x00\x00\x01\xe8", 4);
    CHECK_BYTES(pieces[2]->data + 38, "\x00\x00\x05\xd0", 4);
    CHECK_EQ(pieces[0]->data[47], 0xff & ~0x09);
    CHECK_EQ(pieces[1]->data[47], 0xff & ~0x89);
    CHECK_EQ(pieces[2]->data[47], 0xff & ~0x80);
    CHECK_EQ(get_be16(pieces[0]->data + 18), 0xffff);
    CHECK_EQ(get_be16(pieces[1]->data + 18), 0);
    CHECK_EQ(get_be16(pieces[2]->data + 18), 1);
    release_all(pieces, n);
    packet_release(p);
}

static void edit(struct packet *p, uint32_t seed)
{
    static const enum edit_field fields[] = {
        EDIT_ETH_DST, EDIT_ETH_SRC,  EDIT_VLAN_VID, EDIT_VLAN_PCP, EDIT_IP_DSCP,
        EDIT_IP_ECN,  EDIT_IPV4_SRC, EDIT_IPV4_DST, EDIT_TCP_SRC,  EDIT_TCP_DST,
        EDIT_UDP_SRC, EDIT_UDP_DST,  EDIT_IPV6_SRC, EDIT_IPV6_DST, EDIT_IPV6_FLABEL,
    };
    enum { N = sizeof fields / sizeof *fields };
    uint8_t value[16];

    for (unsigned i = 0; i < 16; i++)
        value[i] = (uint8_t)(seed >> i ^ seed * (i + 1));
    switch (seed % (N + 4)) {
    case N: edit_push_vlan(p, 0x8100); break;
    case N + 1: edit_pop_vlan(p); break;
    case N + 2: edit_dec_ttl(p); break;
    case N + 3: edit_set_ttl(p, value[0]); break;
    default: edit_set(p, fields[seed % (N + 4)], value);
    }
}

static void edit_then_segment_equals_segment_then_edit(void)
{
    for (uint32_t round = 0; round < 4000; round++) {
        struct packet *p = random_super(round & ~8u);
        uint32_t seeds[4] = {random_bits(), random_bits(), random_bits(), random_bits()};
        unsigned n = gso_segment(p, pieces, GSO_MAX_SEGMENTS), m;

        for (unsigned k = 0; k < 4; k++) {
            for (unsigned i = 0; i < n; i++)
                edit(pieces[i], seeds[k]);
            edit(p, seeds[k]);
        }
        m = gso_segment(p, others, GSO_MAX_SEGMENTS);
        CHECK(n > 0);
        CHECK_EQ(n, m);
        for (unsigned i = 0; i < n && i < m; i++) {
            CHECK_EQ(pieces[i]->len, others[i]->len);
            CHECK_BYTES(pieces[i]->data, others[i]->data, pieces[i]->len);
            CHECK_BYTES(&pieces[i]->layout, &others[i]->layout, sizeof(struct layout));
        }
        release_all(pieces, n);
        release_all(others, m);
        packet_release(p);
    }
}

/* Labels and services can't be said in an offload: a super-frame is cut first, and its pieces are plain. */
static void pieces_take_labels_and_services(void)
{
    for (uint32_t round = 0; round < 200; round++) {
        struct packet *p = random_super(round & ~8u);
        unsigned n = gso_segment(p, pieces, GSO_MAX_SEGMENTS), m = gso_segment(p, others, GSO_MAX_SEGMENTS);

        CHECK(n > 0);
        CHECK_EQ(n, m);
        for (unsigned i = 0; i < n && i < m; i++) {
            struct packet *s = pieces[i];

            CHECK(edit_push_mpls(s, 0x8847));
            CHECK(edit_push_pbb(s, 0x88e7));
            check_layout(s);
            CHECK(edit_pop_pbb(s));
            CHECK(edit_pop_mpls(s, p->layout.eth_type));
            CHECK_EQ(s->len, others[i]->len);
            CHECK_BYTES(s->data, others[i]->data, s->len);
            CHECK_BYTES(&s->layout, &others[i]->layout, sizeof(struct layout));
        }
        release_all(pieces, n);
        release_all(others, m);
        packet_release(p);
    }
}

/* Each way a super-frame can contradict itself; nothing may come out, nothing may be kept. */
static void contradictions_are_refused(void)
{
    for (unsigned fault = 0; fault < 9; fault++) {
        struct packet *p = super(false, 6, 0, 0, 3000, 1000);

        switch (fault) {
        case 0: p->gso_size = 0; break;
        case 1: p->gso_type = GSO_TCPV6; break;
        case 2: p->gso_type = GSO_UDP_L4; break;
        case 3: p->gso_type = GSO_UDP; break;
        case 4: p->offload = 0; break;
        case 5: p->csum_start++; break;
        case 6: p->csum_offset = 6; break;
        case 7:
            put_be16(p->data + 20, 0x2000);
            layout_parse(p);
            break;
        case 8: p->gso_size = 2; break; /* too many */
        }
        CHECK_EQ(gso_segment(p, pieces, GSO_MAX_SEGMENTS), 0);
        CHECK_EQ(packet_pool_out(pool), 1);
        packet_release(p);
    }
}

static void a_pool_that_runs_out_gets_everything_back(void)
{
    struct packet *p = super(false, 6, 0, 0, 3000, 1000), *taken[2000];
    unsigned n = 0;

    while ((taken[n] = packet_new(pool, 100)))
        n++;
    packet_release(taken[--n]);
    packet_release(taken[--n]);
    CHECK_EQ(gso_segment(p, pieces, GSO_MAX_SEGMENTS), 0);
    CHECK_EQ(packet_pool_out(pool), n + 1);
    release_all(taken, n);
    packet_release(p);
}

static void a_super_frame_of_one_piece_is_an_ordinary_frame(void)
{
    struct packet *p = super(true, 6, 1, 0, 0, 1000);

    p->gso_type |= GSO_ECN;
    CHECK_EQ(gso_segment(p, pieces, 1), 1);
    check_whole(pieces[0]);
    CHECK_EQ(pieces[0]->len, p->len);
    packet_release(pieces[0]);
    packet_release(p);
}

int main(void)
{
    pool = packet_pool_new(1100, 100);
    pieces_are_whole_and_hold_the_payload_in_order();
    tcp_pieces_have_their_own_sequence_numbers_and_flags();
    edit_then_segment_equals_segment_then_edit();
    pieces_take_labels_and_services();
    contradictions_are_refused();
    a_pool_that_runs_out_gets_everything_back();
    a_super_frame_of_one_piece_is_an_ordinary_frame();
    CHECK_EQ(packet_pool_out(pool), 0);
    packet_pool_free(pool);
    return checks_end();
}
