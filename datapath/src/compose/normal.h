/* OFPP_NORMAL: a learning switch with VLANs. */
#pragma once
#include "compose/composition.h"

/* Sends the packet as a learning switch does; a station that it did not know is left in 'learn' (normal.c). */
void output_normal(struct composition *, const struct action *);
