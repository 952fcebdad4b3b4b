/* See configure.h. */
#include "bridge/configure.h"

#include "act/looks.h"
#include "bridge/port_list.h"

void bridge_change(struct bridge *b, const vs_bridge_spec *spec)
{
    struct key mask = {0};
    bool floods_otherwise = b->spec.flood_rate != spec->flood_rate;
    b->spec = *spec;
    mac_set(&b->macs, spec->mac_limit, spec->mac_age);
    if (floods_otherwise)
        bridge_limit_floods(b);
    if (spec->standalone)
        normal_looks(&mask);
    bridge_look_first(b, &mask);
    atomic_store(&b->standalone, spec->standalone);
    world_publish(b->world);
}
