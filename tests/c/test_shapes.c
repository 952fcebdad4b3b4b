/* Packets that a bridge's key shape can't tell apart get the same answer: what the cache stands on (HARDENING S11).
 *
 * In each world some random rules, groups and ports; then many packets, half of them another with a few bits turned, a
 * piece cut off or a tag put on.  All that pack to one key are composed, each for itself, and so is every stage that an
 * answer leads to and that may be cached; a packet-out's stages as well.  Few and narrow rules leave many packets
 * alike, and show what an action looks at behind the shape's back.  The number of answers may be given: test_shapes
 * 10000000.
 */
#include <time.h>

#include "base/bytes.h"
#include "bridge/port_list.h"
#include "check.h"
#include "flow/extract.h"
#include "ofp/version.h"
#include "packet/parse.h"
#include "switch/switch.h"
#include "tables/references.h"
#include "traffic.h"
#include "twins.h"

enum { PACKETS = 48, LEVELS = 3, ROUNDS = 4, PACKET_OUTS = 4 };

static vs_switch *sw;
static struct message last;
static struct traffic packets[PACKETS];
static struct key keys[PACKETS];
static uint64_t answers, alike;

/* ---- a world ---- */

/* So that NORMAL knows some. */
static void learn_stations(void)
{
    uint8_t out[sizeof packets->bytes];
    for (unsigned i = 0; i < PACKETS; i += 4) {
        vs_mem_send(sw, TWIN_BRIDGE, 1 + dice(MESSAGE_PORTS), packets[i].bytes, packets[i].n);
        twin_poll(sw, 0);
    }
    vs_switch_tick(sw, 0);
    for (uint32_t port = 1; port <= MESSAGE_PORTS; port++)
        while (vs_mem_receive(sw, TWIN_BRIDGE, port, out, sizeof out) > 0) {}
    twin_take(sw, NULL);
}

static void make_world(void)
{
    vs_bridge_spec bridge = random_bridge();
    bridge.flood_rate = dice(2);
    narrow_matches = dice(4);
    twin_add_bridge(sw, MESSAGE_PORTS, 0);
    if (!dice(2))
        twin_command(sw, VS_CMD_BRIDGE_ADD, &bridge, sizeof bridge, 0);
    for (uint32_t port = 1; port <= MESSAGE_PORTS; port++) {
        vs_port_vlans vlans = random_vlans(port);
        if (!dice(3))
            twin_command(sw, VS_CMD_PORT_VLANS, &vlans, sizeof vlans, 0);
    }
    for (uint32_t n = dice(2) ? dice(3) : dice(12); n; n--) {
        random_message(&last, packets[0].bytes, packets[0].n);
        twin_openflow(sw, &last, 0);
    }
    learn_stations();
}

/* ---- packets ---- */

static void put_on_tag(struct traffic *t)
{
    if (t->n + 4 > sizeof t->bytes)
        return;
    memmove(t->bytes + 16, t->bytes + 12, t->n - 12);
    wire16(t->bytes + 12, 0x8100);
    wire16(t->bytes + 14, dice(3));
    t->n += 4;
}

static void spoil(struct traffic *t)
{
    switch (dice(6)) {
    case 0: t->n = 14 + dice((uint32_t)t->n - 13); break;
    case 1:
        for (uint32_t n = 1 + dice(dice(4) ? 2 : 10); n; n--)
            put_on_tag(t);
        break;
    default:
        for (uint32_t n = 1 + dice(3); n; n--)
            t->bytes[dice((uint32_t)t->n)] ^= (uint8_t)(1 << dice(8));
    }
}

static void read_packet(const struct traffic *t, uint32_t in_port, struct key *key)
{
    struct packet *p = packet_new(sw->pool, (uint32_t)t->n);
    memcpy(p->data, t->bytes, t->n);
    p->len = (uint32_t)t->n;
    p->in_port = in_port;
    layout_parse(p);
    key_extract(p, key);
    packet_release(p);
}

static void make_packets(void)
{
    for (unsigned i = 0; i < PACKETS; i++) {
        if (i % 2) {
            packets[i] = packets[dice(i)];
            spoil(&packets[i]);
        } else {
            random_packet(&packets[i]);
        }
        read_packet(&packets[i], 1 + dice(2), &keys[i]);
    }
}

/* ---- answers ---- */

static bool same_answer(const struct composition *a, const struct composition *b)
{
    return a->cacheable == b->cacheable && a->overflow == b->overflow && a->n_actions == b->n_actions &&
           a->n_slots == b->n_slots && !memcmp(a->slots, b->slots, a->n_slots * sizeof *a->slots) &&
           !memcmp(a->actions, b->actions, a->n_actions * sizeof *a->actions);
}

