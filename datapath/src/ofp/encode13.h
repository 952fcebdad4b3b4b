/* OpenFlow 1.3's hot messages, bytes out (1.3.5 section 7).  Between the files that end in 13. */
#pragma once
#include "ofp/version.h"

/* ---- encode13.c ---- */

/* A message's header, and zeroes up to 'size'. */
uint8_t *put13_header(struct bytes *out, uint8_t type, size_t size, uint32_t xid);
/* Seconds and nanoseconds, 4 bytes each. */
void put13_duration(uint8_t *at, uint64_t ns);
/* Room for a record of 'n' bytes, zeroed. */
uint8_t *put13_record(struct multipart *, size_t n);

/* As struct of_version promises. */
void write13_error(struct bytes *, enum of_error, const uint8_t *message, size_t size);
void write13_barrier_reply(struct bytes *, uint32_t xid);
void write13_packet_in(struct bytes *, const struct packet_in *);
void write13_flow_removed(struct bytes *, const struct rule *, uint64_t now_ns);
void multipart13_begin(struct multipart *, const struct of_version *, struct bytes *, enum statistics_kind,
                       uint32_t xid);
void multipart13_end(struct multipart *);

/* ---- mods13.c, shown13.c ---- */

void write13_flow_mod(struct bytes *, const struct rule *, enum of_flow_command);
void write13_group_mod(struct bytes *, const struct group *, enum of_group_command);
void write13_meter_mod(struct bytes *, const struct meter_entry *);
void write13_actions(struct bytes *, const struct action *, unsigned n);

/* ---- records13.c ---- */

/* A band of METER_BAND_SIZE bytes. */
void put13_band(uint8_t *at, const struct meter_band_spec *);
/* As struct of_version promises. */
void put13_flow(struct multipart *, const struct rule *, uint64_t now_ns);
void put13_totals(struct multipart *, const struct rule_totals *);
void put13_table(struct multipart *, const struct bridge *, uint8_t table);
void put13_port(struct multipart *, const struct port *, uint64_t now_ns);
void put13_queue(struct multipart *, uint32_t port, const struct queue *, uint64_t now_ns);
void put13_group(struct multipart *, const struct group *, uint64_t now_ns);
void put13_group_desc(struct multipart *, const struct group *);
void put13_meter(struct multipart *, const struct meter_entry *, uint64_t now_ns);
void put13_meter_config(struct multipart *, const struct meter_entry *);
