/* Meters: the delivered rate is the band's, whatever is offered; which band acts; the oracle; remarking.
 *
 * The oracle is a meter written down as the header tells it: time goes by in steps of a microsecond, all
 * buckets fill at every step, and each packet is first looked at by all bands and then charged.
 */
#include "check.h"
#include "frames.h"
#include "meter/meter.h"

#define SECOND UINT64_C(1000000000)
#define START  (1700000000 * SECOND)

static struct meter *one_band(uint16_t flags, uint32_t rate, uint32_t burst, uint64_t now_ns)
{
    struct meter_band_spec drop = {.rate = rate, .burst_size = burst, .type = METER_DROP};
    return meter_new(1, flags, &drop, 1, now_ns);
}

/* ---- the delivered rate ---- */

/* What is offered: packets of one kind, 'factor' times the rate, each in the middle of the time it takes, or all that
 * came together in 'clump_ns' at its end. */
struct offer {
    uint16_t flags;
    uint32_t rate, burst;
    uint64_t frames, bytes; /* of a packet */
    double factor;
    uint64_t clump_ns, idle_ns; /* idle: between the meter's making and the first packet */
};

static double unit_cost(const struct offer *o)
{
    return o->flags & METER_PKTPS ? (double)o->frames : (double)o->bytes * 8 / 1000;
}

static double offered_count(const struct offer *o, double seconds)
{
    return seconds * o->rate * o->factor / unit_cost(o);
}

static uint64_t arrival_ns(const struct offer *o, uint64_t i)
{
    uint64_t at = (uint64_t)(((double)i + 0.5) * unit_cost(o) / o->rate / o->factor * 1e9);
    return o->clump_ns ? (at / o->clump_ns + 1) * o->clump_ns : at;
}

/* Delivered in the first 15 s, in kilobits or packets. */
static double delivered(const struct offer *o)
{
    struct meter *m = one_band(o->flags, o->rate, o->burst, START);
    uint64_t passed = 0, at;
    for (uint64_t i = 0; (at = arrival_ns(o, i)) <= 15 * SECOND; i++)
        passed += meter_charge(m, o->frames, o->bytes, START + o->idle_ns + at) < 0;
    meter_free(m);
    return (double)passed * unit_cost(o);
}

static double worst;
static unsigned runs;

/* Half a percent; where packets are coarse, one and a half of them: one that is just in or out, and how the first meets
 * the full bucket. */
static void expect_rate(const struct offer *o)
{
    double want = 15.0 * o->rate, got = delivered(o), off = got > want ? got - want : want - got;
    double fine = want * 0.005, coarse = 1.5 * unit_cost(o), allowed = fine > coarse ? fine : coarse;
    runs++;
    if (allowed == fine && off / want > worst)
        worst = off / want;
    if (!check_note(off <= allowed))
        printf("%s %u, packets of %" PRIu64 " frames %" PRIu64 " bytes, offered %.2fx in clumps of %" PRIu64
               " us after %" PRIu64 " ms: delivered %.2f %% off\n",
               o->flags & METER_PKTPS ? "packets/s" : "kbit/s", o->rate, o->frames, o->bytes, o->factor,
               o->clump_ns / 1000, o->idle_ns / 1000000, (got - want) / want * 100);
}

/* All factors and shapes for one rate and packet; what takes more than 'most' packets to offer is left out. */
static void expect_rate_in_all_shapes(struct offer o, double most)
{
    static const double factors[] = {1.05, 1.3, 1.99, 2.01, 3.7, 10, 100};
    static const uint64_t clumps[] = {0, 5000000, 10000000, 20000000};
    for (unsigned f = 0; f < 7; f++)
        for (unsigned c = 0; c < 4; c++) {
            o.factor = factors[f];
            o.clump_ns = clumps[c];
            o.idle_ns = (f + c) % 2 ? 0 : 3 * SECOND;
            if (offered_count(&o, 15) < most)
                expect_rate(&o);
        }
}

