/* Which VLAN a frame is in at a port, for OFPP_NORMAL (IEEE 802.1Q, as Open vSwitch reads it).
 *
 * A frame is classified by its outermost tag; one without tag, or with VLAN 0 in it (a priority tag), is
 * in the port's own VLAN, which is 0 on a plain trunk (there a priority tag is left alone).  An access port takes only
 * such frames: one that says its VLAN itself is dropped there, also when it says the right one.  A trunk takes the
 * VLANs it is told, those with a native VLAN always that one too; VLAN 0 passes a trunk with a list only if that has
 * it, and one with a native VLAN never, since frames without tag mean something else there.  VLAN 4095 is none (802.1Q
 * table 9-2): its frames pass nowhere, and no port carries it.
 *
 * Pure functions.  Nobody's VLANs are left unsaid: a port has a value from before it is seen until it is gone for all.
 */
#pragma once
#include <stdbool.h>
#include "vswitch.h"

enum { VLAN_LAST = 4094, VLAN_RESERVED = 4095, VLAN_REFUSED = -1 };

/* Does it make sense? */
bool vlans_valid(const vs_vlans *);
/* The VLAN of a frame that came in with 'vid' in its outermost tag (0: or without), or VLAN_REFUSED. */
int vlans_classify(const vs_vlans *, unsigned vid);
/* May frames of this VLAN leave by the port? */
bool vlans_pass(const vs_vlans *, unsigned vlan);
/* Do frames of this VLAN, which passes, leave without its tag? */
bool vlans_untag(const vs_vlans *, unsigned vlan);
/* Is it an access port? */
static inline bool vlans_access(const vs_vlans *v) { return v->mode == VS_VLAN_ACCESS; }
/* A trunk of all VLANs: what the controller sends itself is in the VLAN that its tag says. */
extern const vs_vlans vlans_every;
