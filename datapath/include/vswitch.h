/* The public C API of the vswitch datapath, and the frames that cross it.
 *
 * Theory of operation.  A switch is driven by bytes.  Commands go in as frames
 * (vs_switch_command), events come out as frames (vs_switch_events); the same
 * frames travel over the forwarder's socket, one frame a datagram, so a switch
 * inside a Python process and a switch in vswitch-forwarder are driven alike.
 * Rules, packet-outs, barriers and statistics are OpenFlow messages inside a
 * VS_CMD_OPENFLOW frame: the system has one wire form of a rule.
 *
 * Threads.  One control thread calls everything but vs_switch_poll; poll
 * threads (one by default) move packets and never take a lock.  In memory mode
 * one thread may do both.  Time is always an argument, in nanoseconds of one
 * monotonic clock.
 *
 * Errors.  0 or -errno; a call that can fail for the operator's reasons fills
 * a vs_error with a sentence: what, why, what to do.
 *
 * This file is written in the subset of C that cffi reads: no macros beyond
 * integer constants, no inline functions.  Frames are in host byte order with
 * natural alignment (both ends are one machine); packets and OpenFlow are in
 * network byte order as ever.
 */
#ifndef VSWITCH_H
#define VSWITCH_H
#include <stddef.h>
#include <stdint.h>

#define VS_WIRE_VERSION 2
#define VS_FRAME_MAX    131072
#define VS_NAME_MAX     32

/* ---- frames ---------------------------------------------------------- */

typedef struct {
    uint32_t size;    /* of the whole frame, this header included */
    uint16_t type;    /* vs_command or vs_event */
    uint16_t flags;   /* vs_frame_flags */
    uint32_t bridge;  /* which bridge, 0 = none; chosen by whoever adds it */
    uint32_t session; /* which OpenFlow session, 0 = none; chosen likewise */
    uint64_t tag;     /* echoed in what answers the command */
} vs_frame;

typedef enum {
    VS_CMD_HELLO = 1,  /* vs_hello -> HELLO with the journal's fd.  The first frame on a socket; a journal that
                          another forwarder left may ride along, for a switch that has no bridges yet */
    VS_CMD_BRIDGE_ADD, /* vs_bridge_spec -> DONE; with the number of one that is there: changes it */
    VS_CMD_BRIDGE_DEL, /* (nothing) -> DONE; its ports are closed */
    VS_CMD_PORT_ADD,   /* vs_port_spec, a vs_queue_spec for each of its queues, fd beside it -> DONE; no packet finds it
                          without them */
    VS_CMD_PORT_DEL,   /* vs_port_ref -> DONE */
    VS_CMD_PORT_SET,   /* vs_port_ref with config and state -> DONE */
    VS_CMD_OPENFLOW,   /* whole OpenFlow messages, each on its own -> OPENFLOW */
    VS_CMD_ATOMIC,  /* vs_transaction, whole flow-mods: a part of one transaction -> DONE (or OPENFLOW error, then DONE)
                     */
    VS_CMD_SESSION, /* vs_session_spec -> DONE; adds or changes */
    VS_CMD_SESSION_END, /* (nothing) -> DONE */
    VS_CMD_DUMP,        /* (nothing) -> BRIDGE and PORT (fd beside it), QUEUE ..., DONE */
    VS_CMD_STATS,       /* (nothing) -> PORT_STATS of a bridge ..., DONE */
    VS_CMD_TRACE,       /* vs_trace_request, packet bytes -> TRACE, DONE */
    VS_CMD_SHUTDOWN,    /* (nothing) -> DONE, then the forwarder ends */
    VS_CMD_REPLAY,      /* (nothing) -> DONE: what a journal that came with HELLO says is in the bridges that have been
                           added; what it says of others is forgotten.  Does nothing the second time */
    VS_CMD_QUEUE_SET,   /* vs_queue_spec -> DONE; adds or changes a port's queue */
    VS_CMD_QUEUE_DEL,   /* vs_queue_spec -> DONE; what waits in it is dropped */
    VS_CMD_PORT_VLANS,  /* vs_port_vlans -> DONE; what NORMAL had learned at the port is forgotten */
    VS_CMD_MACS,        /* (nothing) -> MACS ..., DONE: the stations that NORMAL knows on a bridge */
    VS_CMD_MAC_FLUSH,   /* (nothing) -> DONE; they are forgotten */
    VS_CMD_PORT_MTU,    /* vs_port_mtu -> DONE; from the next batch on */
    VS_CMD_BEAT,        /* (nothing) -> BEAT, DONE: does the switch live? */
    VS_CMD_LIMIT
} vs_command;

