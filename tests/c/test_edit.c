/* Edits: the field changes, nothing else does, and every checksum is right afterwards.
 *
 * Judged by frames.h: the frame is put together anew, with slow checksums, from the edited bytes, and
 * must come out as it is.  The same edits under an open checksum (NEEDS_CSUM), completed afterwards,
 * must give the same bytes.
 */
#include "edited.h"

/* One random edit of any kind that OpenFlow has; values from 'seed', so that it can be repeated. */
static void random_edit(struct packet *p, uint32_t seed)
{
    uint8_t value[16];

    for (unsigned i = 0; i < 16; i++)
        value[i] = (uint8_t)(seed >> i ^ seed * (i + 1));
    switch (seed % (EDIT_LIMIT + 4)) {
    case EDIT_ETH_TYPE:
    case EDIT_IP_PROTO:
    case EDIT_ICMPV6_TYPE: break; /* they change what the rest of the packet is */
    case EDIT_LIMIT: edit_push_vlan(p, seed & 64 ? 0x8100 : 0x88a8); break;
    case EDIT_LIMIT + 1: edit_pop_vlan(p); break;
    case EDIT_LIMIT + 2: edit_dec_ttl(p); break;
    case EDIT_LIMIT + 3: edit_set_ttl(p, value[3]); break;
    default: edit_set(p, seed % (EDIT_LIMIT + 4), value);
    }
}

static void random_edits(struct packet *p, uint32_t seed, bool judge)
{
    for (int i = 0; i < 6; i++) {
        random_edit(p, seed >> i);
        check_layout(p);
        if (judge)
            check_checksums(p);
    }
}

static const uint8_t protos[] = {6, 17, 1, 58, 132};

static void after_any_edits_all_checksums_hold(void)
{
    for (uint32_t round = 0; round < 20000; round++) {
        uint8_t proto = protos[round % 5];
        bool ipv6 = proto == 58 || (proto != 1 && (round & 8));
        struct packet *p;

        build(ipv6, proto, random_bits() % 3, random_bits() % 3);
        p = frame_packet(&f, pool);
        random_edits(p, random_bits(), true);
        packet_release(p);
    }
}

static void edits_and_completion_commute(void)
{
    for (uint32_t round = 0; round < 20000; round++) {
        struct packet *whole, *open;
        uint32_t seed = random_bits();

        build(round & 1, round & 2 ? 6 : 17, random_bits() % 9, random_bits() % 3);
        whole = frame_packet(&f, pool);
        open = frame_packet_open(&f, pool);
        random_edits(whole, seed, false);
        random_edits(open, seed, false);
        CHECK(checksum_complete(open));
        CHECK_EQ(open->offload, 0);
        CHECK_EQ(open->len, whole->len);
        CHECK_BYTES(open->data, whole->data, whole->len);
        packet_release(whole);
        packet_release(open);
    }
}

/* Sets 'field' in the frame at hand and looks for 'want' at 'at'. */
static void check_set(enum edit_field field, const void *value, uint32_t at, const void *want, uint32_t n)
{
    struct packet *p = frame_packet(&f, pool);

    CHECK(edit_set(p, field, value));
    CHECK_BYTES(p->data + at, want, n);
    check_layout(p);
    packet_release(p);
}

