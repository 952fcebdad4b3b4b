/* How hot messages look in each version of OpenFlow: one table a version, as data.
 *
 * Theory of operation.  Hot are the messages that are decoded, carried out and answered in C; all others are the
 * daemon's.  What they mean has one form for all versions (model.h, tables/).  What differs is in a struct
 * of_version: which number in the header is which message, which number is which statistics, how each is read and
 * written.  A further version is a further struct, with files of its own beside those of 1.3 (which end in 13),
 * and a line in spoken.c; nobody else knows what a message looks like.
 *
 * Readers: 'message' is whole, its header's length is 'size', at least OF_HEADER; every step advances by at least the
 * minimum size of what it reads and never past the end (HARDENING S1, S3).  Writers append whole messages.  Pure
 * functions, any thread.
 */
#pragma once
#include "base/bytes.h"
#include "base/of_error.h"
#include "bridge/bridge.h"
#include "lane/queue.h"
#include "ofp/model.h"

enum { OF_HEADER = 8, OF_TYPES = 32, OF_MULTIPARTS = 16 }; /* version, type, length, transaction: in all versions */

enum hot_message {
    HOT_NONE,
    HOT_FLOW_MOD,
    HOT_PACKET_OUT,
    HOT_GROUP_MOD,
    HOT_METER_MOD,
    HOT_STATISTICS,
    HOT_BARRIER,
    HOT_LIMIT
};

struct of_version;

/* A statistics reply under way: messages are split below 64 KB, all but the last say that more comes. */
struct multipart {
    const struct of_version *version;
    struct bytes *out;
    size_t start; /* of the message being written */
    uint32_t xid;
    uint16_t type;
};

/* Bytes that what is kept takes as a message: for reckoning only, what is longer in a message is added by its own size.
 */
struct message_sizes { uint16_t flow_mod, group_mod, meter_mod, band; };

struct of_version {
    uint8_t number;                    /* in the header */
    uint8_t messages[OF_TYPES];        /* enum hot_message, by type */
    uint8_t statistics[OF_MULTIPARTS]; /* enum statistics_kind, by type of multipart */
    struct message_sizes sizes;

    /* ---- readers: anything but OF_FINE is what is wrong with it ---- */

    enum of_error (*read_flow_mod)(const uint8_t *message, size_t size, struct flow_mod *);   /* then flow_mod_done */
    enum of_error (*read_group_mod)(const uint8_t *message, size_t size, struct group_mod *); /* then group_mod_done */
    enum of_error (*read_meter_mod)(const uint8_t *message, size_t size, struct meter_mod *);
    enum of_error (*read_packet_out)(const uint8_t *message, size_t size,
                                     struct packet_out *); /* then free its actions */
    /* Which statistics a request asks for, then what it selects. */
    enum of_error (*read_statistics_kind)(const struct of_version *, const uint8_t *message, size_t size,
                                          enum statistics_kind *);
    enum of_error (*read_statistics)(const uint8_t *message, size_t size, enum statistics_kind,
                                     struct statistics_request *);

    /* ---- writers ---- */

    /* An error about 'message', whose first bytes go along. */
    void (*write_error)(struct bytes *, enum of_error, const uint8_t *message, size_t size);
    void (*write_barrier_reply)(struct bytes *, uint32_t xid);
    void (*write_packet_in)(struct bytes *, const struct packet_in *);
    void (*write_flow_removed)(struct bytes *, const struct rule *, uint64_t now_ns);
    /* The message that makes, or deletes, exactly this: for the journal. */
    void (*write_flow_mod)(struct bytes *, const struct rule *, enum of_flow_command);
    void (*write_group_mod)(struct bytes *, const struct group *, enum of_group_command);
    void (*write_meter_mod)(struct bytes *, const struct meter_entry *);
    /* A composed list as actions; what has no form in OpenFlow (drops, meters, copies, stages) is left out. */
    void (*write_actions)(struct bytes *, const struct action *, unsigned n);

    /* A reply of records, each whole in one message. */
    void (*multipart_begin)(struct multipart *, const struct of_version *, struct bytes *, enum statistics_kind,
                            uint32_t xid);
    void (*multipart_end)(struct multipart *);
    void (*put_flow)(struct multipart *, const struct rule *, uint64_t now_ns);
    void (*put_totals)(struct multipart *, const struct rule_totals *);
    void (*put_table)(struct multipart *, const struct bridge *, uint8_t table);
    void (*put_port)(struct multipart *, const struct port *, uint64_t now_ns);
    void (*put_queue)(struct multipart *, uint32_t port, const struct queue *, uint64_t now_ns);
    void (*put_group)(struct multipart *, const struct group *, uint64_t now_ns);
    void (*put_group_desc)(struct multipart *, const struct group *);
    void (*put_meter)(struct multipart *, const struct meter_entry *, uint64_t now_ns);
    void (*put_meter_config)(struct multipart *, const struct meter_entry *);
};

extern const struct of_version openflow_13;

/* The transaction of a message, which its answer has too. */
static inline uint32_t of_xid(const uint8_t *message) { return get32(message + 4); }
/* What a message is in its version; HOT_NONE: not ours. */
static inline enum hot_message of_hot(const struct of_version *v, const uint8_t *message)
{
    return message[1] < OF_TYPES ? (enum hot_message)v->messages[message[1]] : HOT_NONE;
}
