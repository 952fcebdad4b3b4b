"""What an operator does beyond ports and flows: groups, meters, traces, the host's own port."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import pytest

from datapath.of13.rule import flow_mod
from datapath.rule import parse_rule
from tests.kit.apps import eventually
from tests.kit.lab import Lab, frame, kill, laboratory, passes
from vswitch.errors import RpcError

GROUP = "group_id=1,type=select,bucket=weight:2,actions=output:2,bucket=output:2"


@pytest.fixture
def lab() -> Iterator[Lab]:
    yield from laboratory()


@pytest.fixture
def wires(lab: Lab) -> Iterator[tuple[socket.socket, socket.socket]]:
    left, right = lab.wire("v1", "p1"), lab.wire("v2", "p2")
    with left, right:
        lab.start("--ephemeral", "--bridge", "br0", "--port", "v1", "--port", "v2",
                  "--fail-mode", "secure")  # fmt: skip
        yield left, right


Wires = tuple[socket.socket, socket.socket]


def test_a_group_is_added_counted_changed_and_removed(lab: Lab, wires: Wires) -> None:
    lab.call("group.add", bridge="br0", group=GROUP)
    lab.call("flow.add", bridge="br0", flow="in_port=1,actions=group:1")
    assert passes(*wires, number=1)
    (group,) = lab.call("group.list", bridge="br0")
    assert (group["group"], group["type"], group["references"]) == (1, "select", 1)
    assert group["packets"] == sum(bucket["packets"] for bucket in group["buckets"]) > 0
    assert [(b["weight"], b["actions"]) for b in group["buckets"]] == [
        (2, "output:2"), (1, "output:2"),
    ]  # fmt: skip
    lab.call("group.mod", bridge="br0", group="group_id=1,type=all,bucket=output:2")
    kill(lab.forwarder_pid())
    assert passes(*wires, number=2)
    (group,) = lab.call("group.list", bridge="br0", group="group_id=1")
    assert group["text"] == "group_id=1,type=all,bucket=actions=output:2"
    lab.call("group.rm", bridge="br0", group="group_id=1")
    assert lab.call("group.list", bridge="br0") == []
    assert lab.call("flow.list", bridge="br0") == []


def test_a_meter_is_added_counted_changed_and_removed(lab: Lab, wires: Wires) -> None:
    lab.call("meter.add", bridge="br0", meter="meter=1,pktps,band=type=drop,rate=100000")
    lab.call("flow.add", bridge="br0", flow="in_port=1,actions=meter:1,output:2")
    assert passes(*wires, number=1)
    (meter,) = lab.call("meter.list", bridge="br0")
    assert (meter["meter"], meter["flags"], meter["flows"]) == (1, ["pktps"], 1)
    assert meter["packets"] > 0
    changed = "meter=1,kbps,burst,stats,band=type=dscp_remark,rate=5,burst_size=6,prec_level=1"
    lab.call("meter.mod", bridge="br0", meter=changed)
    (meter,) = lab.call("meter.list", bridge="br0", meter="meter=1")
    assert meter["bands"][0].items() >= {
        "type": "dscp_remark", "rate": 5, "burst_size": 6, "prec_level": 1,
    }.items()  # fmt: skip
    lab.call("meter.mod", bridge="br0", meter=meter["text"])
    lab.call("meter.rm", bridge="br0")
    assert lab.call("meter.list", bridge="br0") == []
    assert lab.call("flow.list", bridge="br0") == []


def test_a_packet_that_a_group_or_meter_ended_is_counted_with_that_reason(
    lab: Lab, wires: Wires
) -> None:
    lab.call("group.add", bridge="br0", group="group_id=1,type=all")
    lab.call("meter.add", bridge="br0", meter="meter=1,pktps,band=type=drop,rate=1")
    for flow, reason in (("actions=group:1", "group"), ("actions=meter:1,output:2", "meter")):
        lab.call("flow.add", bridge="br0", flow=flow)
        for number in range(20):
            wires[0].send(frame(number))
        assert eventually(lambda reason=reason: drops(lab).get(reason, 0) > 0)


def drops(lab: Lab) -> dict[str, int]:
    counted: dict[str, int] = lab.call("port.list")[0]["drops"]
    return counted


ERRORS = (
    ("group.add", {"group": GROUP}, 1, "there is one of that number already; change it with"),
    ("group.add", {"group": "group_id=2"}, 2, "the group's type is missing"),
    ("group.mod", {"group": "group_id=2,type=all"}, 3, "there is none of that number"),
    ("group.list", {"group": "group_id=2"}, 3, "there is none of that number"),
    ("group.rm", {"group": "group_id=2"}, 3, "there is none of that number"),
    ("group.rm", {"group": "colour=2"}, 2, "no group has this in OpenFlow 1.3"),
    ("group.mod", {"group": "group_id=1,type=all,bucket=group:1"}, 1, "lead back to itself"),
    ("meter.add", {"meter": "meter=1,kbps,band=type=drop,rate=1"}, 1, "there is one of that num"),
    ("meter.add", {"meter": "meter=1"}, 2, "rates need one unit"),
    ("meter.mod", {"meter": "meter=2,kbps,band=type=drop,rate=1"}, 3, "there is none of that"),
    ("meter.list", {"meter": "meter=2"}, 3, "there is none of that number"),
    ("meter.rm", {"meter": "meter=2"}, 3, "there is none of that number"),
    ("flow.add", {"flow": "actions=group:7"}, 1, "it uses a group that is not there"),
)


def test_errors_say_why_and_what_to_do(lab: Lab, wires: Wires) -> None:
    lab.call("group.add", bridge="br0", group=GROUP)
    lab.call("meter.add", bridge="br0", meter="meter=1,kbps,band=type=drop,rate=1000")
    for method, words, code, sentence in ERRORS:
        with pytest.raises(RpcError, match=sentence) as caught:
            lab.call(method, bridge="br0", **words)
        assert (method, words, caught.value.exit) == (method, words, code)


def test_a_trace_tells_which_bucket_and_meter(lab: Lab, wires: Wires) -> None:
    lab.call("group.add", bridge="br0", group="group_id=1,type=indirect,bucket=output:2")
    lab.call("meter.add", bridge="br0", meter="meter=1,kbps,band=type=drop,rate=1000")
    lab.call("flow.add", bridge="br0", flow="in_port=1,actions=meter:1,group:1")
    told = lab.call("trace", bridge="br0", packet="in_port=1,tcp,nw_dst=10.0.0.2")
    texts = [step["text"] for step in told["steps"]]
    assert "group 1 (indirect): bucket 0, actions=output:v2" in texts
    assert "meter 1: it passes while the rate allows" in texts
    assert told["verdict"] == "leaves by port 2 (v2) unchanged"


def test_ports_go_by_their_names_wherever_text_is_read(lab: Lab, wires: Wires) -> None:
    lab.call("group.add", bridge="br0", group="group_id=1,type=ff,bucket=watch_port:v2,output:v2")
    lab.call("flow.add", bridge="br0", flow="in_port=v1,actions=group:1")
    assert passes(*wires, number=1)
    lab.call("flow.add", bridge="br0", flow='priority=7,in_port="v2",actions=output:"v1"')
    rows = lab.call("flow.list", bridge="br0", match="in_port=v2")
    assert [(row["match"], row["actions"]) for row in rows] == [("in_port=2", "output:1")]
    rows = lab.call("flow.list", bridge="br0", match="out_port=v1", names=True)
    assert [(row["match"], row["actions"]) for row in rows] == [("in_port=v2", "output:v1")]
    assert " in_port=v2 " in rows[0]["text"] or ",in_port=v2 " in rows[0]["text"]
    (group,) = lab.call("group.list", bridge="br0", names=True)
    assert group["buckets"][0]["actions"] == "output:v2"
    assert "watch_port:v2" in group["text"]
    told = lab.call("trace", bridge="br0", packet="in_port=v2,tcp")
    assert told["verdict"] == "leaves by port 1 (v1) unchanged"
    told = lab.call("trace", bridge="br0", packet="00" * 60, in_port="v2")
    assert told["verdict"] == "leaves by port 1 (v1) unchanged"
    with pytest.raises(RpcError, match="no port has this name"):
        lab.call("flow.add", bridge="br0", flow="in_port=v3,actions=drop")


def vswitch(lab: Lab, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    program = "from vswitch.cli import main; raise SystemExit(main())"
    line = [sys.executable, "-c", program, "--run", str(lab.run), *words]
    return subprocess.run(
        line, input=given, capture_output=True, text=True, env=lab.environment, check=False
    )


def test_a_file_of_flows_takes_effect_as_a_whole_or_not_at_all(lab: Lab, wires: Wires) -> None:
    many = "".join(
        f"table={n % 3},priority={n},in_port=v1,tcp,tp_dst={n},actions=output:v2\n"
        for n in range(1, 3001)
    )
    done = vswitch(lab, "flow", "add", "br0", "-f", "-", given=f"# ours\n\n{many}")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(lab.call("flow.list", bridge="br0")) == 3000
    wrong = "delete tcp\nactions=drop # all\n\n priority=5,actions=output:9999999999\n"
    done = vswitch(lab, "flow", "add", "br0", "-f", "-", given=wrong)
    assert done.returncode == 2
    assert done.stderr.startswith("vswitch: standard input line 4: output:9999999999: no port can")
    refused = "delete tcp\n\nactions=group:7\n"
    done = vswitch(lab, "flow", "add", "br0", "-f", "-", given=refused)
    assert done.returncode == 1
    assert done.stderr == (
        "vswitch: standard input line 3: it uses a group that is not there; "
        "see `vswitch group ls`\n"
    )
    assert len(lab.call("flow.list", bridge="br0")) == 3000
    done = vswitch(lab, "flow", "mod", "br0", "-f", "-", given="tcp,actions=drop\ndelete table=1\n")
    assert (done.returncode, done.stderr) == (0, "")
    rows = lab.call("flow.list", bridge="br0")
    assert {(row["table"], row["actions"]) for row in rows} == {(0, "drop"), (2, "output:2")}
    assert len(rows) == 2000


def test_what_is_exported_is_planned_as_what_there_is(lab: Lab) -> None:
    with lab.wire("v1", "p1"), lab.wire("v2", "p2"):
        lab.start()
        lab.call("bridge.add", name="br0", fail_mode="standalone")
        lab.call("port.add", bridge="br0", name="v1", tag=10)
        lab.call("port.add", bridge="br0", name="v2", trunks=["10", "20-30"])
        lab.call("port.add", bridge="br0", name="br0", number="LOCAL", kind="tap")
        lab.call("queue.add", bridge="br0", port="v1", number=7, max_rate="10Mbps")
        lab.call("controller.add", bridge="br0", target="tcp:127.0.0.1:6653")
        for form in ((), ("-o", "json")):
            exported = vswitch(lab, "export", *form)
            assert (exported.returncode, exported.stderr) == (0, "")
            planned = vswitch(lab, "plan", "-f", "-", given=exported.stdout)
            assert (planned.returncode, planned.stderr) == (0, "")
            alone = vswitch(lab, "export", "br0", *form).stdout
            assert vswitch(lab, "plan", "-f", "-", given=alone).returncode == 0
        other = exported.stdout.replace("10Mbps", "20Mbps")
        assert vswitch(lab, "plan", "-f", "-", given=other).returncode == 4
        missing = vswitch(lab, "export", "br1")
        assert (missing.returncode, missing.stderr.startswith("vswitch: bridge br1")) == (3, True)


def test_what_is_lent_as_flow_mods_and_is_none_is_refused(lab: Lab, wires: Wires) -> None:
    with tempfile.TemporaryFile() as file:
        mod = flow_mod(parse_rule("actions=drop"))
        for content in (b"x", mod[:-1], mod + b"\4\2\0\10\0\0\0\0", b"\1" + mod[1:]):
            os.pwrite(file.fileno(), content, 0)
            file.truncate(len(content))
            with pytest.raises(RpcError, match="is no whole flow-mod of OpenFlow") as refused:
                lab.call("flow.load", {"flow_mods": file.fileno()}, bridge="br0")
            assert refused.value.exit == 2
        file.truncate((64 << 20) + 1)
        with pytest.raises(RpcError, match="more than 67108864"):
            lab.call("flow.load", {"flow_mods": file.fileno()}, bridge="br0")
        file.truncate(0)
        assert lab.call("flow.load", {"flow_mods": file.fileno()}, bridge="br0") == {"flow_mods": 0}
    reading, writing = os.pipe()
    with open(reading), open(writing, "w"), pytest.raises(RpcError, match="no regular file"):
        lab.call("flow.load", {"flow_mods": reading}, bridge="br0")
    assert lab.call("flow.list", bridge="br0") == []


def test_a_trace_from_a_port_that_is_not_there_is_refused(lab: Lab, wires: Wires) -> None:
    why = r"has no such port now; there are 1 \(v1\), 2 \(v2\)"
    for packet in ("in_port=9,tcp", "in_port=CONTROLLER,tcp"):
        with pytest.raises(RpcError, match=why) as no:
            lab.call("trace", bridge="br0", packet=packet)
        assert no.value.exit == 3


def test_flows_are_listed_by_table_and_then_by_priority(lab: Lab, wires: Wires) -> None:
    for where in ("table=1,priority=5", "priority=1", "table=1,priority=9", "priority=70"):
        lab.call("flow.add", bridge="br0", flow=f"{where},actions=output:v2")
    rows = lab.call("flow.list", bridge="br0")
    assert [(row["table"], row["priority"]) for row in rows] == [(0, 70), (0, 1), (1, 9), (1, 5)]


def test_flows_are_changed_where_they_match_or_strictly(lab: Lab, wires: Wires) -> None:
    for flow in ("priority=5,tcp,actions=drop", "priority=6,tcp,tp_dst=80,actions=drop"):
        lab.call("flow.add", bridge="br0", flow=flow)
    lab.call("flow.mod", bridge="br0", flow="tcp,actions=output:v2")
    assert [row["actions"] for row in lab.call("flow.list", bridge="br0")] == ["output:2"] * 2
    lab.call("flow.mod", bridge="br0", flow="priority=5,tcp,actions=output:1", strict=True)
    rows = lab.call("flow.list", bridge="br0")
    assert [(row["priority"], row["actions"]) for row in rows] == [(6, "output:2"), (5, "output:1")]


ARP = struct.Struct("!6s6sHHHBBH6s4s6s4s")
STATION = bytes.fromhex("020000000099")


def test_the_host_speaks_through_its_own_port(lab: Lab) -> None:
    with lab.wire("v1", "p1") as outside:
        lab.start("--ephemeral", "--bridge", "br0", "--port", "br0:LOCAL", "--port", "v1")
        ports = {port["name"]: port for port in lab.call("port.list")}
        assert (ports["br0"]["number"], ports["br0"]["kind"]) == (0xFFFFFFFE, "tap")
        assert ports["v1"]["number"] == 1
        lab.shell("ip", "address", "add", "10.9.0.1/24", "dev", "br0")
        assert answered(outside)
        kill(lab.forwarder_pid())
        assert answered(outside)


def answered(outside: socket.socket) -> bool:
    """Whether the host, asked who has 10.9.0.1, says that it has."""
    mine, its = socket.inet_aton("10.9.0.2"), socket.inet_aton("10.9.0.1")
    asked = ARP.pack(b"\xff" * 6, STATION, 0x806, 1, 0x800, 6, 4, 1, STATION, mine, bytes(6), its)
    outside.settimeout(0.1)
    for _ in range(30):
        outside.send(asked.ljust(60, b"\0"))
        try:
            while True:
                got = outside.recv(2048)
                if got[12:14] == b"\x08\x06" and got[28:32] == its and got[:6] == STATION:
                    return True
        except TimeoutError:
            continue
    return False