static void fields_are_written_where_they_belong(void)
{
    build(false, 6, 1, 0);
    memcpy(f.bytes + 14, "\xf1\x23", 2);
    f.bytes[19] = 0xff;
    check_set(EDIT_ETH_DST, "\1\2\3\4\5\6", 0, "\1\2\3\4\5\6", 6);
    check_set(EDIT_ETH_SRC, "\1\2\3\4\5\6", 6, "\1\2\3\4\5\6", 6);
    check_set(EDIT_VLAN_VID, "\x1f\xed", 14, "\xff\xed", 2); /* PCP and DEI stay */
    check_set(EDIT_VLAN_PCP, "\2", 14, "\x51\x23", 2);
    check_set(EDIT_IP_DSCP, "\x2a", 19, "\xab", 1);
    check_set(EDIT_IP_ECN, "\1", 19, "\xfd", 1);
    check_set(EDIT_IPV4_SRC, "\1\2\3\4", 30, "\1\2\3\4", 4);
    check_set(EDIT_IPV4_DST, "\1\2\3\4", 34, "\1\2\3\4", 4);
    check_set(EDIT_TCP_SRC, "\1\2", 38, "\1\2", 2);
    check_set(EDIT_TCP_DST, "\1\2", 40, "\1\2", 2);
    build(true, 58, 0, 0);
    memcpy(f.bytes + 14, "\x6f\xff\xff\xff", 4);
    check_set(EDIT_IP_DSCP, "\0", 14, "\x60\x3f\xff\xff", 4);
    check_set(EDIT_IP_ECN, "\0", 14, "\x6f\xcf\xff\xff", 4);
    check_set(EDIT_IPV6_FLABEL, "\0\1\2\3", 14, "\x6f\xf1\2\3", 4);
    check_set(EDIT_IPV6_SRC, "abcdefghijklmnop", 22, "abcdefghijklmnop", 16);
    check_set(EDIT_ND_TARGET, "abcdefghijklmnop", 62, "abcdefghijklmnop", 16);
    check_set(f.bytes[54] == 135 ? EDIT_ND_SLL : EDIT_ND_TLL, "abcdef", 80, "abcdef", 6);
    check_set(EDIT_ICMPV6_TYPE, "\x80", 54, "\x80", 1);
    check_set(EDIT_ICMPV6_CODE, "\7", 55, "\7", 1);
}

static void arp_fields_are_written_where_they_belong(void)
{
    static const uint8_t start[8] = {0, 1, 8, 0, 6, 4, 0, 1};

    frame_ethernet(&f, 0);
    frame_type(&f, 0x0806);
    memcpy(frame_more(&f, 28), start, 8);
    check_set(EDIT_ARP_OP, "\0\2", 20, "\0\2", 2);
    check_set(EDIT_ARP_SHA, "\1\2\3\4\5\6", 22, "\1\2\3\4\5\6", 6);
    check_set(EDIT_ARP_SPA, "\1\2\3\4", 28, "\1\2\3\4", 4);
    check_set(EDIT_ARP_THA, "\1\2\3\4\5\6", 32, "\1\2\3\4\5\6", 6);
    check_set(EDIT_ARP_TPA, "\1\2\3\4", 38, "\1\2\3\4", 4);
}

static void labels_and_services_are_written_where_they_belong(void)
{
    frame_ethernet(&f, 1);
    frame_labels(&f, 0x8847, 2);
    memcpy(f.bytes + 18, "\xff\xff\xff\xff", 4);
    check_set(EDIT_MPLS_LABEL, "\0\1\2\3", 18, "\x10\x20\x3f\xff", 4);
    check_set(EDIT_MPLS_TC, "\2", 18, "\xff\xff\xf5\xff", 4);
    check_set(EDIT_MPLS_BOS, "\0", 18, "\xff\xff\xfe\xff", 4);
    frame_ethernet(&f, 0);
    frame_type(&f, 0x88e7);
    memset(frame_more(&f, 18), 0xff, 18);
    check_set(EDIT_PBB_ISID, "\1\2\3", 14, "\xff\1\2\3\xff", 5);
}

