/* One OpenFlow message from a session, while it is answered. */
#pragma once
#include "base/bytes.h"
#include "base/of_error.h"
#include "switch/switch.h"

struct request {
    struct vs_switch *sw;
    struct bridge *bridge;
    const vs_frame *frame;
    const uint8_t *message;
    size_t size;
    uint64_t now_ns;
    struct bytes *reply;
};

static inline uint32_t request_xid(const struct request *r) { return get32(r->message + 4); }

/* Statistics: is it a request that can be answered here?  Then the answer, exact if what came before is done with. */
enum of_error statistics_check(const struct request *);
enum of_error statistics_answer(struct request *);
