/* A journal of any content, as a damaged or hostile process might hand it over: refused, or played back and carried on.
 *
 * Input: flags, then records.  1: the head's areas are the input's own 40 bytes; 2: so are the records' heads.  Else
 * each record is two bytes of length, a byte for the bridge, and a message.  A journal that was carried on makes the
 * same rules in the next switch.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../c/messages.h"
#include "journal/journal.h"
#include "vswitch.h"

enum { OWN_HEAD = 1, OWN_RECORDS = 2, PAGE = 4096, FILE_SIZE = 1 << 16, HEAD = 40, MAGIC_SIZE = 8, BRIDGES = 2 };

static uint8_t file[FILE_SIZE];

struct input {
    const uint8_t *at;
    size_t left;
};

static size_t put_framed(struct input *in)
{
    size_t end = PAGE;
    while (in->left > 3) {
        size_t n = (size_t)(in->at[0] << 8 | in->at[1]) & 0x1fff;
        struct journal_record r = {.bridge = in->at[2], .now_ns = 1};
        in->at += 3;
        in->left -= 3;
        r.length = (uint32_t)(n < in->left ? n : in->left);
        r.size = (uint32_t)((sizeof r + r.length + 7) & ~(size_t)7);
        if (end + r.size > FILE_SIZE)
            break;
        memcpy(file + end, &r, sizeof r);
        memcpy(file + end + sizeof r, in->at, r.length);
        in->at += r.length;
        in->left -= r.length;
        end += r.size;
    }
    return end;
}

static size_t put_raw(struct input *in)
{
    size_t n = in->left < FILE_SIZE - PAGE ? in->left : FILE_SIZE - PAGE;
    memcpy(file + PAGE, in->at, n);
    return PAGE + n;
}

/* magic, which area, two areas with start and end: journal.c's struct head, but for its seed. */
static void fill_file(uint8_t flags, struct input in)
{
    uint64_t head[6] = {UINT64_C(0x766a6f75726e3032), 0, PAGE, PAGE, 0, 0};
    memset(file, 0, sizeof file);
    if (flags & OWN_HEAD && in.left >= HEAD) {
        memcpy((uint8_t *)head + MAGIC_SIZE, in.at, HEAD);
        in.at += HEAD;
        in.left -= HEAD;
        flags &OWN_RECORDS ? put_raw(&in) : put_framed(&in);
    } else {
        head[3] = flags & OWN_RECORDS ? put_raw(&in) : put_framed(&in);
    }
    memcpy(file, head, sizeof head);
}

static int file_of(void)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || write(fd, file, sizeof file) != sizeof file)
        abort();
    return fd;
}

static void command(vs_switch *sw, uint16_t type, uint32_t bridge, const void *payload, size_t n, int fd)
{
    static uint8_t buffer[VS_FRAME_MAX];
    vs_frame frame = {.size = (uint32_t)(sizeof frame + n), .type = type, .bridge = bridge};
    memcpy(buffer, &frame, sizeof frame);
    if (n)
        memcpy(buffer + sizeof frame, payload, n);
    if (vs_switch_command(sw, buffer, frame.size, fd, 2))
        abort();
}

/* The journal that the switch goes on with, ours, and all events gone. */
static int journal_of(vs_switch *sw)
{
    static uint8_t out[VS_FRAME_MAX];
    int fd, journal = -1;
    while (vs_switch_events(sw, out, sizeof out, &fd) > 0)
        if (fd >= 0 && journal < 0)
            journal = dup(fd);
    if (journal < 0)
        abort();
    return journal;
}

static vs_switch *start_from(int fd, int *journal)
{
    vs_config config = {.max_rules = 256, .cache_entries = 16, .max_buffers = 64, .seed = 1};
    vs_hello hello = {.version = VS_WIRE_VERSION};
    vs_bridge_spec bridge = {.name = "b"};
    vs_error error;
    vs_switch *sw = vs_switch_new(&config, 1, &error);
    command(sw, VS_CMD_HELLO, 0, &hello, sizeof hello, fd);
    *journal = journal_of(sw);
    for (uint32_t i = 1; i <= BRIDGES; i++)
        command(sw, VS_CMD_BRIDGE_ADD, i, &bridge, sizeof bridge, -1);
    command(sw, VS_CMD_REPLAY, 0, NULL, 0, -1);
    return sw;
}

static uint64_t rules_of(vs_switch *sw)
{
    vs_switch_stats stats;
    vs_switch_stats_get(sw, &stats);
    return stats.rules;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct message m;
    int journal, again;
    if (!size)
        return -1;
    fill_file(data[0], (struct input){data + 1, size - 1});
    vs_switch *sw = start_from(file_of(), &journal), *next;
    for (unsigned i = 0; i < 4; i++) {
        dice_state = 88172645463325252u + data[0] + i;
        random_message(&m, file, 60);
        command(sw, VS_CMD_OPENFLOW, 1 + i % BRIDGES, m.bytes, m.n, -1);
    }
    next = start_from(journal, &again);
    if (rules_of(next) != rules_of(sw))
        abort();
    close(again);
    vs_switch_free(next);
    vs_switch_free(sw);
    return 0;
}
