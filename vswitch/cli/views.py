"""Results in words and tables: one function for each kind of result."""

from __future__ import annotations

import time

from vswitch.cli.output import counted, pairs, plural, table
from vswitch.values import port_number_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from vswitch.cli.output import Column, Output, Record

    Params = Mapping[str, Any]

BRIDGES: tuple[Column, ...] = (
    ("NAME", "name"),
    ("DPID", "dpid"),
    ("ACTIVE", "active"),
    ("FAIL MODE", "fail_mode"),
    ("PROTOCOLS", "protocols"),
    ("PORTS", lambda bridge: _count(bridge, "ports")),
    ("CONTROLLERS", lambda bridge: _count(bridge, "controllers")),
)
PORTS: tuple[Column, ...] = (
    ("BRIDGE", "bridge"),
    ("NUMBER", lambda port: port_number_text(port.get("number"))),
    ("NAME", "name"),
    ("KIND", "kind"),
    ("MAC", "mac"),
    ("MTU", "mtu"),
    ("STATE", "state"),
    ("RX PACKETS", "rx_packets"),
    ("RX BYTES", "rx_bytes"),
    ("TX PACKETS", "tx_packets"),
    ("TX BYTES", "tx_bytes"),
    ("DROPS", lambda port: counted(port.get("drops") or {})),
)
QUEUES: tuple[Column, ...] = (
    ("BRIDGE", "bridge"),
    ("PORT", "port"),
    ("NUMBER", "number"),
    ("ACTIVE", "active"),
    ("MAX RATE", "max_rate"),
    ("MAX PACKETS", "max_packets"),
    ("TX PACKETS", "tx_packets"),
    ("TX BYTES", "tx_bytes"),
    ("TX ERRORS", "tx_errors"),
)
CONTROLLERS: tuple[Column, ...] = (
    ("BRIDGE", "bridge"),
    ("TARGET", "target"),
    ("CONNECTED", "connected"),
    ("ROLE", "role"),
    ("SINCE", lambda controller: here(controller.get("since"))),
)
MACS: tuple[Column, ...] = (
    ("VLAN", "vlan"),
    ("ADDRESS", "mac"),
    ("PORT", lambda station: port_number_text(station.get("port"))),
    ("NAME", "name"),
    ("AGE", lambda station: f"{station['age']:.1f} s"),
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
    "mac": "mac",
    "mtu": "mtu",
    "vlan_mode": "vlan mode",
    "tag": "tag",
    "trunks": "trunks",
    "state": "state",
    "config": "config",
    "rx_packets": "received packets",
    "rx_bytes": "received bytes",
    "tx_packets": "sent packets",
    "tx_bytes": "sent bytes",
}


def here(moment: str | None) -> str | None:
    """A point in time (ISO 8601, UTC) as this place's calendar and clock have it."""
    import calendar

    if moment is None:
        return None
    seconds = calendar.timegm(time.strptime(moment, "%Y-%m-%dT%H:%M:%SZ"))
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


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
    out.result(result, lambda: _bridge(result, params))


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
    """Flows as `ovs-ofctl dump-flows` writes them."""
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
    for number, bucket in enumerate(group["buckets"]):
        own = [f"weight:{bucket['weight']}"] if group["type"] == "select" else []
        own += [f"{key}:{bucket[key]}" for key in _WATCHED if bucket[key] is not None]
        words = [*own, f"actions={bucket['actions'] or 'drop'}"]
        yield f"  bucket {number}: {_counted(bucket)}, {','.join(words)}"


_WATCHED = ("watch_port", "watch_group")


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
    if "started" in forwarder:
        forwarder["started"] = here(forwarder["started"])
    flat = {f"forwarder_{key}": value for key, value in forwarder.items()}
    yield from pairs({**result, **flat}, _STATUS)
    if trouble := forwarder.get("trouble"):
        yield f"the forwarder hangs: {trouble}; kill it where it was started, another takes over"
    if replaced := result.get("replaced"):
        yield f"at {replaced['time']} a forwarder was replaced that hung: {replaced['why']}"
    yield from (f"not active: {reason}" for reason in result.get("not_active") or ())
    yield from (f"another daemon is in {run}" for run in result.get("other_runs") or ())


def _bridge(result: Record, parts: Params) -> Iterable[str]:
    yield from pairs(result, _BRIDGE)
    for key, columns in (("ports", PORTS[1:7]), ("controllers", CONTROLLERS[1:])):
        records = parts[key]
        yield ""
        yield plural(len(records), key[:-1])
        if records:
            yield from table(records, columns)


def _trace(result: Record) -> Iterable[str]:
    for number, step in enumerate(result["steps"], 1):
        first, *more = str(step["text"]).splitlines() or [""]
        yield f"{number:3}. {first}"
        yield from (f"     {line}" for line in more)
    yield f"  => {result['verdict']}"


def _count(record: Record, key: str) -> int | None:
    value = record.get(key)
    return len(value) if isinstance(value, list) else value
