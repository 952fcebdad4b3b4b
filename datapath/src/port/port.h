/* Ports: where packets enter and leave.  One file a kind, one struct of functions each.
 *
 * A port is made and destroyed by the control thread; between the two only the poll
 * thread that owns it calls rx, tx and let_go, since packets are that thread's.  Counters have one writer (that thread)
 * and are read by the control thread as relaxed atomics.
 */
#pragma once
#include <stdatomic.h>
#include "base/share.h"
#include "packet/gso.h"
#include "vswitch.h"

enum { PORT_BATCH = 32 };

struct port_counters {
    _Atomic uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes, rx_errors, tx_errors, drops[VS_DROP_LIMIT];
};

struct port;
struct port_ops {
    const char *name;
    /* A port of this kind from its spec; 'fd' is owned by the port from here on (closed on failure too).  NULL: *error
     * says why. */
    struct port *(*open)(const vs_port_spec *, int fd, vs_error *error);
    void (*close)(struct port *);
    /* Up to 'max' (<= PORT_BATCH) packets, each with one reference for the caller, layout not parsed, in_port set.
     * Broken ones are counted here.  Fewer than 'max': nothing more waits, or 'always' is set.
     * Sets port->dead when the descriptor is gone for good. */
    unsigned (*rx)(struct port *, struct packet_pool *, struct packet **out, unsigned max);
    /* Sends copies of all 'n' or counts why not; the caller keeps its references.  May take references of its own. */
    void (*tx)(struct port *, struct packet *const *packets, unsigned n);
    /* The poll thread's last call: gives back every packet that it still has.  NULL: this kind keeps none. */
    void (*let_go)(struct port *);
};

struct lanes;
struct meter;

struct port {
    const struct port_ops *ops;
    vs_port_spec spec; /* as added; config, state and mtu in the atomics below */
    _Atomic uint32_t config, state;
    _Atomic uint32_t mtu; /* most bytes behind Ethernet header and tags; 0: any */
    bool one_tag;         /* of the tags only an outer one of 0x8100 is beyond the MTU */
    int fd;               /* to wait on for reading, or -1: poll it every turn */
    bool always;          /* has work without being asked (pcap replay, memory, a flood of broken frames) */
    _Atomic bool dead;
    uint64_t added_ns;
    _Atomic(struct lanes *) lanes; /* its queues, the switch's business; NULL: none */
    _Atomic(vs_vlans *) vlans; /* how NORMAL treats its tags, the bridge's business; there from before it is seen until
                                  it is released */
    _Atomic(struct meter *) flood; /* what NORMAL floods of it, likewise; NULL: all */
    uint64_t moves_ns;             /* until when it has paid for the stations that it took over; the control thread's */
    struct share_member share;     /* of its bridge's share of the poll thread, whose business it is */
    uint32_t index;                /* small and dense, the switch's own number of it */
    uint32_t bridge;
    struct port_counters counters;
};

extern const struct port_ops port_mem, port_pcap, port_packet, port_tap;

/* Adds to a counter that only this thread writes. */
static inline void port_count(_Atomic uint64_t *c, uint64_t n)
{ /* single writer: no locked instruction needed */
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n, memory_order_relaxed);
}
/* Counts a packet that ends here, as the frames it stands for; it stays the caller's. */
static inline void port_drop(struct port *port, vs_drop reason, const struct packet *p)
{
    port_count(&port->counters.drops[reason], gso_frames(p));
}
/* The same for frames of which there is no packet (any more). */
static inline void port_drop_frames(struct port *port, vs_drop reason, uint64_t n)
{
    port_count(&port->counters.drops[reason], n);
}
/* A port's state as it is told: LIVE says that packets can go out and come in by it, which follows from the rest and is
 * never set by anybody (OpenFlow 1.3.5, 6.5 and 7.2.1: not while OFPPC_PORT_DOWN or OFPPS_LINK_DOWN is set). */
static inline uint32_t port_state_of(uint32_t config, uint32_t state)
{
    bool lives = !(config & VS_PC_PORT_DOWN) && !(state & (VS_PS_LINK_DOWN | VS_PS_BLOCKED));
    return (state & ~(uint32_t)VS_PS_LIVE) | (lives ? VS_PS_LIVE : 0);
}
/* Fast failover and select groups choose it, and NORMAL learns at it. */
static inline bool port_lives(const struct port *p)
{
    return port_state_of(atomic_load_explicit(&p->config, memory_order_relaxed),
                         atomic_load_explicit(&p->state, memory_order_relaxed)) &
           VS_PS_LIVE;
}
/* Does it send at all now?  (OpenFlow 1.3.5, 7.2.1) */
static inline bool port_sends(const struct port *p)
{
    uint32_t config = atomic_load_explicit(&p->config, memory_order_relaxed);
    uint32_t state = atomic_load_explicit(&p->state, memory_order_relaxed);
    return !(config & (VS_PC_PORT_DOWN | VS_PC_NO_FWD)) && !(state & (VS_PS_LINK_DOWN | VS_PS_BLOCKED));
}
/* Memory ports: what vs_mem_send and vs_mem_receive do. */
int port_mem_put(struct port *, struct packet_pool *, const uint8_t *frame, size_t size);
long port_mem_take(struct port *, uint8_t *out, size_t size);
