/* OXM TLVs to keys (OpenFlow 1.3.5 section 7.2.3). */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "flow/field.h"

/* Codes of OFPET_BAD_MATCH; 0 = fine. */
enum oxm_error {
    OXM_OK = 0,
    OXM_BAD_LENGTH = 1,
    OXM_BAD_WILDCARDS = 5,
    OXM_BAD_FIELD = 6,
    OXM_BAD_VALUE = 7,
    OXM_BAD_MASK = 8,
    OXM_BAD_PREREQ = 9,
    OXM_DUPLICATE = 10
};

/* Reads 'size' bytes of TLVs (no ofp_match header, no padding) into value and mask, which it clears first.
 * Every TLV is checked: known, right length, once, prerequisites before it, no bits set that mean nothing or
 * that the mask leaves out.  Beside each field stands that a packet has to have it (struct key, 'has').  Each step
 * advances by at least its 4-byte header. */
enum oxm_error oxm_read(const uint8_t *tlvs, size_t size, struct key *value, struct key *mask);

/* The field of one TLV header at 'tlv' ('size' bytes are there) for a set-field action: no mask, settable,
 * value in range; NULL with *error filled (OFPET_BAD_ACTION codes are the caller's business). */
const struct field *oxm_settable(const uint8_t *tlv, size_t size, enum oxm_error *error);