static void a_packet_without_the_header_stays_as_it_is(void)
{
    static const uint8_t ones[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    static const enum edit_field absent[] = {EDIT_VLAN_VID,    EDIT_VLAN_PCP,  EDIT_TCP_SRC,     EDIT_SCTP_DST,
                                             EDIT_ARP_OP,      EDIT_IPV6_SRC,  EDIT_IPV6_FLABEL, EDIT_ICMPV4_TYPE,
                                             EDIT_ICMPV6_TYPE, EDIT_ND_TARGET, EDIT_ND_SLL,      EDIT_ND_TLL,
                                             EDIT_MPLS_LABEL,  EDIT_MPLS_TC,   EDIT_MPLS_BOS,    EDIT_PBB_ISID};
    struct packet *p;

    build(false, 17, 0, 0);
    p = frame_packet(&f, pool);
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        CHECK(!edit_set(p, absent[i], ones));
    CHECK(!edit_pop_vlan(p));
    CHECK(!edit_pop_mpls(p, 0x0800));
    CHECK(!edit_pop_pbb(p));
    CHECK(!edit_set_mpls_ttl(p, 9));
    CHECK(edit_dec_mpls_ttl(p)); /* nothing to do is no failure */
    CHECK(!edit_copy_ttl_out(p));
    CHECK(!edit_copy_ttl_in(p));
    CHECK_BYTES(p->data, f.bytes, f.n);
    packet_release(p);
}

static void udp_without_a_checksum_stays_without(void)
{
    struct packet *p;

    build(false, 17, 0, 0);
    put_be16(f.bytes + f.l4 + 6, 0);
    p = frame_packet(&f, pool);
    CHECK(edit_set(p, EDIT_UDP_DST, (const uint8_t *)"\1\2"));
    CHECK(edit_set(p, EDIT_IPV4_SRC, (const uint8_t *)"\1\2\3\4"));
    CHECK_EQ(get_be16(p->data + f.l4 + 6), 0);
    packet_release(p);
}

/* Among all 65,536 values of a port, one makes the sum zero. */
static void a_udp_checksum_that_comes_out_zero_is_all_ones(void)
{
    unsigned ones = 0;

    build(true, 17, 0, 0);
    for (uint32_t port = 0; port < 65536; port++) {
        struct packet *p = frame_packet(&f, pool);
        uint8_t value[2];

        put_be16(value, port);
        edit_set(p, EDIT_UDP_SRC, value);
        CHECK(get_be16(p->data + f.l4 + 6) != 0);
        if (get_be16(p->data + f.l4 + 6) == 0xffff) {
            check_checksums(p);
            ones++;
        }
        packet_release(p);
    }
    CHECK(ones == 1 || ones == 2); /* two when it is port 0, which is 0xffff in one's complement */
}

static void a_wrong_checksum_stays_wrong(void)
{
    static const uint8_t wrong[] = {6, 17, 132};

    for (unsigned i = 0; i < 3; i++) {
        struct packet *p;

        build(false, wrong[i], 0, 0);
        f.bytes[f.l4 + slow_offset(wrong[i])] ^= 0x40;
        p = frame_packet(&f, pool);
        edit_set(p,
                 wrong[i] == 6    ? EDIT_TCP_DST
                 : wrong[i] == 17 ? EDIT_UDP_DST
                                  : EDIT_SCTP_DST,
                 (const uint8_t *)"\1\2");
        again = f;
        memcpy(again.bytes, p->data, p->len);
        frame_end(&again);
        CHECK(memcmp(again.bytes, p->data, p->len) != 0);
        packet_release(p);
    }
}

static void an_open_checksum_further_in_is_not_the_outer_headers(void)
{
    struct packet *p;

    build(false, 17, 0, 0);
    frame_more(&f, 40); /* say, a tunnel's inner headers */
    frame_end(&f);
    p = frame_packet(&f, pool);
    p->offload = PACKET_NEEDS_CSUM;
    p->csum_start = (uint16_t)(f.n - 20);
    p->csum_offset = 16;
    CHECK(edit_set(p, EDIT_IPV4_SRC, (const uint8_t *)"\1\2\3\4"));
    CHECK(edit_set(p, EDIT_UDP_SRC, (const uint8_t *)"\1\2"));
    check_checksums(p);
    packet_release(p);
}

/* No offload can say what is behind a label or an I-TAG, so whoever pushes has left nothing to one. */
static void a_label_or_a_service_goes_on_plain_packets_only(void)
{
    static const struct {
        uint8_t gso_type, offload;
        bool plain;
    } ways[] = {
        {GSO_NONE, 0, true},
        {GSO_TCPV4, 0, false},
        {GSO_NONE, PACKET_NEEDS_CSUM, false},
        {GSO_TCPV4, PACKET_NEEDS_CSUM, false},
    };
    for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++) {
        build(false, 6, 1, 0);
        struct packet *p = frame_packet(&f, pool);
        p->gso_type = ways[i].gso_type;
        p->offload = ways[i].offload;
        CHECK_EQ(edit_push_pbb(p, 0x88e7), ways[i].plain);
        CHECK_EQ(edit_push_mpls(p, 0x8847), ways[i].plain);
        if (!ways[i].plain)
            CHECK_BYTES(p->data, f.bytes, f.n);
        packet_release(p);
    }
}

