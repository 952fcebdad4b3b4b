"""Ryu's own apps, unmodified (the package `ryu` 4.34), against our switch: real processes, real
hosts that ping, HTTP as in Ryu's book. `controlplane/README.md` has the table of results."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit import needs
from tests.kit.apps import Apps, Host, eventually, networks
from tests.kit.websocket import WebSocket

pytestmark = needs.module("ryu", "run `make`; it needs a Python of its time")

DPID = "0000000000000001"
PAIR = [("v1", "v2")]
ANN, BOB = "10.0.0.1", "10.0.0.2"


@pytest.fixture
def net() -> Iterator[Apps]:
    yield from networks()


def pair(net: Apps) -> tuple[Host, Host]:
    """Two hosts on one switch and in one subnet."""
    return net.host("v1", f"{ANN}/24"), net.host("v2", f"{BOB}/24")


def joined(net: Apps, path: str = "/stats/switches", answer: Any = None) -> bool:
    """Whether an app has taken the switch in."""
    wanted = [1] if answer is None else answer
    return bool(eventually(lambda: net.ask("GET", path) == (200, wanted)))


def ether(destination: str, source: str, kind: int, payload: bytes) -> bytes:
    address = [bytes.fromhex(text.replace(":", "")) for text in (destination, source)]
    return b"".join(address) + struct.pack("!H", kind) + payload.ljust(46, b"\0")


def heard(sock: socket.socket, kind: int, seconds: float) -> Iterator[bytes]:
    """Frames of one type that arrive within `seconds`."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        sock.settimeout(left)
        with contextlib.suppress(TimeoutError):
            frame = sock.recv(2048)
            if frame[12:14] == struct.pack("!H", kind):
                yield frame


# ---- learning switches -----------------------------------------------------


@pytest.mark.parametrize("app", ["simple_switch_13", "simple_switch_igmp_13", "example_switch_13"])
def test_hosts_reach_each_other(net: Apps, app: str) -> None:
    ann, _ = pair(net)
    net.run(f"ryu.app.{app}", bridges=PAIR)
    assert ann.pings(BOB)
    flows = eventually(lambda: "dl_dst=02:00:00:00:00:02" in net.ofctl("dump-flows"))
    assert flows
    net.check_log()


@pytest.mark.parametrize("app", ["simple_switch", "simple_switch_14"])
def test_an_app_of_another_version_is_refused_and_told(net: Apps, app: str) -> None:
    pair(net)
    net.controller(f"ryu.app.{app}")
    net.switches(*PAIR)
    assert net.logged("version")
    net.check_log()
    assert net.lab.call("status")


def test_a_learned_table_is_read_and_written_by_rest(net: Apps) -> None:
    ann, bob = pair(net)
    net.run("ryu.app.simple_switch_rest_13", bridges=PAIR)
    assert ann.pings(BOB)
    table = f"/simpleswitch/mactable/{DPID}"
    assert net.get(table) == {ann.mac: 1, bob.mac: 2}
    status, now = net.ask("PUT", table, {"mac": "02:00:00:00:00:99", "port": 3})
    assert (status, now["02:00:00:00:00:99"]) == (200, 3)
    net.check_log()


QUICK_MONITOR = """
from ryu.app import simple_monitor_13
from ryu.lib import hub

class QuickMonitor(simple_monitor_13.SimpleMonitor13):
    def _monitor(self):
        while True:
            for dp in self.datapaths.values():
                self._request_stats(dp)
            hub.sleep(0.2)
"""


def test_the_monitor_prints_statistics(net: Apps) -> None:
    """Ryu's asks every 10 s; this one is the same with less patience."""
    ann, _ = pair(net)
    (net.lab.folder / "quick.py").write_text(QUICK_MONITOR)
    net.run("quick.py", bridges=PAIR)
    assert ann.pings(BOB)
    assert net.logged("0000000000000001        1 02:00:00:00:00:02        2")
    assert net.logged("datapath         port     rx-pkts  rx-bytes rx-error")
    net.check_log()


@pytest.mark.slow
def test_ryu_s_own_monitor_prints_statistics(net: Apps) -> None:
    ann, _ = pair(net)
    net.run("ryu.app.simple_monitor_13", bridges=PAIR)
    assert ann.pings(BOB)
    assert net.logged("0000000000000001        1 02:00:00:00:00:02        2", 15)


