/* Actions: a table of small readers.  See decode13.h. */
#include <string.h>

#include "flow/oxm.h"
#include "ofp/decode13.h"
#include "ofp/wire13.h"

/* Gets one action whose length lies within the list and is a multiple of 8. */
typedef enum of_error read_action(const uint8_t *at, enum action_place, struct action *out);

static bool port_makes_sense(uint32_t port, enum action_place place)
{
    if (port >= 1 && port < OFPP_MAX)
        return true;
    switch (port) {
    case OFPP_IN_PORT:
    case OFPP_FLOOD:
    case OFPP_ALL:
    case OFPP_CONTROLLER:
    case OFPP_LOCAL:
    case OFPP_NORMAL: return true;
    case OFPP_TABLE: return place == IN_PACKET_OUT;
    default: return false;
    }
}

static enum of_error read_output(const uint8_t *at, enum action_place place, struct action *out)
{
    out->port = get32(at + 4);
    out->arg = get16(at + 8);
    return port_makes_sense(out->port, place) ? OF_FINE : OF_ACTION_PORT;
}

static enum of_error read_group(const uint8_t *at, enum action_place place, struct action *out)
{
    (void)place;
    out->port = get32(at + 4);
    return out->port <= OFPG_MAX ? OF_FINE : OF_ACTION_GROUP;
}

static enum of_error read_set_queue(const uint8_t *at, enum action_place place, struct action *out)
{
    (void)place;
    out->port = get32(at + 4);
    return out->port != NO_QUEUE ? OF_FINE : OF_ACTION_QUEUE;
}

static enum of_error read_ttl(const uint8_t *at, enum action_place place, struct action *out)
{
    (void)place;
    out->arg = at[4];
    return OF_FINE;
}

static enum of_error read_nothing(const uint8_t *at, enum action_place place, struct action *out)
{
    (void)at;
    (void)place;
    (void)out;
    return OF_FINE;
}

static enum of_error read_push_vlan(const uint8_t *at, enum action_place place, struct action *out)
{
    (void)place;
    out->arg = get16(at + 4);
    return out->arg == 0x8100 || out->arg == 0x88a8 ? OF_FINE : OF_ACTION_ARGUMENT;
}

static enum of_error read_push_mpls(const uint8_t *at, enum action_place place, struct action *out)
{
    (void)place;
    out->arg = get16(at + 4);
    return out->arg == 0x8847 || out->arg == 0x8848 ? OF_FINE : OF_ACTION_ARGUMENT;
}

static enum of_error read_pop_mpls(const uint8_t *at, enum action_place place, struct action *out)
{
    (void)place;
    out->arg = get16(at + 4);
    return out->arg >= 0x0600 ? OF_FINE : OF_ACTION_ARGUMENT;
}

static enum of_error read_push_pbb(const uint8_t *at, enum action_place place, struct action *out)
{
    (void)place;
    out->arg = get16(at + 4);
    return out->arg == 0x88e7 ? OF_FINE : OF_ACTION_ARGUMENT;
}

static enum of_error set_field_error(enum oxm_error error)
{
    switch (error) {
    case OXM_BAD_FIELD: return OF_ACTION_SET_TYPE;
    case OXM_BAD_LENGTH: return OF_ACTION_SET_LENGTH;
    default: return OF_ACTION_SET_ARGUMENT;
    }
}

static enum of_error read_set_field(const uint8_t *at, enum action_place place, struct action *out)
{
    enum oxm_error error;
    (void)place;
    size_t length = get16(at + 2);
    const struct field *f = oxm_settable(at + 4, length - 4, &error);
    if (!f)
        return set_field_error(error);
    if (length != ((4u + 4u + f->info.bytes + 7u) & ~7u))
        return OF_ACTION_SET_LENGTH;
    out->field = (uint8_t)field_id(f);
    memcpy(out->value, at + 8, f->info.bytes);
    return OF_FINE;
}

/* By type; 'length': of the action, 0 = the reader looks. */
static const struct action_reader {
    read_action *read;
    uint8_t kind, length;
} kinds[] = {
    [OFPAT_OUTPUT] = {read_output, ACT_OUTPUT, 16},
    [OFPAT_COPY_TTL_OUT] = {read_nothing, ACT_COPY_TTL_OUT, 8},
    [OFPAT_COPY_TTL_IN] = {read_nothing, ACT_COPY_TTL_IN, 8},
    [OFPAT_SET_MPLS_TTL] = {read_ttl, ACT_SET_MPLS_TTL, 8},
    [OFPAT_DEC_MPLS_TTL] = {read_nothing, ACT_DEC_MPLS_TTL, 8},
    [OFPAT_PUSH_VLAN] = {read_push_vlan, ACT_PUSH_VLAN, 8},
    [OFPAT_POP_VLAN] = {read_nothing, ACT_POP_VLAN, 8},
    [OFPAT_PUSH_MPLS] = {read_push_mpls, ACT_PUSH_MPLS, 8},
    [OFPAT_POP_MPLS] = {read_pop_mpls, ACT_POP_MPLS, 8},
    [OFPAT_SET_QUEUE] = {read_set_queue, ACT_SET_QUEUE, 8},
    [OFPAT_GROUP] = {read_group, ACT_GROUP, 8},
    [OFPAT_SET_NW_TTL] = {read_ttl, ACT_SET_TTL, 8},
    [OFPAT_DEC_NW_TTL] = {read_nothing, ACT_DEC_TTL, 8},
    [OFPAT_SET_FIELD] = {read_set_field, ACT_SET_FIELD, 0},
    [OFPAT_PUSH_PBB] = {read_push_pbb, ACT_PUSH_PBB, 8},
    [OFPAT_POP_PBB] = {read_nothing, ACT_POP_PBB, 8},
};

static enum of_error read_one_action(const uint8_t *at, size_t length, enum action_place place, struct action *out)
{
    unsigned type = get16(at);
    if (type >= sizeof kinds / sizeof kinds[0] || !kinds[type].read)
        return type == OFPAT_EXPERIMENTER ? OF_ACTION_EXPERIMENTER : OF_ACTION_TYPE;
    if (kinds[type].length && kinds[type].length != length)
        return OF_ACTION_LENGTH;
    *out = (struct action){.kind = kinds[type].kind};
    return kinds[type].read(at, place, out);
}

enum of_error read13_actions(const uint8_t *at, size_t size, enum action_place place, struct action *out, unsigned *n)
{
    for (*n = 0; size; (*n)++) {
        size_t length = size < 8 ? 0 : get16(at + 2);
        if (length < 8 || length % 8 || length > size)
            return OF_ACTION_LENGTH;
        enum of_error error = read_one_action(at, length, place, &out[*n]);
        if (error != OF_FINE)
            return error;
        at += length;
        size -= length;
    }
    return OF_FINE;
}
