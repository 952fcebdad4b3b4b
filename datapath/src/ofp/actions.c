/* Decoding actions and instructions: two tables of small handlers.  See decode.h. */
#include <string.h>

#include "act/action_set.h"
#include "base/bytes.h"
#include "base/check.h"
#include "flow/oxm.h"
#include "ofp/decode.h"
#include "ofp/wire13.h"

/* ---- actions: a handler gets one action whose length lies within the list and is a multiple of 8 ---- */

typedef enum of_error read_action(const uint8_t *at, enum action_place, struct action *out);

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

enum of_error decode_actions(const uint8_t *at, size_t size, enum action_place place, struct action *out, unsigned *n)
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

/* ---- what a set-field may rely on: the rule's match, and what the actions before it do to that ---- */

enum { PRESENT = 0x1000 }; /* OFPVID_PRESENT */
struct known { struct key value, mask; };

/* From here on the frame is of 'type' (0: nobody knows), and of what is in its headers nothing is known. */
static void frame_becomes(struct known *c, uint16_t type)
{
    struct key value = {.in_port = c->value.in_port, .vlan_vid = c->value.vlan_vid}, mask = {.in_port = c->mask.in_port, .vlan_vid = c->mask.vlan_vid};
    set16(&value.eth_type, type);
    mask.eth_type = type ? UINT16_MAX : 0;
    c->value = value;
    c->mask = mask;
}

static void tags_become(struct known *c, uint16_t vid, uint16_t known)
{
    set16(&c->value.vlan_vid, vid);
    set16(&c->mask.vlan_vid, known);
}

static void after_push_vlan(struct known *c, const struct action *a)
{
    (void)a;
    tags_become(c, PRESENT, PRESENT);
}

static void after_typed(struct known *c, const struct action *a) { frame_becomes(c, a->arg); }

static void after_push_pbb(struct known *c, const struct action *a)
{
    frame_becomes(c, a->arg);
    tags_become(c, 0, UINT16_MAX);
}

static void after_pop_pbb(struct known *c, const struct action *a)
{
    (void)a;
    frame_becomes(c, 0);
    tags_become(c, 0, 0);
}

static void after_set_field(struct known *c, const struct action *a)
{
    const struct field *f = &fields[a->field];
    memcpy(field_at(f, &c->value), a->value, f->info.bytes);
    memset(field_at(f, &c->mask), 0xff, f->info.bytes);
    if (a->field == FIELD_ETH_TYPE)
        frame_becomes(c, get16(a->value));
}

static void (*const effects[ACT_LIMIT])(struct known *, const struct action *) = {
    [ACT_PUSH_VLAN] = after_push_vlan, [ACT_PUSH_MPLS] = after_typed,   [ACT_POP_MPLS] = after_typed,
    [ACT_PUSH_PBB] = after_push_pbb,   [ACT_POP_PBB] = after_pop_pbb,   [ACT_SET_FIELD] = after_set_field,
};

/* Carries the context over the actions in this order. */
static enum of_error check_order(struct known *c, const struct action *actions, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        const struct action *a = &actions[i];
        if (a->kind == ACT_SET_FIELD && !field_allowed(&fields[a->field], &c->value, &c->mask))
            return OF_ACTION_INCONSISTENT;
        if (effects[a->kind])
            effects[a->kind](c, a);
    }
    return OF_FINE;
}

/* A written list is carried out in the set's order, and may stand in any: one of the two has to make sense. */
static enum of_error check_written(const struct known *c, const struct action *actions, unsigned n)
{
    struct known known = *c;
    struct action list[SET_LIMIT];
    struct action_set set;
    if (check_order(&known, actions, n) == OF_FINE)
        return OF_FINE;
    known = *c;
    set_clear(&set);
    set_write(&set, actions, n);
    return check_order(&known, list, set_flatten(&set, list));
}

/* ---- instructions ---- */

struct reading {
    struct program *program; /* room for as many actions as the bytes can hold */
    struct action *written;  /* likewise: WRITE_ACTIONS, until it is known where they go */
    struct known known;
    uint8_t table;
    struct { const uint8_t *at; size_t length; } found[OFPIT_METER + 1]; /* by type; at NULL: not there */
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
    enum of_error error = decode_actions(at + 8, length - 8, IN_RULE, r->program->actions, &n);
    r->program->n_apply = (uint16_t)n;
    return error == OF_FINE ? check_order(&r->known, r->program->actions, n) : error;
}

