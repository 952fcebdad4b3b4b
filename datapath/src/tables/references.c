/* See references.h. */
#include "tables/references.h"

#include "base/check.h"

void bridge_refer(struct bridge *b, const struct action *actions, unsigned n, int by)
{
    for (unsigned i = 0; i < n; i++)
        if (actions[i].kind == ACT_GROUP) {
            struct group *g = bridge_group(b, actions[i].port);
            MUST(g);
            g->refs += (uint32_t)by;
        }
}

enum of_error bridge_knows_groups(const struct bridge *b, const struct action *actions, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (actions[i].kind == ACT_GROUP && !bridge_group(b, actions[i].port))
            return OF_ACTION_GROUP;
    return OF_FINE;
}
