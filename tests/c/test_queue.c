/* A port's queue: order, bounds, references, and a rate that is kept however late or often it is asked.
 *
 * The oracle is a line that sends one packet after the other, reckoned in whole 1e-9 bits; it knows no
 * bucket, only when the line is free again.
 */
#include "check.h"
#include "frames.h"
#include "lane/queue.h"

#define SECOND UINT64_C(1000000000)
#define MS     UINT64_C(1000000)
#define START  (1700000000 * SECOND)

static struct packet_pool *pool;

static struct packet *frame_of(uint32_t bytes)
{
    struct packet *p = packet_new(pool, bytes);
    p->len = bytes;
    return p;
}

/* 64 KB of TCP in 45 segments: 45 frames and 44 times the headers on the wire. */
static struct packet *super_frame(void)
{
    struct packet *p = frame_of(66 + 45 * 1448);
    p->gso_type = GSO_TCPV4;
    p->gso_size = 1448;
    p->hdr_len = 66;
    return p;
}
enum { SUPER = 45 * (66 + 1448) };

static uint32_t frames_in(uint32_t bytes) { return bytes == SUPER ? 45 : 1; }
static struct packet *packet_of(uint32_t bytes) { return bytes == SUPER ? super_frame() : frame_of(bytes); }
static uint64_t read_count(_Atomic uint64_t *c) { return atomic_load_explicit(c, memory_order_relaxed); }

/* ---- order, bounds, references ---- */

/* What still waits is given back first: a queue that is freed has no packets. */
static void end(struct queue *q)
{
    for (struct packet *p; (p = queue_give_up(q));)
        packet_release(p);
    queue_free(q);
}

/* Small buffers that wait are no reason to refuse a large one, nor the other way round. */
static void what_waits_is_counted_by_the_size_of_its_buffer(void)
{
    struct queue *q = queue_new(3, 0, 1000, 1 << 24, START);
    struct packet *small = frame_of(60), *large = super_frame();
    for (unsigned i = 1; i <= 5; i++) {
        CHECK(queue_put(q, frame_of(60), START));
        if (i % 2)
            CHECK(queue_put(q, super_frame(), START));
        CHECK_EQ(queue_held(q, small), i);
        CHECK_EQ(queue_held(q, large), (i + 1) / 2);
    }
    packet_release(queue_take(q, START)); /* a small one, then a large one */
    CHECK_EQ(queue_held(q, small), 4);
    packet_release(queue_give_up(q));
    CHECK_EQ(queue_held(q, large), 2);
    packet_release(small);
    packet_release(large);
    end(q);
}

static void packets_leave_in_order_with_their_references(void)
{
    struct queue *q = queue_new(3, 0, 7, 1 << 20, START);
    uint32_t put = 0, taken = 0;
    CHECK_EQ(q->id, 3);
    CHECK_EQ(q->made_ns, START);
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = random_bits() % 8; i > 0 && put - taken < 7; i--)
            CHECK(queue_put(q, frame_of(60 + put++ % 1000), START));
        for (unsigned i = random_bits() % 8; i > 0; i--) {
            struct packet *p = queue_take(q, START);
            CHECK_EQ(p == NULL, put == taken);
            if (!p)
                break;
            CHECK_EQ(p->refs, 1);
            CHECK_EQ(p->len, 60 + taken++ % 1000);
            packet_release(p);
        }
        CHECK_EQ(packet_pool_out(pool), put - taken);
    }
    end(q);
    CHECK_EQ(packet_pool_out(pool), 0);
    queue_free(NULL);
}

static void a_full_queue_refuses_and_the_caller_keeps_the_packet(void)
{
    struct queue *q = queue_new(1, 8000, 3, 1 << 20, START);
    for (unsigned i = 0; i < 3; i++)
        CHECK(queue_put(q, frame_of(100), START));
    struct packet *p = frame_of(100), *super = super_frame();
    CHECK(!queue_put(q, p, START));
    CHECK(!queue_put(q, super, START));
    CHECK_EQ(p->refs, 1);
    CHECK_EQ(read_count(&q->counters.tx_errors), 46);
    packet_release(p);
    packet_release(super);
    packet_release(queue_take(q, START));
    CHECK(queue_put(q, frame_of(100), START));
    end(q);
    CHECK_EQ(packet_pool_out(pool), 0);
}

