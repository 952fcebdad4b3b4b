/* Transactions over many frames: seen by nobody before their commit, whatever others commit meanwhile; all or nothing
 * (HARDENING S5). */
#include <errno.h>

#include "twins.h"

enum { OTHER = 2, LAST_STEPS = VS_TRANSACTION_COMMIT, ALL_STEPS = VS_TRANSACTION_BEGIN | VS_TRANSACTION_COMMIT };

static vs_switch *sw;

/* The error of the command's DONE: 0 or -errno. */
static int command(uint16_t type, uint32_t session, const void *head, size_t n_head, const void *body, size_t n)
{
    static _Alignas(8) uint8_t buffer[VS_FRAME_MAX], out[VS_FRAME_MAX];
    vs_frame frame = {.size = (uint32_t)(sizeof frame + n_head + n),
                      .type = type,
                      .bridge = TWIN_BRIDGE,
                      .session = session,
                      .tag = 77};
    int fd, error = 1;
    memcpy(buffer, &frame, sizeof frame);
    if (n_head)
        memcpy(buffer + sizeof frame, head, n_head);
    if (n)
        memcpy(buffer + sizeof frame + n_head, body, n);
    CHECK_EQ(vs_switch_command(sw, buffer, frame.size, -1, 0), 0);
    while (vs_switch_events(sw, out, sizeof out, &fd) > 0) {
        const vs_done *done = (const void *)(out + sizeof frame);
        if (((const vs_frame *)(const void *)out)->type == VS_EVT_DONE)
            error = done->error;
    }
    return error;
}

static int part(uint32_t session, uint32_t number, uint32_t steps, const void *flow_mods, size_t n)
{
    vs_transaction head = {number, steps};
    return command(VS_CMD_ATOMIC, session, &head, sizeof head, flow_mods, n);
}

/* A flow-mod that adds "priority=P" in a table. */
static struct message add(uint16_t priority, uint8_t table)
{
    struct message m;
    uint8_t *at = message_begin(&m, 14, 40);
    memset(at + 24, 0xff, 12);
    at[16] = table;
    wire16(at + 22, priority);
    size_t start = m.n;
    wire16(more(&m, 4), 1);
    wire16(m.bytes + start + 2, 4);
    pad8(&m, start);
    message_end(&m);
    return m;
}

static int add_part(uint32_t session, uint32_t number, uint32_t steps, uint16_t priority)
{
    struct message m = add(priority, 0);
    return part(session, number, steps, m.bytes, m.n);
}

static void add_at_once(uint32_t session, uint16_t priority)
{
    struct message m = add(priority, 0);
    command(VS_CMD_OPENFLOW, session, m.bytes, m.n, NULL, 0);
}

static uint64_t rules(void)
{
    vs_switch_stats stats;
    vs_switch_stats_get(sw, &stats);
    return stats.rules;
}

static uint64_t version(void)
{
    vs_switch_stats stats;
    vs_switch_stats_get(sw, &stats);
    return stats.version;
}

static void begin_anew(void)
{
    vs_session_spec session = {4, UINT32_MAX, UINT32_MAX, 128};
    vs_switch_free(sw);
    sw = twin_new(2, 64, 1);
    CHECK_EQ(command(VS_CMD_SESSION, OTHER, &session, sizeof session, NULL, 0), 0);
}

static void it_happens_at_its_commit(void)
{
    begin_anew();
    CHECK_EQ(add_part(1, 9, VS_TRANSACTION_BEGIN, 1), 0);
    CHECK_EQ(add_part(1, 9, 0, 2), 0);
    CHECK_EQ(rules(), 0);
    add_at_once(OTHER, 5); /* another session commits: that, and no more */
    CHECK_EQ(rules(), 1);
    CHECK_EQ(add_part(OTHER, 9, ALL_STEPS, 6), 0); /* of the same number, its own */
    CHECK_EQ(rules(), 2);
    uint64_t before = version();
    CHECK_EQ(add_part(1, 9, LAST_STEPS, 3), 0);
    CHECK_EQ(rules(), 5);
    CHECK_EQ(version(), before + 1);
}

/* The last of three frames has a table that is none. */
static void it_fails_as_a_whole(void)
{
    struct message bad = add(3, 255);
    begin_anew();
    add_at_once(OTHER, 5);
    uint64_t before = version();
    CHECK_EQ(add_part(1, 9, VS_TRANSACTION_BEGIN, 1), 0);
    CHECK_EQ(add_part(1, 9, 0, 2), 0);
    CHECK_EQ(part(1, 9, LAST_STEPS, bad.bytes, bad.n), -EINVAL);
    CHECK_EQ(rules(), 1);
    CHECK_EQ(version(), before);
    CHECK_EQ(part(1, 9, LAST_STEPS, NULL, 0), -ENOENT); /* it is over */
}

static void an_aborted_one_is_gone(void)
{
    begin_anew();
    CHECK_EQ(add_part(1, 9, VS_TRANSACTION_BEGIN, 1), 0);
    CHECK_EQ(part(1, 9, VS_TRANSACTION_ABORT, NULL, 0), 0);
    CHECK_EQ(add_part(1, 9, LAST_STEPS, 2), -ENOENT);
    CHECK_EQ(rules(), 0);
}

static void it_begins_once(void)
{
    begin_anew();
    CHECK_EQ(add_part(1, 9, 0, 1), -ENOENT);
    CHECK_EQ(add_part(1, 9, VS_TRANSACTION_BEGIN, 1), 0);
    CHECK_EQ(add_part(1, 9, VS_TRANSACTION_BEGIN, 2), -EEXIST);
    CHECK_EQ(part(1, 9, LAST_STEPS, NULL, 0), 0);
    CHECK_EQ(rules(), 1);
}

