/* Outputs: from a port number, real or reserved, to the ports that packets leave by. */
#pragma once
#include "compose/composition.h"

/* OFPAT_OUTPUT, but to OFPP_TABLE, which is the walk's (walk.h). */
void do_output(struct composition *, const struct action *);
