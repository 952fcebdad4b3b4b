/* See model.h. */
#include "ofp/model.h"

#include <stdlib.h>

void flow_mod_done(struct flow_mod *m)
{
    free(m->program);
    m->program = NULL;
}

void group_mod_done(struct group_mod *m)
{
    group_free(m->group);
    m->group = NULL;
}
