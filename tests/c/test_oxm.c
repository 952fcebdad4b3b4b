/* OXM TLVs of every field and every wrong length: refused, never read past their end, never endless (HARDENING S1).
 *
 * Each input lies at the end of a mapped page, in front of one that may not be touched.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "check.h"
#include "flow/oxm.h"
#include "ofp/version.h"

static uint8_t *edge; /* the first byte that is not ours */

static uint8_t *at_the_edge(const uint8_t *bytes, size_t n) { return n ? memcpy(edge - n, bytes, n) : edge; }

static size_t put_tlv(uint8_t *at, const struct field *f, bool masked, unsigned length)
{
    set16(at, f->info.oxm_class);
    at[2] = (uint8_t)(f->info.oxm_field << 1 | masked);
    at[3] = (uint8_t)length;
    return 4;
}

/* What the field needs before it, so that its own length is what is judged. */
static size_t put_needs(uint8_t *at, const struct field *f)
{
    static const struct {
        vs_prerequisite need;
        uint8_t n, bytes[24];
    } needs[] = {
        {VS_NEEDS_IN_PORT, 8, {0x80, 0, 0, 4, 0, 0, 0, 1}},
        {VS_NEEDS_VLAN, 6, {0x80, 0, 12, 2, 0x10, 5}},
        {VS_NEEDS_IP, 6, {0x80, 0, 10, 2, 8, 0}},
        {VS_NEEDS_IPV4, 6, {0x80, 0, 10, 2, 8, 0}},
        {VS_NEEDS_IPV6, 6, {0x80, 0, 10, 2, 0x86, 0xdd}},
        {VS_NEEDS_ARP, 6, {0x80, 0, 10, 2, 8, 6}},
        {VS_NEEDS_TCP, 11, {0x80, 0, 10, 2, 8, 0, 0x80, 0, 20, 1, 6}},
        {VS_NEEDS_UDP, 11, {0x80, 0, 10, 2, 8, 0, 0x80, 0, 20, 1, 17}},
        {VS_NEEDS_SCTP, 11, {0x80, 0, 10, 2, 8, 0, 0x80, 0, 20, 1, 132}},
        {VS_NEEDS_ICMPV4, 11, {0x80, 0, 10, 2, 8, 0, 0x80, 0, 20, 1, 1}},
        {VS_NEEDS_ICMPV6, 11, {0x80, 0, 10, 2, 0x86, 0xdd, 0x80, 0, 20, 1, 58}},
        {VS_NEEDS_MPLS, 6, {0x80, 0, 10, 2, 0x88, 0x47}},
        {VS_NEEDS_PBB, 6, {0x80, 0, 10, 2, 0x88, 0xe7}},
        {VS_NEEDS_ND, 16, {0x80, 0, 10, 2, 0x86, 0xdd, 0x80, 0, 20, 1, 58, 0x80, 0, 58, 1, 135}},
        {VS_NEEDS_NS, 16, {0x80, 0, 10, 2, 0x86, 0xdd, 0x80, 0, 20, 1, 58, 0x80, 0, 58, 1, 135}},
        {VS_NEEDS_NA, 16, {0x80, 0, 10, 2, 0x86, 0xdd, 0x80, 0, 20, 1, 58, 0x80, 0, 58, 1, 136}},
        {VS_NEEDS_MPLS, 6, {0x80, 0, 10, 2, 0x88, 0x47}},
        {VS_NEEDS_PBB, 6, {0x80, 0, 10, 2, 0x88, 0xe7}},
    };
    for (unsigned i = 0; i < sizeof needs / sizeof needs[0]; i++)
        if (needs[i].need == f->info.prerequisite) {
            memcpy(at, needs[i].bytes, needs[i].n);
            return needs[i].n;
        }
    return 0;
}

static void check_length(const struct field *f, bool masked, unsigned length, unsigned present)
{
    uint8_t bytes[320] = {0};
    struct key value, mask;
    size_t n = put_needs(bytes, f), right = f->info.bytes * (masked ? 2u : 1u);
    n += put_tlv(bytes + n, f, masked, length) + present;
    enum oxm_error error = oxm_read(at_the_edge(bytes, n), n, &value, &mask);
    if (length == right && present == length && (!masked || f->info.maskable))
        CHECK(error == OXM_OK && mask.has == value.has && (masked || (mask.has & f->there) == f->there));
    else
        CHECK(error != OXM_OK);
}

