/* One's complement sums by 32-bit words in a 64-bit register, folded at the end; CRC32c by
 * the processor's instruction where there is one, else four bits at a time. */
#include "packet/checksum.h"
#include <string.h>

enum { UDP_CSUM_OFFSET = 6 };

static uint64_t word(const uint8_t *at)
{
    uint32_t w;

    memcpy(&w, at, 4);
    return w;
}

uint32_t checksum_add(uint32_t sum, const uint8_t *bytes, size_t n)
{
    uint64_t a = sum, b = 0;
    uint8_t rest[4] = {0};

    for (; n >= 16; bytes += 16, n -= 16) {
        a += word(bytes) + word(bytes + 4);
        b += word(bytes + 8) + word(bytes + 12);
    }
    for (; n >= 4; bytes += 4, n -= 4)
        a += word(bytes);
    memcpy(rest, bytes, n);
    a += b + word(rest);
    a = (a & UINT32_MAX) + (a >> 32);
    return (uint32_t)((a & UINT32_MAX) + (a >> 32));
}

uint16_t checksum_fold(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* RFC 1624, equation 3: HC' = ~(~HC + ~m + m'). */
uint16_t checksum_update(uint16_t sum, const uint8_t *old, const uint8_t *new, size_t n)
{
    uint32_t s = (uint16_t)~sum;
    uint16_t was, is;

    for (size_t i = 0; i + 1 < n; i += 2) {
        memcpy(&was, old + i, 2);
        memcpy(&is, new + i, 2);
        s += (uint16_t)~was + (uint32_t)is;
    }
    return (uint16_t)~checksum_fold(s);
}

bool checksum_complete(struct packet *p)
{
    uint32_t start = p->csum_start, end = p->layout.l3_end > start ? p->layout.l3_end : p->len;
    uint8_t *field = packet_at(p, start + p->csum_offset, 2);
    uint16_t sum;

    if (!field || end > p->len || start + p->csum_offset + 2 > end)
        return false;
    sum = (uint16_t)~checksum_fold(checksum_add(0, p->data + start, end - start));
    if (sum == 0 && p->csum_offset == UDP_CSUM_OFFSET)
        sum = 0xffff; /* RFC 768: zero would mean that there is none */
    memcpy(field, &sum, 2);
    p->offload &= (uint8_t)~PACKET_NEEDS_CSUM;
    return true;
}

/* Remainders of the reflected polynomial 0x82f63b78 for four bits. */
static uint32_t crc32c_plain(uint32_t crc, const uint8_t *bytes, size_t n)
{
    static const uint32_t nibble[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
        0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };

    for (size_t i = 0; i < n; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ nibble[crc & 15];
        crc = crc >> 4 ^ nibble[crc & 15];
    }
    return crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t crc32c_sse(uint32_t crc, const uint8_t *bytes, size_t n)
{
    uint64_t wide = crc, eight;

    for (; n >= 8; bytes += 8, n -= 8) {
        memcpy(&eight, bytes, 8);
        wide = __builtin_ia32_crc32di(wide, eight);
    }
    for (crc = (uint32_t)wide; n; bytes++, n--)
        crc = __builtin_ia32_crc32qi(crc, *bytes);
    return crc;
}

uint32_t crc32c(uint32_t crc, const uint8_t *bytes, size_t n)
{
    return __builtin_cpu_supports("sse4.2") ? crc32c_sse(crc, bytes, n) : crc32c_plain(crc, bytes, n);
}
#else
uint32_t crc32c(uint32_t crc, const uint8_t *bytes, size_t n) { return crc32c_plain(crc, bytes, n); }
#endif
