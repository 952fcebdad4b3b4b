/* Checks for small test programs: say what was expected and what came, go on, fail at the end.
 *
 *     int main(void) { CHECK_EQ(1 + 1, 2); return checks_end(); }
 */
#pragma once
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned checks_failed, checks_made;

static inline bool check_note(bool holds)
{
    checks_made++;
    if (holds)
        return true;
    if (++checks_failed > 20) {
        printf("too many failures: giving up\n");
        exit(1);
    }
    return false;
}

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!check_note(condition))                                                                                    \
            printf("%s:%d: %s: not so: %s\n", __FILE__, __LINE__, __func__, #condition);                               \
    } while (0)

#define CHECK_EQ(got, want)                                                                                            \
    do {                                                                                                               \
        int64_t got_ = (int64_t)(got), want_ = (int64_t)(want);                                                        \
        if (!check_note(got_ == want_))                                                                                \
            printf("%s:%d: %s: %s is %" PRId64 " (0x%" PRIx64 "), not %s = %" PRId64 " (0x%" PRIx64 ")\n", __FILE__,   \
                   __LINE__, __func__, #got, got_, got_, #want, want_, want_);                                         \
    } while (0)

static inline void check_print(const char *name, const uint8_t *bytes, size_t n)
{
    printf("  %s", name);
    for (size_t i = 0; i < n; i++)
        printf("%s%02x", i % 16 ? " " : "\n   ", bytes[i]);
    printf("\n");
}

#define CHECK_BYTES(got, want, n)                                                                                      \
    do {                                                                                                               \
        if (!check_note(memcmp(got, want, n) == 0)) {                                                                  \
            printf("%s:%d: %s: %s differs from %s\n", __FILE__, __LINE__, __func__, #got, #want);                      \
            check_print(#got, (const uint8_t *)(got), n);                                                              \
            check_print(#want, (const uint8_t *)(want), n);                                                            \
        }                                                                                                              \
    } while (0)

static inline int checks_end(void)
{
    printf("%u checks, %u failed\n", checks_made, checks_failed);
    return checks_failed ? 1 : 0;
}
