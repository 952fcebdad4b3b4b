/* OpenFlow 1.3 (1.3.5, wire version 4): its hot messages.  See version.h. */
#include "ofp/decode13.h"
#include "ofp/encode13.h"
#include "ofp/wire13.h"

const struct of_version openflow_13 = {
    .number = OFP13_VERSION,
    .messages =
        {
            [OFPT_FLOW_MOD] = HOT_FLOW_MOD,
            [OFPT_PACKET_OUT] = HOT_PACKET_OUT,
            [OFPT_GROUP_MOD] = HOT_GROUP_MOD,
            [OFPT_METER_MOD] = HOT_METER_MOD,
            [OFPT_MULTIPART_REQUEST] = HOT_STATISTICS,
            [OFPT_BARRIER_REQUEST] = HOT_BARRIER,
        },
    .statistics =
        {
            [OFPMP_FLOW] = STATISTICS_FLOW,
            [OFPMP_AGGREGATE] = STATISTICS_AGGREGATE,
            [OFPMP_TABLE] = STATISTICS_TABLE,
            [OFPMP_PORT_STATS] = STATISTICS_PORT,
            [OFPMP_QUEUE] = STATISTICS_QUEUE,
            [OFPMP_GROUP] = STATISTICS_GROUP,
            [OFPMP_GROUP_DESC] = STATISTICS_GROUP_DESC,
            [OFPMP_METER] = STATISTICS_METER,
            [OFPMP_METER_CONFIG] = STATISTICS_METER_CONFIG,
        },
    .sizes = {FLOW_MOD_SIZE, GROUP_MOD_SIZE, METER_MOD_SIZE, METER_BAND_SIZE},

    .read_flow_mod = read13_flow_mod,
    .read_group_mod = read13_group_mod,
    .read_meter_mod = read13_meter_mod,
    .read_packet_out = read13_packet_out,
    .read_statistics_kind = read13_statistics_kind,
    .read_statistics = read13_statistics,

    .write_error = write13_error,
    .write_barrier_reply = write13_barrier_reply,
    .write_packet_in = write13_packet_in,
    .write_flow_removed = write13_flow_removed,
    .write_flow_mod = write13_flow_mod,
    .write_group_mod = write13_group_mod,
    .write_meter_mod = write13_meter_mod,
    .write_actions = write13_actions,

    .multipart_begin = multipart13_begin,
    .multipart_end = multipart13_end,
    .put_flow = put13_flow,
    .put_totals = put13_totals,
    .put_table = put13_table,
    .put_port = put13_port,
    .put_queue = put13_queue,
    .put_group = put13_group,
    .put_group_desc = put13_group_desc,
    .put_meter = put13_meter,
    .put_meter_config = put13_meter_config,
};
