/* The table of match fields, made from fields.def. */
#pragma once
#include "flow/key.h"
#include "vswitch.h"

enum field_id {
#define FIELD(id, ...) FIELD_##id,
#include "flow/fields.def"
#undef FIELD
    FIELD_LIMIT
};

struct field {
    vs_field_info info;
    uint16_t offset; /* of the value in struct key */
    uint8_t there;   /* enum key_has: the bits of a packet that has it */
};
extern const struct field fields[FIELD_LIMIT];

/* The field with this OXM class and number, or NULL. */
const struct field *field_by_oxm(uint16_t oxm_class, uint8_t number);
/* Which one it is. */
static inline enum field_id field_id(const struct field *f) { return (enum field_id)(f - fields); }
/* Its value in a key. */
static inline uint8_t *field_at(const struct field *f, struct key *key) { return (uint8_t *)key + f->offset; }

/* Does a match (values under exact masks) fulfil what a field needs? */
int field_allowed(const struct field *f, const struct key *value, const struct key *mask);
/* Has the value bits set that mean nothing for this field? */
int field_overflows(const struct field *f, const uint8_t *value);
