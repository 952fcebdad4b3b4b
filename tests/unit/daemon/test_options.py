"""The daemon's command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from vswitch import __version__
from vswitch.daemon.main import configured
from vswitch.daemon.options import BridgeOption, Options, PortOption, QueueOption, read
from vswitch.errors import SchemaError


def test_a_stored_daemon_has_folders_and_no_bridges() -> None:
    assert read(["--state", "/s", "--run", "/r"]) == Options(Path("/s"), Path("/r"))


def test_options_belong_to_the_bridge_before_them() -> None:
    line = "--ephemeral --bridge br0 --dpid 0x2a --port v1 --port v2:7 --controller tcp:127.0.0.1 "
    line += "--bridge br1 --port v3 --listen ptcp:6654 --fail-mode secure --protocols OpenFlow13"
    first, second = read(line.split()).bridges
    ports = (PortOption("v1"), PortOption("v2", 7))
    assert first == BridgeOption("br0", "0x2a", ports, ("tcp:127.0.0.1",))
    assert second == BridgeOption(
        "br1", None, (PortOption("v3"),), (), ("OpenFlow13",), ("ptcp:6654",), "secure"
    )


def test_vlans_belong_to_the_port_before_them() -> None:
    line = "--ephemeral --bridge br0 --mac-age 60 --port v1 --tag 10 --port v2:7 --trunks 10,20-30 "
    line += "--flood-rate 1000 --port v3 --tag 5 --trunks 6 --vlan-mode native-untagged"
    (bridge,) = configured(read(line.split()).bridges).bridges
    assert (bridge.mac_age, bridge.mac_limit, bridge.flood_rate) == (60, 8192, 1000)
    assert [port.vlans for port in bridge.ports] == [
        ("access", 10, frozenset()),
        ("trunk", 0, frozenset({10, *range(20, 31)})),
        ("native-untagged", 5, frozenset({6})),
    ]


def test_a_port_is_made_only_if_its_kind_says_so() -> None:
    line = "--ephemeral --bridge br0 --port v1 --kind tap --port v2 --port v3 --kind packet"
    (bridge,) = configured(read(line.split()).bridges).bridges
    assert [port.kind for port in bridge.ports] == ["tap", "auto", "packet"]


@pytest.mark.parametrize(
    "line",
    [
        "--port v1",
        "--ephemeral --bridge br0 --kind tap",
        "--ephemeral --bridge br0 --port v1 --kind veth",
        "--ephemeral --tag 1 --bridge br0 --port v1",
        "--ephemeral --bridge br0 --tag 1",
        "--ephemeral --bridge br0 --port v1 --tag 1 --tag 2",
        "--ephemeral --dpid 1 --bridge br0",
        "--bridge br0",
        "--ephemeral --state /s",
        "--ephemeral --bridge br0 --bridge br0",
        "--ephemeral --bridge br0 --dpid 1 --dpid 2",
        "--ephemeral --bridge br0 --port v1:0",
        "--ephemeral --bridge br0 --port v1:x",
        "--ephemeral --bridge br0 --port v1:65280",
        "--ephemeral --bridge br0 --fail-mode open",
        "--ephemeral --bridge br0 --port v1 --queue v1:0",
        "--queue v1:0:10Mbps",
        "--nonsense",
    ],
)
def test_a_wrong_line_is_a_sentence_and_code_2(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        read(line.split())
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("vswitchd: ")
    assert said.count("\n") == 1


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        read(["--version"])
    assert (end.value.code, capsys.readouterr().out) == (0, f"vswitchd {__version__}\n")


def test_the_fail_mode_follows_from_controllers() -> None:
    alone, led = configured([BridgeOption("a"), BridgeOption("b", controllers=("tcp:h",))]).bridges
    assert (alone.fail_mode, led.fail_mode) == ("standalone", "secure")


def test_ports_without_a_number_get_1_2_3_in_order() -> None:
    ports = (PortOption("v1"), PortOption("v2", 2), PortOption("v3"))
    (bridge,) = configured([BridgeOption("a", ports=ports)]).bridges
    assert [port.number for port in bridge.numbered().ports] == [1, 2, 3]


def test_a_queue_names_its_port_by_interface_or_number() -> None:
    line = "--ephemeral --bridge a --port v1 --port v2:7 --port a:local --queue v1:0:10Mbps "
    line += "--queue 7:1:1Gbps --queue LOCAL:2:unlimited --bridge b"
    first, second = configured(read(line.split()).bridges).bridges
    assert [(q.port, q.number, q.max_rate) for q in first.queues] == [
        ("v1", 0, 10**7), ("v2", 1, 10**9), ("a", 2, 0),
    ]  # fmt: skip
    assert first.ports[2].number == 0xFFFFFFFE
    assert second.queues == ()


@pytest.mark.parametrize(
    ("queue", "sentence"),
    [
        (QueueOption("v9", "0", "1Mbps"), "queue 0 of port 'v9': bridge a has no such port"),
        (QueueOption("2", "0", "1Mbps"), "queue 0 of port '2': bridge a has no such port"),
        (QueueOption("v1", "0", "fast"), "queue max rate 'fast': it is no rate"),
        (QueueOption("v1", "x", "1Mbps"), "queue number 'x': it is no whole number"),
    ],
)
def test_a_queue_that_cannot_be_is_told(queue: QueueOption, sentence: str) -> None:
    with pytest.raises(SchemaError, match=sentence):
        configured([BridgeOption("a", ports=(PortOption("v1"),), queues=(queue,))])


def test_what_the_schema_refuses_is_told() -> None:
    with pytest.raises(SchemaError):
        configured([BridgeOption("../etc")])
