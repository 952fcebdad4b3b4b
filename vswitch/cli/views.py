"""Results in words and tables: one function for each kind of result."""

from __future__ import annotations

from vswitch.cli.output import Column, Quantity, counted, human, pairs, plural, text
from vswitch.values import port_number_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from vswitch.cli.output import Output, Record

    Params = Mapping[str, Any]



def numbered(number: int) -> Quantity:
    """A port's number for people: LOCAL is a word, and stands where numbers do."""
    return Quantity(port_number_text(number))


BRIDGES = (
    Column("NAME", "name"),
    Column("DPID", "dpid"),
    Column("ACTIVE", "active"),
    Column("FAIL MODE", "fail_mode"),
    Column("PROTOCOLS", "protocols"),
    Column("PORTS", "ports", lambda bridge: len(bridge["ports"]), exact=True),
    Column("CONTROLLERS", "controllers", lambda bridge: len(bridge["controllers"]), exact=True),
)
PORTS = (
    Column("BRIDGE", "bridge"),
    Column("NUMBER", "number", lambda port: numbered(port["number"])),
    Column("NAME", "name"),
    Column("KIND", "kind"),
    Column("STATE", "state"),
    Column("TAG", "tag"),
    Column("MTU", "mtu"),
    Column("RX PACKETS", "rx_packets"),
    Column("RX BYTES", "rx_bytes", lambda port: human(port["rx_bytes"]), exact=True),
    Column("TX PACKETS", "tx_packets"),
    Column("TX BYTES", "tx_bytes", lambda port: human(port["tx_bytes"]), exact=True),
    Column("DROPS", "drops", lambda port: counted(port["drops"])),
)
QUEUES = (
    Column("BRIDGE", "bridge"),
    Column("PORT", "port"),
    Column("NUMBER", "number"),
    Column("ACTIVE", "active"),
    Column("MAX RATE", "max_rate"),
    Column("MAX PACKETS", "max_packets"),
    Column("TX PACKETS", "tx_packets"),
    Column("TX BYTES", "tx_bytes", lambda queue: human(queue["tx_bytes"]), exact=True),
    Column("TX ERRORS", "tx_errors"),
)
CONTROLLERS = (
    Column("BRIDGE", "bridge"),
    Column("TARGET", "target"),
    Column("CONNECTED", "connected"),
    Column("ROLE", "role"),
    Column("SINCE", "since"),
    Column("LAST ERROR", "last_error"),
)
MACS = (
    Column("VLAN", "vlan"),
    Column("ADDRESS", "mac"),
    Column("PORT", "port", lambda station: numbered(station["port"])),
    Column("NAME", "name"),
    Column("AGE", "age", lambda station: f"{station['age']:.1f} s", exact=True),
)
FLOWS = (
    Column("TABLE", "table"),
    Column("PRIORITY", "priority"),
    Column("COOKIE", "cookie", lambda flow: Quantity(hex(flow["cookie"]))),
    Column("PACKETS", "packets"),
    Column("BYTES", "bytes"),
    Column("DURATION", "duration", lambda flow: Quantity(f"{flow['duration']:.3f} s")),
    Column("IDLE TIMEOUT", "idle_timeout"),
    Column("HARD TIMEOUT", "hard_timeout"),
    Column("MATCH", "match"),
    Column("ACTIONS", "actions", lambda flow: flow["actions"] or "drop"),
)
_STATUS = {
    "version": "version",
    "pid": "daemon's pid",
    "run": "run folder",
    "ephemeral": "ephemeral",
    "bridges": "bridges",
    "ports": "ports",
    "forwarder_pid": "forwarder's pid",
    "forwarder_adopted": "adopted",
    "forwarder_started": "started",
}
_BRIDGE = {
    "name": "bridge",
    "dpid": "dpid",
    "active": "active",
    "fail_mode": "fail mode",
    "protocols": "protocols",
    "listen": "listens on",
    "mac_age": "mac age",
    "mac_limit": "mac limit",
    "flood_rate": "flood rate",
}
_PORT = {
    "name": "port",
    "bridge": "bridge",
    "number": "number",
    "kind": "kind",
    "netns": "network namespace",
    "interface": "interface",
    "addresses": "addresses",
    "gateway": "gateway",
    "mac": "mac",
    "mtu": "mtu",
    "vlan_mode": "vlan mode",
    "tag": "tag",
    "trunks": "trunks",
    "state": "state",
    "config": "config",
    "ephemeral": "ephemeral",
    "owner": "owner",
    "rx_packets": "received packets",
    "rx_bytes": "received bytes",
    "tx_packets": "sent packets",
    "tx_bytes": "sent bytes",
    "rx_errors": "receive errors",
    "tx_errors": "send errors",
}


