/* See vlan.h. */
#include "bridge/vlan.h"

const vs_vlans vlans_every = {.mode = VS_VLAN_TRUNK};

static bool has_list(const vs_vlans *v)
{
    for (unsigned i = 0; i < sizeof v->trunks; i++)
        if (v->trunks[i])
            return true;
    return false;
}

static bool is_listed(const vs_vlans *v, unsigned vlan)
{
    return vlan <= VLAN_LAST && (v->trunks[vlan / 8] & 1 << vlan % 8 || !has_list(v));
}

bool vlans_valid(const vs_vlans *v)
{
    if (v->mode > VS_VLAN_NATIVE_TAGGED || v->trunks[VLAN_RESERVED / 8] & 1 << VLAN_RESERVED % 8)
        return false;
    if (v->mode == VS_VLAN_ACCESS && has_list(v))
        return false;
    return v->mode == VS_VLAN_TRUNK ? !v->tag : v->tag && v->tag <= VLAN_LAST;
}

bool vlans_pass(const vs_vlans *v, unsigned vlan)
{
    switch (v->mode) {
    case VS_VLAN_ACCESS: return vlan == v->tag;
    case VS_VLAN_TRUNK: return is_listed(v, vlan);
    default: return vlan == v->tag || (vlan && is_listed(v, vlan));
    }
}

int vlans_classify(const vs_vlans *v, unsigned vid)
{
    unsigned vlan = v->mode != VS_VLAN_TRUNK && !vid ? v->tag : vid;
    if (v->mode == VS_VLAN_ACCESS ? vid : !vlans_pass(v, vlan))
        return VLAN_REFUSED;
    return (int)vlan;
}

bool vlans_untag(const vs_vlans *v, unsigned vlan)
{
    return v->mode == VS_VLAN_ACCESS || (v->mode == VS_VLAN_NATIVE_UNTAGGED && vlan == v->tag);
}
