/* A journal played back by the next forwarder: the same rules, groups and meters, in every bridge.
 *
 * What several bridges were told lies in the journal as it came, one after the other; a group-mod of one publishes a
 * version while another one's flow-mods are being staged.
 */
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
    static void (*const mods[])(struct message *) = {flow_mod_message, flow_mod_message, group_mod_message, meter_mod_message};
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

int main(void)
{
    a_journal_does_not_shrink();
    for (unsigned i = 0; i < WORLDS; i++)
        the_next_one_has_the_same(FEW, false);
    the_next_one_has_the_same(MANY, true);
    return checks_end();
}
