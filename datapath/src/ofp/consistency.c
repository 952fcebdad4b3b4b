/* See consistency.h. */
#include "ofp/consistency.h"

#include <string.h>

#include "act/action_set.h"
#include "base/bytes.h"

enum { PRESENT = 0x1000 }; /* OFPVID_PRESENT */

/* From here on the frame is of 'type' (0: nobody knows), and of what is in its headers nothing is known. */
static void frame_becomes(struct known *c, uint16_t type)
{
    struct key value = {.in_port = c->value.in_port, .vlan_vid = c->value.vlan_vid},
               mask = {.in_port = c->mask.in_port, .vlan_vid = c->mask.vlan_vid};
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
    [ACT_PUSH_VLAN] = after_push_vlan, [ACT_PUSH_MPLS] = after_typed, [ACT_POP_MPLS] = after_typed,
    [ACT_PUSH_PBB] = after_push_pbb,   [ACT_POP_PBB] = after_pop_pbb, [ACT_SET_FIELD] = after_set_field,
};

enum of_error known_after(struct known *c, const struct action *actions, unsigned n)
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

enum of_error known_allows_set(const struct known *c, const struct action *actions, unsigned n)
{
    struct known known = *c;
    struct action list[SET_LIMIT];
    struct action_set set;
    if (known_after(&known, actions, n) == OF_FINE)
        return OF_FINE;
    known = *c;
    set_clear(&set);
    set_write(&set, actions, n);
    return known_after(&known, list, set_flatten(&set, list));
}