typedef enum {
    VS_EVT_DONE = 64,  /* vs_done, sentence: a command's end */
    VS_EVT_HELLO,      /* vs_hello */
    VS_EVT_OPENFLOW,   /* whole OpenFlow messages for 'session' */
    VS_EVT_BRIDGE,     /* vs_bridge_spec */
    VS_EVT_PORT,       /* vs_port_spec */
    VS_EVT_PORT_STATS, /* vs_port_stats */
    VS_EVT_PORT_GONE,  /* vs_port_ref: its file descriptor died; the port is down */
    VS_EVT_TRACE,      /* a chain of vs_trace_step */
    VS_EVT_QUEUE,      /* vs_queue_spec, behind its port's PORT in a dump */
    VS_EVT_MACS,       /* a chain of vs_mac */
    VS_EVT_BEAT,       /* vs_beat */
    VS_EVT_LIMIT
} vs_event;

typedef enum {
    VS_FRAME_MORE = 1, /* the answer goes on in a further frame */
    VS_FRAME_LOSSY = 2 /* a packet-in: may be dropped when the reader is slow */
} vs_frame_flags;

typedef struct {
    uint32_t version;    /* VS_WIRE_VERSION */
    uint32_t pid;        /* of the forwarder, in the answer */
    uint64_t started_ns; /* CLOCK_MONOTONIC when the switch was made, in the answer */
} vs_hello;

/* A poll thread that is awake makes turns, thousands a second whatever the load: one that makes none between two beats
 * hangs. */
typedef struct {
    uint64_t turns;  /* that it has begun */
    uint32_t asleep; /* 1: it waits for work (or there is none, in memory mode) */
    uint32_t unused;
} vs_beat;

typedef struct {
    int32_t error; /* 0 or -errno; a sentence follows an error */
    uint32_t size; /* of the sentence, no NUL */
} vs_done;

/* Whether a bridge switches by itself.  All: it has controllers and all of them are lost (OpenFlow 1.3.5, 6.3.3): what
 * they left behind, above all the rule that sends them what no other is for, would keep it from that. */
typedef enum {
    VS_STANDALONE_NOT,
    VS_STANDALONE_MISSES, /* a table-miss in table 0 is switched like NORMAL */
    VS_STANDALONE_ALL,    /* every packet is, whatever the rules; they stay */
    VS_STANDALONE_LIMIT
} vs_standalone;

typedef struct {
    char name[VS_NAME_MAX];
    uint64_t dpid;
    uint32_t standalone;    /* vs_standalone */
    uint32_t miss_send_len; /* default for packet-ins by table-miss without an entry */
    /* Of OFPP_NORMAL: */
    uint32_t mac_age;    /* seconds until a silent station is forgotten; 0 = never */
    uint32_t mac_limit;  /* stations that are learned; 0 = 8,192; at most 65,536 */
    uint32_t flood_rate; /* packets a second that are flooded for one input port; 0 = unlimited */
    uint32_t unused;
    /* Which bridge this is among all that had or will have its number, chosen by whoever adds it; the journal knows it
     * by that.  0: the number is enough.  It never changes. */
    uint64_t identity;
} vs_bridge_spec;

/* How OFPP_NORMAL treats a port's VLAN tags (IEEE 802.1Q); outputs by number are not touched. */
typedef enum {
    VS_VLAN_TRUNK,           /* frames with tags; those without are in VLAN 0 */
    VS_VLAN_ACCESS,          /* frames without tags, all in VLAN 'tag' */
    VS_VLAN_NATIVE_UNTAGGED, /* a trunk on which frames without tag are in VLAN 'tag', and leave so */
    VS_VLAN_NATIVE_TAGGED    /* the same, but all leave with a tag */
} vs_vlan_mode;

