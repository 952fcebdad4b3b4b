/* See oxm.h. */
#include "flow/oxm.h"

#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"
#include "packet/wire.h"

enum { HEADER = 4 };

static bool all_zero(const uint8_t *bytes, size_t n)
{
    while (n && !bytes[n - 1])
        n--;
    return n == 0;
}

/* The exact mask of a field: as many low bits as mean something. */
static void full_mask(const struct field *f, uint8_t *mask)
{
    unsigned spare = f->info.bytes * 8u - f->info.bits;
    for (unsigned i = 0; i < f->info.bytes; i++) {
        unsigned high = spare >= 8 ? 8 : spare;
        mask[i] = (uint8_t)(0xff >> high);
        spare -= high;
    }
}

static enum oxm_error check_mask(const struct field *f, const uint8_t *value, const uint8_t *mask)
{
    if (!f->info.maskable || field_overflows(f, mask))
        return OXM_BAD_MASK;
    for (unsigned i = 0; i < f->info.bytes; i++)
        if (value[i] & ~mask[i])
            return OXM_BAD_WILDCARDS;
    return OXM_OK;
}

/* A value of vlan_vid without the "present" bit can only be OFPVID_NONE, and only without a mask or with the bit in it.
 */
static bool bad_value(const struct field *f, const uint8_t *value, const uint8_t *mask)
{
    if (field_overflows(f, value))
        return true;
    if (field_id(f) != FIELD_VLAN_VID)
        return false;
    return (get16(mask) & 0x1000) && !(get16(value) & 0x1000) && get16(value) != 0;
}

static enum oxm_error read_one(const struct field *f, bool masked, const uint8_t *payload, struct key *value,
                               struct key *mask)
{
    uint8_t bits[16];
    size_t n = f->info.bytes;
    if (masked) {
        memcpy(bits, payload + n, n);
        enum oxm_error error = check_mask(f, payload, bits);
        if (error)
            return error;
    } else {
        full_mask(f, bits);
    }
    if (bad_value(f, payload, bits))
        return OXM_BAD_VALUE;
    if (!field_allowed(f, value, mask))
        return OXM_BAD_PREREQ;
    if (all_zero(bits, n))
        return OXM_OK; /* matches anything: leaves no trace */
    memcpy(field_at(f, value), payload, n);
    memcpy(field_at(f, mask), bits, n);
    value->has |= f->there;
    mask->has |= f->there;
    return OXM_OK;
}

enum oxm_error oxm_read(const uint8_t *tlvs, size_t size, struct key *value, struct key *mask)
{
    uint64_t seen = 0;
    _Static_assert(FIELD_LIMIT <= 64, "one bit a field");
    memset(value, 0, sizeof *value);
    memset(mask, 0, sizeof *mask);
    while (size) {
        if (size < HEADER)
            return OXM_BAD_LENGTH;
        bool masked = tlvs[2] & 1;
        size_t length = tlvs[3];
        const struct field *f = field_by_oxm(get16(tlvs), tlvs[2] >> 1);
        if (length > size - HEADER)
            return OXM_BAD_LENGTH;
        if (!f)
            return OXM_BAD_FIELD;
        if (length != f->info.bytes * (masked ? 2u : 1u))
            return masked && !f->info.maskable ? OXM_BAD_MASK : OXM_BAD_LENGTH;
        if (seen & 1ull << field_id(f))
            return OXM_DUPLICATE;
        seen |= 1ull << field_id(f);
        enum oxm_error error = read_one(f, masked, tlvs + HEADER, value, mask);
        if (error)
            return error;
        tlvs += HEADER + length;
        size -= HEADER + length;
    }
    return OXM_OK;
}

/* A type below would be a length; a tag that is there can't say that it isn't (OFPVID_PRESENT, section 7.2.3.7). */
static bool can_be_set(const struct field *f, const uint8_t *value)
{
    if (field_id(f) == FIELD_ETH_TYPE)
        return get16(value) >= ETH_TYPE_MIN;
    return field_id(f) != FIELD_VLAN_VID || get16(value) & 0x1000;
}

const struct field *oxm_settable(const uint8_t *tlv, size_t size, enum oxm_error *error)
{
    *error = OXM_BAD_LENGTH;
    if (size < HEADER || tlv[3] > size - HEADER)
        return NULL;
    const struct field *f = field_by_oxm(get16(tlv), tlv[2] >> 1);
    *error = OXM_BAD_FIELD;
    if (!f || (tlv[2] & 1) || !f->info.settable)
        return NULL;
    *error = OXM_BAD_LENGTH;
    if (tlv[3] != f->info.bytes)
        return NULL;
    *error = OXM_BAD_VALUE;
    if (field_overflows(f, tlv + HEADER) || !can_be_set(f, tlv + HEADER))
        return NULL;
    *error = OXM_OK;
    return f;
}