/* Frames and bytes of what is sent: from the smallest frame to super-frames. */
static const struct {
    uint64_t frames, bytes;
} sendings[] = {
    {1, 64}, {1, 590}, {1, 1514}, {1, 9000}, {8, 8 * 9000}, {45, 65536 + 44 * 66}, {1000, 64000 + 999 * 66},
};
enum { SENDINGS = sizeof sendings / sizeof *sendings };

static void a_rate_in_kilobits_is_kept(void)
{
    static const uint32_t rates[] = {500, 1000, 5000, 20000, 100000, 1000000, 40000000};
    for (unsigned r = 0; r < 7; r++)
        for (unsigned s = 0; s < SENDINGS; s++)
            expect_rate_in_all_shapes(
                (struct offer){
                    .flags = METER_KBPS, .rate = rates[r], .frames = sendings[s].frames, .bytes = sendings[s].bytes},
                400000);
}

static void a_rate_in_packets_is_kept(void)
{
    static const uint32_t rates[] = {7, 100, 1000, 12345, 1000000};
    for (unsigned r = 0; r < 5; r++)
        for (unsigned s = 0; s < SENDINGS; s++)
            expect_rate_in_all_shapes(
                (struct offer){
                    .flags = METER_PKTPS, .rate = rates[r], .frames = sendings[s].frames, .bytes = sendings[s].bytes},
                400000);
}

/* The smallest frames at their densest: three million of them. */
static void a_hundredfold_of_small_frames_is_no_more(void)
{
    struct offer o = {.flags = METER_KBPS, .rate = 1000, .frames = 1, .bytes = 64, .factor = 100, .clump_ns = 5000000};
    expect_rate(&o);
}

static void a_burst_smaller_than_the_packets_keeps_the_rate(void)
{
    for (unsigned s = 0; s < SENDINGS; s++)
        for (uint32_t burst = 0; burst < 3; burst++)
            for (unsigned f = 0; f < 4; f++) {
                struct offer o = {.flags = METER_KBPS | METER_BURST,
                                  .rate = 20000,
                                  .burst = burst,
                                  .frames = sendings[s].frames,
                                  .bytes = sendings[s].bytes,
                                  .factor = 1.05 + f * 0.7};
                expect_rate(&o);
            }
}

/* Sizes as a mixture, super-frames among them: the large ones must not make the bucket run over. */
static void a_mixture_of_sizes_keeps_the_rate(void)
{
    for (unsigned f = 0; f < 6; f++) {
        struct meter *m = one_band(METER_KBPS, 20000, 0, START);
        double now = 0, passed = 0, factor = (double[]){1.05, 1.2, 1.6, 2.2, 5, 50}[f];
        while (now < 15e9) {
            unsigned s = random_bits() % 6;
            now += (double)sendings[s].bytes * 8 / 20000e3 / factor * 1e9;
            if (meter_charge(m, sendings[s].frames, sendings[s].bytes, START + (uint64_t)now) < 0)
                passed += (double)sendings[s].bytes * 8 / 1000;
        }
        CHECK(passed > 15 * 20000 * 0.995 && passed < 15 * 20000 * 1.005);
        meter_free(m);
    }
}

static void what_stays_below_the_rate_passes_whole(void)
{
    for (unsigned s = 0; s < SENDINGS; s++) {
        struct offer o = {.flags = METER_KBPS,
                          .rate = 20000,
                          .frames = sendings[s].frames,
                          .bytes = sendings[s].bytes,
                          .factor = 0.99};
        uint64_t count = 0;
        while (arrival_ns(&o, count) <= 15 * SECOND)
            count++;
        CHECK_EQ(delivered(&o) / unit_cost(&o) + 0.5, count);
    }
}

/* ---- bursts ---- */

static unsigned pass_at_once(struct meter *m, uint64_t frames, uint64_t bytes, unsigned most, uint64_t now_ns)
{
    unsigned n = 0;
    while (n < most && meter_charge(m, frames, bytes, now_ns) < 0)
        n++;
    return n;
}

