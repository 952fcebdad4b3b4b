"""A command line in this process, and a daemon that answers as its test says."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.kit.fakedaemon import FakeDaemon
from vswitch.cli import main

PORT = {
    "bridge": "br0", "name": "eth1", "number": 3, "kind": "packet", "mac": "02:00:00:00:00:01",
    "mtu": 1500, "netns": None, "interface": None, "addresses": [], "gateway": None,
    "vlan_mode": "trunk", "tag": None, "trunks": [], "state": "up", "config": [],
    "ephemeral": False, "owner": None, "rx_packets": 12, "tx_packets": 3, "rx_bytes": 1200,
    "tx_bytes": 18446744073709551615, "rx_errors": 0, "tx_errors": 0,
    "drops": {"table-miss": 2, "rule": 1},
}  # fmt: skip
TAP = {
    **PORT, "name": "tap0", "number": 40000, "kind": "tap", "mtu": None, "drops": {}, "tx_bytes": 0,
    "vlan_mode": "access", "tag": 10,
}  # fmt: skip
FLOW = {
    "table": 0, "priority": 5, "cookie": 26, "match": "in_port=1,tcp", "actions": "output:2",
    "packets": 7, "bytes": 700, "duration": 12.5, "idle_timeout": 60, "hard_timeout": 0,
    "text": "priority=5,in_port=1,tcp,actions=output:2",
}  # fmt: skip
MAC = {"vlan": 10, "mac": "02:00:00:00:00:07", "port": 3, "name": "eth1", "age": 2.25}
QUEUE = {
    "bridge": "br0", "port": "eth1", "number": 0, "max_rate": "10Mbps", "max_packets": 1000,
    "active": True, "tx_packets": 7, "tx_bytes": 700, "tx_errors": 1, "duration": 2.5,
}  # fmt: skip
GROUP = {
    "group": 1, "type": "select", "references": 2, "packets": 3, "bytes": 300, "duration": 12.5,
    "buckets": [
        {"weight": 4, "watch_port": 2, "watch_group": None, "actions": "output:2", "packets": 2,
         "bytes": 200},
        {"weight": 1, "watch_port": None, "watch_group": None, "actions": "", "packets": 1,
         "bytes": 100},
    ],
    "text": "group_id=1,type=select,bucket=weight:4,watch_port:2,actions=output:2,bucket=actions=",
}  # fmt: skip
METER = {
    "meter": 1, "flags": ["kbps", "burst"], "flows": 1, "packets": 9, "bytes": 900,
    "duration": 2.0, "text": "meter=1 kbps burst bands= type=drop rate=1000 burst_size=10",
    "bands": [{"type": "drop", "rate": 1000, "burst_size": 10, "packets": 4, "bytes": 400}],
}  # fmt: skip
CONTROLLER = {
    "bridge": "br0", "target": "tcp:127.0.0.1:6653", "connected": True, "role": "equal",
    "since": "2026-01-02T03:04:05Z", "last_error": "can't connect: it rests",
    "last_error_at": "2026-01-02T03:04:00Z",
}  # fmt: skip
BRIDGE = {
    "name": "br0", "dpid": "0000000000000001", "active": True, "fail_mode": "secure",
    "troubles": [],
    "protocols": ["OpenFlow13"], "listen": [], "mac_age": 300, "mac_limit": 8192, "flood_rate": 0,
    "ports": ["eth1"], "queues": ["eth1 0"], "controllers": ["tcp:127.0.0.1:6653"],
}  # fmt: skip
ANSWERS: dict[str, object] = {
    "status": {
        "version": "0.1.0", "pid": 70, "bridges": 1, "ports": 2, "ephemeral": False, "run": "/r",
        "other_runs": ["/run/vswitch-a1", "/s"],
        "not_active": ["port eth9: it is not there; plug it in"], "troubles": [],
        "forwarder": {
            "pid": 71, "adopted": True, "started": "2026-01-02T03:04:05Z", "trouble": None,
        },
        "replaced": {"time": "2026-01-02T03:04:05Z", "why": "it did nothing"},
    },
    "bridge.list": [BRIDGE], "bridge.show": BRIDGE, "port.list": [PORT, TAP],
    "port.add": PORT, "mac.list": [MAC, {**MAC, "vlan": 0, "port": 9, "name": None, "age": 0.0}],
    "controller.list": [CONTROLLER], "flow.list": [FLOW, {**FLOW, "match": ""}],
    "queue.list": [QUEUE], "queue.add": QUEUE, "queue.set": QUEUE,
    "group.list": [GROUP], "meter.list": [METER],
    "trace": {
        "steps": [{"kind": "rule", "text": "table 0: hit\nwith more"},
                  {"kind": "output", "text": "leaves by port 2"}],
        "verdict": "forwarded to port 2",
        "outputs": [{"port": 2, "name": "eth2", "changed": [], "packet": "ff"}],
    },
    "plan": {"operations": []}, "apply": {"operations": []}, "export": {"bridges": []},
    "bridge.add": BRIDGE,
    "bridge.set": BRIDGE, "bridge.rm": [], "port.set": PORT, "controller.add": CONTROLLER,
    "flow.load": {"flow_mods": 2},
}  # fmt: skip


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Vswitch = Callable[..., Ended]


@pytest.fixture
def vswitch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Vswitch:
    """Runs `vswitch` with the given words; its run folder is the test's own."""
    monkeypatch.setenv("VSWITCH_RUN", str(tmp_path))
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()

    def run(*words: str) -> Ended:
        monkeypatch.setenv("VSWITCH_RUN", os.environ["VSWITCH_RUN"])
        capsys.readouterr()
        code = main(words)
        return Ended(code, *capsys.readouterr())

    return run


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[FakeDaemon]:
    """Answers every method with what ANSWERS has, or with nothing."""
    with FakeDaemon(tmp_path, ANSWERS) as made:
        yield made
