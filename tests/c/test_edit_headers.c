/* Headers that are pushed and popped, and what is in them: tags, labels, services, TTLs.  Judged as in test_edit.c. */
#include "edited.h"

static void tags_are_pushed_with_the_outer_ones_values(void)
{
    struct packet *p;
    int pushed = 0;

    build(false, 17, 1, 0);
    p = frame_packet(&f, pool);
    CHECK(edit_push_vlan(p, 0x88a8));
    CHECK_EQ(p->len, f.n + 4);
    CHECK_EQ(get_be16(p->data + 12), 0x88a8);
    CHECK_BYTES(p->data + 14, f.bytes + 14, 2);
    CHECK_BYTES(p->data, f.bytes, 12);
    CHECK_BYTES(p->data + 16, f.bytes + 12, f.n - 12);
    while (edit_push_vlan(p, 0x8100)) {
        pushed++;
        check_layout(p);
    }
    CHECK_EQ(pushed, PACKET_HEADROOM / 4 - 1);
    while (pushed-- >= 0) {
        CHECK(edit_pop_vlan(p));
        check_layout(p);
    }
    CHECK_EQ(p->len, f.n);
    CHECK_BYTES(p->data, f.bytes, f.n);
    CHECK(edit_pop_vlan(p));
    CHECK(edit_push_vlan(p, 0x8100));
    CHECK_EQ(get_be16(p->data + 14), 0); /* no tag to take values from */
    packet_release(p);
}

/* Labels on a packet of any kind, as many as fit, and off again. */
static void labels_are_pushed_behind_tags_and_popped(void)
{
    for (int ipv6 = 0; ipv6 <= 1; ipv6++) {
        uint16_t type = ipv6 ? 0x86dd : 0x0800;
        struct packet *p;
        int pushed = 0;

        build(ipv6, 17, 2, 0);
        p = frame_packet(&f, pool);
        CHECK(edit_push_mpls(p, 0x8848));
        CHECK_EQ(p->len, f.n + 4);
        CHECK_BYTES(p->data, f.bytes, 20);
        CHECK_BYTES(p->data + 20, "\x88\x48\0\0\1\x40", 6); /* the bottom, with the IP TTL */
        CHECK_BYTES(p->data + 26, f.bytes + 22, f.n - 22);
        CHECK(edit_set(p, EDIT_MPLS_LABEL, (const uint8_t *)"\0\1\2\3"));
        CHECK(edit_set(p, EDIT_MPLS_TC, (const uint8_t *)"\5"));
        CHECK(edit_push_mpls(p, 0x8847));
        CHECK_BYTES(p->data + 20, "\x88\x47\x10\x20\x3a\x40\x10\x20\x3b\x40", 10);
        while (edit_push_mpls(p, 0x8847)) {
            pushed++;
            check_layout(p);
        }
        CHECK_EQ(pushed, PACKET_HEADROOM / 4 - 2);
        while (pushed-- >= 0) {
            CHECK(edit_pop_mpls(p, 0x8847));
            check_layout(p);
        }
        CHECK(edit_pop_mpls(p, type));
        check_layout(p);
        CHECK_EQ(p->len, f.n);
        CHECK_BYTES(p->data, f.bytes, f.n);
        packet_release(p);
    }
}

static void a_label_on_what_is_not_ip_has_no_ttl_and_llc_takes_none(void)
{
    static const uint8_t snap[8] = {0xaa, 0xaa, 3, 0, 0, 0, 0x88, 0x47};
    struct packet *p;

    frame_ethernet(&f, 0);
    frame_type(&f, 0x0806);
    frame_more(&f, 46);
    p = frame_packet(&f, pool);
    CHECK(edit_push_mpls(p, 0x8847));
    CHECK_BYTES(p->data + 12, "\x88\x47\0\0\1\0", 6);
    packet_release(p);
    frame_ethernet(&f, 0);
    frame_type(&f, 20);
    memcpy(frame_more(&f, 20), snap, 8);
    f.bytes[24] = 1;
    p = frame_packet(&f, pool);
    CHECK(!edit_push_mpls(p, 0x8847));
    CHECK_BYTES(p->data, f.bytes, f.n);
    CHECK(edit_pop_mpls(p, 0x88cc)); /* its length follows */
    CHECK_EQ(get_be16(p->data + 12), 16);
    CHECK_EQ(p->layout.eth_type, 0x88cc);
    check_layout(p);
    packet_release(p);
}

