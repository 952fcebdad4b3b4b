/* Numbers and sizes of OpenFlow 1.3.5's wire format that the hot messages need: for the files that end in 13 alone.  No
 * behaviour. */
#pragma once

enum { OFP13_VERSION = 4 };

enum of_type {
    OFPT_ERROR = 1,
    OFPT_PACKET_IN = 10,
    OFPT_FLOW_REMOVED = 11,
    OFPT_PACKET_OUT = 13,
    OFPT_FLOW_MOD = 14,
    OFPT_GROUP_MOD = 15,
    OFPT_MULTIPART_REQUEST = 18,
    OFPT_MULTIPART_REPLY = 19,
    OFPT_BARRIER_REQUEST = 20,
    OFPT_BARRIER_REPLY = 21,
    OFPT_METER_MOD = 29
};

/* Sizes up to the match, actions or body (section 7.3). */
enum wire_size {
    FLOW_MOD_SIZE = 48,
    PACKET_OUT_SIZE = 24,
    PACKET_IN_SIZE = 24,
    FLOW_REMOVED_SIZE = 48,
    MULTIPART_SIZE = 16,
    FLOW_STATS_REQUEST_SIZE = 32,
    FLOW_STATS_SIZE = 48,
    AGGREGATE_SIZE = 24,
    TABLE_STATS_SIZE = 24,
    PORT_STATS_REQUEST_SIZE = 8,
    PORT_STATS_SIZE = 112,
    ERROR_SIZE = 12,
    MATCH_HEADER = 4,
    GROUP_MOD_SIZE = 16,
    BUCKET_SIZE = 16,
    GROUP_STATS_SIZE = 40,
    GROUP_DESC_SIZE = 8,
    COUNTER_SIZE = 16,
    METER_MOD_SIZE = 16,
    METER_BAND_SIZE = 16,
    METER_STATS_SIZE = 40,
    METER_CONFIG_SIZE = 8,
    QUEUE_STATS_SIZE = 40,
    NUMBER_REQUEST_SIZE = 8
};

enum of_multipart {
    OFPMP_FLOW = 1,
    OFPMP_AGGREGATE = 2,
    OFPMP_TABLE = 3,
    OFPMP_PORT_STATS = 4,
    OFPMP_QUEUE = 5,
    OFPMP_GROUP = 6,
    OFPMP_GROUP_DESC = 7,
    OFPMP_METER = 9,
    OFPMP_METER_CONFIG = 10
};
enum { OFPMPF_MORE = 1 };

enum of_instruction {
    OFPIT_GOTO_TABLE = 1,
    OFPIT_WRITE_METADATA = 2,
    OFPIT_WRITE_ACTIONS = 3,
    OFPIT_APPLY_ACTIONS = 4,
    OFPIT_CLEAR_ACTIONS = 5,
    OFPIT_METER = 6,
    OFPIT_EXPERIMENTER = 0xffff
};

enum of_action {
    OFPAT_OUTPUT = 0,
    OFPAT_COPY_TTL_OUT = 11,
    OFPAT_COPY_TTL_IN = 12,
    OFPAT_SET_MPLS_TTL = 15,
    OFPAT_DEC_MPLS_TTL = 16,
    OFPAT_PUSH_VLAN = 17,
    OFPAT_POP_VLAN = 18,
    OFPAT_PUSH_MPLS = 19,
    OFPAT_POP_MPLS = 20,
    OFPAT_SET_QUEUE = 21,
    OFPAT_GROUP = 22,
    OFPAT_SET_NW_TTL = 23,
    OFPAT_DEC_NW_TTL = 24,
    OFPAT_SET_FIELD = 25,
    OFPAT_PUSH_PBB = 26,
    OFPAT_POP_PBB = 27,
    OFPAT_EXPERIMENTER = 0xffff
};