static void a_burst_is_what_the_controller_says(void)
{
    struct meter *m = one_band(METER_PKTPS | METER_BURST, 10, 25, START);
    CHECK_EQ(pass_at_once(m, 1, 64, 1000, START), 25);
    CHECK_EQ(pass_at_once(m, 1, 64, 1000, START + SECOND / 10 - 1), 0);
    CHECK_EQ(pass_at_once(m, 1, 64, 1000, START + SECOND / 10), 1);
    CHECK_EQ(pass_at_once(m, 1, 64, 1000, START + 1000 * SECOND), 25); /* the slack of refusals is no burst */
    meter_free(m);
    m = one_band(METER_KBPS | METER_BURST, 1000, 100, START); /* 100 kbit are 12500 bytes */
    CHECK_EQ(pass_at_once(m, 1, 1000, 1000, START), 12);
    CHECK_EQ(pass_at_once(m, 1, 500, 1000, START), 1);
    meter_free(m);
}

static void a_super_frame_counts_as_its_frames(void)
{
    struct meter *m = one_band(METER_PKTPS | METER_BURST, 10, 100, START);
    CHECK_EQ(pass_at_once(m, 45, 68000, 1000, START), 2);
    CHECK_EQ(pass_at_once(m, 1, 64, 1000, START), 10);
    meter_free(m);
}

static void a_full_bucket_lets_one_packet_of_any_size_into_debt(void)
{
    struct meter *m = one_band(METER_KBPS | METER_BURST, 8, 1, START); /* 1000 bytes a second, 125 at once */
    CHECK_EQ(meter_charge(m, 45, 60125, START), -1);
    CHECK_EQ(meter_charge(m, 1, 64, START + 60 * SECOND), 0); /* 60000 bytes of debt, just paid */
    CHECK_EQ(meter_charge(m, 1, 64, START + 60 * SECOND + 64000000), -1);
    meter_free(m);
}

static void the_default_burst_is_50_ms_and_a_large_frame(void)
{
    struct meter *m = one_band(METER_KBPS, 80000, 0, START); /* 500,000 bytes in 50 ms */
    CHECK_EQ(pass_at_once(m, 1, 1000, 10000, START), 500);
    meter_free(m);
    m = one_band(METER_KBPS, 1, 0, START);
    CHECK_EQ(pass_at_once(m, 1, 1518, 10, START), 1);
    meter_free(m);
    m = one_band(METER_PKTPS, 1, 0, START);
    CHECK_EQ(pass_at_once(m, 1, 9000, 10, START), 1);
    meter_free(m);
}

/* ---- edges ---- */

static void rate_zero_passes_nothing(void)
{
    for (uint16_t flags = METER_KBPS; flags < 8; flags++) {
        struct meter *m = one_band(flags, 0, UINT32_MAX, START);
        CHECK_EQ(meter_charge(m, 1, 64, START), 0);
        CHECK_EQ(meter_charge(m, 1, 0, START + 1000000 * SECOND), 0);
        meter_free(m);
    }
}

static void a_meter_without_bands_passes_all(void)
{
    struct meter *m = meter_new(7, METER_KBPS | METER_STATS, NULL, 0, START);
    CHECK_EQ(meter_charge(m, 1000, 65536, START), -1);
    CHECK_EQ(m->id, 7);
    CHECK_EQ(m->flags, METER_KBPS | METER_STATS);
    CHECK_EQ(m->slot, UINT32_MAX);
    CHECK_EQ(m->made_ns, START);
    meter_free(m);
    meter_free(NULL);
}

