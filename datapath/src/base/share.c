/* See share.h. */
#include "base/share.h"

/* So many shares more; what was left of those before is not saved. */
static int64_t with(int64_t left, uint64_t shares)
{
    if (left >= 0 || shares > (uint64_t)-left)
        return SHARE;
    left += (int64_t)shares * SHARE;
    return left < SHARE ? left : SHARE;
}

static void begin_turn(struct share_group *g, uint64_t turn)
{
    g->left = with(g->left, turn - g->turn);
    g->round += !g->cut;
    g->cut = false;
    g->turn = turn;
}

bool share_begins(struct share_group *g, struct share_member *m, uint64_t turn)
{
    if (g->turn != turn)
        begin_turn(g, turn);
    if (m->round == g->round)
        return false;
    if (g->left <= 0) {
        g->cut = true;
        return false;
    }
    m->round = g->round;
    m->left = with(m->left, 1);
    return m->left > 0;
}

void share_ends(struct share_group *g, struct share_member *m, uint64_t work)
{
    g->left -= (int64_t)work;
    m->left -= (int64_t)work;
}
