/* Decoding actions and instructions: two tables of small handlers.  See decode.h. */
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "flow/oxm.h"
#include "ofp/decode.h"
#include "ofp/wire13.h"
#include "pipeline/bridge.h"

/* ---- actions: a handler gets one action whose length lies within the list and is a multiple of 8 ---- */

typedef enum of_error read_action(const uint8_t *at, struct action_context *, struct action *out);

static bool port_makes_sense(uint32_t port, enum action_place place)
{
    if (port >= 1 && port < OFPP_MAX)
        return true;
    switch (port) {
    case OFPP_IN_PORT: case OFPP_FLOOD: case OFPP_ALL: case OFPP_CONTROLLER: case OFPP_LOCAL: case OFPP_NORMAL: return true;
    case OFPP_TABLE: return place == IN_PACKET_OUT;
    default: return false;
    }
}

static enum of_error read_output(const uint8_t *at, struct action_context *c, struct action *out)
{
    out->port = get32(at + 4);
    out->arg = get16(at + 8);
    return port_makes_sense(out->port, c->place) ? OF_FINE : OF_ACTION_PORT;
}

static enum of_error read_group(const uint8_t *at, struct action_context *c, struct action *out)
{
    (void)c;
    out->port = get32(at + 4);
    return out->port <= OFPG_MAX ? OF_FINE : OF_ACTION_GROUP;
}

static enum of_error read_set_queue(const uint8_t *at, struct action_context *c, struct action *out)
{
    (void)c;
    out->port = get32(at + 4);
    return out->port != NO_QUEUE ? OF_FINE : OF_ACTION_QUEUE;
}

static enum of_error read_ttl(const uint8_t *at, struct action_context *c, struct action *out)
{
    (void)c;
    out->arg = at[4];
    return OF_FINE;
}

static enum of_error read_nothing(const uint8_t *at, struct action_context *c, struct action *out)
{
    (void)at;
    (void)c;
    (void)out;
    return OF_FINE;
}

/* From here on the frame is of 'type' (0: nobody knows), and of what is in its headers nothing is known. */
static void frame_becomes(struct action_context *c, uint16_t type)
{
    struct key value = {.in_port = c->value.in_port, .vlan_vid = c->value.vlan_vid}, mask = {.in_port = c->mask.in_port, .vlan_vid = c->mask.vlan_vid};
    set16(&value.eth_type, type);
    mask.eth_type = type ? UINT16_MAX : 0;
    c->value = value;
    c->mask = mask;
}

static void tags_become(struct action_context *c, uint16_t vid, uint16_t known)
{
    set16(&c->value.vlan_vid, vid);
    set16(&c->mask.vlan_vid, known);
}

static enum of_error read_push_vlan(const uint8_t *at, struct action_context *c, struct action *out)
{
    out->arg = get16(at + 4);
    tags_become(c, 0x1000, 0x1000);
    return out->arg == 0x8100 || out->arg == 0x88a8 ? OF_FINE : OF_ACTION_ARGUMENT;
}

static enum of_error read_push_mpls(const uint8_t *at, struct action_context *c, struct action *out)
{
    out->arg = get16(at + 4);
    frame_becomes(c, out->arg);
    return out->arg == 0x8847 || out->arg == 0x8848 ? OF_FINE : OF_ACTION_ARGUMENT;
}

static enum of_error read_pop_mpls(const uint8_t *at, struct action_context *c, struct action *out)
{
    out->arg = get16(at + 4);
    frame_becomes(c, out->arg);
    return out->arg >= 0x0600 ? OF_FINE : OF_ACTION_ARGUMENT;
}

static enum of_error read_push_pbb(const uint8_t *at, struct action_context *c, struct action *out)
{
    out->arg = get16(at + 4);
    frame_becomes(c, out->arg);
    tags_become(c, 0, UINT16_MAX);
    return out->arg == 0x88e7 ? OF_FINE : OF_ACTION_ARGUMENT;
}

