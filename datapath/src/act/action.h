/* Actions: what a rule asks for, and what is done to a packet, in one form.
 *
 * A rule's programme holds actions as OpenFlow gave them (ACT_OUTPUT names a port
 * number, reserved ones too; ACT_GROUP a group).  Composition turns the rules a packet
 * visits into one flat list in which every port is found (ACT_SEND), every copy is
 * bracketed (ACT_CLONE) and every end has its reason (ACT_DROP); that list is
 * executed, cached, and shown by trace.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "flow/field.h"

enum action_kind {
    ACT_OUTPUT,    /* rules only: 'port' as OpenFlow wrote it, 'arg' = max_len */
    ACT_GROUP,     /* rules only: 'port' = the group's number */
    ACT_SET_QUEUE, /* rules only: 'port' = the queue's number */
    ACT_SET_FIELD, /* 'field' (enum field_id), 'value' as in an OXM */
    ACT_PUSH_VLAN, /* 'arg' = TPID */
    ACT_POP_VLAN,
    ACT_PUSH_MPLS, /* 'arg' = the frame's type then */
    ACT_POP_MPLS,  /* likewise */
    ACT_PUSH_PBB,  /* 'arg' = the frame's type then */
    ACT_POP_PBB,
    ACT_COPY_TTL_OUT,
    ACT_COPY_TTL_IN,
    ACT_SET_MPLS_TTL, /* 'arg' = TTL */
    ACT_DEC_MPLS_TTL, /* as ACT_DEC_TTL */
    ACT_SET_TTL,      /* 'arg' = TTL */
    ACT_DEC_TTL,      /* 'origin' = which rule, for the packet-in of an invalid TTL */
    ACT_SEND,         /* composed: 'to', 'port' = queue */
    ACT_CONTROLLER,   /* composed: 'arg' = max_len, 'reason', 'origin' */
    ACT_DROP,         /* composed: 'port' = vs_drop; 'arg' = 1: only if nothing else was done with the packet */
    ACT_METER,        /* composed: 'meter', 'arg' = vs_drop of what is above it */
    ACT_CLONE,    /* composed: the next 'arg' actions are done to a copy; it raises counters 'n_slots' to 'port' - 1 */
    ACT_CONTINUE, /* composed, the last for this packet or copy: read the headers again, go on at 'stage' */
    ACT_LIMIT
};

/* OpenFlow 1.3.5, 7.2.1 */
enum of_port {
    OFPP_MAX = 0xffffff00,
    OFPP_UNSET = 0xfffffff7,
    OFPP_IN_PORT = 0xfffffff8,
    OFPP_TABLE = 0xfffffff9,
    OFPP_NORMAL = 0xfffffffa,
    OFPP_FLOOD = 0xfffffffb,
    OFPP_ALL = 0xfffffffc,
    OFPP_CONTROLLER = 0xfffffffd,
    OFPP_LOCAL = 0xfffffffe,
    OFPP_ANY = 0xffffffff
};
/* May a port have this number?  What else stands for an incoming port says that there is none: the controller's own
 * packets. */
static inline bool is_port_number(uint32_t number) { return (number && number < OFPP_MAX) || number == OFPP_LOCAL; }
enum of_reason { OFPR_NO_MATCH = 0, OFPR_ACTION = 1, OFPR_INVALID_TTL = 2 };
enum { NO_QUEUE = 0xffffffff };

struct port;
struct meter;

struct action {
    uint8_t kind;   /* enum action_kind */
    uint8_t field;  /* enum field_id */
    uint8_t reason; /* enum of_reason */
    uint8_t table;  /* that the action's rule is in */
    uint16_t arg;
    uint16_t n_slots; /* composed: how many counters to raise if the packet ends here */
    union {
        uint32_t port;
        uint64_t tunnel_id; /* of a packet that may go to the controller; network order */
    };
    union {
        uint8_t value[16];
        struct port *to;
        struct meter *meter;
        uint64_t stage;
        struct { uint64_t cookie, metadata; } origin; /* host order; metadata network order */
    };
};
_Static_assert(sizeof(struct action) == 32, "two to a cache line");

/* A rule's instructions, decoded.  One allocation, read-only once made. */
struct program {
    uint8_t has_goto, goto_table, has_clear, has_metadata, has_meter;
    uint16_t n_apply, n_write; /* 'actions': first those to apply, then those to write */
    uint32_t meter;
    uint64_t metadata, metadata_mask; /* network order */
    struct action actions[];
};