/* However deep in debt the bucket is; they have not left, so they count as refused. */
static void a_queue_that_goes_away_gives_up_all_that_waits(void)
{
    struct queue *q = queue_new(1, 8000, 1000, 1 << 30, START);
    for (unsigned i = 0; i < 500; i++)
        CHECK(queue_put(q, i % 100 ? frame_of(1000) : super_frame(), START));
    packet_release(queue_take(q, START));
    for (unsigned i = 0; i < 499; i++) {
        struct packet *p = queue_give_up(q);
        CHECK(p != NULL);
        packet_release(p);
    }
    CHECK(queue_give_up(q) == NULL);
    CHECK_EQ(q->bytes, 0);
    CHECK_EQ(queue_next_ns(q), UINT64_MAX);
    CHECK_EQ(read_count(&q->counters.tx_packets), 45);
    CHECK_EQ(read_count(&q->counters.tx_errors), 495 + 4 * 45);
    queue_free(q);
    CHECK_EQ(packet_pool_out(pool), 0);
}

static void bytes_are_bounded_but_an_empty_queue_takes_any_packet(void)
{
    struct queue *q = queue_new(1, 0, 1000, 3000, START);
    struct packet *p = frame_of(1001);
    CHECK(queue_put(q, frame_of(1000), START));
    CHECK(queue_put(q, frame_of(1000), START));
    CHECK(!queue_put(q, p, START));
    packet_release(p);
    CHECK(queue_put(q, frame_of(1000), START));
    for (unsigned i = 0; i < 3; i++)
        packet_release(queue_take(q, START));
    CHECK(queue_put(q, super_frame(), START));
    p = frame_of(1);
    CHECK(!queue_put(q, p, START));
    packet_release(p);
    end(q);
    CHECK_EQ(packet_pool_out(pool), 0);
}

static void a_super_frame_takes_the_room_of_the_frames_it_stands_for(void)
{
    struct queue *q = queue_new(1, 8000, 50, 1 << 20, START);
    struct packet *super = super_frame();
    CHECK(queue_put(q, super_frame(), START));
    CHECK(!queue_put(q, super, START));
    for (unsigned i = 0; i < 5; i++)
        CHECK(queue_put(q, frame_of(100), START));
    packet_release(super);
    super = frame_of(100);
    CHECK(!queue_put(q, super, START));
    packet_release(queue_take(q, START)); /* 45 of them leave */
    for (unsigned i = 0; i < 45; i++)
        CHECK(queue_put(q, frame_of(100), START));
    CHECK(!queue_put(q, super, START));
    CHECK_EQ(read_count(&q->counters.tx_errors), 45 + 1 + 1);
    packet_release(super);
    end(q);
    CHECK_EQ(packet_pool_out(pool), 0);
}

static void what_leaves_is_counted_as_it_looks_on_the_wire(void)
{
    struct queue *q = queue_new(1, 0, 50, 1 << 20, START);
    CHECK(queue_put(q, frame_of(100), START));
    CHECK(queue_put(q, super_frame(), START));
    CHECK_EQ(read_count(&q->counters.tx_packets), 0);
    packet_release(queue_take(q, START));
    CHECK_EQ(read_count(&q->counters.tx_packets), 1);
    CHECK_EQ(read_count(&q->counters.tx_bytes), 100);
    packet_release(queue_take(q, START));
    CHECK_EQ(read_count(&q->counters.tx_packets), 46);
    CHECK_EQ(read_count(&q->counters.tx_bytes), 100 + SUPER);
    CHECK_EQ(read_count(&q->counters.tx_errors), 0);
    end(q);
}

/* ---- when the next may leave ---- */

static bool leaves(struct queue *q, uint64_t now_ns)
{
    struct packet *p = queue_take(q, now_ns);
    packet_release(p);
    return p != NULL;
}

static void the_next_may_leave_when_the_ones_before_have_had_their_time(void)
{
    struct queue *q = queue_new(1, 3000000, 10, 1 << 20, START); /* 1 ms is 375 bytes */
    CHECK_EQ(queue_next_ns(q), UINT64_MAX);
    for (unsigned i = 0; i < 3; i++)
        CHECK(queue_put(q, frame_of(1000), START));
    CHECK(queue_next_ns(q) <= START);
    CHECK(leaves(q, START));
    CHECK_EQ(queue_next_ns(q), START + 1666667); /* 625 bytes of debt: 1 2/3 ms */
    CHECK(!leaves(q, START));
    CHECK(!leaves(q, START + 1666666));
    CHECK(leaves(q, START + 1666667));
    CHECK_EQ(queue_next_ns(q), START + 4333334); /* a third of a nanosecond is not forgotten */
    CHECK(leaves(q, START + 4333334));
    CHECK(!leaves(q, START + SECOND));
    CHECK_EQ(queue_next_ns(q), UINT64_MAX);
    end(q);
}

