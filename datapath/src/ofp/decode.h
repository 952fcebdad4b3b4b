/* Hot OpenFlow messages, bytes in: decoded and checked (OpenFlow 1.3.5 section 7).
 *
 * Every step advances by at least the minimum size of what it reads and never past the
 * end (HARDENING S1, S3).  Pointers in results point into the message.
 */
#pragma once
#include <stddef.h>
#include "base/of_error.h"
#include "tables/group.h"
#include "tables/meter_entry.h"
#include "tables/rule.h"

/* 'message' is whole: header length == size >= 8. */
enum of_error decode_flow_mod(const uint8_t *message, size_t size, struct flow_mod *);
void flow_mod_done(struct flow_mod *); /* frees what nobody took */

struct packet_out {
    uint32_t in_port; /* a port's number: the caller knows whether it is there; or OFPP_CONTROLLER, OFPP_ANY: from none */
    unsigned n_actions;
    struct action *actions; /* owned: free() */
    const uint8_t *data;
    size_t size;
};
enum of_error decode_packet_out(const uint8_t *message, size_t size, struct packet_out *);

enum of_error decode_group_mod(const uint8_t *message, size_t size, struct group_mod *);
void group_mod_done(struct group_mod *); /* frees what nobody took */
enum of_error decode_meter_mod(const uint8_t *message, size_t size, struct meter_mod *);

/* An ofp_match at 'at' with 'left' bytes behind it: value, mask, and its size with padding. */
enum of_error decode_match(const uint8_t *at, size_t left, struct key *value, struct key *mask, size_t *padded);

/* Where actions stand, which tells what outputs make sense.  A bucket and a packet-out meet packets of any kind: what one
 * lacks is left alone when it comes. */
enum action_place { IN_RULE, IN_BUCKET, IN_PACKET_OUT };
/* A list of actions into 'out', which has room for size / 8; their number in *n.  Each is right by itself; what a set-field
 * relies on is looked at where all of the rule is known. */
enum of_error decode_actions(const uint8_t *at, size_t size, enum action_place, struct action *out, unsigned *n);
/* Instructions of a rule in 'table' into a new programme. */
enum of_error decode_instructions(const uint8_t *at, size_t size, uint8_t table, const struct key *value,
                                  const struct key *mask, struct program **program);
