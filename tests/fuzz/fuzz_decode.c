/* The decoders of OpenFlow messages alone, on bytes that end where their allocation ends: fast, so deep.
 *
 * Input: which decoder, then a message, whose own header means nothing.  What is accepted is as the decoders promise.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "flow/oxm.h"
#include "ofp/decode13.h"
#include "bridge/bridge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_actions(const struct action *actions, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        MUST(actions[i].kind < ACT_SEND && actions[i].field < FIELD_LIMIT);
}

static void try_flow_mod(const uint8_t *message, size_t size)
{
    struct flow_mod m;
    if (openflow_13.read_flow_mod(message, size, &m) == OF_FINE) {
        const struct program *p = m.program;
        MUST(m.match_size % 8 == 0 && m.match_size + m.instructions_size <= size);
        MUST((p == NULL) == (m.command == OFPFC_DELETE || m.command == OFPFC_DELETE_STRICT));
        if (p)
            check_actions(p->actions, p->n_apply + p->n_write);
        MUST(!p || !p->has_goto || p->goto_table > m.table);
    }
    flow_mod_done(&m);
}

static void try_packet_out(const uint8_t *message, size_t size)
{
    struct packet_out out;
    if (openflow_13.read_packet_out(message, size, &out) == OF_FINE) {
        MUST(out.data + out.size == message + size && out.size >= 14);
        check_actions(out.actions, out.n_actions);
    }
    free(out.actions);
}

static void try_group_mod(const uint8_t *message, size_t size)
{
    struct group_mod m;
    if (openflow_13.read_group_mod(message, size, &m) == OF_FINE) {
        MUST((m.group == NULL) == (m.command == OFPGC_DELETE));
        for (uint32_t i = 0; m.group && i < m.group->n_buckets; i++)
            check_actions(m.group->buckets[i].actions, m.group->buckets[i].n_actions);
    }
    group_mod_done(&m);
}

static void try_meter_mod(const uint8_t *message, size_t size)
{
    struct meter_mod m;
    if (openflow_13.read_meter_mod(message, size, &m) == OF_FINE)
        MUST(m.n_bands <= METER_MAX_BANDS && m.command <= OFPMC_DELETE);
}

/* A match means the same after it was narrowed to what it looks at and put together again. */
static void try_match(const uint8_t *message, size_t size)
{
    union {
        struct match m;
        uint8_t room[sizeof(struct match) + KEY_WORDS * sizeof(struct match_word)];
    } match;
    struct key value, mask, again, again_mask;
    size_t padded;
    if (read13_match(message, size, &value, &mask, &padded) != OF_FINE)
        return;
    MUST(padded <= size && padded % 8 == 0);
    match_set(&match.m, &value, &mask);
    match_get(&match.m, &again, &again_mask);
    MUST(!memcmp(&mask, &again_mask, sizeof mask));
    MUST(match_hits(&match.m, &value) && match_covers(&match.m, &match.m) && match_overlaps(&match.m, &match.m));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const decoders[])(const uint8_t *, size_t) = {try_flow_mod, try_packet_out, try_group_mod,
                                                                try_meter_mod, try_match};
    if (!size)
        return -1;
    uint8_t *exact = malloc(size > 1 ? size - 1 : 1);
    memcpy(exact, data + 1, size - 1);
    decoders[data[0] % (sizeof decoders / sizeof *decoders)](exact, size - 1);
    free(exact);
    return 0;
}
