/* OpenFlow 1.3's hot messages, bytes in: decoded and checked (1.3.5 section 7).  Between the files that end in 13. */
#pragma once
#include "ofp/version.h"

/* messages13.c, groups13.c, meters13.c, statistics13.c: as struct of_version promises. */
enum of_error read13_flow_mod(const uint8_t *message, size_t size, struct flow_mod *);
enum of_error read13_packet_out(const uint8_t *message, size_t size, struct packet_out *);
enum of_error read13_group_mod(const uint8_t *message, size_t size, struct group_mod *);
enum of_error read13_meter_mod(const uint8_t *message, size_t size, struct meter_mod *);
enum of_error read13_statistics_kind(const struct of_version *, const uint8_t *message, size_t size,
                                     enum statistics_kind *);
enum of_error read13_statistics(const uint8_t *message, size_t size, enum statistics_kind, struct statistics_request *);

/* match13.c: an ofp_match at 'at' with 'left' bytes behind it: value, mask, and its size with padding. */
enum of_error read13_match(const uint8_t *at, size_t left, struct key *value, struct key *mask, size_t *padded);

/* Where actions stand, which tells what outputs make sense.  A bucket and a packet-out meet packets of any kind: what
 * one lacks is left alone when it comes. */
enum action_place { IN_RULE, IN_BUCKET, IN_PACKET_OUT };
/* actions13.c: a list of actions into 'out', which has room for size / 8; their number in *n.  Each is right by itself;
 * what a set-field relies on is looked at where all of the rule is known. */
enum of_error read13_actions(const uint8_t *at, size_t size, enum action_place, struct action *out, unsigned *n);
/* instructions13.c: instructions of a rule in 'table' into a new programme, the caller's to free; NULL if something is
 * wrong. */
enum of_error read13_instructions(const uint8_t *at, size_t size, uint8_t table, const struct key *value,
                                  const struct key *mask, struct program **program);