static void complain(const struct stage *stage, unsigned one, unsigned other)
{
    printf("two packets have one key and two answers%s\n", stage ? ", behind a stage" : "");
    check_print("one", packets[one].bytes, packets[one].n);
    check_print("the other", packets[other].bytes, packets[other].n);
    check_print("the last message", last.bytes, last.n);
    exit(1);
}

static struct port *came_by(const struct bridge *b, unsigned i) { return bridge_port(b, get32(&keys[i].in_port)); }

static void compose(struct composition *c, const struct bridge *b, const struct stage *stage, unsigned i)
{
    if (stage)
        compose_stage(c, stage, came_by(b, i), world_version(&sw->world), &keys[i], NULL);
    else
        compose_tables(c, b, came_by(b, i), world_version(&sw->world), &keys[i], NULL);
    answers++;
}

static void pack(const struct bridge *b, const struct stage *stage, unsigned i, struct packed_key *packed)
{
    struct key key = keys[i];
    if (stage)
        stage_fill(stage, &key);
    memset(packed, 0, sizeof *packed);
    key_pack(packed, &key, bridge_shape(b), stage ? stage->id : 0, 0);
}

static void compare_all(const struct bridge *b, const struct stage *stage, unsigned level);

/* Where an answer leads: stages that the cache may keep. */
static void follow(const struct bridge *b, const struct composition *c, unsigned level)
{
    for (unsigned i = 0; i < c->n_actions && level < LEVELS; i++) {
        const struct stage *stage =
            c->actions[i].kind == ACT_CONTINUE ? stages_find(sw->stages, c->actions[i].stage) : NULL;
        if (stage && !stage->state.transient)
            compare_all(b, stage, level + 1);
    }
}

/* All packets, at the tables or at one stage: each against the first with its key. */
static void compare_all(const struct bridge *b, const struct stage *stage, unsigned level)
{
    struct packed_key packed[PACKETS];
    struct composition *first = &sw->compositions[2 * level], *c = first + 1;
    for (unsigned i = 0; i < PACKETS; i++)
        pack(b, stage, i, &packed[i]);
    for (unsigned i = 0; i < PACKETS; i++) {
        bool came_before = false;
        for (unsigned k = 0; k < i; k++)
            came_before |= !memcmp(&packed[k], &packed[i], sizeof packed[i]);
        if (came_before)
            continue;
        compose(first, b, stage, i);
        for (unsigned k = i + 1; k < PACKETS; k++) {
            if (memcmp(&packed[k], &packed[i], sizeof packed[i]))
                continue;
            compose(c, b, stage, k);
            if (!same_answer(first, c))
                complain(stage, i, k);
            alike++;
        }
        if (!dice(8))
            follow(b, first, level);
    }
}
_Static_assert(2 * (LEVELS + 1) <= WORKER_LEVELS, "two compositions a level");

/* A packet-out of any packet: what it leads to. */
static void compare_packet_out(const struct bridge *b)
{
    struct packet_out out;
    packet_out_message(&last, packets[0].bytes, packets[0].n);
    if (openflow_13.read_packet_out(last.bytes, last.n, &out) == OF_FINE &&
        bridge_knows_groups(b, out.actions, out.n_actions) == OF_FINE) {
        struct composition *c = &sw->compositions[0];
        unsigned i = dice(PACKETS);
        compose_packet_out(c, b, came_by(b, i), world_version(&sw->world), &keys[i], out.actions, out.n_actions);
        follow(b, c, 0);
    }
    free(out.actions);
}

static void one_world(void)
{
    make_packets();
    make_world();
    const struct bridge *b = switch_bridge(sw, TWIN_BRIDGE);
    for (unsigned i = 0; i < ROUNDS; i++) {
        stages_next_packet(sw->stages, 1);
        compare_all(b, NULL, 0);
        for (unsigned k = 0; k < PACKET_OUTS; k++)
            compare_packet_out(b);
        make_packets();
    }
    twin_command(sw, VS_CMD_BRIDGE_DEL, NULL, 0, 0);
    twin_take(sw, NULL);
}

int main(int argc, char **argv)
{
    uint64_t wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : 500000;
    dice_state += argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    clock_t start = clock();
    sw = twin_new(0, 1, 11);
    while (answers < wanted)
        one_world();
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    printf("%" PRIu64 " answers in %.1f s, %" PRIu64 " of them to packets that look alike\n", answers, seconds, alike);
    CHECK(alike > answers / 10);
    vs_switch_free(sw);
    return checks_end();
}