static enum of_error read_pop_pbb(const uint8_t *at, struct action_context *c, struct action *out)
{
    (void)at;
    (void)out;
    frame_becomes(c, 0);
    tags_become(c, 0, 0);
    return OF_FINE;
}

static enum of_error set_field_error(enum oxm_error error)
{
    switch (error) {
    case OXM_BAD_FIELD: return OF_ACTION_SET_TYPE;
    case OXM_BAD_LENGTH: return OF_ACTION_SET_LENGTH;
    default: return OF_ACTION_SET_ARGUMENT;
    }
}

static enum of_error read_set_field(const uint8_t *at, struct action_context *c, struct action *out)
{
    enum oxm_error error;
    size_t length = get16(at + 2);
    const struct field *f = oxm_settable(at + 4, length - 4, &error);
    if (!f)
        return set_field_error(error);
    if (length != ((4u + 4u + f->info.bytes + 7u) & ~7u))
        return OF_ACTION_SET_LENGTH;
    if (c->place == IN_RULE && !field_allowed(f, &c->value, &c->mask))
        return OF_ACTION_INCONSISTENT;
    out->field = (uint8_t)field_id(f);
    memcpy(out->value, at + 8, f->info.bytes);
    memcpy(field_at(f, &c->value), out->value, f->info.bytes);
    memset(field_at(f, &c->mask), 0xff, f->info.bytes);
    if (out->field == FIELD_ETH_TYPE)
        frame_becomes(c, get16(out->value));
    if (out->field == FIELD_VLAN_VID)
        set16(&c->value.vlan_vid, (uint16_t)(get16(out->value) | 0x1000));
    return OF_FINE;
}

/* By type; 'length': of the action, 0 = the reader looks. */
static const struct action_kinds { read_action *read; uint8_t kind, length; } kinds[] = {
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
    [OFPAT_POP_PBB] = {read_pop_pbb, ACT_POP_PBB, 8},
};

static enum of_error read_one_action(const uint8_t *at, size_t length, struct action_context *c, struct action *out)
{
    unsigned type = get16(at);
    if (type >= sizeof kinds / sizeof kinds[0] || !kinds[type].read)
        return type == OFPAT_EXPERIMENTER ? OF_ACTION_EXPERIMENTER : OF_ACTION_TYPE;
    if (kinds[type].length && kinds[type].length != length)
        return OF_ACTION_LENGTH;
    *out = (struct action){.kind = kinds[type].kind};
    return kinds[type].read(at, c, out);
}

enum of_error decode_actions(const uint8_t *at, size_t size, struct action_context *c, struct action *out, unsigned *n)
{
    for (*n = 0; size; (*n)++) {
        size_t length = size < 8 ? 0 : get16(at + 2);
        if (length < 8 || length % 8 || length > size)
            return OF_ACTION_LENGTH;
        enum of_error error = read_one_action(at, length, c, &out[*n]);
        if (error != OF_FINE)
            return error;
        at += length;
        size -= length;
    }
    return OF_FINE;
}

/* ---- instructions ---- */

struct reading {
    struct program *program; /* room for as many actions as the bytes can hold */
    struct action *written;  /* likewise: WRITE_ACTIONS, until it is known where they go */
    struct action_context context;
    uint8_t table;
    unsigned seen; /* bit n: instruction type n */
};

typedef enum of_error read_instruction(const uint8_t *at, size_t length, struct reading *);

static enum of_error read_goto(const uint8_t *at, size_t length, struct reading *r)
{
    if (length != 8)
        return OF_INSTRUCTION_LENGTH;
    r->program->has_goto = 1;
    r->program->goto_table = at[4];
    return at[4] > r->table && at[4] < N_TABLES ? OF_FINE : OF_INSTRUCTION_TABLE;
}