static void no_rate_is_no_limit(void)
{
    struct queue *q = queue_new(1, 0, 500 * 45, 100000000, START);
    for (unsigned i = 0; i < 500; i++)
        CHECK(queue_put(q, super_frame(), START));
    for (unsigned i = 0; i < 500; i++) {
        CHECK(queue_next_ns(q) <= START);
        CHECK(leaves(q, START));
    }
    end(q);
}

/* ---- bursts ---- */

static unsigned leave_at_once(struct queue *q, uint64_t now_ns)
{
    unsigned n = 0;
    while (leaves(q, now_ns))
        n++;
    return n;
}

static void put_frames(struct queue *q, unsigned n, uint32_t bytes, uint64_t now_ns)
{
    while (n-- > 0)
        CHECK(queue_put(q, frame_of(bytes), now_ns));
}

static void after_silence_a_millisecond_leaves_at_once(void)
{
    struct queue *q = queue_new(1, 80000000, 1000, 1 << 20, START); /* 10,000 bytes in 1 ms */
    put_frames(q, 100, 1000, START + 100 * SECOND);
    CHECK_EQ(leave_at_once(q, START + 100 * SECOND), 11);
    end(q);
}

static void a_late_taker_catches_up_on_20_milliseconds(void)
{
    struct queue *q = queue_new(1, 80000000, 1000, 1 << 20, START);
    put_frames(q, 700, 1000, START);
    CHECK_EQ(leave_at_once(q, START), 11);
    CHECK_EQ(leave_at_once(q, START + 10 * MS), 100);
    CHECK_EQ(leave_at_once(q, START + SECOND), 201);
    end(q);
}

/* Silence that began with a late taker's credit is no credit. */
static void an_empty_queue_keeps_no_more_than_its_burst(void)
{
    struct queue *q = queue_new(1, 80000000, 1000, 1 << 20, START);
    put_frames(q, 12, 1000, START);
    CHECK_EQ(leave_at_once(q, START), 11);
    CHECK_EQ(leave_at_once(q, START + 15 * MS), 1);
    put_frames(q, 100, 1000, START + 15 * MS);
    CHECK_EQ(leave_at_once(q, START + 15 * MS), 11);
    end(q);
}

/* ---- the rate ---- */

struct load {
    uint64_t rate;
    uint32_t bytes;
    uint64_t late_ns, clump_ns;
    double factor;
};

/* Puts what has arrived by 'now' and was not put yet; a clump comes at the beginning of its time, so that there is work
 * from the first moment on. */
static void offer(struct queue *q, const struct load *l, uint64_t *i, uint64_t now)
{
    double distance = l->bytes * 8e9 / (double)l->rate / l->factor;
    for (;; (*i)++) {
        uint64_t at = (uint64_t)(((double)*i + 0.5) * distance);
        if (l->clump_ns)
            at -= at % l->clump_ns;
        if (at > now)
            return;
        struct packet *p = packet_of(l->bytes);
        if (!queue_put(q, p, START + at))
            packet_release(p);
    }
}

/* Bytes that leave in 5 s; the taker comes when it is time, or something arrived, and up to 'late_ns' late. */
static uint64_t shaped(const struct load *l)
{
    struct queue *q = queue_new(1, l->rate, 400 * frames_in(l->bytes), 400 * SUPER, START);
    uint64_t now = 0, i = 0;
    while (now <= 5 * SECOND) {
        offer(q, l, &i, now);
        leave_at_once(q, START + now);
        uint64_t next = queue_next_ns(q),
                 step = next == UINT64_MAX || next <= START + now ? MS / 10 : next - START - now;
        now += step + (l->late_ns ? random_bits() % l->late_ns : 0);
    }
    uint64_t bytes = read_count(&q->counters.tx_bytes);
    end(q);
    return bytes;
}

static double worst;
static unsigned runs;

