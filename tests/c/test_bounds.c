/* What a controller may build, a packet must survive: work that multiplies is bounded, and ends with its reason.
 *
 * Groups of groups, groups that watch groups, copies of copies that are read anew, chains as long as there are groups.
 * Each case would take hours, more stack than there is, or an assert, without its bound.
 */
#include <time.h>

#include "traffic.h"
#include "twins.h"

enum { ALL = 0, SELECT = 1, FF = 3, MODIFY = 1 };

static vs_switch *sw;
static struct message m;

static void begin_group(uint8_t type, uint32_t id)
{
    uint8_t *at = message_begin(&m, 15, 8);
    at[2] = type;
    wire32(at + 4, id);
}

static size_t begin_bucket(uint32_t watch_port, uint32_t watch_group)
{
    size_t start = m.n;
    uint8_t *at = more(&m, 16);
    at[3] = m.bytes[10] == SELECT; /* its weight */
    wire32(at + 4, watch_port);
    wire32(at + 8, watch_group);
    return start;
}

static void end_bucket(size_t start) { wire16(m.bytes + start, (uint32_t)(m.n - start)); }

static void send_group(void)
{
    message_end(&m);
    twin_openflow(sw, &m, 0);
}

/* A group with 'n' buckets that all go to group 'to' (0: do nothing). */
static void add_fan(uint8_t type, uint32_t id, unsigned n, uint32_t to)
{
    begin_group(type, id);
    for (unsigned i = 0; i < n; i++) {
        size_t start = begin_bucket(UINT32_MAX, UINT32_MAX);
        if (to)
            put_numbered(&m, 22, to);
        end_bucket(start);
    }
    send_group();
}

/* "eth_type=TYPE (0: any),actions=group:GROUP" */
static void add_rule(uint16_t type, uint32_t group)
{
    uint8_t *at = message_begin(&m, 14, 40);
    memset(at + 24, 0xff, 12);
    size_t start = m.n;
    wire16(more(&m, 4), 1);
    if (type)
        put_oxm_bytes(&m, OXM_ETH_TYPE, (uint8_t[]){(uint8_t)(type >> 8), (uint8_t)type}, 2, NULL);
    wire16(m.bytes + start + 2, (uint32_t)(m.n - start));
    pad8(&m, start);
    start = m.n;
    put_action(&m, 4, 8);
    put_numbered(&m, 22, group);
    wire16(m.bytes + start + 2, (uint32_t)(m.n - start));
    send_group();
}

static uint64_t drops_at_port_1(vs_drop reason)
{
    static _Alignas(8) uint8_t out[VS_FRAME_MAX];
    uint64_t drops = 0;
    int fd;
    CHECK_EQ(twin_take(sw, NULL), 0);
    twin_command(sw, VS_CMD_STATS, NULL, 0, 0);
    while (vs_switch_events(sw, out, sizeof out, &fd) > 0) {
        const vs_port_stats *stats = (const void *)(out + sizeof(vs_frame));
        if (((const vs_frame *)(const void *)out)->type == VS_EVT_PORT_STATS && stats->number == 1)
            drops = stats->drops[reason];
    }
    return drops;
}

static void start(unsigned cache_entries) { sw = twin_new(3, cache_entries, 3); }

static void end(void)
{
    CHECK_EQ(twin_take(sw, NULL), 0);
    vs_switch_free(sw);
}

static void send_ipv4(void)
{
    struct traffic t = {0};
    traffic_addresses(&t);
    wire16(traffic_more(&t, 2), 0x0800);
    traffic_ipv4(&t);
    CHECK_EQ(vs_mem_send(sw, TWIN_BRIDGE, 1, t.bytes, t.n), 0);
    twin_poll(sw, 0);
}

/* Three labels, then IPv4. */
static void send_labels(unsigned n)
{
    struct traffic t = {0};
    traffic_addresses(&t);
    wire16(traffic_more(&t, 2), 0x8847);
    for (unsigned i = 1; i <= n; i++)
        wire32(traffic_more(&t, 4), i << 12 | (uint32_t)(i == n) << 8 | 64);
    traffic_ipv4(&t);
    CHECK_EQ(vs_mem_send(sw, TWIN_BRIDGE, 1, t.bytes, t.n), 0);
    twin_poll(sw, 0);
}

/* Ten buckets to ten buckets to ten ...: 10^20 ends where nothing is done. */
static void empty_buckets_of_buckets_end(void)
{
    start(16);
    add_fan(ALL, 20, 10, 0);
    for (uint32_t id = 19; id >= 1; id--)
        add_fan(ALL, id, 10, id + 1);
    add_rule(0, 1);
    send_ipv4();
    CHECK_EQ(drops_at_port_1(VS_DROP_TOO_DEEP), 1);
    end();
}

