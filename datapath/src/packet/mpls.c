/* Label stack entries put on, taken off, and their TTLs (RFC 3032; OpenFlow 1.3.5, 5.12).
 *
 * At most two entries are ever looked at: the outermost and the one behind it, or behind the bottom
 * of the stack the IP header, which its first four bits tell.  So the depth of a stack costs nothing.
 */
#include "packet/edit.h"
#include "packet/checksum.h"
#include "packet/parse.h"
#include "packet/span.h"

enum { ENTRY = sizeof(struct mpls_entry), TYPE = sizeof(be16), TTL = 3 /* its byte in an entry */ };

/* The outermost entry, or NULL: there is none. */
static uint8_t *top(const struct packet *p)
{
    return p->layout.kind == L3_MPLS ? packet_at(p, p->layout.l3, ENTRY) : NULL;
}

static bool is_bottom(const uint8_t *entry) { return entry[2] & MPLS_BOS >> 8; }

/* Writes the type of what follows at 'end', the first byte behind Ethernet header and tags or SNAP. */
static void set_type(struct packet *p, uint32_t end, uint16_t type)
{
    be16 wire = htons(type);

    memcpy(p->data + end - TYPE, &wire, TYPE);
}

/* ---- push and pop ----------------------------------------------------- */

/* Where Ethernet header and tags end; 0: no whole header, or an 802.3 length where the type should be. */
static uint32_t headers_end(const struct packet *p)
{
    uint32_t end = (uint32_t)sizeof(struct eth_header) + p->layout.n_vlans * (uint32_t)sizeof(struct vlan_tag);
    const uint8_t *type = packet_at(p, end - TYPE, TYPE);

    return type && (type[0] << 8 | type[1]) >= ETH_TYPE_MIN ? end : 0;
}

/* What a new entry says: see edit_push_mpls(). */
static be32 new_entry(const struct packet *p)
{
    const uint8_t *old = top(p);
    const struct ipv4_header *four = packet_at(p, p->layout.l3, sizeof *four);
    const struct ipv6_header *six = packet_at(p, p->layout.l3, sizeof *six);
    be32 entry;

    if (!old)
        return htonl(MPLS_BOS | (p->layout.kind == L3_IPV4   ? four->ttl
                                 : p->layout.kind == L3_IPV6 ? six->hop_limit
                                                             : 0u));
    memcpy(&entry, old, ENTRY);
    return entry & ~htonl(MPLS_BOS);
}

bool edit_push_mpls(struct packet *p, uint16_t type)
{
    uint32_t end = headers_end(p);
    be32 entry = new_entry(p);
    uint8_t *start;

    start = end && packet_is_plain(p) ? packet_push(p, ENTRY) : NULL;
    if (!start)
        return false;
    memmove(start, start + ENTRY, end);
    set_type(p, end, type);
    memcpy(start + end, &entry, ENTRY);
    layout_parse(p);
    return true;
}

/* An 802.3 length, if the frame has one, counts the entry no more. */
static void length_follow(struct packet *p)
{
    uint8_t *at = p->data + sizeof(struct eth_header) - TYPE + p->layout.n_vlans * sizeof(struct vlan_tag);
    uint16_t length = (uint16_t)(at[0] << 8 | at[1]);

    if (length < ETH_TYPE_MIN) {
        length = htons((uint16_t)(length - ENTRY));
        memcpy(at, &length, sizeof length);
    }
}

bool edit_pop_mpls(struct packet *p, uint16_t type)
{
    const uint8_t *start = p->data;

    if (!top(p) || !packet_pull(p, ENTRY))
        return false;
    memmove(p->data, start, p->layout.l3);
    set_type(p, p->layout.l3, type);
    length_follow(p);
    layout_parse(p);
    return true;
}

/* ---- TTL -------------------------------------------------------------- */

bool edit_set_mpls_ttl(struct packet *p, uint8_t ttl)
{
    uint8_t *entry = top(p);

    if (entry)
        entry[TTL] = ttl;
    return entry;
}

bool edit_dec_mpls_ttl(struct packet *p)
{
    const uint8_t *entry = top(p);

    if (!entry)
        return true;
    return entry[TTL] > 1 && edit_set_mpls_ttl(p, (uint8_t)(entry[TTL] - 1));
}

/* The header behind the outermost entry: where its TTL is, and the IPv4 header that sums it. */
struct inner {
    uint8_t *ttl;
    struct ipv4_header *four;
};

/* False: there is no outermost entry, or no whole header with a TTL behind it. */
static bool inner_find(const struct packet *p, struct inner *inner)
{
    const uint8_t *entry = top(p);
    struct span s = {p, (uint32_t)p->layout.l3 + ENTRY, p->layout.l3_end};
    uint32_t at = 0;

    if (!entry)
        return false;
    inner->four = NULL;
    if (!is_bottom(entry)) {
        at = span_peek(&s, ENTRY) ? TTL : 0;
    } else if (ipv4_peek(&s)) {
        at = offsetof(struct ipv4_header, ttl);
        inner->four = packet_at(p, s.at, sizeof *inner->four);
    } else if (ipv6_peek(&s)) {
        at = offsetof(struct ipv6_header, hop_limit);
    }
    inner->ttl = p->data + s.at + at;
    return at;
}

bool edit_copy_ttl_out(struct packet *p)
{
    struct inner inner;

    return inner_find(p, &inner) && edit_set_mpls_ttl(p, *inner.ttl);
}

bool edit_copy_ttl_in(struct packet *p)
{
    struct inner inner;
    uint8_t old[2] = {0}, new[2] = {0};

    if (!inner_find(p, &inner))
        return false;
    old[0] = *inner.ttl;
    new[0] = *inner.ttl = top(p)[TTL];
    if (inner.four)
        inner.four->csum = checksum_update(inner.four->csum, old, new, sizeof old);
    return true;
}