def silent(out: Output, result: Any, params: Params) -> None:
    """A change that went well: JSON has the answer, a person needs no words."""
    out.result(result, lambda: ())


def status(out: Output, result: Record, params: Params) -> None:
    """The daemon and its forwarder."""
    out.result(result, lambda: _status(result))


def bridges(out: Output, result: list[Record], params: Params) -> None:
    """All bridges."""
    out.records(result, BRIDGES)


def bridge(out: Output, result: Record, params: Params) -> None:
    """One bridge; 'params' has the rows of its ports and controllers."""
    out.result(result, lambda: _bridge(out, result, params))


def ports(out: Output, result: list[Record], params: Params) -> None:
    """Ports and their counters."""
    out.records(result, PORTS)


def port(out: Output, result: Record, params: Params) -> None:
    """One port; each reason for which it lost packets has a line."""
    drops = result.get("drops") or {}
    lines = [f"dropped, {reason}: {count} packets" for reason, count in drops.items() if count]
    told = {**result, "number": port_number_text(result["number"])}
    out.result(result, lambda: [*pairs(told, _PORT), *(lines or ["dropped nothing"])])


def queues(out: Output, result: list[Record], params: Params) -> None:
    """Queues and their counters."""
    out.records(result, QUEUES)


def records(out: Output, result: list[Record], params: Params) -> None:
    """What has no view of its own: all that is told of each."""
    known = result[0] if result else {}
    out.records(result, [(key.replace("_", " ").upper(), key) for key in known])


def macs(out: Output, result: list[Record], params: Params) -> None:
    """Stations and where they are."""
    out.records(result, MACS)


def port_added(out: Output, result: Record, params: Params) -> None:
    """The number that a new port got."""
    number = port_number_text(result["number"])
    out.result(result, lambda: [f"port {result['name']} is number {number} of {result['bridge']}"])


def controllers(out: Output, result: list[Record], params: Params) -> None:
    """Controllers and the state of their connections."""
    out.records(result, CONTROLLERS)


def flows(out: Output, result: list[Record], params: Params) -> None:
    """Flows as `ovs-ofctl dump-flows` writes them; wide: in a table."""
    if out.format == "wide":
        out.records(result, FLOWS)
    else:
        out.result(result, lambda: map(flow_line, result))


def flow_line(flow: Record) -> str:
    """One flow: cookie, age in seconds, table, counters, timeouts, match, actions."""
    cookie = flow["cookie"]
    words = [
        f"cookie={cookie if isinstance(cookie, str) else hex(cookie)}",
        f"duration={flow['duration']:.3f}s",
        f"table={flow['table']}",
        f"n_packets={flow['packets']}",
        f"n_bytes={flow['bytes']}",
        *(f"{key}={flow[key]}" for key in ("idle_timeout", "hard_timeout") if flow.get(key)),
    ]
    match = ",".join(part for part in (f"priority={flow['priority']}", flow["match"]) if part)
    return f" {', '.join(words)}, {match} actions={flow['actions'] or 'drop'}"


def groups(out: Output, result: list[Record], params: Params) -> None:
    """Each group with its counters, below it its buckets with theirs."""
    out.result(result, lambda: (line for group in result for line in group_lines(group)))


def group_lines(group: Record) -> Iterable[str]:
    """One group and its buckets, in ovs-ofctl's words."""
    words = [
        f"group_id={group['group']}",
        f"type={group['type']}",
        f"duration={group['duration']:.3f}s",
        f"ref_count={group['references']}",
    ]
    yield f" {', '.join(words)}, {_counted(group)}"
    said = group["text"].split("bucket=")[1:]
    for number, (bucket, words_of_it) in enumerate(zip(group["buckets"], said, strict=True)):
        own = [f"weight:{bucket['weight']}"] if group["type"] == "select" else []
        own += [word for word in words_of_it.split(",") if word.startswith("watch_")]
        words = [*own, f"actions={bucket['actions'] or 'drop'}"]
        yield f"  bucket {number}: {_counted(bucket)}, {','.join(words)}"


