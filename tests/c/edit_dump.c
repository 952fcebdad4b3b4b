/* Edits frames as standard input says and writes what they become, for tests/oracle/test_edit.py.
 *
 * In: records, each behind its length (4 bytes, big-endian): 'what' (1 byte: an enum edit_field, or
 * EDIT_LIMIT + 0 push 802.1Q, 1 push 802.1ad, 2 pop, 3 decrement TTL, 4 set TTL), 16 value bytes, the frame.
 * Out: the frame likewise behind its length, then one byte: what the edit returned.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "packet/edit.h"
#include "packet/parse.h"

enum { HEAD = 17 };

static bool edit(struct packet *p, unsigned what, const uint8_t *value)
{
    switch (what) {
    case EDIT_LIMIT: return edit_push_vlan(p, 0x8100);
    case EDIT_LIMIT + 1: return edit_push_vlan(p, 0x88a8);
    case EDIT_LIMIT + 2: return edit_pop_vlan(p);
    case EDIT_LIMIT + 3: return edit_dec_ttl(p);
    case EDIT_LIMIT + 4: return edit_set_ttl(p, value[0]);
    default: return edit_set(p, what, value);
    }
}

static void write_out(const struct packet *p, bool done)
{
    uint8_t size[4] = { 0, 0, (uint8_t)(p->len >> 8), (uint8_t)p->len };

    fwrite(size, 1, 4, stdout);
    fwrite(p->data, 1, p->len, stdout);
    putchar(done);
}

int main(void)
{
    static uint8_t record[HEAD + PACKET_SMALL];
    struct packet_pool *pool = packet_pool_new(1, 0);
    uint8_t size[4];

    while (fread(size, 1, 4, stdin) == 4) {
        size_t n = (size_t)size[2] << 8 | size[3];
        struct packet *p;

        if (n < HEAD || n > sizeof record || fread(record, 1, n, stdin) != n)
            return 1;
        p = packet_new(pool, (uint32_t)n - HEAD);
        p->len = (uint32_t)n - HEAD;
        memcpy(p->data, record + HEAD, p->len);
        layout_parse(p);
        write_out(p, edit(p, record[0], record + 1));
        packet_release(p);
    }
    packet_pool_free(pool);
    return 0;
}