static void sctp_ports_of_a_fragment_stay(void)
{
    struct packet *p;

    build(false, 132, 0, 0);
    put_be16(f.bytes + 20, 0x2000);
    p = frame_packet(&f, pool);
    CHECK(!edit_set(p, EDIT_SCTP_SRC, (const uint8_t *)"\1\2"));
    CHECK_BYTES(p->data, f.bytes, f.n);
    packet_release(p);
}

static void a_destination_before_its_last_segment_is_not_summed(void)
{
    for (uint8_t left = 0; left <= 1; left++) {
        uint8_t final_dst[16];
        struct packet *p;

        frame_ethernet(&f, 0);
        frame_ipv6(&f, 6);
        frame_ext(&f, 60, 8);
        frame_routing(&f, left);
        frame_transport(&f, 30);
        frame_end(&f);
        memcpy(final_dst, f.final_dst, 16);
        p = frame_packet(&f, pool);
        CHECK(edit_set(p, EDIT_IPV6_DST, (const uint8_t *)"abcdefghijklmnop"));
        CHECK_BYTES(p->data + 38, "abcdefghijklmnop", 16);
        memcpy(f.final_dst, left ? (char *)final_dst : "abcdefghijklmnop", 16);
        memcpy(f.bytes, p->data, f.n);
        frame_end(&f);
        CHECK_BYTES(p->data, f.bytes, f.n);
        packet_release(p);
    }
}

/* The two halves of a datagram, edited apart, are the edited datagram's halves. */
static void fragments_are_edited_as_the_whole_would_be(void)
{
    enum { CUT = 24 };

    for (int round = 0; round < 500; round++) {
        struct packet *whole, *first, *later;
        struct frame piece;
        const uint8_t *value = (const uint8_t *)"\1\2\3\4";

        build(false, round & 1 ? 6 : 17, 0, 0);
        frame_more(&f, 40);
        frame_end(&f);
        whole = frame_packet(&f, pool);
        piece = f;
        piece.n = 34 + CUT;
        put_be16(piece.bytes + 16, piece.n - 14);
        put_be16(piece.bytes + 20, 0x2000);
        first = frame_packet(&piece, pool);
        piece = f;
        memmove(piece.bytes + 34, piece.bytes + 34 + CUT, f.n - 34 - CUT);
        piece.n = f.n - CUT;
        put_be16(piece.bytes + 16, piece.n - 14);
        put_be16(piece.bytes + 20, CUT / 8);
        later = frame_packet(&piece, pool);
        CHECK_EQ(first->layout.frag, LAYOUT_FRAG_FIRST);
        CHECK_EQ(later->layout.frag, LAYOUT_FRAG_LATER);
        for (enum edit_field e = EDIT_IPV4_SRC; e <= EDIT_UDP_DST; e++) {
            edit_set(whole, e, value);
            edit_set(first, e, value);
            edit_set(later, e, value);
        }
        CHECK_BYTES(first->data + 34, whole->data + 34, CUT);
        CHECK_BYTES(later->data + 34, whole->data + 34 + CUT, later->len - 34);
        CHECK_BYTES(later->data + 26, whole->data + 26, 8);
        packet_release(whole);
        packet_release(first);
        packet_release(later);
    }
}

