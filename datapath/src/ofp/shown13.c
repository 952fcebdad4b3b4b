/* A composed list as actions of OpenFlow, for those who read a trace.  See encode13.h. */
#include <string.h>

#include "ofp/encode13.h"
#include "ofp/wire13.h"

static size_t action_size(const struct action *a)
{
    if (a->kind == ACT_SET_FIELD)
        return (4u + 4u + fields[a->field].info.bytes + 7u) & ~7u;
    return a->kind == ACT_SEND || a->kind == ACT_CONTROLLER ? 16 : 8;
}

static void put_set_field(uint8_t *at, const struct action *a)
{
    const vs_field_info *f = &fields[a->field].info;
    set16(at + 4, f->oxm_class);
    at[6] = (uint8_t)(f->oxm_field << 1);
    at[7] = f->bytes;
    memcpy(at + 8, a->value, f->bytes);
}

static void put_type(uint8_t *at, const struct action *a) { set16(at + 4, a->arg); }
static void put_ttl(uint8_t *at, const struct action *a) { at[4] = (uint8_t)a->arg; }
static void put_nothing(uint8_t *at, const struct action *a)
{
    (void)at;
    (void)a;
}
static void put_send(uint8_t *at, const struct action *a) { set32(at + 4, a->to->spec.number); }

static void put_controller(uint8_t *at, const struct action *a)
{
    set32(at + 4, OFPP_CONTROLLER);
    set16(at + 8, a->arg);
}

static const struct shown {
    void (*put)(uint8_t *, const struct action *);
    uint16_t type;
} shown[ACT_LIMIT] = {
    [ACT_SET_FIELD] = {put_set_field, OFPAT_SET_FIELD},
    [ACT_PUSH_VLAN] = {put_type, OFPAT_PUSH_VLAN},
    [ACT_POP_VLAN] = {put_nothing, OFPAT_POP_VLAN},
    [ACT_PUSH_MPLS] = {put_type, OFPAT_PUSH_MPLS},
    [ACT_POP_MPLS] = {put_type, OFPAT_POP_MPLS},
    [ACT_PUSH_PBB] = {put_type, OFPAT_PUSH_PBB},
    [ACT_POP_PBB] = {put_nothing, OFPAT_POP_PBB},
    [ACT_COPY_TTL_OUT] = {put_nothing, OFPAT_COPY_TTL_OUT},
    [ACT_COPY_TTL_IN] = {put_nothing, OFPAT_COPY_TTL_IN},
    [ACT_SET_MPLS_TTL] = {put_ttl, OFPAT_SET_MPLS_TTL},
    [ACT_DEC_MPLS_TTL] = {put_nothing, OFPAT_DEC_MPLS_TTL},
    [ACT_SET_TTL] = {put_ttl, OFPAT_SET_NW_TTL},
    [ACT_DEC_TTL] = {put_nothing, OFPAT_DEC_NW_TTL},
    [ACT_SEND] = {put_send, OFPAT_OUTPUT},
    [ACT_CONTROLLER] = {put_controller, OFPAT_OUTPUT},
};

static void put_action(struct bytes *out, const struct action *a)
{
    if (!shown[a->kind].put)
        return;
    size_t n = action_size(a);
    uint8_t *at = bytes_more(out, n);
    set16(at, shown[a->kind].type);
    set16(at + 2, (uint16_t)n);
    shown[a->kind].put(at, a);
}

void write13_actions(struct bytes *out, const struct action *actions, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        put_action(out, &actions[i]);
}