/* Groups that watch groups, down to ports that are not there: everything would have to be looked at, and oneself again.
 */
static void watching_ends(uint8_t type)
{
    start(16);
    for (uint32_t id = 20; id >= 1; id--) {
        begin_group(FF, id);
        for (unsigned i = 0; i < 10; i++)
            end_bucket(begin_bucket(77, id == 20 ? UINT32_MAX : id + 1));
        send_group();
    }
    begin_group(type, 30);
    for (unsigned i = 0; i < 10; i++)
        end_bucket(begin_bucket(UINT32_MAX, i == 9 ? 30 : 1));
    send_group();
    add_rule(0, 30);
    send_ipv4();
    CHECK_EQ(drops_at_port_1(VS_DROP_TOO_DEEP), 1);
    end();
}

/* A group of no living bucket, but few looks: no packet is too deep. */
static void few_looks_are_enough(void)
{
    start(16);
    begin_group(FF, 1);
    for (unsigned i = 0; i < 4000; i++)
        end_bucket(begin_bucket(77, UINT32_MAX));
    send_group();
    add_rule(0, 1);
    send_ipv4();
    CHECK_EQ(drops_at_port_1(VS_DROP_TOO_DEEP), 0);
    CHECK_EQ(drops_at_port_1(VS_DROP_GROUP), 1);
    end();
}

/* Every copy is read anew and copied fifty times, six levels deep. */
static void copies_of_copies_end(void)
{
    enum { COPIES = 50, LEVELS = 6 };
    start(16);
    add_fan(ALL, LEVELS + 1, 1, 0);
    for (uint32_t id = LEVELS; id >= 1; id--) {
        begin_group(ALL, id);
        for (unsigned i = 0; i < COPIES; i++) {
            size_t at = begin_bucket(UINT32_MAX, UINT32_MAX);
            put_typed(&m, 20, 0x8847);
            put_numbered(&m, 22, id + 1);
            end_bucket(at);
        }
        send_group();
    }
    add_rule(0x8847, 1);
    clock_t began = clock();
    send_labels(LEVELS + 1);
    CHECK((clock() - began) / CLOCKS_PER_SEC < 5);
    CHECK(drops_at_port_1(VS_DROP_TOO_DEEP) > 0);
    end();
}

/* A trace of the same: bounded in bytes as well. */
static void traces_of_copies_end(void)
{
    enum { COPIES = 50, LEVELS = 6, FRAME = 1400 };
    struct {
        vs_trace_request head;
        uint8_t frame[FRAME];
    } request = {.head = {1, FRAME}};
    start(16);
    for (uint32_t id = LEVELS; id >= 1; id--) {
        begin_group(ALL, id);
        for (unsigned i = 0; i < COPIES; i++) {
            size_t at = begin_bucket(UINT32_MAX, UINT32_MAX);
            put_typed(&m, 20, 0x8847);
            if (id == LEVELS)
                put_output(&m, 2, 0);
            else
                put_numbered(&m, 22, id + 1);
            end_bucket(at);
        }
        send_group();
    }
    add_rule(0x8847, 1);
    wire16(request.frame + 12, 0x8847);
    for (unsigned i = 1; i <= LEVELS + 1; i++)
        wire32(request.frame + 10 + 4 * i, i << 12 | (uint32_t)(i == LEVELS + 1) << 8 | 64);
    static _Alignas(8) uint8_t out[VS_FRAME_MAX];
    uint64_t bytes = 0;
    int fd;
    CHECK_EQ(twin_take(sw, NULL), 0);
    twin_command(sw, VS_CMD_TRACE, &request, sizeof request, 0);
    for (long n; (n = vs_switch_events(sw, out, sizeof out, &fd)) > 0;)
        bytes += (uint64_t)n;
    CHECK(bytes > 1 << 20);
    CHECK(bytes < 64 << 20);
    end();
}

/* Group 'id' gets one bucket, to group 'to'. */
static void modify_to(uint32_t id, uint32_t to)
{
    begin_group(ALL, id);
    m.bytes[9] = MODIFY;
    size_t bucket = begin_bucket(UINT32_MAX, UINT32_MAX);
    put_numbered(&m, 22, to);
    end_bucket(bucket);
}

/* A loop is looked for along a chain of 60,000 groups: by a list, not by recursion. */
static void long_chains_are_searched(void)
{
    enum { GROUPS = 60000 };
    start(16);
    for (uint32_t id = 1; id <= GROUPS; id++)
        add_fan(ALL, id, 0, 0);
    for (uint32_t id = 1; id < GROUPS; id++) { /* from the near end: each search is short */
        modify_to(id, id + 1);
        send_group();
    }
    CHECK_EQ(twin_take(sw, NULL), 0);
    modify_to(GROUPS, 1); /* the last one to the first: a loop through all of them */
    send_group();
    CHECK_EQ(twin_take(sw, NULL), 1);
    end();
}