/* 2^24 packets or 2^32 - 1 bytes at once, at 2^32 - 1 a second: as many as 50 ms of it, or the largest burst, hold. */
static void the_largest_numbers_do_not_overflow(void)
{
    static const struct {
        uint16_t flags;
        unsigned most;
    } cases[] = {
        {METER_KBPS, 6},
        {METER_PKTPS, 12},
        {METER_KBPS | METER_BURST, 125},
        {METER_PKTPS | METER_BURST, 255},
    };
    for (unsigned i = 0; i < 4; i++) {
        struct meter *m = one_band(cases[i].flags, UINT32_MAX, UINT32_MAX, 0);
        for (unsigned t = 0; t < 4; t++) {
            uint64_t now = (uint64_t[]){0, 2 * SECOND, UINT64_MAX / 2, UINT64_MAX}[t];
            CHECK_EQ(pass_at_once(m, 1 << 24, UINT32_MAX, 1000, now), cases[i].most);
        }
        meter_free(m);
    }
}

/* What no packet can be is charged as the most that one can: the amounts neither wrap nor end the process. */
static void more_than_a_packet_can_be_is_charged_as_the_most(void)
{
    static const uint64_t packets[] = {1 << 24, (1 << 24) + 1, UINT64_C(1) << 40, UINT64_MAX};
    static const uint64_t bytes[] = {UINT32_MAX, UINT64_C(1) << 32, UINT64_C(1) << 50, UINT64_MAX};
    for (unsigned i = 0; i < 4; i++)
        for (unsigned flags = METER_KBPS; flags <= METER_PKTPS; flags++) {
            struct meter *m = one_band((uint16_t)(flags | METER_BURST), UINT32_MAX, UINT32_MAX, 0);
            CHECK_EQ(pass_at_once(m, packets[i], bytes[i], 1000, 0), flags == METER_KBPS ? 125 : 255);
            meter_free(m);
        }
}

static void a_clock_that_stands_still_or_goes_back_fills_nothing(void)
{
    struct meter *m = one_band(METER_PKTPS | METER_BURST, 1, 3, START);
    CHECK_EQ(pass_at_once(m, 1, 64, 10, START), 3);
    CHECK_EQ(pass_at_once(m, 1, 64, 10, START), 0);
    CHECK_EQ(pass_at_once(m, 1, 64, 10, START - 100 * SECOND), 0);
    CHECK_EQ(pass_at_once(m, 1, 64, 10, 0), 0);
    CHECK_EQ(pass_at_once(m, 1, 64, 10, START + SECOND - 1), 0);
    CHECK_EQ(pass_at_once(m, 1, 64, 10, START + SECOND), 1);
    meter_free(m);
}

static void a_jump_of_days_fills_a_bucket_once(void)
{
    struct meter *m = one_band(METER_PKTPS | METER_BURST, UINT32_MAX, 1000, START);
    CHECK_EQ(pass_at_once(m, 1, 64, 5000, START), 1000);
    CHECK_EQ(pass_at_once(m, 1, 64, 5000, START + 400 * 86400 * SECOND), 1000);
    meter_free(m);
}

/* ---- several bands ---- */

static void bands_keep_the_controllers_order_and_slots_are_free(void)
{
    struct meter_band_spec specs[] = {
        {.rate = 10, .type = METER_DSCP_REMARK, .prec_level = 1},
        {.rate = 30, .type = METER_DROP},
        {.rate = 20, .type = METER_DSCP_REMARK, .prec_level = 2},
    };
    struct meter *m = meter_new(1, METER_PKTPS, specs, 3, START);
    CHECK_EQ(m->n_bands, 3);
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ(m->bands[i].spec.rate, specs[i].rate);
        CHECK_EQ(m->bands[i].spec.type, specs[i].type);
        CHECK_EQ(m->bands[i].spec.prec_level, specs[i].prec_level);
        CHECK_EQ(m->bands[i].slot, UINT32_MAX);
    }
    meter_free(m);
}

