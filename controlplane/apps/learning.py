"""A learning switch for OpenFlow 1.3, for any number of switches: `vswitch-controller learning`.

All decisions are `controlplane.mactable`'s; this file only translates: events of os-ken to calls,
steps to flow-mods and packet-outs. Flows are removed by the switch when idle, so a controller that
dies leaves a network that goes on and then forgets.
"""

import time
from typing import Any

from os_ken.base import app_manager
from os_ken.controller import ofp_event
from os_ken.controller.handler import (
    CONFIG_DISPATCHER,
    DEAD_DISPATCHER,
    MAIN_DISPATCHER,
    set_ev_cls,
)
from os_ken.lib import addrconv
from os_ken.ofproto import ofproto_v1_3

from controlplane.mactable import Connect, Forget, ForgetPort, Frame, MacTable, Send, Step

MISS_PRIORITY = 0
FLOW_PRIORITY = 10
IDLE_TIMEOUT_S = 60
COOKIE = 0x6C6561726E  # "learn": tells our flows from others'


class LearningSwitch(app_manager.OSKenApp):
    """The os-ken app; one `MacTable` per connected switch, which goes with its connection."""

    OFP_VERSIONS = [ofproto_v1_3.OFP_VERSION]  # noqa: RUF012  (os-ken's way of declaring it)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._tables: dict[Any, MacTable] = {}

    @set_ev_cls(ofp_event.EventOFPSwitchFeatures, CONFIG_DISPATCHER)
    def switch_features(self, event: Any) -> None:
        """A switch has said who it is: what no flow matches comes to us, whole."""
        switch = event.msg.datapath
        self._tables[switch] = MacTable()
        self.logger.info("switch %016x connected", event.msg.datapath_id)
        to_controller = switch.ofproto_parser.OFPActionOutput(
            switch.ofproto.OFPP_CONTROLLER, switch.ofproto.OFPCML_NO_BUFFER
        )
        add_flow(switch, MISS_PRIORITY, {}, [to_controller], idle_s=0)

    @set_ev_cls(ofp_event.EventOFPStateChange, DEAD_DISPATCHER)
    def switch_gone(self, event: Any) -> None:
        """A connection ended; its switch may already be back on another."""
        if self._tables.pop(event.datapath, None) is not None:
            self.logger.info("switch %016x disconnected", event.datapath.id)

    @set_ev_cls(ofp_event.EventOFPPacketIn, MAIN_DISPATCHER)
    def packet_in(self, event: Any) -> None:
        """A frame that no flow matched."""
        message = event.msg
        table = self._tables.get(message.datapath)
        if table is None or len(message.data) < 14:
            return
        frame = Frame(
            in_port=message.match["in_port"],
            destination=addrconv.mac.bin_to_text(message.data[0:6]),
            source=addrconv.mac.bin_to_text(message.data[6:12]),
        )
        for step in table.steps_for(frame, time.monotonic()):
            carry_out(step, message.datapath, message)

    @set_ev_cls(ofp_event.EventOFPPortStatus, MAIN_DISPATCHER)
    def port_status(self, event: Any) -> None:
        """A port went away or down: forget who lived there."""
        message = event.msg
        switch = message.datapath
        table = self._tables.get(switch)
        is_down = message.desc.state & switch.ofproto.OFPPS_LINK_DOWN
        if table is not None and (message.reason == switch.ofproto.OFPPR_DELETE or is_down):
            for step in table.leave(message.desc.port_no):
                carry_out(step, switch, message)


def carry_out(step: Step, switch: Any, message: Any) -> None:
    """Sends the OpenFlow messages of one step; `message` is what it answers."""
    match step:
        case Forget(station):
            delete_flows(switch, {"eth_dst": station})
            delete_flows(switch, {"eth_src": station})
        case ForgetPort(port):
            delete_flows(switch, {}, out_port=port)
            delete_flows(switch, {"in_port": port})
        case Connect(frame, port):
            match_fields = {
                "in_port": frame.in_port,
                "eth_src": frame.source,
                "eth_dst": frame.destination,
            }
            output = switch.ofproto_parser.OFPActionOutput(port)
            add_flow(switch, FLOW_PRIORITY, match_fields, [output], idle_s=IDLE_TIMEOUT_S)
        case Send(port):
            send_frame(switch, message, switch.ofproto.OFPP_FLOOD if port is None else port)


def add_flow(
    switch: Any, priority: int, match: dict[str, Any], actions: list[Any], idle_s: int
) -> None:
    """One flow in table 0 (OpenFlow 1.3.5, 7.3.4.1)."""
    parser, proto = switch.ofproto_parser, switch.ofproto
    apply = parser.OFPInstructionActions(proto.OFPIT_APPLY_ACTIONS, actions)
    switch.send_msg(
        parser.OFPFlowMod(
            switch,
            cookie=COOKIE,
            priority=priority,
            idle_timeout=idle_s,
            match=parser.OFPMatch(**match),
            instructions=[apply],
        )
    )


def delete_flows(switch: Any, match: dict[str, Any], out_port: int | None = None) -> None:
    """Removes our flows that `match` covers, whatever else they match; only those that send to
    `out_port`, if one is given. The table-miss flow sends to no port and stays."""
    parser, proto = switch.ofproto_parser, switch.ofproto
    switch.send_msg(
        parser.OFPFlowMod(
            switch,
            cookie=COOKIE,
            cookie_mask=0xFFFF_FFFF_FFFF_FFFF,
            command=proto.OFPFC_DELETE,
            out_port=proto.OFPP_ANY if out_port is None else out_port,
            out_group=proto.OFPG_ANY,
            match=parser.OFPMatch(**match),
        )
    )


def send_frame(switch: Any, message: Any, port: int) -> None:
    """The frame of a packet-in goes on, from the switch's buffer or with its bytes."""
    parser, proto = switch.ofproto_parser, switch.ofproto
    is_buffered = message.buffer_id != proto.OFP_NO_BUFFER
    switch.send_msg(
        parser.OFPPacketOut(
            switch,
            buffer_id=message.buffer_id,
            in_port=message.match["in_port"],
            actions=[parser.OFPActionOutput(port)],
            data=None if is_buffered else message.data,
        )
    )
