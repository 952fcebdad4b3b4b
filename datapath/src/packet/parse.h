/* Finding the headers of a frame: layers, not values.
 *
 * Small parsers, one a header, chosen by table; each gets the bytes that are left
 * and may only narrow them.  A header that is cut short or contradicts the frame's
 * length ends the walk there: the packet then simply has no such field, so it can
 * match only what it has (HARDENING S10).  Nothing is dropped here.
 */
#pragma once
#include "packet/packet.h"

/* Fills p->layout from p->data[0 .. len).  Total work is bounded: LAYOUT_MAX_VLANS tags,
 * LAYOUT_MAX_EXTHDRS extension headers, ND options only within the frame. */
void layout_parse(struct packet *p);
