/* Shares of a poll thread's time: among bridges, and among the ports of one.
 *
 * Theory of operation.  Surplus round robin (Adiseshu, Parulkar and Varghese, 1996), two storeys high.  Work is
 * counted, not time: packets received, actions done to them, walks through tables, so that it is the same every time.
 * What is served may do more work than its share, since nobody knows what a packet costs before it has been switched: a
 * flood to 1,000 ports is 1,000 sends. Then it owes the rest, and is passed over until its later shares have paid for
 * it.
 *
 * The group (a bridge) has a share of every turn.  Its members (ports) are visited in rounds, each once a round; where
 * the group's share is used up the round is cut, and goes on in the next turn.  A member has a share of every round.
 * What is not used is not saved.  So in a turn no group does more than its share and what one member does at one visit,
 * however many members flood; and of two that flood the one that costs ten times as much a packet is served a tenth as
 * often.
 *
 * O(1) a visit, no clock, no memory of its own.  One thread.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* A group's of a turn, a member's of a round: a batch of 32 that leaves by 15 ports, or 16 batches that leave by one
 * each, or the first packets of a hundred flows from as many ports. */
enum { SHARE = 512 };

struct share_group {
    uint64_t turn; /* in which it was looked at last */
    int64_t left;  /* work that it may still do; below 0: that it owes */
    uint32_t round;
    bool cut; /* its round goes on in the next turn */
};
struct share_member {
    int64_t left;
    uint32_t round; /* in which it was visited last */
};

/* May the member, which has something to do, do it now?  Turns are counted from 1.  False: in a later turn, without
 * fail. */
bool share_begins(struct share_group *, struct share_member *, uint64_t turn);
/* It did so much. */
void share_ends(struct share_group *, struct share_member *, uint64_t work);
