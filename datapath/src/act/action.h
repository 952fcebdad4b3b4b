/* Actions: what a rule asks for, and what is done to a packet, in one form.
 *
 * A rule's programme holds actions as OpenFlow gave them (ACT_OUTPUT names a port
 * number, reserved ones too).  Composition turns the rules a packet visits into one flat
 * list in which every port is found (ACT_SEND) and every end has its reason (ACT_DROP);
 * that list is executed, cached, and shown by trace.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "flow/field.h"

enum action_kind {
    ACT_OUTPUT,     /* rules only: 'port' as OpenFlow wrote it, 'arg' = max_len */
    ACT_SET_FIELD,  /* 'field' (enum field_id), 'value' as in an OXM */
    ACT_PUSH_VLAN,  /* 'arg' = TPID */
    ACT_POP_VLAN,
    ACT_DEC_TTL,    /* 'origin' = which rule, for the packet-in of an invalid TTL */
    ACT_SET_TTL,    /* 'arg' = TTL */
    ACT_SEND,       /* composed: 'to' */
    ACT_CONTROLLER, /* composed: 'arg' = max_len, 'reason', 'origin' */
    ACT_DROP,       /* composed: 'port' = vs_drop */
    ACT_LIMIT
};

/* OpenFlow 1.3.5, 7.2.1 */
enum of_port {
    OFPP_MAX = 0xffffff00, OFPP_UNSET = 0xfffffff7, OFPP_IN_PORT = 0xfffffff8, OFPP_TABLE = 0xfffffff9,
    OFPP_NORMAL = 0xfffffffa, OFPP_FLOOD = 0xfffffffb, OFPP_ALL = 0xfffffffc, OFPP_CONTROLLER = 0xfffffffd,
    OFPP_LOCAL = 0xfffffffe, OFPP_ANY = 0xffffffff
};
enum of_reason { OFPR_NO_MATCH = 0, OFPR_ACTION = 1, OFPR_INVALID_TTL = 2 };

struct port;

struct action {
    uint8_t kind;   /* enum action_kind */
    uint8_t field;  /* enum field_id */
    uint8_t reason; /* enum of_reason */
    uint8_t table;  /* that the action's rule is in */
    uint16_t arg;
    uint16_t n_slots; /* ACT_DEC_TTL, composed: how many counters to raise if the packet ends here */
    uint32_t port;
    uint32_t unused2;
    union {
        uint8_t value[16];
        struct port *to;
        struct { uint64_t cookie, metadata; } origin; /* host order; metadata network order */
    };
};
_Static_assert(sizeof(struct action) == 32, "two to a cache line");

/* A rule's instructions, decoded.  One allocation, read-only once made. */
struct program {
    uint8_t has_goto, goto_table, has_clear, has_metadata;
    uint16_t n_apply, n_write; /* 'actions': first those to apply, then those to write */
    uint64_t metadata, metadata_mask; /* network order */
    struct action actions[];
};
