/* OpenFlow 1.3.5 messages for the C tests, put together byte by byte: right ones of every kind that the C side decodes,
 * at random, from few values, so that they meet each other and the packets of traffic.h.
 *
 * The dice are seeded: a run is the same every time.  Nothing here shares code with what it tests.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { MESSAGE_PORTS = 4, MESSAGE_GROUPS = 8, MESSAGE_METERS = 4, MESSAGE_TABLES = 4, MESSAGE_QUEUES = 2 };

/* ---- dice ---- */

static uint64_t dice_state = 88172645463325252u;

static inline uint32_t dice_bits(void)
{
    dice_state ^= dice_state << 13;
    dice_state ^= dice_state >> 7;
    dice_state ^= dice_state << 17;
    return (uint32_t)(dice_state >> 16);
}

static inline uint32_t dice(uint32_t n) { return (uint32_t)((uint64_t)dice_bits() * n >> 32); }
#define ONE_OF(list) ((list)[dice(sizeof(list) / sizeof *(list))])

/* ---- bytes ---- */

struct message {
    size_t n;
    uint8_t bytes[65536];
};

static inline uint8_t *more(struct message *m, size_t n)
{
    uint8_t *at = m->bytes + m->n;
    memset(at, 0, n);
    m->n += n;
    return at;
}

static inline void wire16(uint8_t *at, uint32_t v)
{
    at[0] = (uint8_t)(v >> 8);
    at[1] = (uint8_t)v;
}
static inline void wire32(uint8_t *at, uint32_t v)
{
    wire16(at, v >> 16);
    wire16(at + 2, v & 0xffff);
}
static inline void pad8(struct message *m, size_t from) { more(m, (8 - (m->n - from) % 8) % 8); }

/* A message of 'type' with 'fixed' bytes behind its header; all lengths are set by message_end. */
static inline uint8_t *message_begin(struct message *m, uint8_t type, size_t fixed)
{
    m->n = 0;
    uint8_t *at = more(m, 8 + fixed);
    at[0] = 4;
    at[1] = type;
    wire32(at + 4, dice_bits());
    return at + 8;
}

static inline void message_end(struct message *m) { wire16(m->bytes + 2, (uint32_t)m->n); }

/* ---- fields: a few values each, so that rules and packets meet ---- */

enum fields_on_wire {
    OXM_IN_PORT = 0,
    OXM_METADATA = 2,
    OXM_ETH_DST,
    OXM_ETH_SRC,
    OXM_ETH_TYPE,
    OXM_VLAN_VID,
    OXM_VLAN_PCP,
    OXM_IP_DSCP,
    OXM_IP_ECN,
    OXM_IP_PROTO,
    OXM_IPV4_SRC,
    OXM_IPV4_DST,
    OXM_TCP_SRC,
    OXM_TCP_DST,
    OXM_UDP_SRC,
    OXM_UDP_DST,
    OXM_SCTP_SRC,
    OXM_SCTP_DST,
    OXM_ICMPV4_TYPE,
    OXM_ICMPV4_CODE,
    OXM_ARP_OP,
    OXM_ARP_SPA,
    OXM_ARP_TPA,
    OXM_ARP_SHA,
    OXM_ARP_THA,
    OXM_IPV6_SRC,
    OXM_IPV6_DST,
    OXM_IPV6_FLABEL,
    OXM_ICMPV6_TYPE,
    OXM_ICMPV6_CODE,
    OXM_ND_TARGET,
    OXM_ND_SLL,
    OXM_ND_TLL,
    OXM_MPLS_LABEL,
    OXM_MPLS_TC,
    OXM_MPLS_BOS,
    OXM_PBB_ISID,
    OXM_TUNNEL_ID,
    OXM_IPV6_EXTHDR
};