def meters(out: Output, result: list[Record], params: Params) -> None:
    """Each meter with its counters, below it its bands with theirs."""
    out.result(result, lambda: (line for meter in result for line in meter_lines(meter)))


def meter_lines(meter: Record) -> Iterable[str]:
    """One meter and its bands, in ovs-ofctl's words."""
    words = [
        f"meter={meter['meter']}",
        *meter["flags"],
        f"duration={meter['duration']:.3f}s",
        f"flow_count={meter['flows']}",
    ]
    yield f" {', '.join(words)}, {_counted(meter)}"
    for number, band in enumerate(meter["bands"]):
        keys = ("rate", *(key for key in ("burst_size", "prec_level") if band.get(key)))
        words = [f"type={band['type']}", *(f"{key}={band[key]}" for key in keys)]
        yield f"  band {number}: {_counted(band)}, {' '.join(words)}"


def _counted(record: Record) -> str:
    return f"n_packets={record['packets']}, n_bytes={record['bytes']}"


def trace(out: Output, result: Record, params: Params) -> None:
    """The life of a packet, step by step, and what became of it."""
    out.result(result, lambda: _trace(result))


def operations(out: Output, result: Record, params: Params) -> None:
    """The steps of a plan, or those that were done."""
    lines = [f"{n:3}. {step['text']}" for n, step in enumerate(result["operations"], 1)]
    out.result(result, lambda: lines or ["nothing to do: the host is as the file says"])


def configuration(out: Output, result: Record, params: Params) -> None:
    """A configuration as `apply -f` reads it."""
    from vswitch import toml

    bridge = params.get("bridge")
    head = [f"# bridge {bridge} alone: `apply` would remove all others"] if bridge else []
    empty = [] if result["bridges"] else ["bridges = []"]
    out.result(result, lambda: (*head, *empty, *toml.lines(_written(result))))


def _written(configuration: Record) -> Record:
    """A configuration as people write it: LOCAL is a word."""
    bridges = [
        {**bridge, "ports": [_numbered(port) for port in bridge["ports"]]}
        for bridge in configuration["bridges"]
    ]
    return {**configuration, "bridges": bridges}


def _numbered(port: Record) -> Record:
    return {**port, "number": port_number_text(port["number"])}


def removed(out: Output, result: Any, params: Params) -> None:
    """A bridge is gone, and with it perhaps what others had there."""
    ports = f"port{'s' * (len(result) > 1)} {', '.join(result)}" if result else ""
    out.result(result, lambda: [f"{ports} of containers went with it"] if result else ())


def ended(out: Output, result: Any, params: Params) -> None:
    """After shutdown."""
    out.result(result, lambda: ["the daemon and its forwarder have ended"])


def _status(result: Record) -> Iterable[str]:
    forwarder = dict(result.get("forwarder") or {})
    flat = {f"forwarder_{key}": value for key, value in forwarder.items()}
    yield from pairs({**result, **flat}, _STATUS)
    if trouble := forwarder.get("trouble"):
        yield f"the forwarder hangs: {trouble}; kill it where it was started, another takes over"
    if replaced := result.get("replaced"):
        yield f"at {text(replaced['time'])} a forwarder was replaced that hung: {replaced['why']}"
    yield from (f"not active: {reason}" for reason in result.get("not_active") or ())
    yield from (f"trouble: {reason}" for reason in result.get("troubles") or ())
    yield from (f"another daemon is in {run}" for run in result.get("other_runs") or ())


def _bridge(out: Output, result: Record, parts: Params) -> Iterable[str]:
    yield from pairs(result, _BRIDGE)
    yield from (f"trouble: {reason}" for reason in result.get("troubles") or ())
    for key, columns in (("ports", PORTS[1:7]), ("controllers", CONTROLLERS[1:])):
        records = parts[key]
        yield ""
        yield plural(len(records), key[:-1])
        if records:
            yield from out.table(records, columns, key[:-1])


def _trace(result: Record) -> Iterable[str]:
    for number, step in enumerate(result["steps"], 1):
        first, *more = str(step["text"]).splitlines() or [""]
        yield f"{number:3}. {first}"
        yield from (f"     {line}" for line in more)
    yield f"  => {result['verdict']}"