static void s9_stacks_of_any_depth_are_edited_at_their_top(void)
{
    for (unsigned depth = 0; depth <= 64; depth++) {
        struct packet *p;

        frame_ethernet(&f, 0);
        frame_labels(&f, 0x8847, depth);
        p = frame_packet(&f, pool);
        CHECK_EQ(edit_copy_ttl_out(p), depth >= 2);
        CHECK_EQ(depth ? p->data[17] : 0, depth >= 2 ? 2 : depth);
        CHECK_EQ(edit_set_mpls_ttl(p, 77), depth >= 1);
        CHECK_EQ(edit_copy_ttl_in(p), depth >= 2);
        CHECK_EQ(depth >= 2 ? p->data[21] : 77, 77);
        CHECK_EQ(depth >= 3 ? p->data[25] : 3, 3);
        for (unsigned left = depth; left > 0; left--)
            CHECK(edit_pop_mpls(p, 0x8847));
        CHECK(!edit_pop_mpls(p, 0x8847));
        CHECK_EQ(p->len, 14);
        packet_release(p);
    }
}

static void label_ttl_stops_before_zero(void)
{
    struct packet *p;

    frame_ethernet(&f, 0);
    frame_labels(&f, 0x8847, 1);
    p = frame_packet(&f, pool);
    CHECK(edit_set_mpls_ttl(p, 3));
    CHECK(edit_dec_mpls_ttl(p));
    CHECK(edit_dec_mpls_ttl(p));
    CHECK(!edit_dec_mpls_ttl(p));
    CHECK_EQ(p->data[17], 1);
    CHECK(edit_set_mpls_ttl(p, 0));
    CHECK(!edit_dec_mpls_ttl(p));
    CHECK_EQ(p->data[17], 0);
    CHECK(edit_dec_ttl(p)); /* it is not IP */
    CHECK(!edit_set_ttl(p, 9));
    packet_release(p);
}

/* A TTL goes to the label and back into the packet below, whose checksum follows. */
static void ttl_is_copied_between_a_label_and_ip(void)
{
    for (int ipv6 = 0; ipv6 <= 1; ipv6++)
        for (unsigned ttl = 0; ttl < 256; ttl++) {
            struct packet *p;

            build(ipv6, 17, 1, 0);
            p = frame_packet(&f, pool);
            CHECK(edit_push_mpls(p, 0x8847));
            CHECK(edit_set_mpls_ttl(p, (uint8_t)ttl));
            CHECK(edit_copy_ttl_in(p));
            CHECK(edit_set_mpls_ttl(p, 200));
            CHECK(edit_copy_ttl_out(p));
            CHECK_EQ(p->data[21], ttl);
            CHECK(edit_pop_mpls(p, ipv6 ? 0x86dd : 0x0800));
            CHECK_EQ(p->data[18 + (ipv6 ? 7 : 8)], ttl);
            check_checksums(p);
            packet_release(p);
        }
}

static void a_ttl_is_not_copied_from_what_is_not_whole(void)
{
    build(false, 17, 0, 0);
    for (uint32_t n = 18; n < f.n + 4; n++) {
        struct packet *p = frame_packet(&f, pool);

        CHECK(edit_push_mpls(p, 0x8847));
        p->len = n;
        layout_parse(p);
        CHECK(!edit_copy_ttl_out(p)); /* cut short of its total length */
        CHECK(!edit_copy_ttl_in(p));
        packet_release(p);
    }
}

/* An entry that is not the bottom, with nothing behind it, or only padding behind an 802.3 length. */
static void a_stack_that_ends_early_has_one_ttl(void)
{
    static const uint8_t snap[12] = {0xaa, 0xaa, 3, 0, 0, 0, 0x88, 0x47, 0, 0, 0, 9};

    for (uint32_t padding = 0; padding <= 8; padding++) {
        struct packet *p;

        frame_ethernet(&f, 0);
        frame_type(&f, padding < 4 ? 0x8847 : sizeof snap);
        if (padding < 4)
            put_be32(frame_more(&f, 4), 9);
        else
            memcpy(frame_more(&f, sizeof snap), snap, sizeof snap);
        memset(frame_more(&f, padding), 0xff, padding);
        p = frame_packet(&f, pool);
        CHECK_EQ(p->layout.kind, L3_MPLS);
        CHECK(!edit_copy_ttl_out(p));
        CHECK(!edit_copy_ttl_in(p));
        CHECK_BYTES(p->data, f.bytes, f.n);
        packet_release(p);
    }
}

