/* A journal played back by the next forwarder: the same rules, groups and meters, in every bridge.
 *
 * What several bridges were told lies in the journal as it came, one after the other; a group-mod of one publishes a
 * version while another one's flow-mods are pending.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "twins.h"

enum { BRIDGES = 3, FEW = 400, MANY = 40000, WORLDS = 30, OFPMP_FLOW = 1 };

static uint64_t now_ns = 1000000000;

static void command(vs_switch *sw, uint16_t type, uint32_t bridge, const void *payload, size_t n, int fd)
{
    static _Alignas(8) uint8_t buffer[VS_FRAME_MAX];
    vs_frame frame = {.size = (uint32_t)(sizeof frame + n), .type = type, .bridge = bridge, .session = bridge};
    memcpy(buffer, &frame, sizeof frame);
    if (n)
        memcpy(buffer + sizeof frame, payload, n);
    CHECK_EQ(vs_switch_command(sw, buffer, frame.size, fd, now_ns), 0);
}

/* The journal that the switch goes on with, ours to close; the other events are taken away. */
static int journal_of(vs_switch *sw)
{
    static _Alignas(8) uint8_t out[VS_FRAME_MAX];
    int fd, journal = -1;
    while (vs_switch_events(sw, out, sizeof out, &fd) > 0)
        if (fd >= 0 && journal < 0)
            journal = dup(fd);
    return journal;
}

static long size_of(int fd)
{
    struct stat file;
    CHECK_EQ(fstat(fd, &file), 0);
    return (long)file.st_size;
}

/* 'left': a journal to take over, or -1. */
static vs_switch *start(int left, int *journal)
{
    vs_hello hello = {.version = VS_WIRE_VERSION};
    vs_switch *sw = twin_new(0, 64, 5);
    command(sw, VS_CMD_HELLO, 0, &hello, sizeof hello, left);
    *journal = journal_of(sw);
    CHECK(*journal >= 0);
    for (uint32_t i = 1; i <= BRIDGES; i++) {
        vs_bridge_spec bridge = {.name = "b"};
        command(sw, VS_CMD_BRIDGE_ADD, i, &bridge, sizeof bridge, -1);
    }
    command(sw, VS_CMD_REPLAY, 0, NULL, 0, -1);
    twin_take(sw, NULL);
    return sw;
}

/* Descriptions of all there is, ages included, agree byte by byte; 'in_order': also the order of rules. */
static void compare(vs_switch *a, vs_switch *b, uint32_t bridge, unsigned type, bool in_order)
{
    static _Alignas(8) uint8_t of_a[VS_FRAME_MAX], of_b[VS_FRAME_MAX];
    static struct message m;
    int fd;
    statistics_message(&m, type);
    command(a, VS_CMD_OPENFLOW, bridge, m.bytes, m.n, -1);
    command(b, VS_CMD_OPENFLOW, bridge, m.bytes, m.n, -1);
    for (long n = 1; n > 0;) {
        n = vs_switch_events(a, of_a, sizeof of_a, &fd);
        CHECK_EQ(vs_switch_events(b, of_b, sizeof of_b, &fd), n);
        if (n > 0 && (in_order || type != OFPMP_FLOW))
            CHECK_BYTES(of_b, of_a, (size_t)n);
    }
}

/* So many messages that the journal was written anew meanwhile, or not. */
static void the_next_one_has_the_same(unsigned messages, bool shortened)
{
    static struct message m;
    static const uint8_t compared[] = {1, 2, 7, 10};
    static void (*const mods[])(struct message *) = {flow_mod_message, flow_mod_message, group_mod_message,
                                                     meter_mod_message};
    int journal, again;
    vs_switch *sw = start(-1, &journal), *next;
    for (unsigned i = 0; i < messages; i++) {
        ONE_OF(mods)(&m);
        now_ns += 1000000;
        command(sw, VS_CMD_OPENFLOW, 1 + dice(BRIDGES), m.bytes, m.n, -1);
    }
    if (shortened)
        vs_switch_tick(sw, now_ns);
    CHECK_EQ(size_of(journal) > 1 << 20, shortened);
    twin_take(sw, NULL);
    next = start(journal, &again);
    for (uint32_t bridge = 1; bridge <= BRIDGES; bridge++)
        for (unsigned i = 0; i < sizeof compared; i++)
            compare(sw, next, bridge, compared[i], !shortened);
    vs_switch_stats stats;
    vs_switch_stats_get(next, &stats);
    CHECK(stats.rules > 0);
    close(again);
    vs_switch_free(next);
    vs_switch_free(sw);
}

/* What is mapped can't be cut off: neither of a journal of ours, nor of one that a switch has taken over. */
static void a_journal_does_not_shrink(void)
{
    int journal, again, unsealed = memfd_create("other", MFD_CLOEXEC);
    vs_switch *sw = start(-1, &journal), *next;
    CHECK_EQ(ftruncate(journal, 0), -1);
    CHECK(unsealed >= 0 && !ftruncate(unsealed, 1 << 20));
    next = start(unsealed, &again); /* refused: it goes on with one of its own */
    CHECK_EQ(ftruncate(again, 0), -1);
    close(journal);
    close(again);
    vs_switch_free(next);
    vs_switch_free(sw);
}

/* ---- bridges that went while there was no forwarder ---- */

enum { IDENTITY = 77 };

static vs_switch *greeted(int left, int *journal)
{
    vs_hello hello = {.version = VS_WIRE_VERSION};
    vs_switch *sw = twin_new(0, 64, 5);
    command(sw, VS_CMD_HELLO, 0, &hello, sizeof hello, left);
    *journal = journal_of(sw);
    return sw;
}

