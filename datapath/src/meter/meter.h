/* Meters: how much of the traffic that is sent through one gets on untouched (OpenFlow 1.3.5, 5.7 and 7.3.4.4).
 *
 * A meter has bands, a band has a rate and a bucket that fills at that rate.  A packet goes by the
 * bands from the highest rate to the lowest: a bucket with tokens for it is charged, the first that
 * lacks them stops it, and that band acts on it (drops it, raises its drop precedence).  So of the
 * bands that are exceeded the one with the highest rate acts, as the standard wants, and a lower
 * band's tokens are not wasted on packets that a band above took out.
 *
 * A super-frame is charged for all that it stands for, in one piece, and may drive a bucket into
 * debt.  Arithmetic is exact: whole numbers of 1e-9 packets or 1e-9 kilobits, no rounding.
 *
 * A meter is made and freed by the control thread and not changed in between: what a controller
 * modifies is made anew.  One poll thread charges it at a time, and only that one touches the state
 * of the buckets; the control thread may read all else.
 */
#pragma once
#include <stdint.h>

/* The standard's values (ofp_meter_flags, ofp_meter_band_type).  PKTPS decides the unit: kilobits without it. */
enum meter_flags { METER_KBPS = 1, METER_PKTPS = 2, METER_BURST = 4, METER_STATS = 8 };
enum meter_band_type { METER_DROP = 1, METER_DSCP_REMARK = 2 };
enum { METER_MAX_BANDS = 16 };

struct meter_band_spec {
    uint32_t rate;       /* kbit/s (of 1000 bits; frames count without FCS) or packets/s; 0: nothing passes */
    uint32_t burst_size; /* kbit or packets; heeded with METER_BURST only, without it the depth is 50 ms of the rate */
    uint16_t type;       /* enum meter_band_type */
    uint8_t prec_level;  /* of METER_DSCP_REMARK: what meter_remark takes */
};

struct meter_band {
    struct meter_band_spec spec;
    uint32_t slot; /* the caller's counters of this band (base/slots.h); UINT32_MAX until it sets one */
    /* The bucket, the poll thread's; tokens of 1e-9 packets or kilobits. */
    int64_t level; /* negative: in debt */
    int64_t depth; /* how much an idle bucket holds */
    int64_t slack; /* and how much more while packets are being refused */
    uint64_t filled_ns;
};

struct meter {
    uint32_t id;
    uint16_t flags; /* enum meter_flags */
    uint16_t n_bands;
    uint32_t slot; /* the caller's counters of all packets; UINT32_MAX until it sets one */
    uint64_t made_ns;
    uint8_t order[METER_MAX_BANDS]; /* bands from the highest rate to the lowest; of equal ones, as given */
    struct meter_band bands[];      /* as given */
};

/* A meter with full buckets and 'n' <= METER_MAX_BANDS bands (copied), the caller's to free.  No bands: all passes. */
struct meter *meter_new(uint32_t id, uint16_t flags, const struct meter_band_spec *bands, unsigned n, uint64_t now_ns);
/* No thread charges it any more.  NULL is fine. */
void meter_free(struct meter *);

/* Charges one packet that stands for 'packets' frames with 'bytes' bytes altogether (gso_wire), at most for 2^24
 * and 2^32 - 1.  The index of the band that acts on it, or -1: it passes as it is. */
int meter_charge(struct meter *, uint64_t packets, uint64_t bytes, uint64_t now_ns);

/* 'dscp' (6 bits) with its drop precedence raised by 'prec_level', at most to 3 (RFC 2597).  Only the twelve code
 * points of Assured Forwarding have a drop precedence; in any other the same bits tell another service (EF, class
 * selectors, best effort), so a change would give the packet a different one: they stay as they are. */
uint8_t meter_remark(uint8_t dscp, uint8_t prec_level);