/* 4000 packets/s: as many as each band's rate leaves between it and the one below. */
static void each_band_acts_on_what_lies_between_its_rate_and_the_next(void)
{
    struct meter_band_spec specs[] = {
        {.rate = 500, .type = METER_DSCP_REMARK, .prec_level = 1},
        {.rate = 2000, .type = METER_DROP},
        {.rate = 1000, .type = METER_DSCP_REMARK, .prec_level = 2},
    };
    static const uint64_t want[] = {500, 500, 2000, 1000}; /* untouched, then the bands as given */
    struct meter *m = meter_new(1, METER_PKTPS, specs, 3, START);
    uint64_t got[4] = {0};
    for (uint64_t i = 1; i <= 15 * 4000; i++)
        got[meter_charge(m, 1, 100, START + i * SECOND / 4000) + 1]++;
    for (unsigned i = 0; i < 4; i++) {
        CHECK(got[i] * 1000 > want[i] * 15 * 990);
        CHECK(got[i] * 1000 < want[i] * 15 * 1010);
    }
    meter_free(m);
}

static void of_equal_rates_the_first_acts(void)
{
    struct meter_band_spec specs[] = {{.rate = 5, .type = METER_DSCP_REMARK}, {.rate = 5, .type = METER_DROP}};
    struct meter *m = meter_new(1, METER_PKTPS, specs, 2, START);
    CHECK_EQ(meter_charge(m, 1, 64, START), -1);
    CHECK_EQ(meter_charge(m, 1, 64, START), 0);
    meter_free(m);
}

/* ---- the oracle ---- */

struct model_bucket {
    struct meter_band_spec spec;
    __int128 level, depth, slack;
};
struct oracle {
    bool packets;
    unsigned n;
    struct model_bucket buckets[METER_MAX_BANDS];
};

static void oracle_make(struct oracle *o, uint16_t flags, const struct meter_band_spec *specs, unsigned n)
{
    o->packets = flags & METER_PKTPS;
    o->n = n;
    for (unsigned i = 0; i < n; i++) {
        struct model_bucket *b = &o->buckets[i];
        __int128 one = 1000000000, fifty_ms = specs[i].rate * one / 20,
                 frame = o->packets ? one : 1518 * 8 * one / 1000;
        b->spec = specs[i];
        b->depth = flags & METER_BURST ? specs[i].burst_size * one : fifty_ms > frame ? fifty_ms : frame;
        b->level = b->depth;
        b->slack = 0;
    }
}

static void oracle_microsecond(struct oracle *o)
{
    for (unsigned i = 0; i < o->n; i++) {
        struct model_bucket *b = &o->buckets[i];
        b->level += (__int128)b->spec.rate * 1000;
        if (b->level > b->depth + b->slack) {
            b->level = b->depth;
            b->slack = 0;
        }
    }
}

static bool oracle_lacks(const struct model_bucket *b, __int128 cost)
{
    return b->spec.rate == 0 || (b->level < cost && b->level < b->depth);
}

static int oracle_charge(struct oracle *o, uint64_t frames, uint64_t bytes)
{
    __int128 cost = (__int128)1000000 * (o->packets ? frames * 1000 : bytes * 8);
    int acts = -1;
    for (unsigned i = 0; i < o->n; i++)
        if (oracle_lacks(&o->buckets[i], cost) && (acts < 0 || o->buckets[i].spec.rate > o->buckets[acts].spec.rate))
            acts = (int)i;
    for (int i = 0; i < (int)o->n; i++)
        if (acts < 0 || o->buckets[i].spec.rate > o->buckets[acts].spec.rate ||
            (o->buckets[i].spec.rate == o->buckets[acts].spec.rate && i < acts))
            o->buckets[i].level -= cost;
    if (acts >= 0 && o->buckets[acts].slack < 2 * cost)
        o->buckets[acts].slack = 2 * cost;
    return acts;
}

static uint32_t random_below(uint32_t n) { return random_bits() % n; }

/* Rates that these packets come near to, bursts of a few of them. */
static unsigned random_bands(uint16_t flags, struct meter_band_spec *specs)
{
    unsigned n = random_below(5);
    for (unsigned i = 0; i < n; i++)
        specs[i] = (struct meter_band_spec){
            .rate = random_below(8) ? random_below(8) * (flags & METER_PKTPS ? 5000 : 50000) : random_bits(),
            .burst_size = random_below(8) ? random_below(300) : random_bits(),
            .type = METER_DROP,
        };
    return n;
}