/* Bytes, bits of the last byte's side that may differ, and whether a rule may mask it. */
static const struct {
    uint8_t bytes, top, values, maskable;
} oxm_shapes[] = {
    [OXM_IN_PORT] = {4, 0, MESSAGE_PORTS, 0},
    [OXM_METADATA] = {8, 0, 3, 1},
    [OXM_ETH_DST] = {6, 2, 4, 1},
    [OXM_ETH_SRC] = {6, 2, 4, 1},
    [OXM_VLAN_VID] = {2, 0, 3, 0},
    [OXM_VLAN_PCP] = {1, 0, 3, 0},
    [OXM_IP_DSCP] = {1, 0, 3, 0},
    [OXM_IP_ECN] = {1, 0, 3, 0},
    [OXM_IPV4_SRC] = {4, 10, 3, 1},
    [OXM_IPV4_DST] = {4, 10, 3, 1},
    [OXM_TCP_SRC] = {2, 0, 3, 0},
    [OXM_TCP_DST] = {2, 0, 3, 0},
    [OXM_UDP_SRC] = {2, 0, 3, 0},
    [OXM_UDP_DST] = {2, 0, 3, 0},
    [OXM_SCTP_SRC] = {2, 0, 3, 0},
    [OXM_SCTP_DST] = {2, 0, 3, 0},
    [OXM_ICMPV4_TYPE] = {1, 0, 3, 0},
    [OXM_ICMPV4_CODE] = {1, 0, 3, 0},
    [OXM_ARP_OP] = {2, 0, 3, 0},
    [OXM_ARP_SPA] = {4, 10, 3, 1},
    [OXM_ARP_TPA] = {4, 10, 3, 1},
    [OXM_ARP_SHA] = {6, 2, 4, 1},
    [OXM_ARP_THA] = {6, 2, 4, 1},
    [OXM_IPV6_SRC] = {16, 0xfd, 3, 1},
    [OXM_IPV6_DST] = {16, 0xfd, 3, 1},
    [OXM_IPV6_FLABEL] = {4, 0, 3, 1},
    [OXM_ICMPV6_CODE] = {1, 0, 3, 0},
    [OXM_ND_TARGET] = {16, 0xfd, 3, 0},
    [OXM_ND_SLL] = {6, 2, 4, 0},
    [OXM_ND_TLL] = {6, 2, 4, 0},
    [OXM_MPLS_LABEL] = {4, 0, 3, 0},
    [OXM_MPLS_TC] = {1, 0, 3, 0},
    [OXM_MPLS_BOS] = {1, 0, 2, 0},
    [OXM_PBB_ISID] = {3, 0, 3, 1},
    [OXM_TUNNEL_ID] = {8, 0, 3, 1},
    [OXM_IPV6_EXTHDR] = {2, 0, 3, 1},
};

/* The i-th of a field's few values. */
static inline void field_value(uint8_t *at, unsigned field, uint32_t i)
{
    unsigned n = oxm_shapes[field].bytes;
    memset(at, 0, n);
    if (n > 1)
        at[0] = oxm_shapes[field].top;
    at[n - 1] = (uint8_t)(i + (field == OXM_IN_PORT));
    if (field == OXM_VLAN_VID)
        at[0] |= 0x10;
}

static inline void put_oxm_bytes(struct message *m, unsigned field, const uint8_t *value, unsigned n,
                                 const uint8_t *mask)
{
    uint8_t *at = more(m, 4 + n + (mask ? n : 0));
    wire16(at, 0x8000);
    at[2] = (uint8_t)(field << 1 | (mask != NULL));
    at[3] = (uint8_t)(mask ? 2 * n : n);
    memcpy(at + 4, value, n);
    for (unsigned i = 0; mask && i < n; i++) {
        at[4 + n + i] = mask[i];
        at[4 + i] &= mask[i];
    }
}

static inline void put_random_oxm(struct message *m, unsigned field, bool may_mask)
{
    uint8_t value[16], mask[16];
    unsigned n = oxm_shapes[field].bytes;
    field_value(value, field, dice(oxm_shapes[field].values));
    bool masked = may_mask && oxm_shapes[field].maskable && !dice(3);
    for (unsigned i = 0; i < n; i++)
        mask[i] = (uint8_t)(dice(2) ? 0xff : dice_bits() & 3);
    put_oxm_bytes(m, field, value, n, masked ? mask : NULL);
}

/* ---- matches: what a packet is, then a few of the fields it has ---- */

