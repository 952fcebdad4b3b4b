/* Meter-mods (OpenFlow 1.3.5, 7.3.4.4).  See decode13.h. */
#include "ofp/decode13.h"
#include "ofp/wire13.h"

static enum of_error check_meter_mod(const struct meter_mod *m)
{
    enum { KNOWN = METER_KBPS | METER_PKTPS | METER_BURST | METER_STATS };
    bool makes = m->command != OFPMC_DELETE;
    if (m->command > OFPMC_DELETE)
        return OF_METER_COMMAND;
    if (!m->id || (m->id > OFPM_MAX && m->id != OFPM_CONTROLLER && (makes || m->id != OFPM_ALL)))
        return OF_METER_INVALID;
    if (makes && (m->flags & ~KNOWN || (m->flags & METER_KBPS && m->flags & METER_PKTPS)))
        return OF_METER_FLAGS;
    return OF_FINE;
}

static enum of_error read_band(const uint8_t *at, size_t length, struct meter_band_spec *band)
{
    *band = (struct meter_band_spec){.type = get16(at), .rate = get32(at + 4), .burst_size = get32(at + 8)};
    if (length != METER_BAND_SIZE)
        return OF_BAD_LENGTH;
    if (band->type == METER_DSCP_REMARK)
        band->prec_level = at[12];
    return band->type == METER_DROP || band->type == METER_DSCP_REMARK ? OF_FINE : OF_METER_BAND;
}

static enum of_error read_bands(const uint8_t *at, size_t size, struct meter_mod *m)
{
    for (m->n_bands = 0; size; m->n_bands++) {
        size_t length = size < METER_BAND_SIZE ? 0 : get16(at + 2);
        if (length < 8 || length > size)
            return OF_BAD_LENGTH;
        if (m->n_bands == METER_MAX_BANDS)
            return OF_METER_BANDS;
        enum of_error error = read_band(at, length, &m->bands[m->n_bands]);
        if (error != OF_FINE)
            return error;
        at += length;
        size -= length;
    }
    return OF_FINE;
}

enum of_error read13_meter_mod(const uint8_t *message, size_t size, struct meter_mod *m)
{
    *m = (struct meter_mod){0};
    if (size < METER_MOD_SIZE)
        return OF_BAD_LENGTH;
    m->command = get16(message + 8);
    m->flags = get16(message + 10);
    m->id = get32(message + 12);
    enum of_error error = check_meter_mod(m);
    if (error != OF_FINE || m->command == OFPMC_DELETE)
        return error;
    return read_bands(message + METER_MOD_SIZE, size - METER_MOD_SIZE, m);
}
