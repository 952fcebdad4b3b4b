/* Instructions: noted in any order, read in that in which they are carried out.  See decode13.h. */
#include <string.h>

#include "base/check.h"
#include "ofp/consistency.h"
#include "ofp/decode13.h"
#include "ofp/wire13.h"

struct reading {
    struct program *program; /* room for as many actions as the bytes can hold */
    struct action *written;  /* likewise: WRITE_ACTIONS, until it is known where they go */
    struct known known;
    uint8_t table;
    struct {
        const uint8_t *at;
        size_t length;
    } found[OFPIT_METER + 1]; /* by type; at NULL: not there */
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
    enum of_error error = read13_actions(at + 8, length - 8, IN_RULE, r->program->actions, &n);
    r->program->n_apply = (uint16_t)n;
    return error == OF_FINE ? known_after(&r->known, r->program->actions, n) : error;
}

static enum of_error read_write(const uint8_t *at, size_t length, struct reading *r)
{
    unsigned n;
    enum of_error error = read13_actions(at + 8, length - 8, IN_RULE, r->written, &n);
    r->program->n_write = (uint16_t)n;
    return error == OF_FINE ? known_allows_set(&r->known, r->written, n) : error;
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
    [OFPIT_GOTO_TABLE] = read_goto,     [OFPIT_WRITE_METADATA] = read_metadata, [OFPIT_WRITE_ACTIONS] = read_write,
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
    static const uint8_t order[] = {OFPIT_METER,         OFPIT_APPLY_ACTIONS,  OFPIT_CLEAR_ACTIONS,
                                    OFPIT_WRITE_ACTIONS, OFPIT_WRITE_METADATA, OFPIT_GOTO_TABLE};
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

enum of_error read13_instructions(const uint8_t *at, size_t size, uint8_t table, const struct key *value,
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