def test_a_websocket_hears_packets_and_answers_calls(net: Apps) -> None:
    ann, _ = pair(net)
    net.run("ryu.app.simple_switch_websocket_13", bridges=PAIR)
    ws = WebSocket(net.connect(), "/simpleswitch/ws")
    with contextlib.closing(ws):
        assert ann.pings(BOB)
        text = ws.receive()
        assert text is not None
        assert ann.mac in text
        ws.send({"jsonrpc": "2.0", "id": 1, "method": "get_arp_table", "params": {}})
        while not (text := ws.receive() or "").startswith("{"):
            pass
        assert '"id": 1, "result"' in text
    net.check_log()


IGMP_QUERY, IGMP_REPORT_2 = 0x11, 0x16


def test_an_igmp_querier_asks_and_sends_a_group_to_its_members(net: Apps) -> None:
    ann, _ = pair(net)
    with ann.socket() as sock:
        net.run("ryu.app.simple_switch_igmp_13", bridges=PAIR)
        query = next(frame for frame in heard(sock, 0x0800, 5) if frame[23] == 2)
        assert query[14 + (query[14] & 0xF) * 4] == IGMP_QUERY
        body = struct.pack("!BBH4s", IGMP_REPORT_2, 0, 0, address("225.0.0.1"))
        body = body[:2] + checksum(body) + body[4:]
        ends = (address(ANN), address("225.0.0.1"))
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28, 0, 0, 1, 2, 0, *ends)
        head = head[:10] + checksum(head) + head[12:]
        sock.send(ether("01:00:5e:00:00:01", ann.mac, 0x0800, head + body))
        assert eventually(lambda: "225.0.0.1" in net.ofctl("dump-flows")), net.log.read_text()
    net.check_log()


def address(text: str) -> bytes:
    return socket.inet_aton(text)


def checksum(data: bytes) -> bytes:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF)


# ---- link aggregation, spanning tree ---------------------------------------


def lacpdu(source: str) -> bytes:
    """What an active partner sends first (IEEE 802.1AX-2008, 5.4.2.2)."""
    mac = bytes.fromhex(source.replace(":", ""))
    actor = struct.pack("!BBH6sHHHB3x", 1, 20, 0xFFFF, mac, 1, 0xFF, 1, 0b1000111)
    partner = struct.pack("!BBH6sHHHB3x", 2, 20, 0, bytes(6), 0, 0, 0, 0)
    collector = struct.pack("!BBH12x", 3, 16, 0)
    return ether(
        "01:80:c2:00:00:02", source, 0x8809, b"\1\1" + actor + partner + collector + bytes(52)
    )


def test_lacpdus_are_answered_and_enable_the_port(net: Apps) -> None:
    ann, _ = pair(net)
    net.run("ryu.app.simple_switch_lacp_13", bridges=PAIR)
    with ann.socket() as sock:
        assert eventually(lambda: "CONTROLLER" in net.ofctl("dump-flows"))
        sock.send(lacpdu(ann.mac))
        answer = next(heard(sock, 0x8809, 3))
        assert answer[38 + 0 : 44] != bytes(6)
    assert net.logged("slave state changed port: 1 enabled: True")
    net.check_log()


QUICK_TREE = """
from ryu.app import simple_switch_stp_13

class QuickTree(simple_switch_stp_13.SimpleSwitch13):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        times = {"max_age": 6, "hello_time": 1, "fwd_delay": 1}
        self.stp.set_config(
            {dpid: {"bridge": {"priority": 0x7000 + 0x1000 * dpid, **times}} for dpid in (1, 2, 3)}
        )
"""


def ring(net: Apps) -> tuple[Host, Host, list[tuple[str, ...]]]:
    """Three bridges in a ring, a host on two of them."""
    hosts = pair(net)
    for one, other in (("a0", "a1"), ("b0", "b1"), ("c0", "c1")):
        net.cable(one, other)
    return *hosts, [("v1", "a0", "c1"), ("v2", "a1", "b0"), ("b1", "c0")]


def copies(sender: Host, receiver: Host, seconds: float) -> int:
    """How many copies of one broadcast arrive."""
    with sender.socket() as out, receiver.socket() as into:
        out.send(ether("ff:ff:ff:ff:ff:ff", sender.mac, 0x88B5, b"once"))
        return sum(1 for _ in heard(into, 0x88B5, seconds))


