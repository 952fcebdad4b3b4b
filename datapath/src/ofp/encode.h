/* Hot OpenFlow messages, bytes out: appended to a buffer, whole (OpenFlow 1.3.5 section 7). */
#pragma once
#include "base/bytes.h"
#include "base/of_error.h"
#include "lane/queue.h"
#include "tables/group.h"
#include "tables/meter_entry.h"
#include "tables/rule.h"

/* OFPT_ERROR about 'message'; its first 64 bytes go along. */
void encode_error(struct bytes *, enum of_error, const uint8_t *message, size_t size);
void encode_barrier_reply(struct bytes *, uint32_t xid);

struct packet_in {
    uint32_t in_port;
    uint16_t total_len;
    uint8_t reason, table;
    uint64_t cookie, metadata, tunnel_id; /* the last two: network order */
    const uint8_t *data;
    size_t size;
};
void encode_packet_in(struct bytes *, const struct packet_in *);
void encode_flow_removed(struct bytes *, const struct rule *, uint64_t now_ns);

/* A multipart reply under way: messages are split below 64 KB with OFPMPF_MORE. */
struct multipart {
    struct bytes *out;
    size_t start; /* of the message being written */
    uint32_t xid;
    uint16_t type;
};
void multipart_begin(struct multipart *, struct bytes *, uint16_t type, uint32_t xid);
/* Room for a record of 'n' bytes, zeroed. */
uint8_t *multipart_record(struct multipart *, size_t n);
void put_duration(uint8_t *at, uint64_t ns); /* seconds and nanoseconds, 4 bytes each */
void multipart_end(struct multipart *);

void encode_flow_stats(struct multipart *, const struct rule *, uint64_t now_ns);
void encode_table_stats(struct multipart *, const struct bridge *, uint8_t table);
void encode_port_stats(struct multipart *, const struct port *, uint64_t now_ns);
void encode_queue_stats(struct multipart *, uint32_t port, const struct queue *, uint64_t now_ns);
void encode_group_stats(struct multipart *, const struct group *, uint64_t now_ns);
void encode_group_desc(struct multipart *, const struct group *);
void encode_meter_stats(struct multipart *, const struct meter_entry *, uint64_t now_ns);
void encode_meter_config(struct multipart *, const struct meter_entry *);
