/* See bytes.h. */
#include "base/bytes.h"

#include "base/check.h"

void bytes_free(struct bytes *b)
{
    free(b->data);
    *b = (struct bytes){0};
}

uint8_t *bytes_more(struct bytes *b, size_t n)
{
    if (n > b->room - b->size) {
        size_t room = b->room ? b->room : 256;
        while (room - b->size < n)
            room *= 2;
        b->data = realloc(b->data, room);
        MUST(b->data);
        b->room = room;
    }
    uint8_t *at = b->data + b->size;
    memset(at, 0, n);
    b->size += n;
    return at;
}

void bytes_put(struct bytes *b, const void *from, size_t n)
{
    if (n)
        memcpy(bytes_more(b, n), from, n);
}

void bytes_pad(struct bytes *b, size_t multiple, size_t from)
{
    size_t over = (b->size - from) % multiple;
    if (over)
        bytes_more(b, multiple - over);
}