def test_a_ring_does_not_storm_and_heals(net: Apps) -> None:
    (net.lab.folder / "tree.py").write_text(QUICK_TREE)
    ann, bob, bridges = ring(net)
    net.run("tree.py", bridges=bridges)
    assert ann.pings(BOB, 12), net.log.read_text()
    assert copies(ann, bob, 0.5) == 1
    net.lab.shell("ip", "link", "set", "a0", "down")
    assert ann.pings(BOB, 15), net.log.read_text()
    net.check_log()


@pytest.mark.slow
def test_a_ring_with_the_standard_s_timers(net: Apps) -> None:
    ann, bob, bridges = ring(net)
    net.run("ryu.app.simple_switch_stp_13", bridges=bridges)
    assert ann.pings(BOB, 60)
    assert copies(ann, bob, 1) == 1
    net.lab.shell("ip", "link", "set", "a0", "down")
    assert ann.pings(BOB, 90)


# ---- ofctl_rest ------------------------------------------------------------


def flow(**more: Any) -> dict[str, Any]:
    return {
        "dpid": 1,
        "priority": 7,
        "match": {"in_port": 1, "dl_type": 0x0800, "nw_dst": "10.0.0.0/24"},
        "actions": [{"type": "OUTPUT", "port": 2}],
        **more,
    }


def test_ofctl_rest_reads_everything_of_a_switch(net: Apps) -> None:
    pair(net)
    net.run("ryu.app.ofctl_rest", bridges=PAIR)
    assert joined(net)
    (description,) = net.get("/stats/desc/1").values()
    assert set(description) >= {"mfr_desc", "hw_desc", "sw_desc", "serial_num", "dp_desc"}
    ports = net.get("/stats/portdesc/1")["1"]
    assert [(port["name"], port["port_no"]) for port in ports] == [("v1", 1), ("v2", 2)]
    assert [port["port_no"] for port in net.get("/stats/port/1")["1"]] == [1, 2]
    assert [port["port_no"] for port in net.get("/stats/port/1/2")["1"]] == [2]
    tables = net.get("/stats/table/1")["1"]
    features = net.get("/stats/tablefeatures/1")["1"]
    assert len(tables) == len(features) > 1
    assert {one["type"] for one in features[0]["properties"]} >= {"MATCH", "WILDCARDS"}
    assert net.get("/stats/role/1")["1"][0]["role"] == "EQUAL"
    assert net.get("/stats/queue/1") == {"1": []}
    assert "1" in net.get("/stats/queueconfig/1")
    net.check_log()


def test_ofctl_rest_adds_changes_and_deletes_flows(net: Apps) -> None:
    pair(net)
    net.run("ryu.app.ofctl_rest", bridges=PAIR)
    assert joined(net)

    def actions() -> list[list[str]]:
        return [one["actions"] for one in net.get("/stats/flow/1")["1"]]

    assert net.ask("POST", "/stats/flowentry/add", flow(cookie=5, idle_timeout=60))[0] == 200
    (entry,) = net.get("/stats/flow/1")["1"]
    assert entry["actions"] == ["OUTPUT:2"]
    assert (entry["cookie"], entry["priority"], entry["idle_timeout"]) == (5, 7, 60)
    assert entry["match"] == {
        "in_port": 1,
        "dl_type": 0x0800,
        "nw_dst": "10.0.0.0/255.255.255.0",
    }
    assert net.get("/stats/aggregateflow/1")["1"][0]["flow_count"] == 1
    rich = [
        {"type": "PUSH_VLAN", "ethertype": 0x8100},
        {"type": "SET_FIELD", "field": "vlan_vid", "value": 0x1005},
        {"type": "OUTPUT", "port": 2},
    ]
    assert net.ask("POST", "/stats/flowentry/modify", flow(actions=rich))[0] == 200
    assert actions() == [["PUSH_VLAN:33024", "SET_FIELD: {vlan_vid:4101}", "OUTPUT:2"]]
    assert net.ask("POST", "/stats/flowentry/modify_strict", flow(actions=[]))[0] == 200
    assert actions() == [[]]
    assert net.ask("POST", "/stats/flowentry/delete_strict", flow(priority=8))[0] == 200
    assert actions() == [[]]
    assert net.ask("POST", "/stats/flowentry/delete_strict", flow())[0] == 200
    assert actions() == []
    net.ask("POST", "/stats/flowentry/add", flow())
    assert net.ask("DELETE", "/stats/flowentry/clear/1")[0] == 200
    assert actions() == []
    net.check_log()