struct species {
    uint16_t type;
    uint8_t proto, icmp, n;
    uint8_t fields[9];
};
static const struct species all_species[] = {
    {0, 0, 0, 4, {OXM_ETH_DST, OXM_ETH_SRC, OXM_METADATA, OXM_TUNNEL_ID}},
    {0x0800, 0, 0, 4, {OXM_IPV4_SRC, OXM_IPV4_DST, OXM_IP_DSCP, OXM_IP_ECN}},
    {0x0800, 6, 0, 5, {OXM_TCP_SRC, OXM_TCP_DST, OXM_IPV4_SRC, OXM_IPV4_DST, OXM_IP_DSCP}},
    {0x0800, 17, 0, 4, {OXM_UDP_SRC, OXM_UDP_DST, OXM_IPV4_DST, OXM_IP_ECN}},
    {0x0800, 132, 0, 3, {OXM_SCTP_SRC, OXM_SCTP_DST, OXM_IPV4_SRC}},
    {0x0800, 1, 0, 2, {OXM_ICMPV4_TYPE, OXM_ICMPV4_CODE}},
    {0x0806, 0, 0, 5, {OXM_ARP_OP, OXM_ARP_SPA, OXM_ARP_TPA, OXM_ARP_SHA, OXM_ARP_THA}},
    {0x86dd, 0, 0, 5, {OXM_IPV6_SRC, OXM_IPV6_DST, OXM_IPV6_FLABEL, OXM_IP_DSCP, OXM_IPV6_EXTHDR}},
    {0x86dd, 6, 0, 3, {OXM_TCP_DST, OXM_IPV6_SRC, OXM_IPV6_DST}},
    {0x86dd, 58, 135, 3, {OXM_ND_TARGET, OXM_ND_SLL, OXM_IPV6_SRC}},
    {0x86dd, 58, 136, 2, {OXM_ND_TARGET, OXM_ND_TLL}},
    {0x8847, 0, 0, 3, {OXM_MPLS_LABEL, OXM_MPLS_TC, OXM_MPLS_BOS}},
    {0x88e7, 0, 0, 1, {OXM_PBB_ISID}},
};

/* Rules that look at hardly anything themselves: what their actions look at has to be enough. */
static bool narrow_matches;

/* An ofp_match; what packets it is about. */
static inline const struct species *put_match(struct message *m)
{
    const struct species *s = &ONE_OF(all_species);
    size_t start = m->n;
    more(m, 4);
    if (narrow_matches && dice(4)) {
        wire16(m->bytes + start, 1);
        wire16(m->bytes + start + 2, 4);
        pad8(m, start);
        return s;
    }
    if (!dice(4))
        put_random_oxm(m, OXM_IN_PORT, false);
    if (s->type)
        put_oxm_bytes(m, OXM_ETH_TYPE, (uint8_t[]){(uint8_t)(s->type >> 8), (uint8_t)s->type}, 2, NULL);
    if (!dice(5)) {
        put_random_oxm(m, OXM_VLAN_VID, false);
        if (dice(2))
            put_random_oxm(m, OXM_VLAN_PCP, false);
    }
    if (s->proto)
        put_oxm_bytes(m, OXM_IP_PROTO, &s->proto, 1, NULL);
    if (s->icmp)
        put_oxm_bytes(m, OXM_ICMPV6_TYPE, &s->icmp, 1, NULL);
    for (unsigned i = 0; i < s->n; i++)
        if (!dice(3))
            put_random_oxm(m, s->fields[i], true);
    wire16(m->bytes + start, 1);
    wire16(m->bytes + start + 2, (uint32_t)(m->n - start));
    pad8(m, start);
    return s;
}

/* ---- actions ---- */

static inline uint8_t *put_action(struct message *m, unsigned type, size_t size)
{
    uint8_t *at = more(m, size);
    wire16(at, type);
    wire16(at + 2, (uint32_t)size);
    return at;
}

static inline void put_output(struct message *m, uint32_t port, uint16_t max_len)
{
    uint8_t *at = put_action(m, 0, 16);
    wire32(at + 4, port);
    wire16(at + 8, max_len);
}

static inline void put_numbered(struct message *m, unsigned type, uint32_t number)
{
    wire32(put_action(m, type, 8) + 4, number);
}
static inline void put_typed(struct message *m, unsigned type, uint32_t eth)
{
    wire16(put_action(m, type, 8) + 4, eth);
}

static inline void put_random_output(struct message *m)
{
    static const uint32_t reserved[] = {0xfffffff8, 0xfffffffa, 0xfffffffb, 0xfffffffc, 0xfffffffd, 0xfffffffd};
    put_output(m, dice(4) ? 1 + dice(MESSAGE_PORTS + 1) : ONE_OF(reserved), 0xffff);
}

/* OFPXMC in an action: padded to 8. */
static inline void put_set_field(struct message *m, const struct species *s)
{
    static const uint8_t anywhere[] = {OXM_ETH_DST, OXM_ETH_SRC, OXM_TUNNEL_ID};
    size_t start = m->n;
    unsigned field = dice(2) ? s->fields[dice(s->n)] : ONE_OF(anywhere);
    if (field == OXM_METADATA || field == OXM_IPV6_EXTHDR)
        field = OXM_ETH_SRC;
    wire16(more(m, 4), 25);
    put_random_oxm(m, field, false);
    pad8(m, start);
    wire16(m->bytes + start + 2, (uint32_t)(m->n - start));
}

