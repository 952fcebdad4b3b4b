/* Every inner length of every message that the C side decodes, set to what contradicts the bytes (HARDENING S1).
 *
 * Where a length stands nobody has to know: every byte and every pair of bytes of right messages is set, one at a time,
 * to 0, 1, 3, one and eight less and more than it was, just what is left, one more, and all ones.  The switch has to
 * answer within bounded time, frame its replies, and go on.  Each message lies in memory that ends where it ends.
 */
#include <time.h>

#include "traffic.h"
#include "twins.h"

enum { REFRESH = 200, MESSAGES_A_KIND = 30 };

static vs_switch *sw;
static uint64_t now_ns, slowest_ns, sent;

static uint64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void refresh(void)
{
    twin_command(sw, VS_CMD_BRIDGE_DEL, NULL, 0, now_ns);
    twin_add_bridge(sw, MESSAGE_PORTS, now_ns);
    twin_take(sw, NULL);
}

static void try(const uint8_t *bytes, size_t n)
{
    vs_frame frame = {
        .size = (uint32_t)(sizeof frame + n), .type = VS_CMD_OPENFLOW, .bridge = TWIN_BRIDGE, .session = TWIN_SESSION};
    uint8_t *exact = malloc(frame.size);
    memcpy(exact, &frame, sizeof frame);
    memcpy(exact + sizeof frame, bytes, n);
    uint64_t began = cpu_ns();
    CHECK_EQ(vs_switch_command(sw, exact, frame.size, -1, now_ns += 1000000), 0);
    uint64_t took = cpu_ns() - began;
    slowest_ns = took > slowest_ns ? took : slowest_ns;
    free(exact);
    twin_take(sw, NULL);
    if (++sent % REFRESH == 0)
        refresh();
}

static void try_with(const struct message *m, size_t at, size_t width, uint32_t value)
{
    static struct message changed;
    memcpy(changed.bytes, m->bytes, m->n);
    if (width == 1)
        changed.bytes[at] = (uint8_t)value;
    else
        wire16(changed.bytes + at, value);
    try(changed.bytes, m->n);
}

static void try_all_at(const struct message *m, size_t at, size_t width)
{
    uint32_t was = width == 1 ? m->bytes[at] : (uint32_t)(m->bytes[at] << 8 | m->bytes[at + 1]),
             left = (uint32_t)(m->n - at);
    const uint32_t values[] = {0, 1, 3, was - 8, was - 1, was + 1, was + 8, left, left + 1, 0xffff};
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++)
        try_with(m, at, width, values[i]);
}

/* The header's own length is framing, the daemon's; what follows it is ours. */
static void try_all(const struct message *m)
{
    enum { HEADER = 8 };
    for (size_t at = HEADER; at < m->n; at++)
        try_all_at(m, at, 1);
    for (size_t at = HEADER; at + 2 <= m->n; at++)
        try_all_at(m, at, 2);
    for (size_t n = 8; n < m->n; n++) { /* cut short, and the length says so */
        static struct message cut;
        memcpy(cut.bytes, m->bytes, n);
        wire16(cut.bytes + 2, (uint32_t)n);
        try(cut.bytes, n);
    }
}

static void make(struct message *m, unsigned kind)
{
    struct traffic t;
    random_packet(&t);
    switch (kind) {
    case 0: flow_mod_message(m); break;
    case 1: group_mod_message(m); break;
    case 2: meter_mod_message(m); break;
    case 3: packet_out_message(m, t.bytes, t.n); break;
    default: statistics_message(m, all_statistics[kind - 4]);
    }
}

/* CPU time that a group of 'n' buckets takes, at best. */
static uint64_t group_ns(uint32_t n)
{
    static struct message m;
    uint64_t best = UINT64_MAX;
    for (unsigned times = 0; times < 7; times++) {
        uint8_t *at = message_begin(&m, 15, 8);
        at[1] = times > 0; /* ADD, then MODIFY */
        wire32(at + 4, n);
        for (uint32_t i = 0; i < n; i++) {
            uint8_t *bucket = more(&m, 16);
            bucket[1] = 16;
            memset(bucket + 4, 0xff, 8);
        }
        message_end(&m);
        uint64_t began = cpu_ns(), took;
        twin_openflow(sw, &m, now_ns);
        took = cpu_ns() - began;
        best = took < best ? took : best;
    }
    CHECK_EQ(twin_take(sw, NULL), 0);
    return best;
}

/* Four times as many buckets take about four times as long, not sixteen times. */
static void time_grows_with_length_only(void)
{
    refresh();
    uint64_t few = group_ns(1000), many = group_ns(4000);
    CHECK(many < 9 * few);
}

int main(void)
{
    enum { KINDS = 4 + sizeof all_statistics };
    sw = twin_new(0, 16, 1);
    twin_add_bridge(sw, MESSAGE_PORTS, 0);
    for (unsigned kind = 0; kind < KINDS; kind++)
        for (unsigned i = 0; i < (kind < 4 ? MESSAGES_A_KIND : 1); i++) {
            struct message m;
            make(&m, kind);
            try_all(&m);
        }
    printf("%" PRIu64 " messages, the slowest took %" PRIu64 " us\n", sent, slowest_ns / 1000);
    CHECK(slowest_ns < 100000000);
    time_grows_with_length_only();
    vs_switch_free(sw);
    return checks_end();
}
