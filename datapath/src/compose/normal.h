/* OFPP_NORMAL: a learning switch with VLANs. */
#pragma once
#include "compose/composition.h"

void output_normal(struct composition *, const struct action *);