typedef struct {
    uint16_t mode; /* vs_vlan_mode */
    uint16_t tag;  /* 1 to 4094; of a trunk: 0 */
    uint32_t unused;
    uint8_t trunks[512]; /* bit v % 8 of byte v / 8: VLAN v passes; none at all: all pass.  Of an access port: none */
} vs_vlans;

typedef enum {
    VS_PORT_MEM = 1, /* queues in memory, for tests and programs */
    VS_PORT_PCAP,    /* replays a pcap file from memory, counts and frees */
    VS_PORT_PACKET,  /* AF_PACKET socket, vnet_hdr: a veth or a NIC */
    VS_PORT_TAP      /* TAP with vnet_hdr */
} vs_port_kind;

/* OpenFlow's own numbers (1.3.5, 7.2.1), so no room has to translate. */
typedef enum { VS_PC_PORT_DOWN = 1, VS_PC_NO_RECV = 4, VS_PC_NO_FWD = 32, VS_PC_NO_PACKET_IN = 64 } vs_port_config;
/* LIVE is told, never taken: a port lives that is neither PORT_DOWN nor LINK_DOWN nor BLOCKED.  Groups choose among
 * those that live, and what NORMAL had learned at one that lives no more is forgotten. */
typedef enum { VS_PS_LINK_DOWN = 1, VS_PS_BLOCKED = 2, VS_PS_LIVE = 4 } vs_port_state;

typedef struct {
    uint32_t number; /* OpenFlow port number, 1 .. 0xfffffeff, or 0xfffffffe: OFPP_LOCAL, the host's own port */
    uint32_t kind;   /* vs_port_kind */
    uint32_t config; /* vs_port_config */
    uint32_t state;  /* vs_port_state */
    uint32_t mtu;    /* most bytes behind Ethernet header and VLAN tags that leave in a frame; 0 = not checked */
    uint32_t flags;  /* vs_port_flags */
    uint8_t mac[6];
    uint16_t unused;
    char name[VS_NAME_MAX];
    char read_path[256];  /* pcap: replayed for ever; empty = receives nothing */
    char write_path[256]; /* pcap: the first 'write_limit' frames sent; empty = none */
    uint64_t write_limit;
    vs_vlans vlans;
} vs_port_spec;

typedef enum {
    VS_PORT_VNET_HDR = 1,  /* the fd speaks virtio_net_hdr (10 bytes) before each frame */
    VS_PORT_ONCE = 2,      /* pcap: replay once, then be silent */
    VS_PORT_EPHEMERAL = 4, /* nobody stored it: means nothing to the switch, something to the next daemon */
    VS_PORT_DEAD = 8       /* in a dump: its descriptor has died, as PORT_GONE told who was there */
} vs_port_flags;

typedef struct {
    uint32_t number;
    uint32_t config; /* PORT_SET: the bits in 'mask' change to these (as in OFPT_PORT_MOD) */
    uint32_t state;  /* PORT_SET: the new state; 0xffffffff leaves it */
    uint32_t mask;
} vs_port_ref;

typedef struct {
    uint32_t number, unused;
    vs_vlans vlans;
} vs_port_vlans;

typedef struct {
    uint32_t number;
    uint32_t mtu; /* as in vs_port_spec */
} vs_port_mtu;

typedef struct {
    uint8_t mac[6];
    uint16_t vlan; /* 0: frames without tag on trunks */
    uint32_t port;
    uint32_t age_ms; /* since its last packet was noticed, which is looked for every 200 ms */
} vs_mac;

typedef struct {
    uint32_t port, queue; /* queue: any number but 0xffffffff */
    uint64_t max_rate;    /* bits a second on the wire, without FCS; 0 = unlimited */
    uint32_t max_packets; /* frames that wait; 0 = 1,000 */
    uint32_t unused;
} vs_queue_spec;