static enum of_error read_write(const uint8_t *at, size_t length, struct reading *r)
{
    unsigned n;
    enum of_error error = decode_actions(at + 8, length - 8, IN_RULE, r->written, &n);
    r->program->n_write = (uint16_t)n;
    return error == OF_FINE ? check_written(&r->known, r->written, n) : error;
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
    /* Virtual ones are not for rules (section 7.3.4.4); whether there is this one, the tables know. */
    return r->program->meter <= OFPM_MAX ? OF_FINE : OF_METER_INVALID;
}

static read_instruction *const instruction_readers[] = {
    [OFPIT_GOTO_TABLE] = read_goto,    [OFPIT_WRITE_METADATA] = read_metadata, [OFPIT_WRITE_ACTIONS] = read_write,
    [OFPIT_APPLY_ACTIONS] = read_apply, [OFPIT_CLEAR_ACTIONS] = read_clear,     [OFPIT_METER] = read_meter,
};

static enum of_error note_instruction(const uint8_t *at, size_t length, struct reading *r)
{
    unsigned type = get16(at);
    if (type >= sizeof instruction_readers / sizeof instruction_readers[0] || !instruction_readers[type])
        return type == OFPIT_EXPERIMENTER ? OF_INSTRUCTION_EXPERIMENTER : OF_INSTRUCTION_UNKNOWN;
    if (r->found[type].at)
        return OF_INSTRUCTION_UNSUPPORTED; /* 1.3 has no code of its own for one that comes twice */
    r->found[type].at = at;
    r->found[type].length = length;
    return OF_FINE;
}

static enum of_error note_all(const uint8_t *at, size_t size, struct reading *r)
{
    while (size) {
        size_t length = size < 8 ? 0 : get16(at + 2);
        if (length < 8 || length % 8 || length > size)
            return OF_INSTRUCTION_LENGTH;
        enum of_error error = note_instruction(at, length, r);
        if (error != OF_FINE)
            return error;
        at += length;
        size -= length;
    }
    return OF_FINE;
}

/* They may stand in any order, and are carried out in this one (section 5.9): so are they read. */
static enum of_error read_all(const uint8_t *at, size_t size, struct reading *r)
{
    static const uint8_t order[] = {OFPIT_METER, OFPIT_APPLY_ACTIONS, OFPIT_CLEAR_ACTIONS, OFPIT_WRITE_ACTIONS, OFPIT_WRITE_METADATA,
                                    OFPIT_GOTO_TABLE};
    enum of_error error = note_all(at, size, r);
    for (unsigned i = 0; i < sizeof order && error == OF_FINE; i++)
        if (r->found[order[i]].at)
            error = instruction_readers[order[i]](r->found[order[i]].at, r->found[order[i]].length, r);
    return error;
}

static struct program *packed(const struct reading *r)
{
    const struct program *from = r->program;
    struct program *p = must_calloc(1, sizeof *p + (size_t)(from->n_apply + from->n_write) * sizeof(struct action));
    memcpy(p, from, sizeof *p + from->n_apply * sizeof(struct action));
    memcpy(p->actions + p->n_apply, r->written, p->n_write * sizeof(struct action));
    return p;
}

/* Lists of the usual length are read on the stack: an allocation costs as much as reading one. */
enum { ROOM_AT_HAND = 32 };

enum of_error decode_instructions(const uint8_t *at, size_t size, uint8_t table, const struct key *value,
                                  const struct key *mask, struct program **program)
{
    _Alignas(struct program) uint8_t at_hand[sizeof(struct program) + ROOM_AT_HAND * sizeof(struct action)];
    struct action written[ROOM_AT_HAND];
    size_t room = size / 8 + 1;
    bool fits = room <= ROOM_AT_HAND;
    struct reading r = {.table = table, .known = {*value, *mask}};
    r.program = fits ? (void *)at_hand : must_calloc(1, sizeof *r.program + room * sizeof(struct action));
    r.written = fits ? written : must_calloc(room, sizeof(struct action));
    memset(r.program, 0, sizeof *r.program);
    enum of_error error = read_all(at, size, &r);
    *program = error == OF_FINE ? packed(&r) : NULL;
    if (!fits) {
        free(r.program);
        free(r.written);
    }
    return error;
}