static void every_field_has_one_right_length(void)
{
    for (unsigned id = 0; id < FIELD_LIMIT; id++)
        for (unsigned masked = 0; masked < 2; masked++) {
            const struct field *f = &fields[id];
            unsigned right = f->info.bytes * (masked ? 2u : 1u);
            const unsigned lengths[] = {0, 1, 3, right - 1, right, right + 1, 0x7f, 0xff};
            for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
                check_length(f, masked, lengths[i], lengths[i]);
                check_length(f, masked, lengths[i], 0);
                check_length(f, masked, lengths[i], lengths[i] / 2);
            }
        }
}

static void headers_that_are_cut_are_refused(void)
{
    struct key value, mask;
    const uint8_t header[4] = {0x80, 0, 6, 6};
    CHECK(oxm_read(edge, 0, &value, &mask) == OXM_OK);
    for (size_t n = 1; n <= sizeof header; n++)
        CHECK(oxm_read(at_the_edge(header, n), n, &value, &mask) == OXM_BAD_LENGTH);
}

static void set_field_takes_whole_unmasked_settable_fields(void)
{
    for (unsigned id = 0; id < FIELD_LIMIT; id++)
        for (unsigned masked = 0; masked < 2; masked++)
            for (unsigned length = 0; length <= 17; length++)
                for (unsigned present = 0; present <= length; present++) {
                    uint8_t bytes[32] = {0};
                    enum oxm_error error;
                    const struct field *f = &fields[id];
                    put_tlv(bytes, f, masked, length);
                    bytes[4] = id == FIELD_ETH_TYPE   ? 8
                               : id == FIELD_VLAN_VID ? 0x10
                                                      : 0; /* a type, not a length; a tag */
                    const struct field *got = oxm_settable(at_the_edge(bytes, 4 + present), 4 + present, &error);
                    bool right = f->info.settable && !masked && length == f->info.bytes && present == length;
                    CHECK(got == (right ? f : NULL));
                    CHECK((error == OXM_OK) == right);
                }
}

/* Every length that a message's inner parts may claim, over every length that is there. */
static void a_flow_mod_may_claim_any_length(void)
{
    static uint8_t whole[48 + 8 + 24 + 24] = {4,   14,  0,   104, [24] = 0, [32] = 255, 255, 255, 255,
                                              255, 255, 255, 255, 255,      255,        255, 255};
    static const uint8_t parts[] = {
        0, 1, 0, 4,  0, 0, 0, 0,                                                   /* match */
        0, 4, 0, 24, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0,  /* output */
        0, 2, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}; /* metadata */
    static const size_t lengths_at[] = {50, 58, 66, 82};
    static const uint16_t claims[] = {0, 1, 3, 4, 7, 8, 16, 24, 25, 31, 32, 48, 104, 255, 0x7fff, 0xffff};
    for (unsigned i = 0; i < sizeof lengths_at / sizeof lengths_at[0]; i++)
        for (unsigned k = 0; k < sizeof claims / sizeof claims[0]; k++)
            for (size_t size = 0; size <= sizeof whole; size++) {
                struct flow_mod mod;
                memcpy(whole + 48, parts, sizeof parts);
                set16(whole + lengths_at[i], claims[k]);
                openflow_13.read_flow_mod(at_the_edge(whole, size), size, &mod);
                flow_mod_done(&mod);
            }
    memcpy(whole + 48, parts, sizeof parts);
    struct flow_mod mod;
    CHECK(openflow_13.read_flow_mod(at_the_edge(whole, sizeof whole), sizeof whole, &mod) == OF_FINE);
    flow_mod_done(&mod);
}

int main(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    edge = pages + page;
    if (mprotect(edge, page, PROT_NONE))
        return 1;
    every_field_has_one_right_length();
    headers_that_are_cut_are_refused();
    set_field_takes_whole_unmasked_settable_fields();
    a_flow_mod_may_claim_any_length();
    return checks_end();
}