typedef struct {
    uint32_t version;         /* OpenFlow wire version: 4 = 1.3 */
    uint32_t wants_packet_in; /* bit n: reason n is sent (OFPT_SET_ASYNC) */
    uint32_t wants_flow_removed;
    uint32_t miss_send_len; /* OFPT_SET_CONFIG, for this session */
} vs_session_spec;

/* Flow-mods that happen all or not at all, in one frame (BEGIN | COMMIT) or in many.  Until its commit nobody sees
 * anything of a transaction, whatever others commit meanwhile.  A number tells those of one session on one bridge
 * apart; what has not been committed ends with the session. */
typedef enum { VS_TRANSACTION_BEGIN = 1, VS_TRANSACTION_COMMIT = 2, VS_TRANSACTION_ABORT = 4 } vs_transaction_steps;

#define VS_TRANSACTIONS_OPEN 256      /* at most, of the whole switch */
#define VS_TRANSACTIONS_MOST 67108864 /* bytes that all of them keep */

typedef struct {
    uint32_t number;
    uint32_t steps; /* vs_transaction_steps */
} vs_transaction;

typedef struct {
    uint32_t in_port;
    uint32_t size; /* of the packet that follows */
} vs_trace_request;

typedef enum {
    VS_TRACE_RULE = 1,   /* vs_trace_rule, match bytes, instruction bytes: this rule was hit */
    VS_TRACE_MISS,       /* 'number' = the table without a matching rule */
    VS_TRACE_ACTIONS,    /* OpenFlow 1.3 action bytes: what is done to the packet, in order */
    VS_TRACE_OUTPUT,     /* 'number' = port; the frame as it leaves */
    VS_TRACE_CONTROLLER, /* 'number' = reason; the frame as it would be sent */
    VS_TRACE_DROP,       /* 'number' = vs_drop */
    VS_TRACE_NORMAL,     /* switched by address: 'number' = the port it is known at, 0 = flooded */
    VS_TRACE_GROUP, /* 'number' = group; then a uint32_t: the bucket that was chosen, counted from 0; 0xffffffff: all,
                       or none lives */
    VS_TRACE_METER, /* 'number' = meter that the packet is charged to (a trace is not, and passes); 0: its port's flood
                       limit */
    VS_TRACE_COPY,  /* 'number' 1: what follows happens to a copy; 0: back to the packet itself */
    VS_TRACE_AGAIN, /* headers came into sight: it is looked at anew */
    VS_TRACE_QUEUE, /* 'number' = the queue set for the output that follows, whether the port has it or not; then the
                       port (uint32_t) */
    VS_TRACE_VLAN   /* NORMAL: 'number' = a port that lets no frame pass of the VLAN which follows (uint32_t, 0: without
                       tag) */
} vs_trace_kind;

typedef struct {
    uint32_t size; /* of this step: header, what follows it, padding to 8 */
    uint32_t kind; /* vs_trace_kind */
    uint32_t number;
    uint32_t length; /* bytes that follow this header, padding left out */
} vs_trace_step;

typedef struct {
    uint64_t cookie;
    uint16_t priority;
    uint16_t match_size; /* an ofp_match, padded to 8 */
    uint16_t instructions_size;
    uint8_t table;
    uint8_t unused;
} vs_trace_rule;

/* ---- drops: every reason a packet can end for, counted per port -------- */