/* One value of a field as an action. */
static void put_setting(unsigned field, const uint8_t *value, unsigned n)
{
    size_t start = m.n;
    wire16(more(&m, 4), 25);
    put_oxm_bytes(&m, field, value, n, NULL);
    pad8(&m, start);
    wire16(m.bytes + start + 2, (uint32_t)(m.n - start));
}

/* A bucket that gives IP another protocol, so that what comes next has to be read anew: group 'to', or a port number of
 * its own. */
static void put_renaming_bucket(uint32_t to, unsigned port)
{
    size_t at = begin_bucket(UINT32_MAX, UINT32_MAX);
    put_setting(OXM_IP_PROTO, (uint8_t[]){17}, 1);
    if (to)
        put_numbered(&m, 22, to);
    else
        put_setting(OXM_UDP_DST, (uint8_t[]){(uint8_t)(port >> 8), (uint8_t)port}, 2);
    end_bucket(at);
}

/* A cached answer with two stages, the first of which fills the whole store of stages with others: the second one is in
 * use by the packet at hand, so it stays (an assert in passage_go_on, once).  Where stages lie depends on addresses:
 * many rounds. */
static void a_stage_in_use_stays(void)
{
    enum { GROUPS = 20, COPIES = 330, ROUNDS = 400 };
    start(65536); /* large, or what the copies ask for drives the first answer out */
    for (uint32_t g = 0; g < GROUPS; g++) {
        begin_group(ALL, 100 + g);
        for (unsigned i = 0; i < COPIES; i++)
            put_renaming_bucket(0, g * COPIES + i);
        send_group();
    }
    begin_group(ALL, 3);
    for (uint32_t g = 0; g < GROUPS; g++)
        put_renaming_bucket(100 + g, 0);
    send_group();
    add_fan(ALL, 4, 1, 0);
    begin_group(ALL, 1);
    for (unsigned i = 0; i < 2; i++) {
        size_t at = begin_bucket(UINT32_MAX, UINT32_MAX);
        put_typed(&m, 20, 0x0800);
        put_numbered(&m, 22, 3 + i);
        end_bucket(at);
    }
    send_group();
    add_rule(0x8847, 1);
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t dice_before = dice_state;
        add_rule(0x8847, 1); /* another version, so every stage lies elsewhere */
        for (unsigned k = 0; k < 2; k++) {
            dice_state = dice_before;
            send_labels(1);
        }
    }
    vs_switch_stats stats;
    vs_switch_stats_get(sw, &stats);
    CHECK(stats.hits > ROUNDS);
    end();
}

/* Rules as long as they may be, dumped again and again by somebody who reads nothing: refused, before memory is gone.
 */
static void unread_dumps_end(void)
{
    enum { RULES = 2000, DUMPS = 40, MOST = 300 << 20 };
    static _Alignas(8) uint8_t out[VS_FRAME_MAX];
    uint64_t bytes = 0;
    int fd;
    start(16);
    for (uint32_t i = 0; i < RULES; i++) {
        uint8_t *at = message_begin(&m, 14, 40);
        wire16(at + 22, i);
        memset(at + 24, 0xff, 12);
        wire32(more(&m, 8), 1 << 16 | 4);
        size_t list = m.n;
        put_action(&m, 4, 8);
        while (m.n < 8100)
            put_output(&m, 2, 0);
        wire16(m.bytes + list + 2, (uint32_t)(m.n - list));
        send_group();
    }
    CHECK_EQ(twin_take(sw, NULL), 0);
    statistics_message(&m, 1);
    for (unsigned i = 0; i < DUMPS; i++)
        twin_openflow(sw, &m, 0);
    for (long n; (n = vs_switch_events(sw, out, sizeof out, &fd)) > 0;)
        bytes += (uint64_t)n;
    CHECK(bytes > MOST / 2);
    CHECK(bytes < MOST);
    twin_openflow(sw, &m, 0); /* who has read is answered again */
    CHECK_EQ(twin_take(sw, NULL), 0);
    end();
}

int main(void)
{
    unread_dumps_end();
    empty_buckets_of_buckets_end();
    watching_ends(FF);
    watching_ends(SELECT);
    few_looks_are_enough();
    copies_of_copies_end();
    traces_of_copies_end();
    long_chains_are_searched();
    a_stage_in_use_stays();
    return checks_end();
}