/* Another name for the headers behind Ethernet, or behind IP. */
static inline void put_rename(struct message *m, const struct species *s)
{
    static const uint16_t types[] = {0x0800, 0x86dd, 0x8847, 0x88e7, 0x8100, 0x88b5};
    static const uint8_t protos[] = {0, 1, 6, 17, 43, 44, 58, 132};
    size_t start = m->n;
    uint16_t type = ONE_OF(types);
    uint8_t proto = ONE_OF(protos);
    wire16(more(m, 4), 25);
    if ((s->type == 0x0800 || s->type == 0x86dd) && dice(2))
        put_oxm_bytes(m, OXM_IP_PROTO, &proto, 1, NULL);
    else
        put_oxm_bytes(m, OXM_ETH_TYPE, (uint8_t[]){(uint8_t)(type >> 8), (uint8_t)type}, 2, NULL);
    pad8(m, start);
    wire16(m->bytes + start + 2, (uint32_t)(m->n - start));
}

static inline void put_random_action(struct message *m, const struct species *s)
{
    static const uint16_t types[] = {0x0800, 0x86dd, 0x8847, 0x8848};
    switch (dice(24)) {
    case 0: put_numbered(m, 21, dice(MESSAGE_QUEUES + 1)); break;
    case 1:
    case 2:
    case 3: put_numbered(m, 22, 1 + dice(MESSAGE_GROUPS)); break;
    case 4: put_typed(m, 17, dice(2) ? 0x8100 : 0x88a8); break;
    case 5:
    case 6: put_action(m, 18, 8); break;
    case 7: put_typed(m, 19, dice(2) ? 0x8847 : 0x8848); break;
    case 8:
    case 9: put_typed(m, 20, ONE_OF(types)); break;
    case 10: put_typed(m, 26, 0x88e7); break;
    case 11: put_action(m, 27, 8); break;
    case 12: put_action(m, 11, 8); break;
    case 13: put_action(m, 12, 8); break;
    case 14: put_action(m, 15, 8)[4] = (uint8_t)dice(3); break;
    case 15: put_action(m, 16, 8); break;
    case 16: put_action(m, 23, 8)[4] = (uint8_t)dice(3); break;
    case 17: put_action(m, 24, 8); break;
    case 18: put_rename(m, s); break;
    case 19:
    case 20: put_set_field(m, s); break;
    default: put_random_output(m);
    }
}

static inline void put_actions(struct message *m, const struct species *s)
{
    for (uint32_t n = dice(6); n; n--)
        put_random_action(m, s);
}

/* ---- instructions ---- */

static inline void put_instructions(struct message *m, const struct species *s, unsigned table)
{
    static const uint8_t lists[] = {4, 3}; /* apply, write */
    if (!dice(8))
        put_numbered(m, 6, 1 + dice(MESSAGE_METERS));
    for (unsigned i = 0; i < sizeof lists; i++) {
        size_t start = m->n;
        if (dice(3) < i + 1)
            continue;
        put_action(m, lists[i], 8);
        put_actions(m, s);
        wire16(m->bytes + start + 2, (uint32_t)(m->n - start));
    }
    if (!dice(8))
        put_action(m, 5, 8);
    if (!dice(5)) {
        uint8_t *at = put_action(m, 2, 24);
        at[15] = (uint8_t)dice(3);
        at[23] = (uint8_t)dice(4);
    }
    if (table < MESSAGE_TABLES - 1 && dice(2))
        put_action(m, 1, 8)[4] = (uint8_t)(table + 1 + dice(MESSAGE_TABLES - 1 - table));
}

/* ---- messages ---- */

static inline void flow_mod_message(struct message *m)
{
    static const uint8_t commands[] = {0, 0, 0, 0, 0, 0, 1, 2, 3, 4};
    uint8_t *at = message_begin(m, 14, 40);
    unsigned table = dice(MESSAGE_TABLES);
    at[7] = (uint8_t)dice(3);
    at[16] = (uint8_t)table;
    at[17] = ONE_OF(commands);
    wire16(at + 18, dice(8) ? 0 : 1 + dice(5));
    wire16(at + 20, dice(8) ? 0 : 1 + dice(5));
    wire16(at + 22, dice(5));
    memset(at + 24, 0xff, 12);
    wire16(at + 36, dice(4) ? 0 : dice(32));
    const struct species *s = put_match(m);
    put_instructions(m, s, table);
    message_end(m);
}

