/* A growing run of bytes, and big-endian numbers in it.  Control side, one thread. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    uint8_t *data;
    size_t size, room;
};

/* Empty again, its memory given back. */
void bytes_free(struct bytes *);
/* 'n' more bytes, zeroed, at the end; valid until the next call on this buffer. */
uint8_t *bytes_more(struct bytes *, size_t n);
/* Appends 'n' bytes from 'from'. */
void bytes_put(struct bytes *, const void *from, size_t n);
void bytes_pad(struct bytes *, size_t multiple, size_t from); /* zeroes until (size - from) divides */

/* Numbers in network byte order at any address. */
static inline uint16_t get16(const void *p)
{
    uint16_t v;
    memcpy(&v, p, 2);
    return __builtin_bswap16(v);
}
static inline uint32_t get32(const void *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return __builtin_bswap32(v);
}
static inline uint64_t get64(const void *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return __builtin_bswap64(v);
}
static inline void set16(void *p, uint16_t v)
{
    v = __builtin_bswap16(v);
    memcpy(p, &v, 2);
}
static inline void set32(void *p, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(p, &v, 4);
}
static inline void set64(void *p, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(p, &v, 8);
}
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "written for little-endian machines");
