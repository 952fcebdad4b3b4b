/* Keeping the journal of a switch: what is written when, played back, made short again. */
#pragma once
#include "switch/switch.h"

/* Publishes what is pending of a bridge, and makes it count in the journal. */
void history_commit(struct vs_switch *, struct bridge *);
/* Takes both back. */
void history_abort(struct vs_switch *, struct bridge *);
/* A flow-mod that became pending. */
void history_note(struct vs_switch *, const struct bridge *, const uint8_t *message, size_t size, uint64_t now_ns);
/* A rule that a timeout takes. */
void history_note_expiry(struct vs_switch *, const struct bridge *, const struct rule *, uint64_t now_ns);
/* What the journal says of a bridge that was deleted is for nobody. */
void history_note_bridge_gone(struct vs_switch *, uint64_t identity, uint64_t now_ns);
/* Rewrites the journal when most of it is dead. */
void history_shorten(struct vs_switch *);
/* Takes over a journal that another forwarder left (owns 'fd').  0 or -errno. */
int history_adopt(struct vs_switch *, int fd);
/* Plays what was taken over back into the bridges that are there, once; what it says of others is forgotten. */
void history_replay(struct vs_switch *, uint64_t now_ns);