typedef enum {
    VS_DROP_RX_SHORT,       /* fewer than 14 bytes */
    VS_DROP_RX_TRUNCATED,   /* larger than the largest buffer */
    VS_DROP_RX_OFFLOAD,     /* vnet header that contradicts the frame */
    VS_DROP_NO_BUFFER,      /* the pool of packet buffers is empty */
    VS_DROP_PORT_DOWN,      /* received on a port that is down or NO_RECV */
    VS_DROP_TABLE_MISS,     /* no rule, no table-miss entry */
    VS_DROP_RULE,           /* a rule without output: dropped on purpose */
    VS_DROP_NO_PORT,        /* output to a port that is not there */
    VS_DROP_OUTPUT_DOWN,    /* output to a port that is down, blocked or NO_FWD */
    VS_DROP_OUTPUT_SELF,    /* output to its own input port without IN_PORT */
    VS_DROP_TTL,            /* TTL or hop limit ran out */
    VS_DROP_MTU,            /* longer than the output port takes */
    VS_DROP_TX_FULL,        /* the port's queue or socket was full */
    VS_DROP_TX_ERROR,       /* the kernel refused it */
    VS_DROP_PACKET_IN_FULL, /* the ring to the control thread was full */
    VS_DROP_TOO_DEEP,       /* more actions than one packet may take */
    VS_DROP_RESERVED,       /* NORMAL: an address that no bridge forwards (IEEE 802.1Q) */
    VS_DROP_GROUP,          /* a group without a bucket that lives */
    VS_DROP_METER,          /* above a meter's rate */
    VS_DROP_QUEUE_FULL,     /* the output queue was full */
    VS_DROP_VLAN,           /* NORMAL: its VLAN does not pass this port, or the one that it is for */
    VS_DROP_FLOOD_LIMIT,    /* NORMAL: above the rate at which the bridge floods for this port */
    VS_DROP_NO_IN_PORT,     /* NORMAL, FLOOD, ALL: it says to have come by a port that is not there */
    VS_DROP_BUFFER_SHARE,   /* it would wait (in a queue, at a memory port) beyond that place's share of the buffers */
    VS_DROP_LIMIT
} vs_drop;

typedef struct {
    uint32_t number;
    uint32_t kind;
    uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes;
    uint64_t rx_errors, tx_errors;
    uint64_t drops[VS_DROP_LIMIT];
    uint64_t age_ns; /* since the port was added */
} vs_port_stats;

/* The reason's name in words with hyphens ("table-miss"), or NULL: there is no such reason.  Static; any thread. */
const char *vs_drop_name(uint32_t reason);

/* ---- the switch ------------------------------------------------------- */

typedef struct vs_switch vs_switch;

typedef struct {
    int code;       /* -errno */
    char text[240]; /* a sentence: what, why, what to do */
} vs_error;

typedef struct {
    uint32_t max_rules;     /* over all tables of all bridges; 0 = 1,000,000 */
    uint32_t cache_entries; /* of the flow cache, a power of two; 0 = 65,536; 1 = no cache */
    uint32_t max_buffers;   /* small packet buffers; 0 = 16,384 */
    uint32_t seed;          /* of the keyed hashes; 0 = from the system */
} vs_config;

/* A new switch without bridges, or NULL with *error filled: -EINVAL, a number of *config (copied) makes no sense. Owned
 * by the caller until vs_switch_free.  'now_ns': of the clock that all later calls use.  Control thread, as whatever
 * does not say otherwise.  Asserts that the system has memory and descriptors for it. */
vs_switch *vs_switch_new(const vs_config *config, uint64_t now_ns, vs_error *error);
/* Ends the poll threads, closes every port, frees all events that nobody took.  NULL is fine. */
void vs_switch_free(vs_switch *sw);

/* Carries out one command frame.  'fd' is the descriptor that came beside it or
 * -1; the switch owns it from here on, also on failure.  What the command did or
 * why it could not is told by events with its tag; returns -EINVAL only for a
 * frame whose header contradicts 'size'.  'frame' may stand at any address and is the caller's again afterwards.
 * Never blocks longer than a grace period, and the commit of a long transaction. */
int vs_switch_command(vs_switch *sw, const uint8_t *frame, size_t size, int fd, uint64_t now_ns);

/* Whoever sent the commands is gone: transactions that nobody can commit any more are forgotten.  All else stays as it
 * is for the next one, who says HELLO. */
void vs_switch_orphaned(vs_switch *sw);

/* Copies the next event frame to 'out' and returns its size; 0: no event waits;
 * -ENOSPC: 'size' is below VS_FRAME_MAX and too small.  *fd is a descriptor to pass
 * along (owned by the switch; valid until the next call) or -1. */
long vs_switch_events(vs_switch *sw, uint8_t *out, size_t size, int *fd);

/* Does what time asks for: timeouts of rules (OpenFlow 1.3.5, 5.5) and stations, packet-ins from poll threads, dead
 * ports. Call it when 'vs_switch_wakeup_fd' is readable and at least every 100 ms. */
