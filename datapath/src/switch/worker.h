/* A poll thread's belongings, and what the control thread does with them: made, woken, told what to poll.  What the
 * thread does: turns.h. */
#pragma once
#include <pthread.h>
#include "act/execute.h"
#include "base/ring.h"
#include "compose/compose.h"
#include "switch/lanes.h"

/* All ports of all bridges, for poll threads; replaced as a whole. */
struct poll_list {
    uint32_t n;
    struct polled {
        struct port *port;
        struct bridge *bridge;
    } ports[];
};

/* Records of the rings to the control thread: packets for the controller, stations that NORMAL does not know. */
enum { NO_TELLER = UINT32_MAX };
struct station_told {
    uint32_t bridge, in_port;
    uint64_t station;
};
struct upcall {
    uint32_t bridge, in_port;
    uint32_t size; /* of the frame that follows */
    uint8_t reason, table;
    uint16_t unused;
    uint32_t teller; /* index of the port that is charged for it, or NO_TELLER */
    uint64_t cookie, metadata, tunnel_id;
};

/* Records of the ring from the control thread.  INJECT_PACKET, a packet-out: the actions follow, then the frame.
 * INJECT_RATE: a queue's new rate.  INJECT_LET_GO: 'object' is leaving, see parting.h. */
enum { INJECTION_RING = 1 << 20 }; /* bytes; a record takes half of them at most */
enum injection_kind { INJECT_PACKET, INJECT_RATE, INJECT_LET_GO };
struct worker;
struct injection {
    struct bridge *bridge;
    struct port *from; /* of the packet; NULL: none */
    struct queue *queue;
    uint64_t rate;
    void (*let_go)(struct worker *, void *object);
    void *object;
    uint32_t in_port, n_actions, size, kind; /* enum injection_kind */
};

/* Stages that a packet may go through one behind the other, and all in all: copies may have copies, and a super-frame
 * is up to GSO_MAX_SEGMENTS packets. */
enum { WORKER_LEVELS = 8, WORKER_STAGES = 4096 };

/* What an event of the thread's epoll is for: a port by its index, or this: wake_fd. */
enum { WORKER_WAKE = UINT32_MAX };

struct worker_stats { _Atomic uint64_t hits, misses, stale; };

/* Packets of a port that have to go through the tables and wait for a turn. */
struct backlog {
    unsigned n, at;
    struct bridge *bridge;
    struct packet *packets[PORT_BATCH];
};

struct worker {
    struct executor executor; /* first: handlers cast */
    struct world *world;
    _Atomic(struct poll_list *) *ports;
    struct epoch_reader *reader;
    struct packet_pool *pool;
    struct cache *cache; /* NULL: none */
    struct ring upcalls, stations, injections;
    struct worker_stats stats;
    struct stages *stages;
    struct composition *compositions; /* WORKER_LEVELS of them */
    unsigned level, continued;        /* stages that the packet at hand is in, and has been in */
    /* Of the packets being worked on. */
    const struct bridge *bridge;
    const struct key_shape *shape;
    uint64_t version; /* of rules and ports */
    uint64_t stamp;   /* of a cached answer of 'bridge' that is right now */
    uint64_t inserts; /* into the cache: pointers to its entries may be wrong since */
    struct lane_poll lanes;
    struct backlog *backlogs;             /* by port index, mapped whole */
    unsigned n_waiting;                   /* packets in them */
    _Atomic uint64_t turn;                /* turns begun; the control thread looks whether they go on */
    bool owed;                            /* a port that may have work was passed over in this turn */
    uint64_t said[OUTLET_PORTS];          /* bytes of upcalls, by port index */
    _Atomic uint64_t taken[OUTLET_PORTS]; /* of these, by the control thread */
    uint8_t ready[OUTLET_PORTS];          /* by port index: has work, as far as known */
    int epoll, wake_fd;                   /* wake_fd: the control thread wants us awake */
    int upcall_fd;                        /* the control thread's; shared by all workers */
    _Atomic bool *told;                   /* it was told and has not looked yet */
    bool restless;                        /* a port has more that no event will announce */
    bool tell;                            /* there is something to tell at the end of this turn */
    _Atomic bool sleeping, stop;
    pthread_t thread;
};

/* A worker without a thread; turns_prepare is called before its first turn.  Asserts that the system has the memory and
 * descriptors. */
struct worker *worker_new(struct world *, _Atomic(struct poll_list *) *ports, const vs_config *, int upcall_fd,
                          _Atomic bool *told);
/* After its thread has ended. */
void worker_free(struct worker *);
/* Control thread: wakes it if it sleeps. */
void worker_wake(struct worker *);
/* Control thread: waits on a port's descriptor from now on / no more. 0 or -errno. */
int worker_watch(struct worker *, const struct port *);
void worker_unwatch(struct worker *, const struct port *);
/* Control thread: a record of 'size' bytes into the ring of injections; false: it is full. */
bool worker_put(struct worker *, const void *record, size_t size);
