/* Commands to bridges, and to the stations that NORMAL knows on them.  See command.h. */
#include "switch/command.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "bridge/configure.h"
#include "switch/history.h"

/* Each station has a counter, and of these there are so many. */
static bool has_room(const struct command *c, const vs_bridge_spec *spec)
{
    uint64_t sum = spec->mac_limit ? spec->mac_limit : MAC_LIMIT;
    for (unsigned i = 0; i < c->sw->n_bridges; i++)
        sum += c->sw->bridges[i] == c->bridge ? 0 : c->sw->bridges[i]->macs.limit;
    return sum <= MAX_STATIONS;
}

/* Is the number or the identity another one's? */
static bool is_another(const struct command *c, const vs_bridge_spec *spec)
{
    uint64_t identity = bridge_identity(c->frame.bridge, spec);
    for (unsigned i = 0; i < c->sw->n_bridges; i++)
        if ((c->sw->bridges[i]->identity == identity) != (c->sw->bridges[i]->id == c->frame.bridge))
            return true;
    return false;
}

int command_bridge_add(struct command *c)
{
    vs_bridge_spec spec;
    memcpy(&spec, c->payload, sizeof spec);
    if (!c->frame.bridge || !command_text_ends(spec.name, sizeof spec.name))
        return command_fail(c, -EINVAL, "a bridge needs a number and a name of at most 31 bytes");
    if (spec.standalone >= VS_STANDALONE_LIMIT)
        return error_set(&c->error, -EINVAL, "bridge %s: there is no way %u to switch by itself", spec.name,
                         spec.standalone);
    if (spec.mac_limit > MAC_LIMIT_MOST || !has_room(c, &spec))
        return error_set(&c->error, -EINVAL,
                         "bridge %s: %u stations are too many; %d is a bridge's most, %d that of all together",
                         spec.name, spec.mac_limit, MAC_LIMIT_MOST, MAX_STATIONS);
    if (is_another(c, &spec))
        return error_set(&c->error, -EEXIST,
                         "bridge %s: its number or its identity is another bridge's; delete that one, or choose others",
                         spec.name);
    if (c->bridge) {
        bridge_change(c->bridge, &spec);
        return 0;
    }
    if (c->sw->n_bridges == MAX_BRIDGES)
        return error_set(&c->error, -ENOSPC, "bridge %s: there are %d already, the most", spec.name, MAX_BRIDGES);
    c->sw->bridges[c->sw->n_bridges++] = bridge_new(&c->sw->world, c->frame.bridge, &spec);
    return 0;
}

int command_bridge_del(struct command *c)
{
    uint64_t identity = c->bridge->identity;
    switch_remove_bridge(c->sw, c->bridge, c->now_ns);
    history_note_bridge_gone(c->sw, identity, c->now_ns);
    return 0;
}

/* ---- stations ---- */

struct listing {
    struct events *to;
    vs_frame header;
    unsigned n;
    vs_mac macs[1024];
};

static void send_listing(struct listing *l, uint16_t flags)
{
    l->header.flags = flags;
    events_put(l->to, l->header, l->macs, l->n * sizeof l->macs[0], -1);
    l->n = 0;
}

static void list_station(void *arg, const struct mac_entry *e, uint64_t age_ns)
{
    struct listing *l = arg;
    uint64_t age_ms = age_ns / 1000000;
    if (l->n == sizeof l->macs / sizeof l->macs[0])
        send_listing(l, VS_FRAME_MORE);
    vs_mac *m = &l->macs[l->n++];
    *m = (vs_mac){
        .vlan = mac_vlan(e->station), .port = e->port, .age_ms = age_ms < UINT32_MAX ? (uint32_t)age_ms : UINT32_MAX};
    for (unsigned i = 0; i < 6; i++)
        m->mac[i] = (uint8_t)(e->station >> (40 - 8 * i));
}

int command_macs(struct command *c)
{
    struct listing l = {.to = &c->sw->events,
                        .header = {.type = VS_EVT_MACS, .bridge = c->frame.bridge, .tag = c->frame.tag}};
    switch_barrier(c->sw, c->now_ns);
    mac_visit(&c->bridge->macs, list_station, &l, c->now_ns);
    send_listing(&l, 0);
    return 0;
}

int command_mac_forget(struct command *c)
{
    switch_barrier(c->sw, c->now_ns); /* what was seen before is learned before */
    if (mac_flush(&c->bridge->macs))
        mac_publish(&c->bridge->macs);
    return 0;
}
