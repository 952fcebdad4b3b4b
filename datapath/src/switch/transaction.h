/* Transactions: changes that come in many frames and happen at once, or not at all.
 *
 * Theory of operation.  From its beginning to its commit a transaction is nothing but bytes kept
 * aside under its number: no table, no journal, no other session knows of it, whatever they commit
 * meanwhile.  The commit carries all of them out in one go (openflow.c), so they become one
 * version of the rules and one record of the journal's end.  What comes after a refused part is refused as
 * well, up to the commit: half a transaction never happens.  One that is forgotten goes with its
 * session, its bridge, its daemon.  All of them together keep at most VS_TRANSACTIONS_MOST bytes.
 */
#pragma once
#include "switch/switch.h"

/* Carries out one VS_CMD_ATOMIC: 'payload' is a vs_transaction and whole flow-mods.  0 or -errno with *error filled;
 * what is wrong with a flow-mod is told to the frame's session as well. */
int transaction_frame(struct vs_switch *, struct bridge *, const vs_frame *, const uint8_t *payload, size_t size,
                      uint64_t now_ns, vs_error *error);
/* Frees those of a bridge (0: of any) and a session (0: of any). */
void transactions_forget(struct vs_switch *, uint32_t bridge, uint32_t session);
