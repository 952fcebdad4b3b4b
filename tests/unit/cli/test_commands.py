"""Commands: what they ask, what they print, how they end."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kit.fakedaemon import FakeDaemon
from tests.unit.cli.conftest import ANSWERS, FLOW, GROUP, MAC, PORT, Vswitch
from vswitch.answers import ANSWERS as SHAPES
from vswitch.errors import RpcError
from vswitch.requests import REQUESTS

ASKED: list[tuple[str, str, dict[str, Any]]] = [
    ("status", "status", {}),
    ("shutdown", "shutdown", {}),
    ("bridge ls", "bridge.list", {}),
    ("bridge add br0", "bridge.add", {"name": "br0"}),
    (
        "bridge add br0 --dpid 1f --fail-mode standalone --protocols OpenFlow13 --listen ptcp:1",
        "bridge.add",
        {
            "name": "br0", "dpid": 31, "fail_mode": "standalone", "protocols": ("OpenFlow13",),
            "listen": ("ptcp:1:127.0.0.1",),
        },
    ),
    ("bridge set br0 --dpid=0x2", "bridge.set", {"name": "br0", "dpid": 2}),
    (
        "bridge set br0 --mac-age 60 --mac-limit 100 --flood-rate 1000", "bridge.set",
        {"name": "br0", "mac_age": 60, "mac_limit": 100, "flood_rate": 1000},
    ),
    ("bridge show br0", "bridge.show", {"name": "br0"}),
    ("bridge rm br0", "bridge.rm", {"name": "br0"}),
    ("port ls", "port.list", {}),
    ("port ls br0", "port.list", {"bridge": "br0"}),
    ("port show br0 eth1", "port.list", {"bridge": "br0"}),
    (
        "port add br0 eth1 --number 3 --kind tap --interface eth0 --netns /proc/self/ns/net "
        "--addresses 10.0.0.2/24 --addresses fd00::2/64 --mtu 9000 --gateway 10.0.0.1 --ephemeral "
        "--owner me",
        "port.add",
        {
            "bridge": "br0", "name": "eth1", "number": 3, "kind": "tap", "mtu": 9000,
            "netns": "/proc/self/ns/net", "interface": "eth0", "gateway": "10.0.0.1",
            "addresses": ("10.0.0.2/24", "fd00::2/64"), "ephemeral": True, "owner": "me",
            "namespace": os.stat("/proc/self/ns/net").st_ino,
        },
    ),
    ("port add --number 3 br0 -- eth1", "port.add", {"bridge": "br0", "name": "eth1", "number": 3}),
    ("port set br0 eth1 --tag 10", "port.set", {"bridge": "br0", "name": "eth1", "tag": 10}),
    (
        "port set br0 eth1 --tag none --trunks 10,20-30 --trunks 11 --vlan-mode trunk", "port.set",
        {
            "bridge": "br0", "name": "eth1", "tag": None, "trunks": ("10-11", "20-30"),
            "vlan_mode": "trunk",
        },
    ),
    ("port set br0 eth1 --trunks=", "port.set", {"bridge": "br0", "name": "eth1", "trunks": ()}),
    ("mac ls br0", "mac.list", {"bridge": "br0"}),
    ("mac flush br0", "mac.flush", {"bridge": "br0"}),
    (
        "port add br0 br0 --kind tap --number local", "port.add",
        {"bridge": "br0", "name": "br0", "kind": "tap", "number": 0xFFFFFFFE},
    ),
    ("port rm br0 eth1", "port.rm", {"bridge": "br0", "name": "eth1"}),
    ("port rm br0 eth1 --owner me", "port.rm", {"bridge": "br0", "name": "eth1", "owner": "me"}),
    ("controller ls br0", "controller.list", {"bridge": "br0"}),
    (
        "controller add br0 tcp:10.0.0.9", "controller.add",
        {"bridge": "br0", "target": "tcp:10.0.0.9:6653"},
    ),
    (
        "controller rm br0 unix:/run/x", "controller.rm",
        {"bridge": "br0", "target": "unix:/run/x"},
    ),
    ("flow ls br0", "flow.list", {"bridge": "br0"}),
    ("flow ls br0 --names", "flow.list", {"bridge": "br0", "names": True}),
    ("flow ls br0 --no-names", "flow.list", {"bridge": "br0", "names": False}),
    ("group ls br0 --names", "group.list", {"bridge": "br0", "names": True}),
    (
        "flow mod br0 tcp,actions=output:eth1", "flow.mod",
        {"bridge": "br0", "flow": "tcp,actions=output:eth1"},
    ),
    (
        "flow mod br0 tcp,actions=drop --strict", "flow.mod",
        {"bridge": "br0", "flow": "tcp,actions=drop", "strict": True},
    ),
    ("flow ls br0 tcp,tp_dst=80", "flow.list", {"bridge": "br0", "match": "tcp,tp_dst=80"}),
    (
        "flow add br0 priority=5,actions=drop", "flow.add",
        {"bridge": "br0", "flow": "priority=5,actions=drop"},
    ),
    (
        "flow rm br0 tcp --strict", "flow.rm",
        {"bridge": "br0", "match": "tcp", "strict": True},
    ),
    ("export", "export", {}),
    ("export br0", "export", {"bridge": "br0"}),
    ("queue ls", "queue.list", {}),
    ("queue ls br0 eth1", "queue.list", {"bridge": "br0", "port": "eth1"}),
    (
        "queue add br0 eth1 0 --max-rate 10mbps --max-packets 50", "queue.add",
        {
            "bridge": "br0", "port": "eth1", "number": 0, "max_rate": 10_000_000,
            "max_packets": 50,
        },
    ),
    (
        "queue set br0 eth1 0 --max-rate unlimited", "queue.set",
        {"bridge": "br0", "port": "eth1", "number": 0, "max_rate": 0},
    ),
    ("queue rm br0 eth1 0", "queue.rm", {"bridge": "br0", "port": "eth1", "number": 0}),
    ("group ls br0", "group.list", {"bridge": "br0"}),
    ("group ls br0 group_id=1", "group.list", {"bridge": "br0", "group": "group_id=1"}),
    (
        "group add br0 group_id=1,type=all", "group.add",
        {"bridge": "br0", "group": "group_id=1,type=all"},
    ),
    (
        "group mod br0 group_id=1,type=all", "group.mod",
        {"bridge": "br0", "group": "group_id=1,type=all"},
    ),
    ("group rm br0 group_id=1", "group.rm", {"bridge": "br0", "group": "group_id=1"}),
    ("meter ls br0", "meter.list", {"bridge": "br0"}),
    (
        "meter add br0 meter=1,kbps,band=type=drop,rate=1", "meter.add",
        {"bridge": "br0", "meter": "meter=1,kbps,band=type=drop,rate=1"},
    ),
    (
        "meter mod br0 meter=1,kbps,band=type=drop,rate=1", "meter.mod",
        {"bridge": "br0", "meter": "meter=1,kbps,band=type=drop,rate=1"},
    ),
    ("meter rm br0 meter=1", "meter.rm", {"bridge": "br0", "meter": "meter=1"}),
    (
        "trace br0 in_port=1,tcp", "trace", {"bridge": "br0", "packet": "in_port=1,tcp"},
    ),
    (
        "trace br0 ffff --in-port 2", "trace", {"bridge": "br0", "packet": "ffff", "in_port": "2"},
    ),
    (
        "trace br0 ffff --in-port eth1", "trace",
        {"bridge": "br0", "packet": "ffff", "in_port": "eth1"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("line", "method", "params"), ASKED, ids=[line for line, _, _ in ASKED])
def test_a_command_is_one_request(
    vswitch: Vswitch, daemon: FakeDaemon, line: str, method: str, params: dict[str, Any]
) -> None:
    ended = vswitch("-o", "json", *line.split())
    assert (ended.code, ended.err) == (0, "")
    assert daemon.calls == [(method, params)]


@pytest.mark.parametrize("method", REQUESTS)
def test_the_daemon_of_these_tests_answers_in_the_declared_shapes(method: str) -> None:
    assert list(SHAPES[method].wrong(ANSWERS.get(method), method)) == []


def test_a_namespace_that_is_not_there_is_told_before_any_daemon_is_asked(
    vswitch: Vswitch, daemon: FakeDaemon
) -> None:
    ended = vswitch("port", "add", "br0", "p", "--netns", "/nowhere/net")
    assert ended.code == 1
    assert "netns '/nowhere/net': No such file or directory" in ended.err
    assert daemon.calls == []


def test_every_method_has_its_command() -> None:
    of_files = {"plan", "apply", "flow.load"}
    assert {method for _, method, _ in ASKED} == REQUESTS.keys() - of_files


@pytest.mark.parametrize(
    "line", [line for line, method, _ in ASKED if method in ANSWERS and "show" not in line]
)
def test_json_is_exactly_what_the_daemon_answered(
    vswitch: Vswitch, daemon: FakeDaemon, line: str
) -> None:
    ended = vswitch("-o", "json", *line.split())
    assert json.loads(ended.out) == ANSWERS[daemon.calls[0][0]]


def test_a_table_is_aligned_and_its_bytes_are_for_people(
    vswitch: Vswitch, daemon: FakeDaemon
) -> None:
    assert vswitch("port", "ls").out == (
        "BRIDGE  NUMBER  NAME  KIND    STATE  TAG   MTU"
        "  RX PACKETS  RX BYTES  TX PACKETS  TX BYTES  DROPS\n"
        "br0          3  eth1  packet  up       -  1500"
        "          12   1.20 kB           3   18.4 EB  table-miss 2, rule 1\n"
        "br0      40000  tap0  tap     up      10     -"
        "          12   1.20 kB           3       0 B  -\n"
    )


def test_stations_are_a_table(vswitch: Vswitch, daemon: FakeDaemon) -> None:
    assert vswitch("mac", "ls", "br0").out == (
        "VLAN  ADDRESS            PORT  NAME  AGE\n"
        "  10  02:00:00:00:00:07     3  eth1  2.2 s\n"
        "   0  02:00:00:00:00:07     9  -     0.0 s\n"
    )


def test_an_empty_table_still_has_its_heads(vswitch: Vswitch, daemon: FakeDaemon) -> None:
    daemon.answers["bridge.list"] = []
    assert vswitch("bridge", "ls").out.split("\n")[0].startswith("NAME  DPID  ACTIVE  FAIL MODE")
    assert vswitch("-o", "json", "bridge", "ls").out == "[]\n"


def test_a_bridge_is_shown_with_its_ports_and_controllers(
    vswitch: Vswitch, daemon: FakeDaemon
) -> None:
    daemon.answers["port.list"] = [PORT]
    assert vswitch("bridge", "show", "br0").out == (
        "bridge      br0\n"
        "dpid        0000000000000001\n"
        "active      yes\n"
        "fail mode   secure\n"
        "protocols   OpenFlow13\n"
        "listens on  -\n"
        "mac age     300\n"
        "mac limit   8192\n"
        "flood rate  0\n"
        "\n"
        "1 port\n"
        "NUMBER  NAME  KIND    STATE  TAG   MTU\n"
        "     3  eth1  packet  up     -    1500\n"
        "\n"
        "1 controller\n"
        "TARGET              CONNECTED  ROLE   SINCE                LAST ERROR\n"
        "tcp:127.0.0.1:6653  yes        equal  2026-01-02 03:04:05  can't connect: it rests\n"
    )


def test_flows_are_written_as_ovs_ofctl_dumps_them(vswitch: Vswitch, daemon: FakeDaemon) -> None:
    common = " cookie=0x1a, duration=12.500s, table=0, n_packets=7, n_bytes=700, idle_timeout=60, "
    assert vswitch("flow", "ls", "br0").out == (
        f"{common}priority=5,in_port=1,tcp actions=output:2\n{common}priority=5 actions=output:2\n"
    )


def test_queues_are_a_table(vswitch: Vswitch, daemon: FakeDaemon) -> None:
    assert vswitch("queue", "ls").out == (
        "BRIDGE  PORT  NUMBER  ACTIVE  MAX RATE  MAX PACKETS  TX PACKETS  TX BYTES  TX ERRORS\n"
        "br0     eth1       0  yes     10Mbps           1000           7     700 B          1\n"
    )


def test_groups_and_meters_stand_above_their_buckets_and_bands(
    vswitch: Vswitch, daemon: FakeDaemon
) -> None:
    assert vswitch("group", "ls", "br0").out == (
        " group_id=1, type=select, duration=12.500s, ref_count=2, n_packets=3, n_bytes=300\n"
        "  bucket 0: n_packets=2, n_bytes=200, weight:4,watch_port:2,actions=output:2\n"
        "  bucket 1: n_packets=1, n_bytes=100, weight:1,actions=drop\n"
    )
    assert vswitch("meter", "ls", "br0").out == (
        " meter=1, kbps, burst, duration=2.000s, flow_count=1, n_packets=9, n_bytes=900\n"
        "  band 0: n_packets=4, n_bytes=400, type=drop rate=1000 burst_size=10\n"
    )


def test_a_group_is_told_with_the_names_that_the_daemon_wrote(
    vswitch: Vswitch, daemon: FakeDaemon
) -> None:
    bucket = {**GROUP["buckets"][0], "actions": "output:eth2"}
    text = 'group_id=1,type=ff,bucket=watch_port:"eth-2",actions=output:eth2'
    daemon.answers["group.list"] = [{**GROUP, "type": "ff", "buckets": [bucket], "text": text}]
    told = vswitch("group", "ls", "br0", "--names").out
    assert told.splitlines()[1] == (
        '  bucket 0: n_packets=2, n_bytes=200, watch_port:"eth-2",actions=output:eth2'
    )


def test_the_hosts_own_port_is_called_local(vswitch: Vswitch, daemon: FakeDaemon) -> None:
    local = {**PORT, "name": "br0", "number": 0xFFFFFFFE}
    daemon.answers["port.list"], daemon.answers["port.add"] = [local], local
    assert "LOCAL" in vswitch("port", "ls").out
    assert "number             LOCAL" in vswitch("port", "show", "br0", "br0").out
    told = vswitch("port", "add", "br0", "br0", "--number", "LOCAL").out
    assert told == "port br0 is number LOCAL of br0\n"
    daemon.answers["mac.list"] = [{**MAC, "port": 0xFFFFFFFE, "name": "br0"}]
    assert "02:00:00:00:00:07  LOCAL  br0" in vswitch("mac", "ls", "br0").out


def test_a_trace_tells_the_packets_life_in_order(vswitch: Vswitch, daemon: FakeDaemon) -> None:
    assert vswitch("trace", "br0", "in_port=1").out == (
        "  1. table 0: hit\n     with more\n  2. leaves by port 2\n  => forwarded to port 2\n"
    )


def test_a_port_is_shown_with_a_line_for_each_reason_it_dropped_for(
    vswitch: Vswitch, daemon: FakeDaemon
) -> None:
    lines = vswitch("port", "show", "br0", "eth1").out.splitlines()
    assert lines[-2:] == ["dropped, table-miss: 2 packets", "dropped, rule: 1 packets"]
    assert vswitch("port", "show", "br0", "tap0").out.splitlines()[-1] == "dropped nothing"
    assert json.loads(vswitch("port", "show", "br0", "eth1", "-o", "json").out) == PORT


def test_s23_names_from_elsewhere_do_not_speak_to_the_terminal(
    vswitch: Vswitch, daemon: FakeDaemon
) -> None:
    daemon.answers["port.list"] = [{**PORT, "name": "\x1b[2Jx\n"}]
    assert "\\x1b[2Jx\\n" in vswitch("port", "ls").out


def test_a_new_port_is_told_its_number(vswitch: Vswitch, daemon: FakeDaemon) -> None:
    assert vswitch("port", "add", "br0", "eth1").out == "port eth1 is number 3 of br0\n"


def test_status_says_who_serves(vswitch: Vswitch, daemon: FakeDaemon) -> None:
    lines = vswitch("status").out.splitlines()
    assert lines[:2] == ["version          0.1.0", "daemon's pid     70"]
    assert "adopted          yes" in lines
    assert "started          2026-01-02 03:04:05" in lines
    assert lines[-3:] == [
        "not active: port eth9: it is not there; plug it in",
        "another daemon is in /run/vswitch-a1",
        "another daemon is in /s",
    ]


# ---- plan and apply ----------------------------------------------------------------

STEPS = {"operations": [{"method": "bridge.add", "params": {}, "text": "make bridge br0"}]}


FILES = {
    "net.json": '{"bridges": [{"name": "br0", "ports": [{"name": "eth1"}]}]}',
    "net.toml": '[[bridges]]\nname = "br0"\n  [[bridges.ports]]\n  name = "eth1"  # the office\n',
    "json": ' \n{"bridges": [{"name": "br0", "ports": [{"name": "eth1"}]}]}',
    "toml": 'bridges = [{name = "br0", ports = [{name = "eth1"}]}]',
}
"""One configuration in both forms, told by the name's end or by what it begins with."""


