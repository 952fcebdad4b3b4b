/* Matches as OXM.  See decode13.h. */
#include "flow/oxm.h"
#include "ofp/decode13.h"
#include "ofp/wire13.h"

enum of_error read13_match(const uint8_t *at, size_t left, struct key *value, struct key *mask, size_t *padded)
{
    enum { OXM = 1 };
    if (left < 8)
        return OF_BAD_LENGTH;
    size_t length = get16(at + 2);
    if (get16(at) != OXM)
        return OF_MATCH_TYPE;
    *padded = (length + 7) & ~(size_t)7;
    if (length < MATCH_HEADER || *padded > left)
        return OF_MATCH_LENGTH;
    enum oxm_error error = oxm_read(at + MATCH_HEADER, length - MATCH_HEADER, value, mask);
    return error ? of_bad_match(error) : OF_FINE;
}
