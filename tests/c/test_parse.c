/* Layouts of frames worked out by hand; tests/oracle/test_layout.py does the many. */
#include "check.h"
#include "flow/key.h"
#include "frames.h"
#include "packet/parse.h"

_Static_assert((int)HAS_FRAGMENT == (int)LAYOUT_FRAG_FIRST && (HAS_FRAGMENT | HAS_LATER) == LAYOUT_FRAG_LATER,
               "the key's fragment bits are the layout's");

static struct frame f;

/* The layout of the first 'n' bytes, in an allocation of just that size. */
static struct layout layout_of(const uint8_t *bytes, uint32_t n)
{
    uint8_t *exact = malloc(n ? n : 1);
    struct packet p = {.data = exact, .len = n, .room = n, .refs = 1};

    memcpy(exact, bytes, n);
    layout_parse(&p);
    free(exact);
    return p.layout;
}

static struct layout parsed(void) { return layout_of(f.bytes, f.n); }

static void udp_over_ipv4_has_all_layers(void)
{
    struct layout l;

    frame_ethernet(&f, 1);
    frame_ipv4(&f, 17, 8);
    frame_transport(&f, 5);
    frame_end(&f);
    frame_more(&f, 13); /* padding */
    l = parsed();
    CHECK_EQ(l.eth_type, 0x0800);
    CHECK_EQ(l.n_vlans, 1);
    CHECK_EQ(l.kind, L3_IPV4);
    CHECK_EQ(l.l3, 18);
    CHECK_EQ(l.l4, 46);
    CHECK_EQ(l.ip_proto, 17);
    CHECK_EQ(l.l3_end, 59);
    CHECK_EQ(l.frag, LAYOUT_FRAG_NONE);
}

static void frames_too_short_for_ethernet_have_nothing(void)
{
    struct layout nothing = {0}, l;

    frame_ethernet(&f, 0);
    frame_ipv4(&f, 17, 0);
    for (uint32_t n = 0; n < 14; n++) {
        l = layout_of(f.bytes, n);
        CHECK_BYTES(&l, &nothing, sizeof l);
    }
}

static void s9_tags_beyond_the_limit_are_a_type_nobody_knows(void)
{
    for (unsigned depth = 0; depth <= 64; depth++) {
        struct layout l;

        frame_ethernet(&f, depth);
        frame_ipv4(&f, 17, 0);
        frame_transport(&f, 0);
        frame_end(&f);
        l = parsed();
        CHECK_EQ(l.n_vlans, depth < LAYOUT_MAX_VLANS ? depth : LAYOUT_MAX_VLANS);
        CHECK_EQ(l.eth_type, depth <= LAYOUT_MAX_VLANS ? 0x0800 : 0x8100);
        CHECK_EQ(l.l4 != 0, depth <= LAYOUT_MAX_VLANS);
    }
}

static void s9_extension_headers_beyond_the_limit_end_the_walk(void)
{
    for (unsigned depth = 0; depth <= 64; depth++) {
        struct layout l;

        frame_ethernet(&f, 0);
        frame_ipv6(&f, 17);
        for (unsigned i = 0; i < depth; i++)
            frame_ext(&f, 60, 8);
        frame_transport(&f, 0);
        frame_end(&f);
        l = parsed();
        CHECK_EQ(l.ip_proto, depth <= LAYOUT_MAX_EXTHDRS ? 17 : 60);
        CHECK_EQ(l.l4, depth <= LAYOUT_MAX_EXTHDRS ? 54 + 8 * depth : 0);
    }
}

static void s9_a_label_stack_of_any_depth_is_its_outermost_entry(void)
{
    for (unsigned depth = 0; depth <= 64; depth++) {
        struct layout l;

        frame_ethernet(&f, 1);
        frame_labels(&f, depth & 1 ? 0x8847 : 0x8848, depth);
        l = parsed();
        CHECK_EQ(l.eth_type, depth & 1 ? 0x8847 : 0x8848);
        CHECK_EQ(l.kind, depth ? L3_MPLS : L3_NONE);
        CHECK_EQ(l.l3, depth ? 18 : 0);
        CHECK_EQ(l.l3_end, depth ? f.n : 0);
        CHECK_EQ(l.l4 | l.ip_proto, 0);
    }
}

