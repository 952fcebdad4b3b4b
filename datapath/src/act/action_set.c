/* See action_set.h. */
#include "act/action_set.h"

static unsigned place_of(const struct action *a)
{
    static const uint8_t places[ACT_LIMIT] = {
        [ACT_COPY_TTL_IN] = SET_COPY_TTL_IN,
        [ACT_POP_VLAN] = SET_POP_VLAN,
        [ACT_POP_PBB] = SET_POP_PBB,
        [ACT_POP_MPLS] = SET_POP_MPLS,
        [ACT_PUSH_MPLS] = SET_PUSH_MPLS,
        [ACT_PUSH_PBB] = SET_PUSH_PBB,
        [ACT_PUSH_VLAN] = SET_PUSH_VLAN,
        [ACT_COPY_TTL_OUT] = SET_COPY_TTL_OUT,
        [ACT_DEC_MPLS_TTL] = SET_DEC_MPLS_TTL,
        [ACT_DEC_TTL] = SET_DEC_TTL,
        [ACT_SET_MPLS_TTL] = SET_MPLS_TTL,
        [ACT_SET_TTL] = SET_TTL,
        [ACT_SET_FIELD] = SET_FIELD,
        [ACT_SET_QUEUE] = SET_QUEUE,
        [ACT_GROUP] = SET_GROUP,
        [ACT_OUTPUT] = SET_OUTPUT,
    };
    return places[a->kind] + (a->kind == ACT_SET_FIELD ? a->field : 0u);
}

void set_write(struct action_set *s, const struct action *actions, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        unsigned place = place_of(&actions[i]);
        s->at[place] = actions[i];
        s->has |= 1ull << place;
    }
}

unsigned set_flatten(const struct action_set *s, struct action *out)
{
    uint64_t left = s->has;
    unsigned n = 0;
    if (left & 1ull << SET_GROUP)
        left &= ~(1ull << SET_OUTPUT);
    for (; left; left &= left - 1)
        out[n++] = s->at[__builtin_ctzll(left)];
    return n;
}
