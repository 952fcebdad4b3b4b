/* Decoding actions and instructions: two tables of small handlers.  See decode.h. */
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "flow/oxm.h"
#include "ofp/decode.h"
#include "ofp/wire13.h"
#include "pipeline/bridge.h"

/* ---- actions: a handler gets one action whose length lies within the list and is a multiple of 8 ---- */

typedef enum of_error read_action(const uint8_t *at, size_t length, struct action_context *, struct action *out);

static bool port_makes_sense(uint32_t port, bool packet_out)
{
    if (port >= 1 && port < OFPP_MAX)
        return true;
    switch (port) {
    case OFPP_IN_PORT: case OFPP_FLOOD: case OFPP_ALL: case OFPP_CONTROLLER: case OFPP_LOCAL: case OFPP_NORMAL: return true;
    case OFPP_TABLE: return packet_out;
    default: return false;
    }
}

static enum of_error read_output(const uint8_t *at, size_t length, struct action_context *c, struct action *out)
{
    if (length != 16)
        return OF_ACTION_LENGTH;
    out->kind = ACT_OUTPUT;
    out->port = get32(at + 4);
    out->arg = get16(at + 8);
    return port_makes_sense(out->port, c->packet_out) ? OF_FINE : OF_ACTION_PORT;
}

static enum of_error read_push_vlan(const uint8_t *at, size_t length, struct action_context *c, struct action *out)
{
    if (length != 8)
        return OF_ACTION_LENGTH;
    out->kind = ACT_PUSH_VLAN;
    out->arg = get16(at + 4);
    if (out->arg != 0x8100 && out->arg != 0x88a8)
        return OF_ACTION_ARGUMENT;
    set16(&c->value.vlan_vid, 0x1000);
    set16(&c->mask.vlan_vid, 0x1000);
    return OF_FINE;
}

static enum of_error read_pop_vlan(const uint8_t *at, size_t length, struct action_context *c, struct action *out)
{
    (void)at;
    (void)c;
    out->kind = ACT_POP_VLAN;
    return length == 8 ? OF_FINE : OF_ACTION_LENGTH;
}

static enum of_error read_set_ttl(const uint8_t *at, size_t length, struct action_context *c, struct action *out)
{
    (void)c;
    out->kind = ACT_SET_TTL;
    out->arg = at[4];
    return length == 8 ? OF_FINE : OF_ACTION_LENGTH;
}

static enum of_error read_dec_ttl(const uint8_t *at, size_t length, struct action_context *c, struct action *out)
{
    (void)at;
    (void)c;
    out->kind = ACT_DEC_TTL;
    return length == 8 ? OF_FINE : OF_ACTION_LENGTH;
}

static enum of_error set_field_error(enum oxm_error error)
{
    switch (error) {
    case OXM_BAD_FIELD: return OF_ACTION_SET_TYPE;
    case OXM_BAD_LENGTH: return OF_ACTION_SET_LENGTH;
    default: return OF_ACTION_SET_ARGUMENT;
    }
}

static enum of_error read_set_field(const uint8_t *at, size_t length, struct action_context *c, struct action *out)
{
    enum oxm_error error;
    const struct field *f = oxm_settable(at + 4, length - 4, &error);
    if (!f)
        return set_field_error(error);
    if (length != ((4u + 4u + f->info.bytes + 7u) & ~7u))
        return OF_ACTION_SET_LENGTH;
    if (!c->packet_out && !field_allowed(f, &c->value, &c->mask))
        return OF_ACTION_INCONSISTENT;
    out->kind = ACT_SET_FIELD;
    out->field = (uint8_t)field_id(f);
    memcpy(out->value, at + 8, f->info.bytes);
    memcpy(field_at(f, &c->value), out->value, f->info.bytes);
    memset(field_at(f, &c->mask), 0xff, f->info.bytes);
    if (out->field == FIELD_VLAN_VID)
        set16(&c->value.vlan_vid, (uint16_t)(get16(out->value) | 0x1000));
    return OF_FINE;
}

static const struct { uint16_t type; read_action *read; } action_readers[] = {
    {OFPAT_OUTPUT, read_output},         {OFPAT_SET_FIELD, read_set_field},   {OFPAT_PUSH_VLAN, read_push_vlan},
    {OFPAT_POP_VLAN, read_pop_vlan},     {OFPAT_SET_NW_TTL, read_set_ttl},    {OFPAT_DEC_NW_TTL, read_dec_ttl},
};

static read_action *action_reader(uint16_t type)
{
    for (unsigned i = 0; i < sizeof action_readers / sizeof action_readers[0]; i++)
        if (action_readers[i].type == type)
            return action_readers[i].read;
    return NULL;
}

enum of_error decode_actions(const uint8_t *at, size_t size, struct action_context *c, struct action *out, unsigned *n)
{
    for (*n = 0; size; (*n)++) {
        size_t length = size < 8 ? 0 : get16(at + 2);
        if (length < 8 || length % 8 || length > size)
            return OF_ACTION_LENGTH;
        read_action *read = action_reader(get16(at));
        if (!read)
            return get16(at) == OFPAT_EXPERIMENTER ? OF_ACTION_EXPERIMENTER : OF_ACTION_TYPE;
        out[*n] = (struct action){0};
        enum of_error error = read(at, length, c, &out[*n]);
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
    (void)at;
    (void)r;
    return length == 8 ? OF_INSTRUCTION_UNSUPPORTED : OF_INSTRUCTION_LENGTH;
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
        return OF_INSTRUCTION_DUPLICATE;
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