/* The customer's Ethernet header belongs to the I-TAG: without all of it there is nothing to pop to. */
static void s10_labels_and_service_tags_are_there_whole_or_not_at_all(void)
{
    static const struct {
        uint16_t type;
        uint8_t kind, size;
    } headers[] = {
        {0x8847, L3_MPLS, 4},
        {0x8848, L3_MPLS, 4},
        {0x88e7, L3_PBB, 18},
    };

    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        frame_ethernet(&f, 0);
        frame_type(&f, headers[i].type);
        random_fill(frame_more(&f, 40), 40);
        for (uint32_t n = 14; n <= f.n; n++) {
            struct layout l = layout_of(f.bytes, n);
            bool whole = n >= 14u + headers[i].size;

            CHECK_EQ(l.eth_type, headers[i].type);
            CHECK_EQ(l.kind, whole ? headers[i].kind : L3_NONE);
            CHECK_EQ(l.l3, whole ? 14 : 0);
            CHECK_EQ(l.l3_end, whole ? n : 0);
        }
    }
}

static void s10_ipv4_lengths_are_checked_against_each_other(void)
{
    static const struct {
        uint8_t version_ihl;
        uint16_t total;
        bool fine;
    } cases[] = {
        {0x45, 28, true},      {0x45, 20, true},  {0x45, 19, false}, {0x45, 0, false},  {0x45, 29, false},
        {0x45, 0xffff, false}, {0x44, 28, false}, {0x40, 28, false}, {0x47, 28, true},  {0x47, 27, false},
        {0x48, 28, false},     {0x4f, 28, false}, {0x65, 28, false}, {0x55, 28, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct layout l;

        frame_ethernet(&f, 0);
        frame_ipv4(&f, 17, 0);
        frame_transport(&f, 0);
        f.bytes[14] = cases[i].version_ihl;
        put_be16(f.bytes + 16, cases[i].total);
        l = parsed();
        CHECK_EQ(l.kind, cases[i].fine ? L3_IPV4 : L3_NONE);
        CHECK_EQ(l.l3, cases[i].fine ? 14 : 0);
        CHECK_EQ(l.l4, i == 0 ? 34 : 0);
    }
}

static void a_fragment_has_ports_only_when_it_is_the_first(void)
{
    static const struct {
        uint16_t frag;
        uint8_t want;
    } cases[] = {
        {0x4000, LAYOUT_FRAG_NONE},
        {0x2000, LAYOUT_FRAG_FIRST},
        {0x2001, LAYOUT_FRAG_LATER},
        {1, LAYOUT_FRAG_LATER},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct layout l;

        frame_ethernet(&f, 0);
        frame_ipv4(&f, 6, 0);
        frame_transport(&f, 0);
        frame_end(&f);
        put_be16(f.bytes + 20, cases[i].frag);
        l = parsed();
        CHECK_EQ(l.frag, cases[i].want);
        CHECK_EQ(l.ip_proto, 6);
        CHECK_EQ(l.l4, cases[i].want == LAYOUT_FRAG_LATER ? 0 : 34);
    }
}

static void ipv6_fragments_end_the_chain_when_they_are_later_ones(void)
{
    static const struct {
        uint16_t offset;
        uint8_t frag, proto;
    } cases[] = {
        {0, LAYOUT_FRAG_NONE, 17},  {1, LAYOUT_FRAG_FIRST, 17}, {8, LAYOUT_FRAG_LATER, 44},
        {9, LAYOUT_FRAG_LATER, 44}, {6, LAYOUT_FRAG_NONE, 17}, /* reserved bits say nothing */
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct layout l;

        frame_ethernet(&f, 0);
        frame_ipv6(&f, 17);
        put_be16(frame_ext(&f, 44, 8) + 2, cases[i].offset);
        frame_transport(&f, 0);
        frame_end(&f);
        l = parsed();
        CHECK_EQ(l.frag, cases[i].frag);
        CHECK_EQ(l.ip_proto, cases[i].proto);
        CHECK_EQ(l.l4 != 0, cases[i].frag != LAYOUT_FRAG_LATER);
        CHECK_EQ(l.exthdrs, 16);
    }
}

static void extension_header_bits_tell_order_and_repeats(void)
{
    static const struct {
        uint8_t chain[5], n;
        uint16_t bits;
    } cases[] = {
        {{0, 51}, 2, 64 | 4},        {{0, 60, 43, 44, 51}, 5, 64 | 8 | 32 | 16 | 4},
        {{60, 43, 60}, 3, 8 | 32},   {{43, 0}, 2, 32 | 64 | 256},
        {{0, 0}, 2, 64 | 128},       {{60, 60, 60}, 3, 8 | 128},
        {{51, 44}, 2, 4 | 16 | 256},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        frame_ethernet(&f, 0);
        frame_ipv6(&f, 6);
        for (unsigned k = 0; k < cases[i].n; k++)
            frame_ext(&f, cases[i].chain[k], cases[i].chain[k] == 44 ? 8 : 16);
        frame_transport(&f, 0);
        frame_end(&f);
        CHECK_EQ(parsed().exthdrs, cases[i].bits);
        CHECK_EQ(parsed().l4, f.l4);
    }
    frame_ethernet(&f, 0);
    frame_ipv6(&f, 59);
    frame_end(&f);
    CHECK_EQ(parsed().exthdrs, 1);
    CHECK_EQ(parsed().l4, 0);
}

static void tcp_needs_its_whole_header_unless_more_fragments_follow(void)
{
    frame_ethernet(&f, 0);
    frame_ipv4(&f, 6, 0);
    frame_transport(&f, 0);
    frame_end(&f);
    CHECK_EQ(parsed().l4, 34);
    f.bytes[34 + 12] = 0x90; /* 36 bytes of header in 32 */
    CHECK_EQ(parsed().l4, 0);
    put_be16(f.bytes + 20, 0x2000);
    CHECK_EQ(parsed().l4, 34);
    f.bytes[34 + 12] = 0x40;
    CHECK_EQ(parsed().l4, 0);
}

static void neighbour_discovery_has_target_and_the_one_option(void)
{
    for (uint8_t type = 135; type <= 136; type++) {
        struct layout l;

        frame_ethernet(&f, 0);
        frame_ipv6(&f, 58);
        frame_nd(&f, type);
        frame_end(&f);
        l = parsed();
        CHECK_EQ(l.nd_target, 62);
        CHECK_EQ(l.nd_sll, type == 135 ? 80 : 0);
        CHECK_EQ(l.nd_tll, type == 136 ? 80 : 0);
        memcpy(frame_more(&f, 8), f.bytes + 78, 8);
        frame_end(&f);
        l = parsed();
        CHECK_EQ(l.nd_target, 62);
        CHECK_EQ(l.nd_sll | l.nd_tll, 0); /* two contradict each other */
        f.bytes[79] = 0;
        CHECK_EQ(parsed().nd_target, 62);
    }
}

static void arp_is_for_ethernet_and_ipv4(void)
{
    static const uint8_t start[8] = {0, 1, 8, 0, 6, 4, 0, 1};

    frame_ethernet(&f, 2);
    frame_type(&f, 0x0806);
    memcpy(frame_more(&f, 28), start, 8);
    CHECK_EQ(parsed().kind, L3_ARP);
    CHECK_EQ(parsed().l3, 22);
    CHECK_EQ(layout_of(f.bytes, f.n - 1).kind, L3_NONE);
    f.bytes[22 + 4] = 8;
    CHECK_EQ(parsed().kind, L3_NONE);
    CHECK_EQ(parsed().eth_type, 0x0806);
}

static void llc_frames_have_no_type_but_snap_does(void)
{
    static const uint8_t snap[8] = {0xaa, 0xaa, 3, 0, 0, 0, 0x88, 0xcc};

    frame_ethernet(&f, 0);
    frame_type(&f, 20);
    memcpy(frame_more(&f, 20), snap, 8);
    CHECK_EQ(parsed().eth_type, 0x88cc);
    CHECK_EQ(parsed().l3, 22);
    CHECK_EQ(parsed().l3_end, 34);
    f.bytes[17] = 1; /* another organisation's type */
    CHECK_EQ(parsed().eth_type, LAYOUT_NO_TYPE);
    CHECK_EQ(parsed().l3, 14);
    put_be16(f.bytes + 12, 21); /* longer than what is there */
    CHECK_EQ(parsed().eth_type, LAYOUT_NO_TYPE);
    CHECK_EQ(parsed().l3, 0);
}

static void the_largest_frame_has_its_end(void)
{
    struct layout l;

    frame_ethernet(&f, 0);
    frame_ipv6(&f, 17);
    frame_transport(&f, 65535 - 8);
    frame_end(&f);
    l = parsed();
    CHECK_EQ(l.l3_end, 14 + 40 + 65535);
    CHECK_EQ(l.l4, 54);
}

int main(void)
{
    udp_over_ipv4_has_all_layers();
    frames_too_short_for_ethernet_have_nothing();
    s9_tags_beyond_the_limit_are_a_type_nobody_knows();
    s9_extension_headers_beyond_the_limit_end_the_walk();
    s9_a_label_stack_of_any_depth_is_its_outermost_entry();
    s10_labels_and_service_tags_are_there_whole_or_not_at_all();
    s10_ipv4_lengths_are_checked_against_each_other();
    a_fragment_has_ports_only_when_it_is_the_first();
    ipv6_fragments_end_the_chain_when_they_are_later_ones();
    extension_header_bits_tell_order_and_repeats();
    tcp_needs_its_whole_header_unless_more_fragments_follow();
    neighbour_discovery_has_target_and_the_one_option();
    arp_is_for_ethernet_and_ipv4();
    llc_frames_have_no_type_but_snap_does();
    the_largest_frame_has_its_end();
    return checks_end();
}