def test_ofctl_rest_sets_roles_and_ports(net: Apps) -> None:
    pair(net)
    net.run("ryu.app.ofctl_rest", bridges=PAIR)
    assert joined(net)
    assert net.ask("POST", "/stats/role", {"dpid": 1, "role": "MASTER"})[0] == 200
    assert eventually(lambda: net.get("/stats/role/1")["1"][0]["role"] == "MASTER")
    down = {"dpid": 1, "port_no": 2, "config": 1, "mask": 1}
    assert net.ask("POST", "/stats/portdesc/modify", down)[0] == 200
    assert eventually(lambda: net.get("/stats/portdesc/1")["1"][1]["config"] == 1)
    net.check_log()


@pytest.fixture
def groups_and_meters(net: Apps) -> Apps:
    """A connected switch."""
    pair(net)
    net.run("ryu.app.ofctl_rest", bridges=PAIR)
    assert joined(net)
    return net


def test_ofctl_rest_makes_groups(groups_and_meters: Apps) -> None:
    net = groups_and_meters
    buckets = [{"weight": 0, "actions": [{"type": "OUTPUT", "port": 2}]}]
    group = {"dpid": 1, "type": "ALL", "group_id": 1, "buckets": buckets}
    assert net.ask("POST", "/stats/groupentry/add", group)[0] == 200
    (described,) = net.get("/stats/groupdesc/1")["1"]
    assert (described["group_id"], described["type"]) == (1, "ALL")
    assert described["buckets"][0]["actions"] == ["OUTPUT:2"]
    assert net.get("/stats/group/1")["1"][0]["ref_count"] == 0
    to_group = flow(actions=[{"type": "GROUP", "group_id": 1}])
    assert net.ask("POST", "/stats/flowentry/add", to_group)[0] == 200
    assert net.get("/stats/group/1")["1"][0]["ref_count"] == 1
    assert net.ask("POST", "/stats/groupentry/delete", group)[0] == 200
    assert net.get("/stats/groupdesc/1")["1"] == []
    assert net.get("/stats/flow/1")["1"] == []
    net.check_log()


def test_ofctl_rest_makes_meters(groups_and_meters: Apps) -> None:
    net = groups_and_meters
    bands = [{"type": "DROP", "rate": 1000}]
    meter = {"dpid": 1, "flags": "KBPS", "meter_id": 1, "bands": bands}
    assert net.ask("POST", "/stats/meterentry/add", meter)[0] == 200
    (made,) = net.get("/stats/meterconfig/1")["1"]
    assert (made["meter_id"], made["bands"][0]["rate"]) == (1, 1000)
    metered = flow(actions=[{"type": "METER", "meter_id": 1}, {"type": "OUTPUT", "port": 2}])
    assert net.ask("POST", "/stats/flowentry/add", metered)[0] == 200
    assert net.get("/stats/meter/1")["1"][0]["flow_count"] == 1
    assert net.ask("POST", "/stats/meterentry/delete", meter)[0] == 200
    assert net.get("/stats/meterconfig/1")["1"] == []
    net.check_log()


# ---- firewall, router, quality of service ----------------------------------


def test_the_firewall_blocks_until_a_rule_allows(net: Apps) -> None:
    ann, _ = pair(net)
    net.run("ryu.app.rest_firewall", bridges=PAIR)
    status = "/firewall/module/status"
    assert joined(net, status, [{"status": "disable", "switch_id": DPID}])
    assert net.ask("PUT", f"/firewall/module/enable/{DPID}")[0] == 200
    assert net.get(status) == [{"status": "enable", "switch_id": DPID}]
    assert not ann.reaches(BOB, 0.3)
    for source, destination in ((ANN, BOB), (BOB, ANN)):
        rule = {"nw_src": f"{source}/32", "nw_dst": f"{destination}/32", "nw_proto": "ICMP"}
        (answer,) = net.ask("POST", f"/firewall/rules/{DPID}", rule)[1]
        assert answer["command_result"][0]["result"] == "success", answer
    assert ann.pings(BOB)
    ((rules,),) = (one["access_control_list"] for one in net.get(f"/firewall/rules/{DPID}"))
    allowed = {(rule["nw_src"].split("/")[0], rule["actions"]) for rule in rules["rules"]}
    assert allowed == {(ANN, "ALLOW"), (BOB, "ALLOW")}
    for rule in rules["rules"]:
        net.ask("DELETE", f"/firewall/rules/{DPID}", {"rule_id": rule["rule_id"]})
    assert not ann.reaches(BOB, 0.3)
    assert net.logged("Blocked packet")
    net.check_log()


