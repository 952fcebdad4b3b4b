/* One OpenFlow message from a session, while it is answered. */
#pragma once
#include "ofp/version.h"
#include "switch/switch.h"

struct request {
    struct vs_switch *sw;
    struct bridge *bridge;
    const vs_frame *frame;
    const struct of_version *spoken; /* of the message, and of what answers it */
    const uint8_t *message;
    size_t size;
    uint64_t now_ns;
    struct bytes *reply;
};

/* The transaction that the answer has, too. */
static inline uint32_t request_xid(const struct request *r) { return of_xid(r->message); }

/* Answers a request for statistics of this kind, exactly if what came before is done with. */
enum of_error statistics_answer(struct request *, enum statistics_kind);