/* Whose session, bridge or daemon ends: the tail of it must not happen later either. */
static void an_orphan_is_forgotten(void)
{
    vs_hello hello = {.version = VS_WIRE_VERSION};
    vs_bridge_spec bridge = {.name = "b"};
    begin_anew();
    CHECK_EQ(add_part(OTHER, 9, VS_TRANSACTION_BEGIN, 1), 0);
    CHECK_EQ(add_part(1, 9, VS_TRANSACTION_BEGIN, 1), 0);
    CHECK_EQ(command(VS_CMD_SESSION_END, OTHER, NULL, 0, NULL, 0), 0);
    CHECK_EQ(add_part(OTHER, 9, LAST_STEPS, 2), -ENOENT);
    CHECK_EQ(add_part(1, 9, 0, 3), 0); /* the other one is as it was */
    CHECK_EQ(command(VS_CMD_HELLO, 0, &hello, sizeof hello, NULL, 0), 0);
    CHECK_EQ(add_part(1, 9, LAST_STEPS, 2), -ENOENT);
    CHECK_EQ(add_part(1, 9, VS_TRANSACTION_BEGIN, 1), 0);
    vs_switch_orphaned(sw);
    CHECK_EQ(add_part(1, 9, LAST_STEPS, 2), -ENOENT);
    CHECK_EQ(add_part(1, 9, VS_TRANSACTION_BEGIN, 1), 0);
    CHECK_EQ(command(VS_CMD_BRIDGE_DEL, 0, NULL, 0, NULL, 0), 0);
    CHECK_EQ(command(VS_CMD_BRIDGE_ADD, 0, &bridge, sizeof bridge, NULL, 0), 0);
    CHECK_EQ(add_part(1, 9, LAST_STEPS, 2), -ENOENT);
    CHECK_EQ(rules(), 0);
}

/* A session in a version that this switch does not speak is refused, and so is a part of a transaction. */
static void only_spoken_versions_are_taken(void)
{
    vs_session_spec session = {1, UINT32_MAX, UINT32_MAX, 128};
    struct message foreign = add(3, 0);
    foreign.bytes[0] = 1;
    begin_anew();
    CHECK_EQ(command(VS_CMD_SESSION, OTHER, &session, sizeof session, NULL, 0), -EINVAL);
    session.version = 0x104; /* not 4, though its last byte is */
    CHECK_EQ(command(VS_CMD_SESSION, OTHER, &session, sizeof session, NULL, 0), -EINVAL);
    CHECK_EQ(add_part(1, 9, VS_TRANSACTION_BEGIN, 1), 0);
    CHECK_EQ(part(1, 9, LAST_STEPS, foreign.bytes, foreign.n), -EINVAL);
    command(VS_CMD_OPENFLOW, 1, foreign.bytes, foreign.n, NULL, 0);
    CHECK_EQ(rules(), 0);
    foreign.bytes[0] = 4;
    CHECK_EQ(part(1, 9, ALL_STEPS, foreign.bytes, foreign.n), 0);
    CHECK_EQ(rules(), 1);
}

static void so_many_may_be_open(void)
{
    begin_anew();
    for (uint32_t i = 0; i < VS_TRANSACTIONS_OPEN; i++)
        CHECK_EQ(add_part(1, i, VS_TRANSACTION_BEGIN, 1), 0);
    CHECK_EQ(add_part(1, 7777, VS_TRANSACTION_BEGIN, 1), -ENOSPC);
    CHECK_EQ(add_part(1, 7777, LAST_STEPS, 1), -ENOENT);
    CHECK_EQ(part(1, 5, LAST_STEPS, NULL, 0), 0);
    CHECK_EQ(add_part(1, 7777, ALL_STEPS, 2), 0);
    CHECK_EQ(rules(), 2);
}

/* What is too much is refused, and so is the rest of it up to its commit; then there is room again. */
static void so_much_is_kept(void)
{
    static uint8_t many[VS_FRAME_MAX - 64];
    struct message m = add(1, 0);
    size_t n = 0;
    for (; n + m.n <= sizeof many; n += m.n)
        memcpy(many + n, m.bytes, m.n);
    begin_anew();
    CHECK_EQ(part(1, 9, VS_TRANSACTION_BEGIN, many, n), 0);
    for (size_t kept = n; kept + n <= VS_TRANSACTIONS_MOST; kept += n)
        CHECK_EQ(part(1, 9, 0, many, n), 0);
    CHECK_EQ(part(1, 9, 0, many, n), -ENOSPC);
    CHECK_EQ(add_part(1, 9, 0, 2), -ENOSPC);
    CHECK_EQ(part(OTHER, 8, VS_TRANSACTION_BEGIN, many, n), 0); /* the bytes are free already */
    CHECK_EQ(part(OTHER, 8, VS_TRANSACTION_ABORT, NULL, 0), 0);
    CHECK_EQ(add_part(OTHER, 9, ALL_STEPS, 3), 0);
    CHECK_EQ(add_part(1, 9, LAST_STEPS, 4), -ENOSPC);
    CHECK_EQ(rules(), 1);
    CHECK_EQ(add_part(1, 9, ALL_STEPS, 5), 0);
    CHECK_EQ(rules(), 2);
}

int main(void)
{
    it_happens_at_its_commit();
    it_fails_as_a_whole();
    an_aborted_one_is_gone();
    it_begins_once();
    an_orphan_is_forgotten();
    only_spoken_versions_are_taken();
    so_many_may_be_open();
    so_much_is_kept();
    vs_switch_free(sw);
    return checks_end();
}
