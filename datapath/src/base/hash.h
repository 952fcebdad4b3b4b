/* Keyed hashes of words and bytes.
 *
 * A multiply-and-fold mixer (64x64 -> 128 bits) with a random seed per process, so that
 * nobody outside can make keys collide on purpose (HARDENING S13).
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The two halves of the 128-bit product, one laid over the other. */
static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* 'hash' with one more word in it; begin with a seed that nobody outside knows, and end with hash_end. */
static inline uint64_t hash_mix(uint64_t hash, uint64_t word)
{
    return hash_fold(hash ^ word ^ 0x9e3779b97f4a7c15u, hash + 0xd6e8feb86659fd93u + (word << 32 | word >> 32));
}

/* Bits spread over all of the word: only then take some of them. */
static inline uint64_t hash_end(uint64_t hash) { return hash_fold(hash ^ 0xa0761d6478bd642fu, hash | 1); }

/* Of 'n' bytes at any address, ended. */
static inline uint64_t hash_bytes(const void *bytes, size_t n, uint64_t seed)
{
    const uint8_t *at = bytes;
    uint64_t hash = seed ^ n, word;
    for (; n >= 8; at += 8, n -= 8) {
        memcpy(&word, at, 8);
        hash = hash_mix(hash, word);
    }
    word = 0;
    memcpy(&word, at, n);
    return hash_end(hash_mix(hash, word));
}
