/* OpenFlow errors: one enum; the value is OpenFlow 1.3's type and code, other versions map it. */
#pragma once
#include <stdint.h>

#define OF_ERROR(type, code) ((uint32_t)(type) << 16 | (code))

enum of_error {
    OF_FINE = UINT32_MAX,

    OF_BAD_VERSION = OF_ERROR(1, 0),
    OF_BAD_TYPE = OF_ERROR(1, 1),
    OF_BAD_MULTIPART = OF_ERROR(1, 2),
    OF_BAD_LENGTH = OF_ERROR(1, 6),
    OF_BUFFER_UNKNOWN = OF_ERROR(1, 8),
    OF_BAD_TABLE = OF_ERROR(1, 9),
    OF_BAD_PORT = OF_ERROR(1, 11),
    OF_BAD_PACKET = OF_ERROR(1, 12),
    OF_MULTIPART_OVERFLOW = OF_ERROR(1, 13),

    OF_ACTION_TYPE = OF_ERROR(2, 0),
    OF_ACTION_LENGTH = OF_ERROR(2, 1),
    OF_ACTION_EXPERIMENTER = OF_ERROR(2, 2),
    OF_ACTION_PORT = OF_ERROR(2, 4),
    OF_ACTION_ARGUMENT = OF_ERROR(2, 5),
    OF_ACTION_TOO_MANY = OF_ERROR(2, 7),
    OF_ACTION_INCONSISTENT = OF_ERROR(2, 10),
    OF_ACTION_SET_TYPE = OF_ERROR(2, 13),
    OF_ACTION_SET_LENGTH = OF_ERROR(2, 14),
    OF_ACTION_SET_ARGUMENT = OF_ERROR(2, 15),

    OF_INSTRUCTION_UNKNOWN = OF_ERROR(3, 0),
    OF_INSTRUCTION_UNSUPPORTED = OF_ERROR(3, 1),
    OF_INSTRUCTION_TABLE = OF_ERROR(3, 2),
    OF_INSTRUCTION_EXPERIMENTER = OF_ERROR(3, 5),
    OF_INSTRUCTION_LENGTH = OF_ERROR(3, 7),
    OF_INSTRUCTION_DUPLICATE = OF_ERROR(3, 9), /* 1.3 has no code of its own: OFPBIC_UNSUP_INST would lie; 1.4's DUP_INST */

    OF_MATCH_TYPE = OF_ERROR(4, 0),
    OF_MATCH_LENGTH = OF_ERROR(4, 1),

    OF_FLOW_TABLE_FULL = OF_ERROR(5, 1),
    OF_FLOW_TABLE = OF_ERROR(5, 2),
    OF_FLOW_OVERLAP = OF_ERROR(5, 3),
    OF_FLOW_COMMAND = OF_ERROR(5, 6),
    OF_FLOW_FLAGS = OF_ERROR(5, 7),
};

/* enum oxm_error (flow/oxm.h) is the code under OFPET_BAD_MATCH. */
static inline enum of_error of_bad_match(unsigned code) { return (enum of_error)OF_ERROR(4, code); }
