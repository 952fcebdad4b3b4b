"""Answers of the operator API: one shape a noun, wherever it is told of.

`ANSWERS` says what each method returns.  A number is exact and has no unit but what its words
say; a stretch of time is in seconds, with a fraction, a point in time is ISO 8601 in UTC; a port's
number is OpenFlow's, LOCAL included (4294967294); rates and datapath ids are spelled as the
configuration has them.  What is not known or not there is null, never left out.  Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from vswitch.requests import REQUESTS
from vswitch.schema import (
    FAIL_MODES,
    PORT_KINDS,
    VLAN_MODES,
    Bridge,
    Controller,
    Port,
    Queue,
)
from vswitch.shapes import (
    BYTES,
    CONFIGURATION,
    DPID,
    FLAG,
    MAC,
    MOMENT,
    NULL,
    NUMBER,
    OBJECT,
    PORT_NUMBER,
    RATE,
    SECONDS,
    TEXT,
    Field,
    Kind,
    Shape,
    choice,
    counts,
    many,
    setting,
)

_COUNTED = (
    Field("packets", NUMBER, "packets that it took"),
    Field("bytes", NUMBER, "bytes of these packets"),
)
_DURATION = Field("duration", SECONDS, "seconds since it was made")

BRIDGE = Shape(
    "bridge", "One OpenFlow switch.",
    setting(Bridge, "name", TEXT),
    setting(Bridge, "dpid", DPID),
    setting(Bridge, "fail_mode", choice(*FAIL_MODES)),
    setting(Bridge, "protocols", many(TEXT)),
    setting(Bridge, "listen", many(TEXT)),
    setting(Bridge, "mac_age", NUMBER),
    setting(Bridge, "mac_limit", NUMBER),
    setting(Bridge, "flood_rate", NUMBER),
    Field("ports", many(TEXT), "names of its ports, ephemeral ones too"),
    Field("queues", many(TEXT), "its stored queues, as PORT NUMBER"),
    Field("controllers", many(TEXT), "targets of its controllers"),
    Field("active", FLAG, "the forwarder has it"),
    Field("troubles", many(TEXT), "places where it is to listen and can't, and why"),
    name="{name}",
)  # fmt: skip

PORT = Shape(
    "port", "A port of a bridge, with counters since the forwarder has had it.",
    Field("bridge", TEXT, "name of its bridge"),
    setting(Port, "name", TEXT),
    Field("number", PORT_NUMBER, "OpenFlow port number; LOCAL is 4294967294"),
    Field("kind", choice(*PORT_KINDS), "tap, packet; auto while that is not decided"),
    setting(Port, "netns", TEXT | NULL),
    setting(Port, "interface", TEXT | NULL),
    setting(Port, "addresses", many(TEXT)),
    Field("mac", MAC | NULL, "its interface's Ethernet address"),
    Field("mtu", NUMBER | NULL, "bytes of the largest packet that it takes now"),
    setting(Port, "gateway", TEXT | NULL),
    Field("vlan_mode", choice(*VLAN_MODES[1:]), "how NORMAL treats VLAN tags"),
    Field("tag", NUMBER | NULL, "its VLAN: of an access port, or the native one of a trunk"),
    Field("trunks", many(TEXT), "VLANs that a trunk carries, as VID or VID-VID; empty: all"),
    Field("state", choice("up", "down", "missing"), "missing: stored, but not active"),
    Field("config", many(TEXT), "what controllers configured, as no-flood"),
    Field("ephemeral", FLAG, "not stored: it goes with its interface"),
    Field("owner", TEXT | NULL, "of an ephemeral port: what whoever asked for it calls themselves"),
    Field("rx_packets", NUMBER, "packets received"),
    Field("tx_packets", NUMBER, "packets sent"),
    Field("rx_bytes", NUMBER, "bytes received"),
    Field("tx_bytes", NUMBER, "bytes sent"),
    Field("rx_errors", NUMBER, "packets that were received broken"),
    Field("tx_errors", NUMBER, "packets that could not be sent"),
    Field("drops", counts("reason"), "packets dropped, by reason; reasons with 0 are left out"),
    name="{name}",
)  # fmt: skip

RATED = Shape(
    "rated port", "A port as `vswitch top` tells of it: with rates since the reading before.",
    *PORT.fields,
    Field("rx_packets_per_s", NUMBER | NULL, "packets received in a second"),
    Field("rx_bits_per_s", NUMBER | NULL, "bits received in a second"),
    Field("tx_packets_per_s", NUMBER | NULL, "packets sent in a second"),
    Field("tx_bits_per_s", NUMBER | NULL, "bits sent in a second"),
)  # fmt: skip

QUEUE = Shape(
    "queue", "A queue of a port, with counters.",
    Field("bridge", TEXT, "name of its bridge"),
    setting(Queue, "port", TEXT),
    setting(Queue, "number", NUMBER),
    setting(Queue, "max_rate", RATE),
    setting(Queue, "max_packets", NUMBER),
    Field("active", FLAG, "the forwarder has it"),
    Field("tx_packets", NUMBER, "packets that left it"),
    Field("tx_bytes", NUMBER, "bytes of these packets"),
    Field("tx_errors", NUMBER, "packets for which it had no room"),
    _DURATION,
    name="{port} {number}",
)  # fmt: skip

STATION = Shape(
    "mac", "A station that NORMAL has learned.",
    Field("vlan", NUMBER, "its VLAN, 0: none"),
    Field("mac", MAC, "its Ethernet address"),
    Field("port", PORT_NUMBER, "number of the port that it is behind"),
    Field("name", TEXT | NULL, "name of that port"),
    Field("age", SECONDS, "seconds since it was heard"),
    name="{mac}",
)  # fmt: skip

CONTROLLER = Shape(
    "controller", "A controller of a bridge, and how the connection is.",
    Field("bridge", TEXT, "name of the bridge"),
    setting(Controller, "target", TEXT),
    Field("connected", FLAG, "hellos were exchanged"),
    Field("role", choice("equal", "master", "slave") | NULL, "its role while it is connected"),
    Field("since", MOMENT | NULL, "when it connected"),
    Field("last_error", TEXT | NULL, "why a connection failed or ended last; null: none ever did"),
    Field("last_error_at", MOMENT | NULL, "when that was"),
    name="{target}",
)  # fmt: skip

FLOW = Shape(
    "flow", "A rule of a table, with counters.",
    Field("table", NUMBER, "number of its table"),
    Field("priority", NUMBER, "the higher one wins"),
    Field("cookie", NUMBER, "what its controller calls it"),
    Field("match", TEXT, "in ovs-ofctl's words; empty: any packet"),
    Field("actions", TEXT, "in ovs-ofctl's words; empty: drop"),
    *_COUNTED,
    _DURATION,
    Field("idle_timeout", NUMBER, "seconds without a packet after which it goes; 0: never"),
    Field("hard_timeout", NUMBER, "seconds after which it goes; 0: never"),
    Field("text", TEXT, "the flow as a line of ovs-ofctl"),
    name="table={table},priority={priority},{match}",
)  # fmt: skip

LOADED = Shape(
    "loaded", "A file of flows that was carried out.",
    Field("flow_mods", NUMBER, "flow-mods that it held"),
)  # fmt: skip

BUCKET = Shape(
    "bucket", "One of the ways of a group.",
    Field("weight", NUMBER, "its share in a select group"),
    Field("watch_port", PORT_NUMBER | NULL, "it lives while this port does"),
    Field("watch_group", NUMBER | NULL, "it lives while this group does"),
    Field("actions", TEXT, "in ovs-ofctl's words; empty: drop"),
    *_COUNTED,
)  # fmt: skip

GROUP = Shape(
    "group", "A group, with counters.",
    Field("group", NUMBER, "its number"),
    Field("type", choice("all", "select", "indirect", "fast_failover"), "how it chooses buckets"),
    Field("references", NUMBER, "rules and groups that use it"),
    *_COUNTED,
    _DURATION,
    Field("buckets", many(BUCKET.kind), "its buckets in order"),
    Field("text", TEXT, "the group as a line of ovs-ofctl"),
    name="group_id={group}",
)  # fmt: skip

BAND = Shape(
    "band", "What a meter does above a rate.",
    Field("type", choice("drop", "dscp_remark", "experimenter"), "what it does"),
    Field("rate", NUMBER, "kilobits or packets a second, as the meter's flags say"),
    Field("burst_size", NUMBER, "kilobits or packets that may come at once"),
    Field("prec_level", NUMBER, "of dscp_remark: how far the drop precedence goes up", True),
    *_COUNTED,
)  # fmt: skip

METER = Shape(
    "meter", "A meter, with counters.",
    Field("meter", NUMBER, "its number"),
    Field("flags", many(choice("kbps", "pktps", "burst", "stats")), "what its bands count"),
    Field("flows", NUMBER, "rules that use it"),
    *_COUNTED,
    _DURATION,
    Field("bands", many(BAND.kind), "its bands in order"),
    Field("text", TEXT, "the meter as a line of ovs-ofctl"),
    name="meter={meter}",
)  # fmt: skip

FORWARDER = Shape(
    "forwarder", "The process that moves packets.",
    Field("pid", NUMBER, "its process id, as it says"),
    Field("adopted", FLAG, "it was there before this daemon"),
    Field("started", MOMENT | NULL, "when it started"),
    Field("trouble", TEXT | NULL, "why it is to be killed, where the daemon can't"),
)  # fmt: skip

REPLACED = Shape(
    "replaced", "A forwarder that hung, and was killed.",
    Field("time", MOMENT, "when that was"),
    Field("why", TEXT, "what it had done"),
)  # fmt: skip

STATUS = Shape(
    "status", "The daemon and its forwarder.",
    Field("version", TEXT, "release of the daemon"),
    Field("pid", NUMBER, "the daemon's process id"),
    Field("forwarder", FORWARDER.kind | NULL, "null while there is none"),
    Field("replaced", REPLACED.kind | NULL, "the last forwarder that hung"),
    Field("bridges", NUMBER, "bridges that are active"),
    Field("ports", NUMBER, "ports that are active"),
    Field("ephemeral", FLAG, "nothing is stored"),
    Field("run", TEXT, "the run folder"),
    Field("other_runs", many(TEXT), "run folders in which other daemons answer"),
    Field("not_active", many(TEXT), "what is stored and could not be made active, and why"),
    Field("troubles", many(TEXT), "files that were removed or replaced and can't be put back"),
)  # fmt: skip

STEP = Shape(
    "step", "What the switch did with the packet of a trace.",
    Field("kind", TEXT, "of which kind it is: rule, miss, output, drop and so on"),
    Field("text", TEXT, "the step in words"),
    Field("table", NUMBER, "of a rule or a miss: number of the table", True),
    Field("priority", NUMBER, "of a rule", True),
    Field("cookie", NUMBER, "of a rule", True),
    Field("match", TEXT, "of a rule, in ovs-ofctl's words", True),
    Field("actions", TEXT, "of a rule, or all of them together, in ovs-ofctl's words", True),
    Field("port", PORT_NUMBER | NULL, "where it goes, or is; null: flooded", True),
    Field("name", TEXT | NULL, "name of that port", True),
    Field("changed", many(TEXT), "what differs from the packet that came in", True),
    Field("packet", BYTES, "the packet as it leaves", True),
    Field("reason", TEXT, "why it is dropped, or why a controller gets it", True),
    Field("group", NUMBER, "number of the group", True),
    Field("bucket", NUMBER | NULL, "number of the bucket; null: all, or none that lives", True),
    Field("meter", NUMBER, "number of the meter; 0: the flood limit of its port", True),
    Field("queue", NUMBER, "number of the queue", True),
    Field("active", FLAG, "of a queue: the port has it", True),
    Field("max_rate", RATE | NULL, "of a queue", True),
    Field("vlan", NUMBER | NULL, "the VLAN that a port takes no part in; null: none", True),
    Field("copy", FLAG, "what follows happens to a copy", True),
)  # fmt: skip

OUTPUT = Shape(
    "output", "A port that the packet of a trace leaves by.",
    Field("port", PORT_NUMBER, "its number"),
    Field("name", TEXT | NULL, "its name"),
    Field("changed", many(TEXT), "what differs from the packet that came in"),
    Field("packet", BYTES, "the packet as it leaves"),
)  # fmt: skip

TRACE = Shape(
    "trace", "The life of an imagined packet.",
    Field("steps", many(STEP.kind), "what happened to it, in order"),
    Field("verdict", TEXT, "what became of it"),
    Field("outputs", many(OUTPUT.kind), "where it left"),
)  # fmt: skip

OPERATION = Shape(
    "operation", "A step from what is there to what is wanted.",
    Field("method", TEXT, "the method of this API that does it"),
    Field("params", OBJECT, "the method's parameters"),
    Field("text", TEXT, "the step in words"),
    Field("loses", many(TEXT), "names of ports that go with it and that no configuration has"),
)  # fmt: skip

PLAN = Shape(
    "plan", "What has to be done, or was.",
    Field("operations", many(OPERATION.kind), "in the order in which they are done"),
)  # fmt: skip

_SHAPES = (
    BRIDGE, PORT, RATED, QUEUE, STATION, CONTROLLER, FLOW, LOADED, GROUP, BUCKET, METER, BAND,
    STATUS, FORWARDER, REPLACED, TRACE, STEP, OUTPUT, PLAN, OPERATION,
)  # fmt: skip

_ANSWERS: Mapping[str, Kind] = {
    "status": STATUS.kind,
    "shutdown": NULL,
    "bridge.add": BRIDGE.kind,
    "bridge.set": BRIDGE.kind,
    "bridge.list": many(BRIDGE.kind),
    "bridge.show": BRIDGE.kind,
    "bridge.rm": many(TEXT),
    "port.add": PORT.kind,
    "port.set": PORT.kind,
    "port.list": many(PORT.kind),
    "port.rm": NULL,
    "mac.list": many(STATION.kind),
    "mac.flush": NULL,
    "queue.add": QUEUE.kind,
    "queue.set": QUEUE.kind,
    "queue.list": many(QUEUE.kind),
    "queue.rm": NULL,
    "controller.add": CONTROLLER.kind,
    "controller.list": many(CONTROLLER.kind),
    "controller.rm": NULL,
    "flow.add": NULL,
    "flow.load": LOADED.kind,
    "flow.mod": NULL,
    "flow.list": many(FLOW.kind),
    "flow.rm": NULL,
    "group.add": NULL,
    "group.mod": NULL,
    "group.list": many(GROUP.kind),
    "group.rm": NULL,
    "meter.add": NULL,
    "meter.mod": NULL,
    "meter.list": many(METER.kind),
    "meter.rm": NULL,
    "trace": TRACE.kind,
    "plan": PLAN.kind,
    "apply": PLAN.kind,
    "export": CONFIGURATION,
}


def _usual() -> dict[str, Shape]:
    """Shapes of the records that bridges have and nothing above is about."""
    plain = TEXT | NUMBER | FLAG | NULL | many(TEXT)
    return {
        kind.NOUN: Shape(
            kind.NOUN, f"A {kind.NOUN} of a bridge.",
            Field("bridge", TEXT, "name of its bridge"),
            *(setting(kind, name, plain) for name in kind.settings()),
            Field("active", FLAG, "it is in force"),
            name=" ".join(f"{{{name}}}" for name in kind.key_names()),
        )
        for kind in Bridge.parts() if f"{kind.NOUN}.list" not in _ANSWERS
    }  # fmt: skip


def _answers(shape: Shape) -> dict[str, Kind]:
    told = {"add": shape.kind, "set": shape.kind, "list": many(shape.kind), "rm": NULL}
    methods = {f"{shape.noun}.{verb}": kind for verb, kind in told.items()}
    return {method: kind for method, kind in methods.items() if method in REQUESTS}


SHAPES: tuple[Shape, ...] = (*_SHAPES, *_usual().values())
"""Every shape, in the reference's order."""

NOUNS: Mapping[str, Shape] = {shape.noun: shape for shape in SHAPES}
"""Noun -> its shape."""

ANSWERS: Mapping[str, Kind] = {
    **_ANSWERS, **{m: kind for shape in _usual().values() for m, kind in _answers(shape).items()},
}  # fmt: skip
"""Method -> what it answers."""