def test_the_router_connects_two_subnets(net: Apps) -> None:
    ann = net.host("v1", "172.16.20.10/24")
    bob = net.host("v2", "172.16.10.10/24")
    net.run("ryu.app.rest_router", bridges=PAIR)
    assert eventually(lambda: net.ask("GET", f"/router/{DPID}")[1] not in ("", []))
    for address_, host, gateway in (
        ("172.16.20.1/24", ann, "172.16.20.1"),
        ("172.16.10.1/24", bob, "172.16.10.1"),
    ):
        (answer,) = eventually(
            lambda text=address_: (
                (said := net.ask("POST", f"/router/{DPID}", {"address": text}))[0] == 200
                and said[1]
            )
        )
        assert answer["command_result"][0]["result"] == "success"
        host.sh("ip", "route", "add", "default", "via", gateway)
    assert ann.pings("172.16.20.1")
    assert ann.pings("172.16.10.10")
    net.check_log()


def test_quality_of_service_marks_packets(net: Apps) -> None:
    """The rules that need no OVSDB: a rule in table 0 marks, table 1 forwards (the book, 14.3)."""
    ann, bob = pair(net)
    net.run("ryu.app.rest_qos,ryu.app.rest_conf_switch,ryu.app.ofctl_rest", bridges=PAIR)
    assert joined(net)
    assert net.get("/v1.0/conf/switches") == []
    forward = {"dpid": 1, "table_id": 1, "match": {}, "priority": 1}
    out = [{"type": "OUTPUT", "port": "FLOOD"}]
    assert net.ask("POST", "/stats/flowentry/add", {**forward, "actions": out})[0] == 200
    rule = {"match": {"nw_dst": BOB, "nw_proto": "ICMP"}, "actions": {"mark": "26"}}
    (answer,) = net.ask("POST", f"/qos/rules/{DPID}", rule)[1]
    assert answer["command_result"][0]["result"] == "success", answer
    assert ann.pings(BOB)
    with bob.socket() as sock:
        ann.reaches(BOB)
        assert [frame[15] >> 2 for frame in heard(sock, 0x0800, 0.3)] == [26]
    net.check_log()


# ---- topology --------------------------------------------------------------


def linked(net: Apps) -> list[tuple[str, ...]]:
    """Two switches with a cable between them and a host on each."""
    pair(net)
    net.cable("a0", "a1")
    return [("v1", "a0"), ("v2", "a1")]


def test_topology_shows_two_linked_switches(net: Apps) -> None:
    net.run("ryu.app.rest_topology", "--observe-links", bridges=linked(net))
    found = eventually(lambda: len(net.get("/v1.0/topology/links")) == 2)
    assert found
    links = net.get("/v1.0/topology/links")
    ends = {(link["src"]["name"], link["dst"]["name"]) for link in links}
    assert ends == {("a0", "a1"), ("a1", "a0")}
    switches = net.get("/v1.0/topology/switches")
    assert sorted(switch["dpid"] for switch in switches) == [DPID, f"{2:016x}"]
    assert len(net.get(f"/v1.0/topology/links/{DPID}")) == 1
    net.lab.shell("ip", "link", "set", "a0", "down")
    assert eventually(lambda: net.get("/v1.0/topology/links") == [])
    net.controllers[0].send_signal(signal.SIGTERM)
    assert net.controllers[0].wait(2) == 0  # its threads nap for 5 s
    net.check_log()


def test_topology_is_told_on_a_websocket(net: Apps) -> None:
    bridges = linked(net)
    net.controller("ryu.app.ws_topology", "--observe-links")
    ws = WebSocket(net.connect(), "/v1.0/topology/ws")
    with contextlib.closing(ws):
        net.switches(*bridges)
        told = []
        while told.count("event_link_add") < 2:
            call = json.loads(ws.receive() or "")
            told.append(call["method"])
            ws.send({"jsonrpc": "2.0", "id": call["id"], "result": ""})
    assert told.count("event_switch_enter") == 2
    net.check_log()


# ---- the rest --------------------------------------------------------------