@pytest.fixture(params=FILES)
def wanted(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    file = tmp_path / request.param
    file.write_text(FILES[request.param])
    return str(file)


def test_a_plan_that_changes_something_ends_with_4(
    vswitch: Vswitch, daemon: FakeDaemon, wanted: str
) -> None:
    daemon.answers["plan"] = STEPS
    ended = vswitch("plan", "-f", wanted)
    assert (ended.code, ended.out) == (4, "  1. make bridge br0\n")
    assert daemon.calls[0][1]["desired"].bridges[0].ports[0].name == "eth1"


def test_a_plan_that_changes_nothing_ends_with_0(
    vswitch: Vswitch, daemon: FakeDaemon, wanted: str
) -> None:
    ended = vswitch("plan", "-f", wanted)
    assert (ended.code, ended.out) == (0, "nothing to do: the host is as the file says\n")


def test_apply_ends_with_0_and_lists_what_it_did(
    vswitch: Vswitch, daemon: FakeDaemon, wanted: str
) -> None:
    daemon.answers["apply"] = STEPS
    ended = vswitch("apply", "-f", wanted)
    assert (ended.code, ended.out) == (0, "  1. make bridge br0\n")


def test_a_configuration_comes_from_standard_input(
    vswitch: Vswitch, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"bridges": []}')))
    assert vswitch("apply", "-f", "-").code == 0


# ---- errors ------------------------------------------------------------------------


@pytest.mark.parametrize("exit", [1, 2, 3, 4, 65])
def test_an_error_of_the_daemon_is_one_line_and_its_exit_code(
    vswitch: Vswitch, daemon: FakeDaemon, exit: int
) -> None:
    refusal = RpcError(what="bridge br0", why="there is none", do="add it", exit=exit)
    daemon.answers["bridge.rm"] = refusal
    for format in ("table", "wide", "name"):
        ended = vswitch("-o", format, "bridge", "rm", "br0")
        assert (ended.code, ended.out) == (exit, "")
        assert ended.err == "vswitch: bridge br0: there is none; add it\n"
    for format, read in (("json", json.loads), ("yaml", yaml.safe_load)):
        ended = vswitch("bridge", "rm", "br0", "-o", format)
        assert (ended.code, ended.out) == (exit, "")
        assert read(ended.err) == {
            "error": {
                "message": "bridge br0: there is none; add it", "what": "bridge br0",
                "why": "there is none", "do": "add it", "exit": exit,
            }
        }  # fmt: skip


WRONG: list[tuple[str, int, str]] = [
    ("paint", 2, "'paint': there is no such command; see vswitch --help"),
    ("--paint", 2, "'--paint': there is no such option; see vswitch --help"),
    ("bridge", 2, "bridge: it needs a verb; use ls, add, show, set, rm"),
    ("bridge paint", 2, "bridge: it has no 'paint'; use ls, add, show, set, rm"),
    ("bridge add", 2, "bridge add: it needs NAME; see vswitch bridge add --help"),
    ("port add br0", 2, "port add: it needs NAME; see"),
    ("port add", 2, "port add: it needs BRIDGE NAME; see"),
    ("bridge ls x", 2, "bridge ls: 'x' is a word too many; see vswitch bridge ls --help"),
    ("bridge add a/b", 2, "bridge name 'a/b': it holds what a name can't hold; use"),
    ("bridge add ..", 2, "bridge name '..': "),
    ("bridge add br0 --colour red", 2, "bridge add: it has no option '--colour'; see"),
    ("bridge add br0 --dpid", 2, "bridge add: --dpid needs a value, HEX; see"),
    ("bridge add br0 --dpid x", 2, "bridge dpid 'x': a datapath id is"),
    ("bridge add br0 --dpid 1 --dpid 2", 2, "bridge add: --dpid is there twice; see"),
    ("bridge set br0 --fail-mode open", 2, "bridge fail mode 'open': there is no such choice;"),
    ("bridge add br0 --listen tcp:1.2.3.4:5", 2, "bridge listen 'tcp:1.2.3.4:5': a target"),
    ("port add br0 eth1 --number x", 2, "port number 'x': it is no whole number from 1 to 65279"),
    ("queue add br0 eth1", 2, "queue add: it needs NUMBER; see vswitch queue add --help"),
    ("queue add br0 eth1 4294967295", 2, "queue number '4294967295': it is no whole number from 0"),
    ("queue add br0 eth1 0 --max-rate 10", 2, "queue max rate '10': it is no rate; write as"),
    ("queue add br0 eth1 0 --max-packets 0", 2, "queue max packets '0': it is no whole number fr"),
    ("port add br0 eth1 --ephemeral=1", 2, "port add: --ephemeral takes no value"),
    ("controller add br0 10.0.0.1", 2, "controller target '10.0.0.1': a target starts with tcp:"),
    ("port show br0 gone", 3, "port gone: bridge br0 has no such port; see vswitch port ls br0"),
    ("-o xml status", 2, "-o 'xml': there is no such format; use table, wide, name, json or yaml"),
    ("status -o", 2, "option -o: it needs a value; see vswitch --help"),
    ("status --run=", 2, "option --run: it is empty; name a folder"),
    (f"status --run {'/x' * 50}", 2, "it has more than 85 bytes, too many for sockets in it;"),
    ("plan", 2, "plan: it needs -f FILE; see vswitch plan --help"),
    ("plan -f a b", 2, "plan: 'b' is a word too many; see vswitch plan --help"),
    ("apply -f", 2, "apply: -f needs a value, FILE; see"),
    ("flow add br0", 2, "flow add: it needs a FLOW or -f FILE, one of the two; see vswitch flow"),
    ("flow mod br0 tcp,actions=drop -f x", 2, "flow mod: it needs a FLOW or -f FILE, one of the"),
    ("flow add br0 -f /nonexistent", 1, "file /nonexistent: it can't be read: No such file or"),
    ("flow add br0 -f /", 1, "file /: it can't be read: Is a directory; name another file"),
    ("apply -f /nonexistent", 1, "file /nonexistent: it can't be read: No such file or directory;"),
    ("apply -f /", 1, "file /: it can't be read: Is a directory; name another file"),
    ("apply -f /dev/null", 2, "file /dev/null: it has no bridges, not even none; write `bridges"),
    ("apply -f /dev/zero", 1, "file /dev/zero: it can't be read: it has more than 1048576 bytes;"),
    ("top -n 0", 2, "top times '0': it is no whole number from 1 to 1000000"),
    ("top -n x", 2, "top times 'x': it is no whole number from 1"),
    ("top now", 2, "top: 'now' is a word too many; see vswitch top --help"),
    ("top -d nan", 2, "top seconds 'nan': it is no number of seconds from 0.01"),
    ("top --sort size", 2, "top sort 'size': there is no such choice; use number, name, rx"),
    ("bridge add br0 --watch", 2, "option --watch: it is for lists; leave it out, or use it w"),
    ("top --watch", 2, "option --watch: it is for lists; leave it out, or use it with ls or ps"),
    ("bridge ls --watch=x", 2, "option --watch 'x': it is no number of seconds; write 0.1 to"),
    ("bridge ls --watch 0", 2, "option --watch '0': it is no number of seconds"),
    ("status -o name", 2, "option -o name: what this prints has no name; use another format"),
]


@pytest.mark.parametrize(("line", "code", "sentence"), WRONG, ids=[line[:40] for line, *_ in WRONG])
def test_a_wrong_command_line_is_told_in_one_line(
    vswitch: Vswitch, daemon: FakeDaemon, line: str, code: int, sentence: str
) -> None:
    ended = vswitch(*line.split())
    assert (ended.code, ended.out) == (code, "")
    assert ended.err.startswith("vswitch: ")
    assert ended.err.count("\n") == 1
    assert sentence in ended.err


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"bridges": [{"name": "a/b"}]}', "bridge name 'a/b'"),
        ('{"bridge": []}', "configuration setting 'bridge': it is unknown; use bridges"),
        ("[]", "it is no TOML ("),
        ("{", "it is no JSON (Expecting property name enclosed in double quotes: line 1 column 2"),
        ("[" * 100_000, "it is no TOML"),
        ('{"a": ' * 100_000, "it is no JSON"),
        ("\udcff", "it is no text in UTF-8"),
        ("[[bridges]]\nname = br0", "it is no TOML (Invalid value (at line 2, column 8))"),
        ('[[bridges]]\nname = "a/b"', "bridge name 'a/b': it holds what a name can't hold"),
        ("[[bridges]]\ndpid = 1", "bridge with dpid 1: it has no name; add it"),
        ('[bridge]\nname = "br0"', "it has no bridges, not even none"),
        ("{}", 'it has no bridges, not even none; write `{"bridges": []}` if all are to be'),
        ('{"bridges": [{"name": "a", "dpid": 1, "dpid": 2}]}', "JSON ('dpid' is there twice)"),
        (
            '[[bridges]]\nname = "br0"\n[[bridges.ports]]\nname = "eth1"\nmtu = 5',
            "f: bridge br0, port eth1, port mtu 5: it is no whole number from 68 to 65535; choose",
        ),
        (
            '[[bridges]]\nname = "br0"\n[[bridges.ports]]\nname = "eth1"\ntag = 1970-01-01',
            "bridge br0, port eth1, port tag",
        ),
        (
            '{"bridges": [{"name": "br0", "ports": [{"name": "eth1", "colour": 1}]}]}',
            "bridge br0, port eth1, port setting 'colour': it is unknown; use name, number",
        ),
    ],
)
def test_a_wrong_file_is_told_before_anything_is_asked(
    vswitch: Vswitch, daemon: FakeDaemon, tmp_path: Path, content: str, sentence: str
) -> None:
    (tmp_path / "f").write_text(content, errors="surrogateescape")
    ended = vswitch("apply", "-f", str(tmp_path / "f"))
    assert ended.code == 2
    assert sentence in ended.err
    assert daemon.calls == []


def test_without_a_daemon_the_sentence_says_where_it_was_looked_for(
    vswitch: Vswitch, tmp_path: Path
) -> None:
    ended = vswitch("status", "--run", str(tmp_path / "other"))
    assert ended.code == 1
    assert f"none answers at {tmp_path}/other/vswitch.sock" in ended.err
    assert "start vswitchd" in ended.err


def test_a_flow_without_actions_is_a_drop(vswitch: Vswitch, daemon: FakeDaemon) -> None:
    daemon.answers["flow.list"] = [{**FLOW, "actions": "", "cookie": "0x0", "idle_timeout": 0}]
    assert vswitch("flow", "ls", "br0").out == (
        " cookie=0x0, duration=12.500s, table=0, n_packets=7, n_bytes=700, "
        "priority=5,in_port=1,tcp actions=drop\n"
    )
