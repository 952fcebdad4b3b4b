/* The ports of a bridge, and what NORMAL asks of each: its VLANs and how much of it may be flooded.
 *
 * The control thread puts a new list, or a new value, in the place of the old one (base/epoch.h), so a poll thread sees
 * one or the other; what it had in hand stays good until its turn ends.
 */
#pragma once
#include "bridge/bridge.h"

/* ---- changes (control thread; published at once) ---- */

/* A port that nobody sees yet: it gets its VLANs and flood limit, then its place.  Its number is nobody else's. */
void bridge_add_port(struct bridge *, struct port *);
/* How NORMAL treats its tags from the next version on; what was learned there is forgotten. */
void bridge_set_vlans(struct bridge *, struct port *, const vs_vlans *);
/* Its config and state from now on (LIVE follows by itself).  A port that lives no more has no stations: what was
 * learned there is forgotten.  True: something changed; the caller publishes a version. */
bool bridge_set_port(struct bridge *, struct port *, uint32_t config, uint32_t state);
/* Nobody who looks from now on finds it, and what was learned there is forgotten.  Whoever has it in hand may go on:
 * what the bridge keeps at a port stays until bridge_release_port, which comes after the publish and grace that are the
 * caller's. */
void bridge_unlink_port(struct bridge *, struct port *);
/* Frees what the bridge keeps at a port that nobody sees any more. */
void bridge_release_port(struct bridge *, struct port *);
/* Gives every port of the bridge the flood limit that the bridge's specification says. */
void bridge_limit_floods(struct bridge *);

/* ---- reading (any thread inside an epoch) ---- */

/* The port of this number, or NULL. */
struct port *bridge_port(const struct bridge *, uint32_t number);
