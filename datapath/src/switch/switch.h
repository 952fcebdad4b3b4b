/* The switch as the control thread sees it: bridges, ports, sessions, events.  Private to this room. */
#pragma once
#include "base/bytes.h"
#include "journal/journal.h"
#include "switch/events.h"
#include "switch/worker.h"

enum {
    TRACE_BUFFERS = 64
}; /* a traced packet's copies in copies: twice the depth of groups; mapped, touched when used */
enum { MAX_WORKERS = 1, MAX_BRIDGES = 256, MAX_STATIONS = MAX_BRIDGES * MAC_LIMIT };

struct of_version;
struct session {
    struct session *next;
    uint32_t id, bridge;
    vs_session_spec spec;
    const struct of_version *spoken; /* version */
};

struct vs_switch {
    struct world world;
    vs_config config;
    uint64_t started_ns;
    struct bridge *bridges[MAX_BRIDGES];
    unsigned n_bridges;
    struct session *sessions;
    struct transaction *transactions; /* begun and not committed, transaction.c */
    size_t transaction_bytes;
    unsigned n_transactions;
    _Atomic(struct poll_list *) ports;
    uint8_t index_used[OUTLET_PORTS];
    struct events events;
    struct journal journal;
    uint64_t shorten_at; /* journal bytes at which to look whether most are dead */
    bool inherits;       /* the journal is another forwarder's and has not been played back */
    struct worker *worker;
    bool running; /* the worker has a thread of its own */
    int upcall_fd;
    _Atomic bool told;
    uint64_t next_scan_ns;
    uint64_t bad_messages;
    struct bytes reply;               /* OpenFlow replies being written */
    struct composition *compositions; /* for trace: WORKER_LEVELS of them */
    struct stages *stages;            /* for trace */
    struct packet_pool *pool;         /* for trace */
};

/* The bridge of this number, or NULL. */
static inline struct bridge *switch_bridge(const struct vs_switch *sw, uint32_t id)
{
    for (unsigned i = 0; i < sw->n_bridges; i++)
        if (sw->bridges[i]->id == id)
            return sw->bridges[i];
    return NULL;
}

/* bridge_life.c */
struct parting;                             /* parting.h */
extern const struct parting bridge_parting; /* of a struct bridge without ports */
/* With its ports and sessions. */
void switch_remove_bridge(struct vs_switch *, struct bridge *, uint64_t now_ns);
/* The sessions of a bridge, or all: 0. */
void switch_end_sessions(struct vs_switch *, uint32_t bridge);

/* port_life.c */
struct queue_specs {
    const uint8_t *packed;
    size_t n;
}; /* vs_queue_spec one behind the other, at any address */
int switch_add_port(struct vs_switch *, struct bridge *, const vs_port_spec *, const struct queue_specs *, int fd,
                    uint64_t now_ns, vs_error *);
extern const struct parting port_parting; /* of a struct port */
void switch_remove_port(struct vs_switch *, struct port *, uint64_t now_ns);
/* Tells the daemon of ports whose descriptor died since the last time. */
void switch_report_dead_ports(struct vs_switch *);

/* queue_life.c */
int switch_set_queue(struct vs_switch *, struct port *, const vs_queue_spec *, uint64_t now_ns, vs_error *);
int switch_give_queues(struct vs_switch *, struct port *, const struct queue_specs *, uint64_t now_ns,
                       vs_error *); /* a new port: all or none */
struct queue_of {
    struct port *port;
    struct queue *queue;
};
extern const struct parting queue_parting; /* of a struct queue_of */
int switch_remove_queue(struct vs_switch *, struct port *, uint32_t queue, uint64_t now_ns, vs_error *);
/* The queues of a port that is gone: empty, and nobody sees them. */
void switch_release_queues(struct vs_switch *, struct port *);

/* openflow.c: whole messages from a session, each on its own; or whole flow-mods, all or nothing. */
void switch_openflow(struct vs_switch *, struct bridge *, const vs_frame *, const uint8_t *messages, size_t size,
                     uint64_t now_ns);
int switch_atomic(struct vs_switch *, struct bridge *, const vs_frame *, const uint8_t *messages, size_t size,
                  uint64_t now_ns, vs_error *);

/* notices.c: what goes to sessions unasked. */
void switch_drain_upcalls(struct vs_switch *, uint64_t now_ns, bool all);
void switch_settle(struct vs_switch *, uint64_t now_ns); /* FLOW_REMOVED of rules whose counters are final */
void switch_expire(struct vs_switch *, uint64_t now_ns);
/* Waits until the poll thread took what was injected so far. */
void switch_wait_injected(struct vs_switch *);
/* Has the poll thread do something, and waits until it has. */
void switch_inject(struct vs_switch *, struct injection);
/* Waits until what was published and injected so far holds for the next packet and what came of it is in the events. */
void switch_barrier(struct vs_switch *, uint64_t now_ns);

/* trace.c */
int switch_trace(struct vs_switch *, struct bridge *, const vs_frame *, const uint8_t *payload, size_t size,
                 vs_error *);