void vs_switch_tick(vs_switch *sw, uint64_t now_ns);
/* Readable when a poll thread has something for the control thread.  An eventfd of the switch: wait on it, don't read
 * it. */
int vs_switch_wakeup_fd(vs_switch *sw);

/* One turn over all ports on the calling thread; packets moved.  For memory mode:
 * not while poll threads run (asserts).  'now_ns' is the time that meters and queues see. */
unsigned vs_switch_poll(vs_switch *sw, uint64_t now_ns);
/* Turns on the calling thread for 'duration_ns' of the real clock, no idling.  Returns the
 * CPU time of the thread used for it, in ns.  Not while poll threads run (asserts). */
uint64_t vs_switch_run(vs_switch *sw, uint64_t duration_ns);
/* Starts the poll threads (they sleep when idle).  0, -EALREADY: they run, -EOPNOTSUPP: 'threads' is not 1, the only
 * number for now, or another -errno of the system. */
int vs_switch_start(vs_switch *sw, unsigned threads);
/* Ends them and waits for that; all stays as it is.  None run: nothing happens. */
void vs_switch_stop(vs_switch *sw);

typedef struct {
    uint64_t hits, misses; /* of the flow cache */
    uint64_t stale;        /* hits whose entry had to be composed anew */
    uint64_t evictions;
    uint64_t rules, version;  /* rules in place; changes published so far */
    uint64_t packet_ins_lost; /* events dropped on the way to the daemon */
    uint64_t bad_messages;    /* OpenFlow messages answered with an error */
} vs_switch_stats;
/* Fills *out; the figures of poll threads are as of some turn. */
void vs_switch_stats_get(vs_switch *sw, vs_switch_stats *out);

/* ---- memory ports: packets by call ------------------------------------- */

/* Puts a copy of a frame into a memory port's receive queue.  0, -ENOENT no such
 * memory port, -ENOBUFS queue full or buffers short, -EMSGSIZE longer than a buffer.  Not while poll threads run
 * (asserts), nor does vs_mem_receive. */
int vs_mem_send(vs_switch *sw, uint32_t bridge, uint32_t port, const uint8_t *frame, size_t size);
/* Takes the oldest frame that left by a memory port: its size (cut to 'size'), 0 when
 * there is none, -ENOENT. */
long vs_mem_receive(vs_switch *sw, uint32_t bridge, uint32_t port, uint8_t *out, size_t size);

/* ---- fields: the one list of match fields ------------------------------ */

typedef struct {
    const char *name;   /* ovs-ofctl's name: "eth_dst" */
    uint16_t oxm_class; /* 0x8000 */
    uint8_t oxm_field;
    uint8_t bytes; /* of the value on the wire */
    uint8_t bits;  /* that mean something */
    uint8_t maskable;
    uint8_t settable;
    uint8_t format;        /* vs_format: how people write it */
    uint32_t prerequisite; /* vs_prerequisite */
} vs_field_info;

typedef enum {
    VS_FORMAT_DECIMAL,
    VS_FORMAT_HEX,
    VS_FORMAT_ETHER,
    VS_FORMAT_IPV4,
    VS_FORMAT_IPV6,
    VS_FORMAT_PORT
} vs_format;

typedef enum {
    VS_NEEDS_NOTHING,
    VS_NEEDS_IN_PORT,
    VS_NEEDS_VLAN,
    VS_NEEDS_IP,
    VS_NEEDS_IPV4,
    VS_NEEDS_IPV6,
    VS_NEEDS_ARP,
    VS_NEEDS_TCP,
    VS_NEEDS_UDP,
    VS_NEEDS_SCTP,
    VS_NEEDS_ICMPV4,
    VS_NEEDS_ICMPV6,
    VS_NEEDS_ND,
    VS_NEEDS_NS,
    VS_NEEDS_NA,
    VS_NEEDS_MPLS,
    VS_NEEDS_PBB
} vs_prerequisite;

/* The i-th field of fields.def (OpenFlow 1.3.5, 7.2.3.7), or NULL past the end.  Static, read-only; any thread. */
const vs_field_info *vs_field(unsigned i);

#endif
