/* Stations and links: what is learned at a port that dies or goes down, whichever comes first, the word of the station
 * or that of its link.  Memory ports, one TAP over a socket pair, a clock that stands still. */
#include <sys/socket.h>
#include <unistd.h>

#include "traffic.h"
#include "twins.h"

enum { MEM_1 = 1, MEM_2 = 2, TAP = 3, FRAME = 60 };

static vs_switch *sw;
static struct message m;

static void add_normal(void)
{
    message_begin(&m, 14, 40);
    memset(m.bytes + 32, 0xff, 12);
    size_t start = m.n;
    wire16(more(&m, 4), 1);
    wire16(m.bytes + start + 2, 4);
    pad8(&m, start);
    start = m.n;
    put_action(&m, 4, 8);
    put_output(&m, 0xfffffffa, 0);
    wire16(m.bytes + start + 2, (uint32_t)(m.n - start));
    message_end(&m);
    twin_openflow(sw, &m, 0);
    CHECK_EQ(twin_take(sw, NULL), 0);
}

/* A TAP whose far end is returned. */
static int add_tap(void)
{
    static _Alignas(8) uint8_t buffer[sizeof(vs_frame) + sizeof(vs_port_spec)];
    vs_port_spec spec = {.number = TAP, .kind = VS_PORT_TAP, .name = "t"};
    vs_frame frame = {.size = sizeof buffer, .type = VS_CMD_PORT_ADD, .bridge = TWIN_BRIDGE};
    int pair[2];
    CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
    memcpy(buffer, &frame, sizeof frame);
    memcpy(buffer + sizeof frame, &spec, sizeof spec);
    CHECK_EQ(vs_switch_command(sw, buffer, sizeof buffer, pair[0], 0), 0);
    return pair[1];
}

static void frame_of(uint8_t *frame, uint8_t to, uint8_t from)
{
    memset(frame, 0, FRAME);
    memcpy(frame, (uint8_t[]){2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from, 0x88, 0xb5}, 14);
}

static void say(uint32_t port, uint8_t to, uint8_t from)
{
    uint8_t frame[FRAME];
    frame_of(frame, to, from);
    CHECK_EQ(vs_mem_send(sw, TWIN_BRIDGE, port, frame, sizeof frame), 0);
    twin_poll(sw, 0);
}

/* Takes all events; those of 'type', and how many stations were listed among them. */
static unsigned take(uint16_t type, unsigned *stations)
{
    static _Alignas(8) uint8_t out[VS_FRAME_MAX];
    unsigned n = 0;
    int fd;
    for (long size; (size = vs_switch_events(sw, out, sizeof out, &fd)) > 0;) {
        const vs_frame *frame = (const void *)out;
        n += frame->type == type;
        if (frame->type == VS_EVT_MACS && stations)
            *stations += (unsigned)(((size_t)size - sizeof *frame) / sizeof(vs_mac));
    }
    return n;
}

static unsigned known(void)
{
    unsigned stations = 0;
    take(VS_EVT_DONE, NULL);
    twin_command(sw, VS_CMD_MACS, NULL, 0, 0);
    CHECK_EQ(take(VS_EVT_MACS, &stations), 1);
    return stations;
}

static void set_state(uint32_t port, uint32_t state)
{
    vs_port_ref ref = {.number = port, .state = state};
    twin_command(sw, VS_CMD_PORT_SET, &ref, sizeof ref, 0);
}

static void a_dead_descriptor_takes_its_stations_along(void)
{
    vs_switch_stats before, after;
    uint8_t frame[FRAME];
    sw = twin_new(2, 1024, 9);
    add_normal();
    int peer = add_tap();
    frame_of(frame, 2, 7);
    CHECK_EQ(write(peer, frame, sizeof frame), FRAME);
    twin_poll(sw, 0);
    say(MEM_2, 9, 2);
    vs_switch_tick(sw, 0);
    CHECK_EQ(known(), 2);
    close(peer);
    say(MEM_2, 7, 2); /* nobody takes it: now it shows */
    vs_switch_stats_get(sw, &before);
    vs_switch_tick(sw, 0);
    vs_switch_stats_get(sw, &after);
    CHECK_EQ(take(VS_EVT_PORT_GONE, NULL), 1);
    CHECK_EQ(after.version - before.version, 1);
    CHECK_EQ(known(), 1);
    say(MEM_2, 7, 2);
    CHECK(vs_mem_receive(sw, TWIN_BRIDGE, MEM_1, frame, sizeof frame) > 0); /* it may be anywhere */
    vs_switch_free(sw);
}

/* The poll thread has told of a station, the control thread hears of the link first. */
static void what_was_told_of_a_port_that_went_down_is_not_learned(void)
{
    for (unsigned comes_back = 0; comes_back < 2; comes_back++) {
        sw = twin_new(2, 1024, 9);
        add_normal();
        say(MEM_1, 9, 1);
        say(MEM_2, 9, 2);
        set_state(MEM_1, VS_PS_LINK_DOWN);
        if (comes_back)
            set_state(MEM_1, 0);
        vs_switch_tick(sw, 0);
        CHECK_EQ(known(), 1);
        vs_switch_free(sw);
    }
}

int main(void)
{
    a_dead_descriptor_takes_its_stations_along();
    what_was_told_of_a_port_that_went_down_is_not_learned();
    return checks_end();
}