static enum of_error read_metadata(const uint8_t *at, size_t length, struct reading *r)
{
    if (length != 24)
        return OF_INSTRUCTION_LENGTH;
    r->program->has_metadata = 1;
    memcpy(&r->program->metadata, at + 8, 8);
    memcpy(&r->program->metadata_mask, at + 16, 8);
    return OF_FINE;
}

static enum of_error read_apply(const uint8_t *at, size_t length, struct reading *r)
{
    unsigned n;
    enum of_error error = decode_actions(at + 8, length - 8, &r->context, r->program->actions, &n);
    r->program->n_apply = (uint16_t)n;
    return error;
}

static enum of_error read_write(const uint8_t *at, size_t length, struct reading *r)
{
    unsigned n;
    enum of_error error = decode_actions(at + 8, length - 8, &r->context, r->written, &n);
    r->program->n_write = (uint16_t)n;
    return error;
}

static enum of_error read_clear(const uint8_t *at, size_t length, struct reading *r)
{
    (void)at;
    r->program->has_clear = 1;
    return length == 8 ? OF_FINE : OF_INSTRUCTION_LENGTH;
}

static enum of_error read_meter(const uint8_t *at, size_t length, struct reading *r)
{
    if (length != 8)
        return OF_INSTRUCTION_LENGTH;
    r->program->has_meter = 1;
    r->program->meter = get32(at + 4);
    return OF_FINE; /* whether there is one, the pipeline knows */
}

static read_instruction *const instruction_readers[] = {
    [OFPIT_GOTO_TABLE] = read_goto,    [OFPIT_WRITE_METADATA] = read_metadata, [OFPIT_WRITE_ACTIONS] = read_write,
    [OFPIT_APPLY_ACTIONS] = read_apply, [OFPIT_CLEAR_ACTIONS] = read_clear,     [OFPIT_METER] = read_meter,
};

static enum of_error read_one(const uint8_t *at, size_t length, struct reading *r)
{
    unsigned type = get16(at);
    if (type >= sizeof instruction_readers / sizeof instruction_readers[0] || !instruction_readers[type])
        return type == OFPIT_EXPERIMENTER ? OF_INSTRUCTION_EXPERIMENTER : OF_INSTRUCTION_UNKNOWN;
    if (r->seen & 1u << type)
        return OF_INSTRUCTION_UNSUPPORTED; /* 1.3 has no code of its own for one that comes twice */
    r->seen |= 1u << type;
    return instruction_readers[type](at, length, r);
}

static enum of_error read_all(const uint8_t *at, size_t size, struct reading *r)
{
    while (size) {
        size_t length = size < 8 ? 0 : get16(at + 2);
        if (length < 8 || length % 8 || length > size)
            return OF_INSTRUCTION_LENGTH;
        enum of_error error = read_one(at, length, r);
        if (error != OF_FINE)
            return error;
        at += length;
        size -= length;
    }
    return OF_FINE;
}

static struct program *packed(const struct reading *r)
{
    const struct program *from = r->program;
    struct program *p = must_calloc(1, sizeof *p + (size_t)(from->n_apply + from->n_write) * sizeof(struct action));
    memcpy(p, from, sizeof *p + from->n_apply * sizeof(struct action));
    memcpy(p->actions + p->n_apply, r->written, p->n_write * sizeof(struct action));
    return p;
}

enum of_error decode_instructions(const uint8_t *at, size_t size, uint8_t table, const struct key *value,
                                  const struct key *mask, struct program **program)
{
    size_t room = size / 8 + 1;
    struct reading r = {.table = table, .context = {.value = *value, .mask = *mask}};
    r.program = must_calloc(1, sizeof *r.program + room * sizeof(struct action));
    r.written = must_calloc(room, sizeof(struct action));
    enum of_error error = read_all(at, size, &r);
    *program = error == OF_FINE ? packed(&r) : NULL;
    free(r.program);
    free(r.written);
    return error;
}