static void services_are_pushed_in_front_of_everything_and_popped(void)
{
    struct packet *p;

    build(false, 17, 1, 0);
    put_be16(f.bytes + 14, 0xb123);
    p = frame_packet(&f, pool);
    CHECK(edit_push_pbb(p, 0x88e7));
    check_layout(p);
    CHECK_EQ(p->len, f.n + 18);
    CHECK_BYTES(p->data, f.bytes, 12);
    CHECK_BYTES(p->data + 12, "\x88\xe7\xa0\0\0\0", 6); /* the tag's priority, no I-SID to take */
    CHECK_BYTES(p->data + 18, f.bytes, f.n);
    CHECK(edit_set(p, EDIT_PBB_ISID, (const uint8_t *)"\1\2\3"));
    CHECK(edit_push_vlan(p, 0x88a8)); /* a backbone tag */
    check_layout(p);
    CHECK(edit_set(p, EDIT_VLAN_PCP, (const uint8_t *)"\3"));
    CHECK(edit_push_pbb(p, 0x88e7));
    CHECK_BYTES(p->data + 12, "\x88\xe7\x60\1\2\3", 6);
    CHECK(edit_push_pbb(p, 0x88e7));
    CHECK(!edit_push_pbb(p, 0x88e7)); /* no room for 58 bytes and 18 */
    CHECK(edit_pop_pbb(p));
    CHECK(edit_pop_pbb(p));
    check_layout(p);
    CHECK_EQ(p->layout.n_vlans, 1);
    CHECK(edit_pop_pbb(p));
    check_layout(p);
    CHECK_EQ(p->layout.n_vlans, 2); /* the backbone tag stays, in front of the customer's */
    CHECK(edit_pop_vlan(p));
    CHECK_EQ(p->len, f.n);
    CHECK_BYTES(p->data, f.bytes, f.n);
    CHECK(!edit_pop_pbb(p));
    packet_release(p);
}

static void ttl_stops_before_zero(void)
{
    for (int ipv6 = 0; ipv6 <= 1; ipv6++) {
        struct packet *p;
        uint32_t at = ipv6 ? 21 : 22;

        build(ipv6, 6, 0, 0);
        p = frame_packet(&f, pool);
        for (int ttl = 64; ttl > 1; ttl--) {
            CHECK_EQ(p->data[at], ttl);
            CHECK(edit_dec_ttl(p));
            check_checksums(p);
        }
        CHECK(!edit_dec_ttl(p));
        CHECK_EQ(p->data[at], 1);
        CHECK(edit_set_ttl(p, 0));
        CHECK(!edit_dec_ttl(p));
        packet_release(p);
    }
    frame_ethernet(&f, 0);
    frame_type(&f, 0x88cc);
    frame_more(&f, 46);
    struct packet *lldp = frame_packet(&f, pool);
    CHECK(edit_dec_ttl(lldp));
    CHECK(!edit_set_ttl(lldp, 9));
    packet_release(lldp);
}

int main(void)
{
    pool = packet_pool_new(16, 4);
    tags_are_pushed_with_the_outer_ones_values();
    labels_are_pushed_behind_tags_and_popped();
    a_label_on_what_is_not_ip_has_no_ttl_and_llc_takes_none();
    s9_stacks_of_any_depth_are_edited_at_their_top();
    label_ttl_stops_before_zero();
    ttl_is_copied_between_a_label_and_ip();
    a_ttl_is_not_copied_from_what_is_not_whole();
    a_stack_that_ends_early_has_one_ttl();
    services_are_pushed_in_front_of_everything_and_popped();
    ttl_stops_before_zero();
    CHECK_EQ(packet_pool_out(pool), 0);
    packet_pool_free(pool);
    return checks_end();
}
