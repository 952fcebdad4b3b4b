/* Prints the layout of each frame on standard input, one a line, for tests/oracle/test_layout.py.
 *
 * In: frames, each behind its length as a 4-byte big-endian number.  Out: "name=value" in decimal,
 * in the order of 'dump'.  Each frame lies in an allocation of exactly its own size, so that under
 * AddressSanitizer a parser that reads one byte too many ends the program.
 */
#include <stdio.h>
#include <stdlib.h>
#include "packet/parse.h"

static void dump(const struct layout *l)
{
    printf("l3=%u l4=%u eth_type=%u n_vlans=%u ip_proto=%u kind=%u frag=%u exthdrs=%u nd_target=%u nd_sll=%u nd_tll=%u "
           "l3_end=%u\n",
           l->l3, l->l4, l->eth_type, l->n_vlans, l->ip_proto, l->kind, l->frag, l->exthdrs, l->nd_target, l->nd_sll,
           l->nd_tll, l->l3_end);
}

int main(void)
{
    uint8_t size[4];

    while (fread(size, 1, 4, stdin) == 4) {
        uint32_t n = (uint32_t)size[0] << 24 | (uint32_t)size[1] << 16 | (uint32_t)size[2] << 8 | size[3];
        uint8_t *bytes = malloc(n);
        struct packet p = {.data = bytes, .len = n, .room = n, .refs = 1};

        if (!bytes || fread(bytes, 1, n, stdin) != n)
            return 1;
        layout_parse(&p);
        dump(&p.layout);
        free(bytes);
    }
    return 0;
}
