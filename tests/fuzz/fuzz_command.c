/* Command frames of any content: what a daemon of another version, or a broken one, might send.
 *
 * Input: frames without their size, each behind two bytes of length (big-endian); the size is set to what is
 * there, except where the length has its highest bit set: then it is left as it is.  File descriptors don't
 * come along, and paths of pcap ports are emptied: opening files is no business of a fuzzer.
 */
#include <stdlib.h>
#include <string.h>

#include "vswitch.h"

static uint8_t out[VS_FRAME_MAX];

static void take_events(vs_switch *sw)
{
    long n;
    int fd;
    while ((n = vs_switch_events(sw, out, sizeof out, &fd)))
        if (n < (long)sizeof(vs_frame))
            abort();
}

static void empty_paths(uint8_t *frame, size_t size)
{
    uint16_t type;
    memcpy(&type, frame + offsetof(vs_frame, type), sizeof type);
    if (type != VS_CMD_PORT_ADD || size < sizeof(vs_frame) + sizeof(vs_port_spec))
        return;
    memset(frame + sizeof(vs_frame) + offsetof(vs_port_spec, read_path), 0, sizeof((vs_port_spec *)0)->read_path);
    memset(frame + sizeof(vs_frame) + offsetof(vs_port_spec, write_path), 0, sizeof((vs_port_spec *)0)->write_path);
}

static void carry_out(vs_switch *sw, const uint8_t *data, size_t n, int keep_size, uint64_t now_ns)
{
    uint8_t *frame = malloc(n ? n : 1); /* exactly as long as it is: a read past the end is seen */
    uint32_t size = (uint32_t)n;
    memcpy(frame, data, n);
    if (n >= sizeof(vs_frame)) {
        if (!keep_size)
            memcpy(frame, &size, sizeof size);
        empty_paths(frame, n);
    }
    vs_switch_command(sw, frame, n, -1, now_ns);
    free(frame);
}

static void move_packets(vs_switch *sw, uint64_t now_ns)
{
    uint8_t frame[60] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0};
    for (uint32_t bridge = 0; bridge < 4; bridge++)
        for (uint32_t port = 0; port < 4; port++)
            vs_mem_send(sw, bridge, port, frame, sizeof frame);
    for (unsigned turns = 0; turns < 8 && vs_switch_poll(sw, now_ns); turns++) {}
    vs_switch_tick(sw, now_ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { KEEP_SIZE = 0x8000 };
    vs_config config = {.max_rules = 64, .cache_entries = 16, .max_buffers = 64, .seed = 1};
    vs_error error;
    vs_switch *sw = vs_switch_new(&config, 0, &error);
    uint64_t now_ns = 0;
    if (!sw)
        abort();
    while (size >= 2) {
        unsigned word = (unsigned)data[0] << 8 | data[1];
        size_t n = word & (KEEP_SIZE - 1);
        data += 2;
        size -= 2;
        n = n < size ? n : size;
        carry_out(sw, data, n, word & KEEP_SIZE, now_ns += 100000000);
        move_packets(sw, now_ns);
        data += n;
        size -= n;
    }
    take_events(sw);
    vs_switch_free(sw);
    return 0;
}
