/* Mutated OpenFlow messages through decoder, tables and packets, under the sanitizers (HARDENING S3, S4).
 *
 * Right messages of every kind, each spoiled in one to four places: bits, bytes, lengths, pieces of other messages, cut
 * short, drawn out.  Every message lies in memory that ends where it ends; packets follow through whatever rules and
 * groups that left.  How many may be given: test_mutated 10000000.  The dice are seeded; the second argument turns
 * them.
 */
#include <time.h>

#include "traffic.h"
#include "twins.h"

enum { REFRESH = 256, PACKETS_EVERY = 16, ROOM = 2048 };

static vs_switch *sw;
static uint64_t now_ns;

/* ---- spoiling ---- */

static void turn_bit(struct message *m) { m->bytes[8 + dice((uint32_t)m->n - 8)] ^= (uint8_t)(1 << dice(8)); }
static void set_byte(struct message *m)
{
    static const uint8_t values[] = {0, 1, 3, 4, 7, 8, 0x7f, 0x80, 0xff};
    m->bytes[dice((uint32_t)m->n)] = dice(2) ? ONE_OF(values) : (uint8_t)dice_bits();
    m->bytes[0] = dice(64) ? 4 : m->bytes[0];
}

static void set_word(struct message *m)
{
    static const uint16_t values[] = {0, 1, 3, 4, 7, 8, 9, 15, 16, 17, 24, 0x7fff, 0x8000, 0xfff8, 0xffff};
    if (m->n >= 10)
        wire16(m->bytes + 8 + 2 * dice((uint32_t)(m->n - 8) / 2), ONE_OF(values));
}

static void nudge_word(struct message *m)
{
    if (m->n < 10)
        return;
    uint8_t *at = m->bytes + 8 + 2 * dice((uint32_t)(m->n - 8) / 2);
    wire16(at, (uint32_t)(at[0] << 8 | at[1]) + (dice(2) ? 8 : 1) * (dice(2) ? 1 : UINT32_MAX));
}

static void cut(struct message *m) { m->n = 8 + dice((uint32_t)m->n - 7); }

static void draw_out(struct message *m)
{
    uint32_t n = 1 + dice(24);
    for (uint8_t *at = more(m, n); n; n--)
        *at++ = dice(2) ? 0 : (uint8_t)dice_bits();
}

/* A piece of the message, or of the one before it, comes again. */
static void splice(struct message *m)
{
    static struct message before;
    const struct message *from = dice(2) && before.n > 8 ? &before : m;
    size_t at = 8 * (1 + dice((uint32_t)m->n / 8)), start = 8 * dice((uint32_t)from->n / 8), n = 8 * (1 + dice(8));
    n = n < from->n - start ? n : from->n - start;
    uint8_t piece[64];
    memcpy(piece, from->bytes + start, n);
    at = at < m->n ? at : m->n;
    memmove(m->bytes + at + n, m->bytes + at, m->n - at);
    memcpy(m->bytes + at, piece, n);
    m->n += n;
    before.n = m->n;
    memcpy(before.bytes, m->bytes, m->n);
}

static void spoil(struct message *m)
{
    static void (*const ways[])(struct message *) = {turn_bit,   set_byte, set_word, set_word,
                                                     nudge_word, cut,      draw_out, splice};
    for (uint32_t n = 1 + dice(4); n && m->n > 8; n--)
        ONE_OF(ways)(m);
    m->n = m->n < ROOM ? m->n : ROOM;
    wire16(m->bytes + 2, (uint32_t)m->n);
}

/* ---- through the switch ---- */

static void send_exactly(const struct message *m)
{
    vs_frame frame = {.size = (uint32_t)(sizeof frame + m->n),
                      .type = VS_CMD_OPENFLOW,
                      .bridge = TWIN_BRIDGE,
                      .session = TWIN_SESSION};
    uint8_t *exact = malloc(frame.size);
    memcpy(exact, &frame, sizeof frame);
    memcpy(exact + sizeof frame, m->bytes, m->n);
    CHECK_EQ(vs_switch_command(sw, exact, frame.size, -1, now_ns += 100000), 0);
    free(exact);
}

static void send_packets(void)
{
    static uint8_t out[2048];
    for (unsigned i = 0; i < 4; i++) {
        struct traffic t;
        random_packet(&t);
        vs_mem_send(sw, TWIN_BRIDGE, 1 + dice(MESSAGE_PORTS), t.bytes, t.n);
    }
    twin_poll(sw, now_ns);
    for (uint32_t port = 1; port <= MESSAGE_PORTS; port++)
        while (vs_mem_receive(sw, TWIN_BRIDGE, port, out, sizeof out) > 0) {}
    vs_switch_tick(sw, now_ns);
}

static void refresh(void)
{
    twin_command(sw, VS_CMD_BRIDGE_DEL, NULL, 0, now_ns);
    twin_add_bridge(sw, MESSAGE_PORTS, now_ns);
}

int main(int argc, char **argv)
{
    uint64_t wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : 200000, errors = 0;
    dice_state += argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    static struct message m;
    sw = twin_new(MESSAGE_PORTS, 64, 5);
    clock_t start = clock();
    for (uint64_t i = 1; i <= wanted; i++) {
        struct traffic t;
        random_packet(&t);
        random_message(&m, t.bytes, t.n);
        spoil(&m);
        send_exactly(&m);
        if (i % PACKETS_EVERY == 0) {
            send_packets();
            errors += twin_take(sw, NULL);
        }
        if (i % REFRESH == 0)
            refresh();
    }
    errors += twin_take(sw, NULL);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    printf("%" PRIu64 " mutated messages, %.0f a second; %.0f %% refused\n", wanted, (double)wanted / seconds,
           100.0 * (double)errors / (double)wanted);
    CHECK(errors > wanted / 10);
    CHECK(errors < wanted - wanted / 10); /* some are right by accident: they reach the tables */
    vs_switch_free(sw);
    return checks_end();
}