/* A bucket goes to groups of higher numbers only, most of the time: loops are refused. */
static inline void put_bucket(struct message *m, uint8_t type, uint32_t id)
{
    size_t start = m->n;
    uint8_t *at = more(m, 16);
    wire16(at + 2, type == 1 ? dice(4) : 0);
    wire32(at + 4, type == 3 ? 1 + dice(MESSAGE_PORTS) : UINT32_MAX);
    wire32(at + 8, type == 3 && !dice(4) ? 1 + dice(MESSAGE_GROUPS) : UINT32_MAX);
    for (uint32_t n = dice(4); n; n--)
        put_random_action(m, &ONE_OF(all_species));
    if (dice(2))
        put_random_output(m);
    else if (!dice(3))
        put_numbered(m, 22, id + 1 + dice(2));
    wire16(m->bytes + start, (uint32_t)(m->n - start));
}

static inline void group_mod_message(struct message *m)
{
    static const uint8_t commands[] = {0, 0, 0, 1, 1, 2};
    uint8_t *at = message_begin(m, 15, 8);
    uint32_t id = dice(40) ? 1 + dice(MESSAGE_GROUPS) : 0xfffffffc;
    uint8_t type = (uint8_t)dice(4);
    at[1] = ONE_OF(commands);
    at[2] = type;
    wire32(at + 4, id);
    for (uint32_t n = type == 2 ? 1 : dice(4); n; n--)
        put_bucket(m, type, id);
    message_end(m);
}

static inline void meter_mod_message(struct message *m)
{
    static const uint8_t commands[] = {0, 0, 0, 1, 1, 2};
    uint8_t *at = message_begin(m, 29, 8);
    at[1] = ONE_OF(commands);
    at[3] = (uint8_t)(dice(2) + 1 + (dice(2) ? 4 : 0) + 8);
    wire32(at + 4, dice(10) ? 1 + dice(MESSAGE_METERS) : 0xfffffffe);
    for (uint32_t n = dice(3); n; n--) {
        uint8_t *band = put_action(m, 1 + dice(2), 16);
        wire32(band + 4, dice(50));
        wire32(band + 8, dice(20));
        band[12] = (uint8_t)(band[1] == 2 ? dice(3) : 0);
    }
    message_end(m);
}

static inline void packet_out_message(struct message *m, const uint8_t *frame, size_t n)
{
    uint8_t *at = message_begin(m, 13, 16);
    memset(at, 0xff, 4);
    wire32(at + 4, dice(2) ? 0xfffffffd : 1 + dice(MESSAGE_PORTS));
    if (dice(3))
        put_actions(m, &ONE_OF(all_species));
    if (dice(2))
        put_output(m, dice(2) ? 0xfffffff9 : 1 + dice(MESSAGE_PORTS), 0xffff);
    wire16(m->bytes + 16, (uint32_t)(m->n - 24));
    memcpy(more(m, n), frame, n);
    message_end(m);
}

static const uint8_t all_statistics[] = {1, 2, 3, 4, 5, 6, 7, 9, 10};

static inline void statistics_message(struct message *m, unsigned type)
{
    uint8_t *at = message_begin(m, 18, 8);
    wire16(at, type);
    if (type == 1 || type == 2) {
        at = more(m, 32);
        at[0] = 0xff;
        memset(at + 4, 0xff, 8);
        wire16(more(m, 8), 1);
        wire16(m->bytes + m->n - 6, 4);
    } else if (type != 3 && type != 7) {
        at = more(m, 8);
        wire32(at, type == 6 ? 0xfffffffc : 0xffffffff);
        wire32(at + 4, 0xffffffff);
    }
    message_end(m);
}

static inline void barrier_message(struct message *m)
{
    message_begin(m, 20, 0);
    message_end(m);
}

/* Any of them; 'frame': what a packet-out carries. */
static inline void random_message(struct message *m, const uint8_t *frame, size_t n)
{
    switch (dice(20)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4: group_mod_message(m); break;
    case 5:
    case 6: meter_mod_message(m); break;
    case 7:
    case 8: packet_out_message(m, frame, n); break;
    case 9: statistics_message(m, ONE_OF(all_statistics)); break;
    case 10: barrier_message(m); break;
    default: flow_mod_message(m);
    }
}
