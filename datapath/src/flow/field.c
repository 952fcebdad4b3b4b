/* See field.h.  Prerequisites are a table: each is a list of (member, value) that a match must pin down. */
#include "flow/field.h"

#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"

const struct field fields[FIELD_LIMIT] = {
#define FIELD(id, name, member, oxm_class, oxm_field, bytes, bits, mask, set, format, needs, there)                    \
    {{name, oxm_class, oxm_field, bytes, bits, mask, set, VS_FORMAT_##format, VS_NEEDS_##needs},                       \
     offsetof(struct key, member),                                                                                     \
     HAS_##there},
#include "flow/fields.def"
#undef FIELD
};

const vs_field_info *vs_field(unsigned i) { return i < FIELD_LIMIT ? &fields[i].info : NULL; }

const struct field *field_by_oxm(uint16_t oxm_class, uint8_t number)
{
    /* fields.def is in the order of OXM numbers: the number is the index. */
    if (oxm_class != 0x8000 || number >= FIELD_LIMIT)
        return NULL;
    return &fields[number];
}

#define FIELD(id, name, member, oxm_class, oxm_field, ...)                                                             \
    _Static_assert(FIELD_##id == oxm_field && oxm_class == 0x8000, "fields.def is sorted by OXM number");
#include "flow/fields.def"
#undef FIELD

static bool pinned16(const uint16_t *value, const uint16_t *mask, uint16_t want)
{
    return *mask == 0xffff && get16(value) == want;
}
static bool is_ipv4(const struct key *v, const struct key *m) { return pinned16(&v->eth_type, &m->eth_type, 0x0800); }
static bool is_ipv6(const struct key *v, const struct key *m) { return pinned16(&v->eth_type, &m->eth_type, 0x86dd); }
static bool is_ip(const struct key *v, const struct key *m) { return is_ipv4(v, m) || is_ipv6(v, m); }
static bool has_proto(const struct key *v, const struct key *m, uint8_t proto)
{
    return m->ip_proto == 0xff && v->ip_proto == proto;
}
static bool is_icmpv6_type(const struct key *v, const struct key *m, uint8_t a, uint8_t b)
{
    return is_ipv6(v, m) && has_proto(v, m, 58) && m->icmp_type == 0xff && (v->icmp_type == a || v->icmp_type == b);
}

static bool need_nothing(const struct key *v, const struct key *m)
{
    (void)v;
    (void)m;
    return true;
}
static bool need_in_port(const struct key *v, const struct key *m)
{
    (void)v;
    return m->in_port == UINT32_MAX;
}
static bool need_vlan(const struct key *v, const struct key *m)
{
    return (get16(&m->vlan_vid) & 0x1000) && (get16(&v->vlan_vid) & 0x1000);
}
static bool need_arp(const struct key *v, const struct key *m) { return pinned16(&v->eth_type, &m->eth_type, 0x0806); }
static bool need_tcp(const struct key *v, const struct key *m) { return is_ip(v, m) && has_proto(v, m, 6); }
static bool need_udp(const struct key *v, const struct key *m) { return is_ip(v, m) && has_proto(v, m, 17); }
static bool need_sctp(const struct key *v, const struct key *m) { return is_ip(v, m) && has_proto(v, m, 132); }
static bool need_icmpv4(const struct key *v, const struct key *m) { return is_ipv4(v, m) && has_proto(v, m, 1); }
static bool need_icmpv6(const struct key *v, const struct key *m) { return is_ipv6(v, m) && has_proto(v, m, 58); }
static bool need_nd(const struct key *v, const struct key *m) { return is_icmpv6_type(v, m, 135, 136); }
static bool need_ns(const struct key *v, const struct key *m) { return is_icmpv6_type(v, m, 135, 135); }
static bool need_na(const struct key *v, const struct key *m) { return is_icmpv6_type(v, m, 136, 136); }
static bool need_mpls(const struct key *v, const struct key *m)
{
    return pinned16(&v->eth_type, &m->eth_type, 0x8847) || pinned16(&v->eth_type, &m->eth_type, 0x8848);
}
static bool need_pbb(const struct key *v, const struct key *m) { return pinned16(&v->eth_type, &m->eth_type, 0x88e7); }

typedef bool need(const struct key *value, const struct key *mask);
static need *const needs[] = {
    [VS_NEEDS_NOTHING] = need_nothing, [VS_NEEDS_IN_PORT] = need_in_port,
    [VS_NEEDS_VLAN] = need_vlan,       [VS_NEEDS_IP] = is_ip,
    [VS_NEEDS_IPV4] = is_ipv4,         [VS_NEEDS_IPV6] = is_ipv6,
    [VS_NEEDS_ARP] = need_arp,         [VS_NEEDS_TCP] = need_tcp,
    [VS_NEEDS_UDP] = need_udp,         [VS_NEEDS_SCTP] = need_sctp,
    [VS_NEEDS_ICMPV4] = need_icmpv4,   [VS_NEEDS_ICMPV6] = need_icmpv6,
    [VS_NEEDS_ND] = need_nd,           [VS_NEEDS_NS] = need_ns,
    [VS_NEEDS_NA] = need_na,           [VS_NEEDS_MPLS] = need_mpls,
    [VS_NEEDS_PBB] = need_pbb,
};

int field_allowed(const struct field *f, const struct key *value, const struct key *mask)
{
    return needs[f->info.prerequisite](value, mask);
}

int field_overflows(const struct field *f, const uint8_t *value)
{
    unsigned spare = f->info.bytes * 8u - f->info.bits;
    for (unsigned i = 0; i < f->info.bytes && spare; i++) {
        unsigned high = spare >= 8 ? 8 : spare;
        if (value[i] >> (8 - high))
            return 1;
        spare -= high;
    }
    return 0;
}