def test_a_bmp_station_takes_a_router_s_words(net: Apps) -> None:
    net.controller("ryu.app.bmpstation")
    name = struct.pack("!HH", 2, 4) + b"edge"
    with net.connect(11019) as sock:
        sock.sendall(struct.pack("!BIB", 3, 6 + len(name), 4) + name)  # initiation
        log = Path(net.lab.folder, "ryu_bmp.log")
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(1) == b""
    net.controllers[0].send_signal(signal.SIGTERM)
    assert net.controllers[0].wait(5) == 0
    assert "BMPInitiation" in log.read_text()


def test_a_vtep_speaks_bgp_and_tells_its_settings(net: Apps) -> None:
    """Without OVSDB only the speaker: networks need tunnel ports made by ovsdb."""
    pair(net)
    net.run("ryu.app.rest_vtep", bridges=PAIR)
    speaker = {"dpid": 1, "as_number": 65000, "router_id": "172.17.0.1"}
    status, answer = net.ask("POST", "/vtep/speakers", speaker)
    assert status == 200, answer
    assert answer["172.17.0.1"]["EvpnSpeaker"]["as_number"] == 65000
    assert net.get("/vtep/speakers") == answer


OWN_APP = """
import os

from webob import Response
from webob.static import DirectoryApp

from ryu import cfg
from ryu.app.wsgi import ControllerBase, WSGIApplication, route
from ryu.base import app_manager
from ryu.controller import ofp_event
from ryu.controller.handler import DEAD_DISPATCHER, MAIN_DISPATCHER, set_ev_cls
from ryu.lib import dpid as dpid_lib
from ryu.lib import hub
from ryu.ofproto import ofproto_v1_3
from ryu.topology import api, event, switches

cfg.CONF.register_opts([cfg.StrOpt("greeting", default="none")], group="own")


class Own(app_manager.RyuApp):
    OFP_VERSIONS = [ofproto_v1_3.OFP_VERSION]
    _CONTEXTS = {"wsgi": WSGIApplication, "switches": switches.Switches}

    def __init__(self, *args, **kwargs):
        super(Own, self).__init__(*args, **kwargs)
        self.seen = []
        self.ticks = 0
        kwargs["wsgi"].register(Pages, {"app": self})
        hub.spawn(self.tick)

    def tick(self):
        while True:
            self.ticks += 1
            hub.sleep(0.05)

    @set_ev_cls(ofp_event.EventOFPStateChange, [MAIN_DISPATCHER, DEAD_DISPATCHER])
    def state(self, ev):
        self.seen.append(ev.state)

    @set_ev_cls(event.EventSwitchEnter)
    def enter(self, ev):
        self.seen.append(dpid_lib.dpid_to_str(ev.switch.dp.id))


class Pages(ControllerBase):
    def __init__(self, req, link, data, **config):
        super(Pages, self).__init__(req, link, data, **config)
        self.app = data["app"]
        self.static = DirectoryApp(os.path.dirname(__file__) + "/pages")

    @route("own", "/own/{dpid}", methods=["GET"], requirements={"dpid": dpid_lib.DPID_PATTERN})
    def one(self, req, dpid, **kwargs):
        found = api.get_switch(self.app, dpid_lib.str_to_dpid(dpid))
        greeting = self.app.CONF.own.greeting
        return Response(
            content_type="application/json",
            json_body=[greeting, self.app.seen, len(found), self.app.ticks > 1],
        )

    @route("fails", "/fails")
    def fails(self, req, **kwargs):
        raise ValueError("secret")

    @route("static", "/{filename:[^/]*}")
    def page(self, req, filename=None, **kwargs):
        if filename:
            req.path_info = filename
        return self.static(req)
"""


def test_an_app_in_ryu_s_style_serves_pages_and_reads_its_options(net: Apps) -> None:
    """Like gui_topology, whose pages Ryu's package does not bring: files, topology, options."""
    pair(net)
    (net.lab.folder / "own.py").write_text(OWN_APP)
    (net.lab.folder / "own.conf").write_text("[own]\ngreeting = hello\n")
    (net.lab.folder / "pages").mkdir()
    (net.lab.folder / "pages" / "index.html").write_text("<h1>topology</h1>")
    net.run("own.py", "--config-file", "own.conf", bridges=PAIR)
    assert joined(net, f"/own/{DPID}", ["hello", ["main", DPID], 1, True])
    assert net.get("/index.html") == "<h1>topology</h1>"
    assert net.ask("GET", "/nosuch/page")[0] == 404
    status, text = net.ask("GET", "/fails")
    assert status == 500
    assert "secret" not in text
    assert net.logged("ValueError: secret")
