/* The ring between two threads: every record arrives once, whole, in order; a full ring refuses. */
#include <pthread.h>
#include <sched.h>

#include "base/ring.h"
#include "check.h"

enum { SIZE = 4096, RECORDS = 200000 };

static void a_new_ring_is_empty(void)
{
    struct ring r;
    size_t n;
    ring_init(&r, SIZE);
    CHECK(ring_peek(&r, &n) == NULL);
    ring_destroy(&r);
}

static void records_come_back_in_order(void)
{
    struct ring r;
    size_t n;
    ring_init(&r, SIZE);
    for (unsigned round = 0; round < 1000; round++) /* sizes that meet the end of the ring at every offset */
        for (unsigned i = 0; i < 3; i++) {
            size_t size = (round * 7 + i * 13) % 600;
            uint8_t *at = ring_reserve(&r, size);
            CHECK(at != NULL);
            memset(at, (int)(round + i), size);
            ring_commit(&r, size);
            uint8_t *got = ring_peek(&r, &n);
            CHECK_EQ(n, size);
            CHECK(size == 0 || (got[0] == (uint8_t)(round + i) && got[size - 1] == (uint8_t)(round + i)));
            ring_consume(&r);
        }
    CHECK(ring_peek(&r, &n) == NULL);
    CHECK_EQ(ring_read(&r), ring_written(&r));
    ring_destroy(&r);
}

static void a_full_ring_refuses_until_something_is_read(void)
{
    struct ring r;
    size_t n;
    unsigned count = 0;
    ring_init(&r, SIZE);
    while (ring_reserve(&r, 100)) {
        ring_commit(&r, 100);
        count++;
    }
    CHECK_EQ(count, SIZE / 112); /* 8 bytes of length, 4 of padding */
    CHECK(ring_reserve(&r, 100) == NULL);
    CHECK(ring_peek(&r, &n) != NULL);
    ring_consume(&r);
    CHECK(ring_peek(&r, &n) != NULL);
    ring_consume(&r);
    CHECK(ring_reserve(&r, 100) != NULL);
    ring_destroy(&r);
}

static void more_than_half_the_ring_never_fits(void)
{
    struct ring r;
    ring_init(&r, SIZE);
    CHECK(ring_reserve(&r, SIZE / 2) == NULL);
    CHECK(ring_reserve(&r, SIZE / 2 - 8) != NULL);
    ring_destroy(&r);
}

static size_t size_of(uint32_t i) { return 8 + (i * 2654435761u >> 20) % 700; }

static void *write_records(void *arg)
{
    struct ring *r = arg;
    for (uint32_t i = 0; i < RECORDS;) {
        uint8_t *at = ring_reserve(r, size_of(i));
        if (!at) {
            sched_yield();
            continue;
        }
        memcpy(at, &i, sizeof i);
        memset(at + 4, (int)i, size_of(i) - 4);
        ring_commit(r, size_of(i));
        i++;
    }
    return NULL;
}

static bool is_record(const uint8_t *at, size_t n, uint32_t i)
{
    uint32_t number;
    memcpy(&number, at, sizeof number);
    bool right = number == i && n == size_of(i);
    for (size_t k = 4; right && k < n; k++)
        right = at[k] == (uint8_t)i;
    return right;
}

static void two_threads_lose_nothing(void)
{
    struct ring r;
    pthread_t writer;
    size_t n;
    ring_init(&r, 16384);
    pthread_create(&writer, NULL, write_records, &r);
    for (uint32_t i = 0; i < RECORDS;) {
        uint8_t *at = ring_peek(&r, &n);
        if (!at) {
            sched_yield();
            continue;
        }
        CHECK(is_record(at, n, i));
        ring_consume(&r);
        i++;
    }
    pthread_join(writer, NULL);
    CHECK(ring_peek(&r, &n) == NULL);
    ring_destroy(&r);
}

int main(void)
{
    a_new_ring_is_empty();
    records_come_back_in_order();
    a_full_ring_refuses_until_something_is_read();
    more_than_half_the_ring_never_fits();
    two_threads_lose_nothing();
    return checks_end();
}
