/* A queue of a port: packets wait in order and leave no faster than a rate (OpenFlow 1.3.5, 5.12 and 7.2.2).
 *
 * A bucket fills at the rate; the first packet may leave while the bucket is not in debt, and its
 * bits on the wire are taken out, into debt if need be: so each packet waits for as long as the
 * ones before it take at that rate, whatever their sizes.  How much may be saved up differs:
 *
 *   while the queue is empty, 1 ms of the rate: a burst after silence that does not stretch the
 *   next link's buffers;
 *   while packets wait, 20 ms: they could have left, but the thread that takes them came late
 *   (timers are coarse, processors are shared), and what it missed it makes up for.
 *
 * One poll thread owns a queue, puts and takes; nothing is allocated or locked there.  Time is an
 * argument.  Counters have that one writer and are read by the control thread as relaxed atomics.
 */
#pragma once
#include <stdatomic.h>
#include "packet/packet.h"

/* Frames and bytes let go, as they look on the wire (super-frames as what they stand for); errors: frames refused. */
struct queue_counters { _Atomic uint64_t tx_packets, tx_bytes, tx_errors; };

struct queue_place {
    struct packet *packet;
    uint32_t frames, bytes;
};

struct queue {
    uint32_t id;
    uint32_t max_packets;
    uint64_t max_bytes;
    uint64_t rate; /* bits a second, 0 = unlimited */
    uint64_t made_ns;
    uint64_t filled_ns;
    __int128 level; /* of the bucket, 1e-9 bits; negative: in debt */
    uint32_t first, count;
    uint32_t large;         /* of these, in large buffers */
    uint64_t frames, bytes; /* that wait, as on the wire */
    struct queue_counters counters;
    struct queue_place places[]; /* a ring of max_packets */
};

/* An empty queue that holds at most 'max_packets' (> 0) and 'max_bytes' (frames on the wire, without FCS; a super-frame
 * is the frames that it stands for), and lets 'rate' bits of them leave a second (0: unlimited).  The caller's to free.
 */
struct queue *queue_new(uint32_t id, uint64_t rate, uint32_t max_packets, uint64_t max_bytes, uint64_t now_ns);
/* From now on, the poll thread's; what was saved up or is owed stays, unless the new rate is 0 (unlimited). */
void queue_set_rate(struct queue *, uint64_t rate, uint64_t now_ns);
/* Of an empty one; NULL is fine. */
void queue_free(struct queue *);

/* Takes the caller's reference, or refuses it (false; counted as errors): full.  An empty queue takes a packet of
 * any size, else one larger than 'max_bytes' could never pass. */
bool queue_put(struct queue *, struct packet *, uint64_t now_ns);
/* How many packets wait in buffers of the size of 'p'. */
static inline uint32_t queue_held(const struct queue *q, const struct packet *p)
{
    return packet_is_large(p) ? q->large : q->count - q->large;
}
/* Counts a packet that the caller does not put in as one that was refused. */
void queue_refuse(struct queue *, const struct packet *);
/* The next packet if it may leave now, with its reference, counted as sent; or NULL. */
struct packet *queue_take(struct queue *, uint64_t now_ns);
/* The next packet whether it may leave or not, with its reference, or NULL: the queue is going away, and this one
 * counts as refused. */
struct packet *queue_give_up(struct queue *);
/* When the next packet may leave: a time already past is at once, UINT64_MAX is never (empty). */
uint64_t queue_next_ns(const struct queue *);