static void expect_rate(const struct load *l)
{
    double want = 5.0 * (double)l->rate / 8, got = (double)shaped(l), off = got > want ? got - want : want - got;
    double fine = want * 0.005, coarse = l->bytes, allowed = fine > coarse ? fine : coarse;
    if (allowed == fine && off / want > worst)
        worst = off / want;
    if (!check_note(off <= allowed))
        printf("%" PRIu64 " bit/s, packets of %u bytes, offered %.2fx in clumps of %" PRIu64 " ms, taken up to %" PRIu64
               " us late: %.2f %% off\n",
               l->rate, l->bytes, l->factor, l->clump_ns / MS, l->late_ns / 1000, (got - want) / want * 100);
    CHECK_EQ(packet_pool_out(pool), 0);
    runs++;
}

static void the_rate_is_kept_for_all_sizes_and_shapes(void)
{
    static const uint64_t rates[] = {1000000, 10000000, 123456789, 2500000000};
    static const uint64_t lates[] = {0, 1 * MS, 15 * MS};
    static const uint32_t sizes[] = {64, 590, 1514, 9000, SUPER};
    static const double factors[] = {1.05, 2, 10};
    for (unsigned r = 0; r < 4; r++)
        for (unsigned s = 0; s < 5; s++)
            for (unsigned f = 0; f < 3; f++)
                for (unsigned c = 0; c < 3; c++)
                    for (unsigned t = 0; t < 3; t++) {
                        struct load l = {rates[r], sizes[s], lates[t], c * 10 * MS, factors[f]};
                        /* a queue of 400 has to last until it is asked again, and the run has to end */
                        double in_20_ms = (double)l.rate / 8 / l.bytes * 0.02, offered = in_20_ms * 250 * l.factor;
                        if (offered < 200000 && in_20_ms * (lates[t] || c ? 1.1 : 0) < 400)
                            expect_rate(&l);
                    }
    CHECK(runs > 200);
}

/* Not a nanosecond is lost to rounding: 64 bytes take 5.12 ns at 100 Gbit/s. */
static void short_packets_on_a_fast_line_keep_its_rate(void)
{
    struct queue *q = queue_new(1, 100000000000, 1000, 1 << 20, START);
    uint64_t sent = 0;
    for (uint64_t now = 0; now < 10 * MS; now += 3) {
        if (q->count < 10)
            put_frames(q, 10, 64, START + now);
        sent += leave_at_once(q, START + now);
    }
    uint64_t want = (uint64_t)(11 * MS / 5.12); /* 10 ms and the burst */
    CHECK(sent + 1 >= want && sent <= want + 2);
    end(q);
}

/* ---- the oracle ---- */

/* A line of 'rate' bits a second: free at 'free' (in 1/rate ns), never counted as free since more than 'most' ns. */
struct line {
    uint64_t rate;
    __int128 free;
};

static void line_forget(struct line *l, uint64_t now, uint64_t most)
{
    __int128 since = ((__int128)now - (__int128)most) * l->rate;
    if (l->free < since)
        l->free = since;
}

static void the_oracle_lets_the_same_packets_go_at_the_same_time(void)
{
    enum { MOST = 150 };
    unsigned left = 0, waited = 0;
    for (unsigned round = 0; round < 300; round++) {
        uint64_t rate = 1 + ((uint64_t)random_bits() << 4 >> random_bits() % 20), now = START;
        struct queue *q = queue_new(1, rate, MOST, 1 << 30, now);
        struct line line = {rate, (__int128)(now - MS) * rate};
        uint32_t sizes[MOST];
        unsigned first = 0, count = 0, frames = 0;
        for (unsigned i = 0; i < 2000; i++) {
            now += random_bits() % (random_bits() % 50 ? 400000 : 60000000);
            if (random_bits() % 2) {
                uint32_t bytes = (uint32_t[]){64, 1514, 9000, SUPER}[random_bits() % 4];
                struct packet *p = packet_of(bytes);
                if (count == 0)
                    line_forget(&line, now, MS);
                bool fits = !count || frames + frames_in(bytes) <= MOST;
                CHECK_EQ(queue_put(q, p, now), fits);
                if (fits) {
                    sizes[(first + count++) % MOST] = bytes;
                    frames += frames_in(bytes);
                } else {
                    packet_release(p);
                }
            }
            bool may = false;
            if (count) {
                line_forget(&line, now, 20 * MS);
                may = line.free <= (__int128)now * rate;
                CHECK_EQ(leaves(q, now), may);
                *(may ? &left : &waited) += 1;
            }
            if (may) {
                line.free += (__int128)sizes[first] * 8000000000;
                frames -= frames_in(sizes[first]);
                first = (first + 1) % MOST;
                count--;
            }
            if (count && line.free > (__int128)now * rate)
                CHECK_EQ(queue_next_ns(q), (uint64_t)((line.free + rate - 1) / rate));
        }
        end(q);
    }
    CHECK(left > 50000 && waited > 50000); /* both happened often */
}