static void the_oracle_says_the_same(void)
{
    unsigned acted = 0, passed = 0;
    for (unsigned round = 0; round < 400; round++) {
        struct meter_band_spec specs[METER_MAX_BANDS];
        uint16_t flags = (uint16_t)((random_below(2) ? METER_PKTPS : METER_KBPS) | (random_below(2) ? METER_BURST : 0));
        unsigned n = random_bands(flags, specs), pace = 1 + random_below(300);
        struct meter *m = meter_new(round, flags, specs, n, START);
        struct oracle o;
        uint64_t now = START;
        oracle_make(&o, flags, specs, n);
        for (unsigned i = 0; i < 1000; i++) {
            unsigned s = random_below(SENDINGS), wait = random_below(200) ? random_below(pace) : random_below(20000);
            for (unsigned us = 0; us < wait; us++)
                oracle_microsecond(&o);
            now += wait * 1000ull;
            int want = oracle_charge(&o, sendings[s].frames, sendings[s].bytes);
            CHECK_EQ(meter_charge(m, sendings[s].frames, sendings[s].bytes, now), want);
            *(want < 0 ? &passed : &acted) += 1;
        }
        meter_free(m);
    }
    CHECK(passed > 50000 && acted > 50000); /* both happened often */
}

/* ---- remarking ---- */

/* RFC 2597, section 6: AF class and drop precedence to code point. */
static const uint8_t af[4][3] = {{10, 12, 14}, {18, 20, 22}, {26, 28, 30}, {34, 36, 38}};

static void an_assured_forwarding_class_gets_a_higher_drop_precedence(void)
{
    for (unsigned class = 0; class < 4; class++)
        for (unsigned drop = 0; drop < 3; drop++)
            for (unsigned more = 0; more < 256; more++)
                CHECK_EQ(meter_remark(af[class][drop], (uint8_t)more), af[class][drop + more > 2 ? 2 : drop + more]);
}

static void other_code_points_stay(void)
{
    unsigned others = 0;
    for (unsigned dscp = 0; dscp < 64; dscp++) {
        if (memchr(af, (int)dscp, sizeof af))
            continue;
        others++;
        for (unsigned more = 0; more < 256; more++)
            CHECK_EQ(meter_remark((uint8_t)dscp, (uint8_t)more), dscp);
    }
    CHECK_EQ(others, 52);
}

int main(void)
{
    a_rate_in_kilobits_is_kept();
    a_rate_in_packets_is_kept();
    a_hundredfold_of_small_frames_is_no_more();
    a_burst_smaller_than_the_packets_keeps_the_rate();
    a_mixture_of_sizes_keeps_the_rate();
    what_stays_below_the_rate_passes_whole();
    a_burst_is_what_the_controller_says();
    a_super_frame_counts_as_its_frames();
    a_full_bucket_lets_one_packet_of_any_size_into_debt();
    the_default_burst_is_50_ms_and_a_large_frame();
    rate_zero_passes_nothing();
    a_meter_without_bands_passes_all();
    the_largest_numbers_do_not_overflow();
    more_than_a_packet_can_be_is_charged_as_the_most();
    a_clock_that_stands_still_or_goes_back_fills_nothing();
    a_jump_of_days_fills_a_bucket_once();
    bands_keep_the_controllers_order_and_slots_are_free();
    each_band_acts_on_what_lies_between_its_rate_and_the_next();
    of_equal_rates_the_first_acts();
    the_oracle_says_the_same();
    an_assured_forwarding_class_gets_a_higher_drop_precedence();
    other_code_points_stay();
    CHECK(runs > 1000);
    printf("%u runs, the worst rate was %.3f %% off\n", runs, worst * 100);
    return checks_end();
}
