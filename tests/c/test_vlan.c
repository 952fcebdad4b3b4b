/* VLANs of a port: each mode, each list, each VLAN, against the sentences of vlan.h. */
#include "check.h"
#include "bridge/vlan.h"

static vs_vlans vlans_of(vs_vlan_mode mode, uint16_t tag, const uint16_t *listed)
{
    vs_vlans v = {.mode = (uint16_t)mode, .tag = tag};
    for (; listed && *listed != UINT16_MAX; listed++)
        v.trunks[*listed / 8] |= (uint8_t)(1 << *listed % 8);
    return v;
}

static const uint16_t some[] = {0, 7, 8, 4094, UINT16_MAX}, ten[] = {10, UINT16_MAX},
                      reserved[] = {10, 4095, UINT16_MAX};

static void nothing_said_is_a_trunk_of_all(void)
{
    vs_vlans v = {0};
    CHECK(vlans_valid(&v));
    CHECK(!memcmp(&v, &vlans_every, sizeof v));
    for (unsigned vlan = 0; vlan < 4095; vlan++) {
        CHECK_EQ(vlans_classify(&v, vlan), vlan);
        CHECK(vlans_pass(&v, vlan));
        CHECK(!vlans_untag(&v, vlan));
    }
    CHECK_EQ(vlans_classify(&v, 4095), VLAN_REFUSED);
    CHECK(!vlans_pass(&v, 4095));
}

static void an_access_port_has_one_vlan(void)
{
    vs_vlans v = vlans_of(VS_VLAN_ACCESS, 10, NULL);
    CHECK_EQ(vlans_classify(&v, 0), 10);
    for (unsigned vlan = 1; vlan < 4096; vlan++)
        CHECK_EQ(vlans_classify(&v, vlan), VLAN_REFUSED);
    for (unsigned vlan = 0; vlan < 4096; vlan++)
        CHECK_EQ(vlans_pass(&v, vlan), vlan == 10);
    CHECK(vlans_untag(&v, 10));
}

static bool is_some(unsigned vlan) { return vlan == 0 || vlan == 7 || vlan == 8 || vlan == 4094; }

static void a_trunk_has_those_it_is_told(void)
{
    vs_vlans v = vlans_of(VS_VLAN_TRUNK, 0, some), no_zero = vlans_of(VS_VLAN_TRUNK, 0, ten);
    for (unsigned vlan = 0; vlan < 4096; vlan++) {
        CHECK_EQ(vlans_pass(&v, vlan), is_some(vlan));
        CHECK_EQ(vlans_classify(&v, vlan), is_some(vlan) ? (int)vlan : VLAN_REFUSED);
    }
    CHECK_EQ(vlans_classify(&no_zero, 0), VLAN_REFUSED);
}

static void a_native_vlan_is_carried_too_and_vlan_0_never(void)
{
    for (vs_vlan_mode mode = VS_VLAN_NATIVE_UNTAGGED; mode <= VS_VLAN_NATIVE_TAGGED; mode++) {
        vs_vlans v = vlans_of(mode, 10, some);
        CHECK_EQ(vlans_classify(&v, 0), 10);
        for (unsigned vlan = 1; vlan < 4096; vlan++) {
            bool carried = is_some(vlan) || vlan == 10;
            CHECK_EQ(vlans_pass(&v, vlan), carried);
            CHECK_EQ(vlans_classify(&v, vlan), carried ? (int)vlan : VLAN_REFUSED);
            CHECK_EQ(vlans_untag(&v, vlan), vlan == 10 && mode == VS_VLAN_NATIVE_UNTAGGED);
        }
        CHECK(!vlans_pass(&v, 0));
    }
}

static void nonsense_is_known_as_such(void)
{
    vs_vlans wrong[] = {
        vlans_of(VS_VLAN_TRUNK, 1, NULL),        vlans_of(VS_VLAN_ACCESS, 0, NULL),
        vlans_of(VS_VLAN_ACCESS, 4095, NULL),    vlans_of(VS_VLAN_ACCESS, 10, ten),
        vlans_of(VS_VLAN_NATIVE_TAGGED, 0, ten), vlans_of((vs_vlan_mode)4, 1, NULL),
        vlans_of(VS_VLAN_TRUNK, 0, reserved),    vlans_of(VS_VLAN_NATIVE_TAGGED, 10, reserved),
    };
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        CHECK(!vlans_valid(&wrong[i]));
    vs_vlans right = vlans_of(VS_VLAN_NATIVE_UNTAGGED, 4094, some);
    CHECK(vlans_valid(&right));
}

int main(void)
{
    nothing_said_is_a_trunk_of_all();
    an_access_port_has_one_vlan();
    a_trunk_has_those_it_is_told();
    a_native_vlan_is_carried_too_and_vlan_0_never();
    nonsense_is_known_as_such();
    return checks_end();
}