/* ---- edges ---- */

static void a_clock_that_stands_still_or_goes_back_fills_nothing(void)
{
    struct queue *q = queue_new(1, 8000, 10, 1 << 20, START); /* 1000 bytes a second, 1 in the burst */
    put_frames(q, 3, 1001, START);
    CHECK_EQ(leave_at_once(q, START), 1);
    CHECK_EQ(leave_at_once(q, START), 0);
    CHECK_EQ(leave_at_once(q, 0), 0);
    CHECK_EQ(leave_at_once(q, START + SECOND - 1), 0);
    CHECK_EQ(leave_at_once(q, START + SECOND), 1);
    CHECK_EQ(leave_at_once(q, START), 0);
    CHECK_EQ(leave_at_once(q, UINT64_MAX), 1);
    end(q);
}

static void any_rate_and_time_can_be_reckoned_with(void)
{
    static const uint64_t rates[] = {1, 1000, UINT32_MAX, 1ull << 62, UINT64_MAX};
    static const uint64_t times[] = {0, 1, START, UINT64_MAX / 2, UINT64_MAX};
    for (unsigned r = 0; r < 5; r++) {
        struct queue *q = queue_new(1, rates[r], 1000, 1 << 30, 0);
        for (unsigned t = 0; t < 5; t++) {
            CHECK(queue_put(q, super_frame(), times[t]));
            CHECK(queue_put(q, super_frame(), times[t]));
            leave_at_once(q, times[t]);
            uint64_t next = queue_next_ns(q);
            CHECK_EQ(next == UINT64_MAX, q->count == 0);
            CHECK(next > times[t] || next >= UINT64_MAX - 1); /* what could have left has */
        }
        end(q);
    }
    CHECK_EQ(packet_pool_out(pool), 0);
}

/* ---- another rate ---- */

static void a_debt_ends_where_rates_do(void)
{
    struct queue *q = queue_new(1, 1000, 8, 1 << 20, START);
    for (unsigned i = 0; i < 4; i++)
        CHECK(queue_put(q, frame_of(1000), START));
    packet_release(queue_take(q, START));
    CHECK(!queue_take(q, START + MS)); /* 8 s of debt */
    queue_set_rate(q, 0, START + MS);
    CHECK(queue_next_ns(q) <= START + MS);
    for (unsigned i = 0; i < 2; i++)
        packet_release(queue_take(q, START + MS));
    queue_set_rate(q, 8000, START + MS); /* a packet a second; nothing was saved up meanwhile */
    packet_release(queue_take(q, START + MS));
    CHECK(queue_put(q, frame_of(1000), START + MS));
    CHECK(!queue_take(q, START + SECOND));
    CHECK_EQ(queue_next_ns(q), START + MS + SECOND);
    packet_release(queue_take(q, START + MS + SECOND));
    end(q);
    CHECK_EQ(packet_pool_out(pool), 0);
}

int main(void)
{
    pool = packet_pool_new(2000, 1000);
    what_waits_is_counted_by_the_size_of_its_buffer();
    packets_leave_in_order_with_their_references();
    a_full_queue_refuses_and_the_caller_keeps_the_packet();
    a_queue_that_goes_away_gives_up_all_that_waits();
    bytes_are_bounded_but_an_empty_queue_takes_any_packet();
    a_super_frame_takes_the_room_of_the_frames_it_stands_for();
    what_leaves_is_counted_as_it_looks_on_the_wire();
    the_next_may_leave_when_the_ones_before_have_had_their_time();
    no_rate_is_no_limit();
    after_silence_a_millisecond_leaves_at_once();
    a_late_taker_catches_up_on_20_milliseconds();
    an_empty_queue_keeps_no_more_than_its_burst();
    the_rate_is_kept_for_all_sizes_and_shapes();
    short_packets_on_a_fast_line_keep_its_rate();
    the_oracle_lets_the_same_packets_go_at_the_same_time();
    a_clock_that_stands_still_or_goes_back_fills_nothing();
    any_rate_and_time_can_be_reckoned_with();
    a_debt_ends_where_rates_do();
    packet_pool_free(pool);
    printf("%u runs, the worst rate was %.3f %% off\n", runs, worst * 100);
    return checks_end();
}