static void a_renamed_protocol_keeps_the_old_checksum_valid(void)
{
    for (int ipv6 = 0; ipv6 <= 1; ipv6++) {
        struct packet *p;

        build(ipv6, 6, 0, ipv6 ? 2 : 0);
        p = frame_packet(&f, pool);
        CHECK(edit_set(p, EDIT_IP_PROTO, (const uint8_t *)"\x11"));
        CHECK_EQ(p->layout.ip_proto, 17);
        memcpy(f.bytes, p->data, f.n);
        CHECK_EQ((uint16_t)~slow_sum(0, f.bytes + 14, ipv6 ? 0 : 20), ipv6 ? 0xffff : 0);
        f.proto = 17; /* as the pseudo header has it now; the sum lies where TCP has it */
        CHECK_EQ(slow_sum(slow_pseudo(&f, f.n - f.l4), f.bytes + f.l4, f.n - f.l4), 0xffff);
        CHECK(edit_set(p, EDIT_IP_PROTO, (const uint8_t *)"\6"));
        CHECK_EQ(p->layout.l4, f.l4);
        check_checksums(p);
        packet_release(p);
    }
}

static void sums_agree_with_the_slow_ones(void)
{
    uint8_t bytes[300];
    uint16_t sum;

    CHECK_EQ((uint32_t)~crc32c(~0u, (const uint8_t *)"123456789", 9),
             0xe3069283); /* what everybody checks a CRC32c with */
    for (uint32_t n = 0; n < sizeof bytes; n++) {
        random_fill(bytes, sizeof bytes);
        CHECK_EQ((uint32_t)~crc32c(~0u, bytes, n), slow_crc32c(bytes, n));
        sum = checksum_fold(checksum_add(0, bytes, n));
        CHECK_EQ(get_be16((uint8_t *)&sum), slow_sum(0, bytes, n));
    }
    memset(bytes, 0xff, sizeof bytes);
    CHECK_EQ(checksum_fold(checksum_add(UINT32_MAX, bytes, sizeof bytes)), 0xffff);
    CHECK_EQ(checksum_add(UINT32_MAX, (const uint8_t[]){0, 0, 0, 0x80, 0, 0, 0, 0x80}, 8),
             1); /* a carry from a carry */
}

static void a_checksum_outside_the_frame_is_refused(void)
{
    struct packet *p;

    build(false, 17, 0, 0);
    p = frame_packet_open(&f, pool);
    p->csum_start = (uint16_t)(p->len - 1);
    CHECK(!checksum_complete(p));
    p->csum_start = 34;
    p->csum_offset = 0xffff;
    CHECK(!checksum_complete(p));
    packet_release(p);
}

int main(void)
{
    pool = packet_pool_new(16, 4);
    sums_agree_with_the_slow_ones();
    a_checksum_outside_the_frame_is_refused();
    fields_are_written_where_they_belong();
    arp_fields_are_written_where_they_belong();
    labels_and_services_are_written_where_they_belong();
    a_packet_without_the_header_stays_as_it_is();
    after_any_edits_all_checksums_hold();
    edits_and_completion_commute();
    udp_without_a_checksum_stays_without();
    a_udp_checksum_that_comes_out_zero_is_all_ones();
    a_wrong_checksum_stays_wrong();
    an_open_checksum_further_in_is_not_the_outer_headers();
    a_label_or_a_service_goes_on_plain_packets_only();
    sctp_ports_of_a_fragment_stay();
    a_destination_before_its_last_segment_is_not_summed();
    fragments_are_edited_as_the_whole_would_be();
    a_renamed_protocol_keeps_the_old_checksum_valid();
    CHECK_EQ(packet_pool_out(pool), 0);
    packet_pool_free(pool);
    return checks_end();
}