static void add_bridge(vs_switch *sw, uint32_t number, uint64_t identity)
{
    vs_bridge_spec spec = {.name = "b", .identity = identity};
    command(sw, VS_CMD_BRIDGE_ADD, number, &spec, sizeof spec, -1);
}

/* Rules, groups and meters; each twice, to end with what the journal said last. */
static void make_something(vs_switch *sw, uint32_t bridge)
{
    static struct message m;
    static void (*const mods[])(struct message *) = {flow_mod_message, group_mod_message, meter_mod_message};
    for (unsigned i = 0; i < FEW; i++) {
        mods[i % 3](&m);
        command(sw, VS_CMD_OPENFLOW, bridge, m.bytes, m.n, -1);
    }
    twin_take(sw, NULL);
}

static uint64_t rules_of(vs_switch *sw)
{
    vs_switch_stats stats;
    vs_switch_stats_get(sw, &stats);
    return stats.rules;
}

/* Bytes of the answer that lists all there is of a bridge. */
static long listed(vs_switch *sw, uint32_t bridge)
{
    static const uint8_t kinds[] = {1, 7, 10};
    static _Alignas(8) uint8_t out[VS_FRAME_MAX];
    static struct message m;
    long sum = 0, n;
    int fd;
    for (unsigned i = 0; i < sizeof kinds; i++) {
        statistics_message(&m, kinds[i]);
        command(sw, VS_CMD_OPENFLOW, bridge, m.bytes, m.n, -1);
        while ((n = vs_switch_events(sw, out, sizeof out, &fd)) > 0)
            sum += n;
    }
    return sum;
}

/* A forwarder with the bridges 1 and 2 is gone; the next gets bridge 1, and bridge 2 as 'identity' (0: not at all). */
static vs_switch *next_after_death(uint64_t identity, int *journal, uint64_t *of_first)
{
    int left;
    vs_switch *sw = greeted(-1, &left), *next;
    add_bridge(sw, 1, 0);
    make_something(sw, 1);
    *of_first = rules_of(sw);
    add_bridge(sw, 2, IDENTITY);
    make_something(sw, 2);
    CHECK(*of_first > 0 && rules_of(sw) > *of_first);
    vs_switch_free(sw);
    next = greeted(left, journal);
    add_bridge(next, 1, 0);
    if (identity)
        add_bridge(next, 2, identity);
    command(next, VS_CMD_REPLAY, 0, NULL, 0, -1);
    twin_take(next, NULL);
    return next;
}

static void a_bridge_is_known_by_its_identity(void)
{
    int journal;
    uint64_t of_first;
    vs_switch *sw = next_after_death(IDENTITY, &journal, &of_first);
    CHECK(rules_of(sw) > of_first);
    close(journal);
    vs_switch_free(sw);
    sw = next_after_death(IDENTITY + 1, &journal, &of_first); /* another one, made meanwhile under its number */
    CHECK_EQ(rules_of(sw), of_first);
    add_bridge(sw, 3, 0);
    twin_take(sw, NULL);
    CHECK_EQ(listed(sw, 2), listed(sw, 3));
    close(journal);
    vs_switch_free(sw);
}

/* Neither with the forwarder that missed it, nor with one after that, whatever number and identity are given again. */
static void a_deleted_bridge_stays_deleted(void)
{
    int journal, again;
    uint64_t of_first;
    vs_switch *sw = next_after_death(0, &journal, &of_first), *next;
    CHECK_EQ(rules_of(sw), of_first);
    vs_switch_free(sw);
    next = greeted(journal, &again);
    add_bridge(next, 1, 0);
    add_bridge(next, 2, IDENTITY);
    command(next, VS_CMD_REPLAY, 0, NULL, 0, -1);
    CHECK_EQ(rules_of(next), of_first);
    close(again);
    vs_switch_free(next);
}

/* Whoever asks twice gets nothing twice: what was made since stays as it is. */
static void a_journal_is_played_back_once(void)
{
    int journal;
    uint64_t of_first;
    vs_switch *sw = next_after_death(IDENTITY, &journal, &of_first);
    command(sw, VS_CMD_BRIDGE_DEL, 2, NULL, 0, -1);
    add_bridge(sw, 2, IDENTITY);
    command(sw, VS_CMD_REPLAY, 0, NULL, 0, -1);
    CHECK_EQ(rules_of(sw), of_first);
    close(journal);
    vs_switch_free(sw);
}

static void no_two_bridges_are_one(void)
{
    int journal;
    vs_switch *sw = greeted(-1, &journal);
    add_bridge(sw, 1, IDENTITY);
    add_bridge(sw, 2, IDENTITY); /* refused, and so are the next two */
    add_bridge(sw, 1, IDENTITY + 1);
    add_bridge(sw, IDENTITY, 0);
    command(sw, VS_CMD_DUMP, 0, NULL, 0, -1);
    static _Alignas(8) uint8_t out[VS_FRAME_MAX];
    unsigned bridges = 0, refused = 0;
    int fd;
    while (vs_switch_events(sw, out, sizeof out, &fd) > 0) {
        const vs_frame *frame = (const void *)out;
        bridges += frame->type == VS_EVT_BRIDGE;
        refused += frame->type == VS_EVT_DONE && ((const vs_done *)(const void *)(frame + 1))->error == -EEXIST;
    }
    CHECK_EQ(bridges, 1);
    CHECK_EQ(refused, 3);
    close(journal);
    vs_switch_free(sw);
}

int main(void)
{
    a_bridge_is_known_by_its_identity();
    a_deleted_bridge_stays_deleted();
    a_journal_is_played_back_once();
    no_two_bridges_are_one();
    a_journal_does_not_shrink();
    for (unsigned i = 0; i < WORLDS; i++)
        the_next_one_has_the_same(FEW, false);
    the_next_one_has_the_same(MANY, true);
    return checks_end();
}
