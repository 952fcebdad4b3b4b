/* Requests for statistics (OpenFlow 1.3.5, 7.3.5).  See decode13.h. */
#include "ofp/decode13.h"
#include "ofp/wire13.h"

enum of_error read13_statistics_kind(const struct of_version *version, const uint8_t *message, size_t size,
                                     enum statistics_kind *kind)
{
    if (size < MULTIPART_SIZE)
        return OF_BAD_LENGTH;
    unsigned type = get16(message + 8);
    *kind = type < OF_MULTIPARTS ? (enum statistics_kind)version->statistics[type] : STATISTICS_NONE;
    if (*kind == STATISTICS_NONE)
        return OF_BAD_MULTIPART;
    return get16(message + 10) & OFPMPF_MORE ? OF_MULTIPART_OVERFLOW
                                             : OF_FINE; /* none of these requests needs more than one message */
}

static enum of_error read_selection(const uint8_t *body, size_t left, struct statistics_request *r)
{
    size_t match_size;
    if (left < FLOW_STATS_REQUEST_SIZE + 8)
        return OF_BAD_LENGTH;
    r->table = body[0];
    r->out_port = get32(body + 4);
    r->out_group = get32(body + 8);
    r->cookie = get64(body + 16);
    r->cookie_mask = get64(body + 24);
    return read13_match(body + FLOW_STATS_REQUEST_SIZE, left - FLOW_STATS_REQUEST_SIZE, &r->value, &r->mask,
                        &match_size);
}

static enum of_error read_number(const uint8_t *body, size_t left, struct statistics_request *r)
{
    if (left < NUMBER_REQUEST_SIZE)
        return OF_BAD_LENGTH;
    r->number = get32(body);
    return OF_FINE;
}

static enum of_error read_queue(const uint8_t *body, size_t left, struct statistics_request *r)
{
    enum of_error error = read_number(body, left, r);
    if (error == OF_FINE)
        r->queue = get32(body + 4);
    return error;
}

enum of_error read13_statistics(const uint8_t *message, size_t size, enum statistics_kind kind,
                                struct statistics_request *r)
{
    static enum of_error (*const readers[STATISTICS_LIMIT])(const uint8_t *, size_t, struct statistics_request *) = {
        [STATISTICS_FLOW] = read_selection,      [STATISTICS_AGGREGATE] = read_selection,
        [STATISTICS_PORT] = read_number,         [STATISTICS_QUEUE] = read_queue,
        [STATISTICS_GROUP] = read_number,        [STATISTICS_METER] = read_number,
        [STATISTICS_METER_CONFIG] = read_number,
    };
    *r = (struct statistics_request){0};
    return readers[kind] ? readers[kind](message + MULTIPART_SIZE, size - MULTIPART_SIZE, r) : OF_FINE;
}
