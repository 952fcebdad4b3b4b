/* Edits frames as standard input says and writes what they become, for tests/oracle/test_edit.py.
 *
 * In: records, each behind its length (4 bytes, big-endian): 'what' (1 byte: an enum edit_field, or
 * EDIT_LIMIT + a place in the list in edit()), 16 value bytes, the frame.
 * Out: the frame likewise behind its length, then one byte: what the edit returned.  A layout that is not
 * that of the frame afterwards ends the program.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
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
    case EDIT_LIMIT + 5: return edit_push_mpls(p, (uint16_t)(value[0] << 8 | value[1]));
    case EDIT_LIMIT + 6: return edit_pop_mpls(p, (uint16_t)(value[0] << 8 | value[1]));
    case EDIT_LIMIT + 7: return edit_set_mpls_ttl(p, value[0]);
    case EDIT_LIMIT + 8: return edit_dec_mpls_ttl(p);
    case EDIT_LIMIT + 9: return edit_copy_ttl_out(p);
    case EDIT_LIMIT + 10: return edit_copy_ttl_in(p);
    case EDIT_LIMIT + 11: return edit_push_pbb(p, (uint16_t)(value[0] << 8 | value[1]));
    case EDIT_LIMIT + 12: return edit_pop_pbb(p);
    default: return edit_set(p, what, value);
    }
}

static void check_layout(const struct packet *p)
{
    struct packet again = *p;

    layout_parse(&again);
    MUST(memcmp(&again.layout, &p->layout, sizeof again.layout) == 0);
}

static void write_out(const struct packet *p, bool done)
{
    uint8_t size[4] = {0, 0, (uint8_t)(p->len >> 8), (uint8_t)p->len};

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
        check_layout(p);
        packet_release(p);
    }
    packet_pool_free(pool);
    return 0;
}
