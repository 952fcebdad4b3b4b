"""Every command of ovs-ofctl(8) in OpenFlow 1.3, against a real daemon's RUN/br0.mgmt.

One row a command: what was done before, the command, what it says and how it ends.  Errors
count as answers: what 1.3 doesn't have must be refused by the error that the standard names.
`tests/conformance/ovs-ofctl.md` is the same table for people; a test holds the two together.
Without ovs-ofctl the same requests are tried in `tests/unit/agent/test_requests.py`.
"""

from __future__ import annotations

import select
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.kit.lab import Lab, laboratory
from tests.kit.ovs import needs_ovs_ofctl
from vswitch.openflow import encode
from vswitch.openflow.messages.session import EchoRequest, Hello

RECORD = Path(__file__).parents[1] / "conformance" / "ovs-ofctl.md"


@dataclass(frozen=True)
class Row:
    """BR stands for the switch, FILE for a file that holds 'file'.

    All of 'says' stand in what it prints, none of 'not_says'.
    """

    command: str
    says: tuple[str, ...] = ()
    code: int = 0
    before: tuple[str, ...] = ()
    file: str = ""
    not_says: tuple[str, ...] = ("OFPT_ERROR",)


def refused(
    command: str, *says: str, code: int = 1, before: tuple[str, ...] = (), file: str = ""
) -> Row:
    """A command that the switch answers with an error."""
    return Row(command, says, code, before, file, not_says=())


TCP = "add-flow BR table=1,priority=6,cookie=0x6,tcp,actions=output:1"
UDP = "add-flow BR priority=7,cookie=0x5,udp,actions=drop"
GROUP = "add-group BR group_id=1,type=select,bucket=weight:3,output:1,bucket=weight:4,output:2"
METER = "add-meter BR meter=1,kbps,burst,stats,bands=type=drop,rate=1000,burst_size=10"
RULES = "table=1,priority=6,cookie=0x6,tcp,actions=output:1\npriority=8,arp,actions=FLOOD\n"
FRAME = "packet=02000000000202000000000188b500000000"
ONLY_14 = "needs OpenFlow 1.4 or later"
NO_BUNDLES = "OFPBRC_BAD_VENDOR for: ONFT_BUNDLE_CONTROL"
FOREIGN = "OFPBRC_BAD_VENDOR"
ALL_ACTIONS = (
    "output group set_field strip_vlan push_vlan mod_nw_ttl dec_ttl set_mpls_ttl dec_mpls_ttl "
    "push_mpls pop_mpls set_queue"
)
"""As ovs-ofctl prints them: it has no names for those that copy TTLs, nor for PBB."""

SWITCH = (
    Row("show BR", ("dpid:000000000000002a", "n_tables:255, n_buffers:0",
        "capabilities: FLOW_STATS TABLE_STATS PORT_STATS GROUP_STATS QUEUE_STATS",
        " 1(v1):", " 2(v2):", "frags=normal")),
    Row("dump-desc BR", ("Manufacturer: vswitch", "DP Description: br0")),
    Row("dump-tables BR", ("table 0:", "active=1", "table 254:"),
        before=(UDP, "add-flow BR table=254,actions=drop")),
    Row("dump-table-features BR", ('table 0 ("table0")', "next tables: 1-254",
        f"actions: {ALL_ACTIONS}", "meter apply_actions clear_actions write_actions "
        "write_metadata goto_table", "max_entries=1000000", "mpls_{label,tc,bos}")),
    refused("dump-table-desc BR", ONLY_14),
    Row("mod-table BR 0 name:acl"),
    Row("--names dump-flows BR", ("table=acl",), before=("mod-table BR 0 name:acl", UDP)),
    refused("mod-table BR 0 drop", "requires one of the OpenFlow versions OpenFlow11, OpenFlow12"),
    refused("mod-table BR 0 evict", "requires one of the OpenFlow versions OpenFlow14"),
    refused("mod-table BR 0 vacancy:20,80", "requires one of the OpenFlow versions OpenFlow14"),
    Row("get-frags BR", ("normal",)),
    Row("set-frags BR normal"),
    refused("set-frags BR drop", "OFPSCFC_BAD_FLAGS"),
    refused("set-frags BR reassemble", "OFPSCFC_BAD_FLAGS"),
    refused("set-frags BR nx-match", "OFPSCFC_BAD_FLAGS"),
)  # fmt: skip

PORTS = (
    Row("dump-ports BR", ("2 ports", "port  1: rx pkts=", "port  2: rx pkts=")),
    Row("dump-ports BR v1", ("1 ports", "port  1: rx pkts=")),
    refused("dump-ports BR 9", "OFPBRC_BAD_PORT", code=0),
    Row("dump-ports-desc BR", (" 1(v1):", " 2(v2):", "10GB-FD COPPER")),
    Row("mod-port BR v1 down"),
    Row("dump-ports-desc BR", ("PORT_DOWN",), before=("mod-port BR v1 down",)),
    Row("dump-ports-desc BR", (), before=("mod-port BR 1 down", "mod-port BR 1 up"),
        not_says=("PORT_DOWN",)),
    Row("dump-ports-desc BR", ("NO_RECV",), before=("mod-port BR 1 no-receive",)),
    Row("dump-ports-desc BR", (), before=("mod-port BR 1 no-receive", "mod-port BR 1 receive"),
        not_says=("NO_RECV",)),
    Row("dump-ports-desc BR", ("NO_FWD",), before=("mod-port BR 1 no-forward",)),
    Row("dump-ports-desc BR", (), before=("mod-port BR 1 no-forward", "mod-port BR 1 forward"),
        not_says=("NO_FWD",)),
    Row("dump-ports-desc BR", ("NO_PACKET_IN",), before=("mod-port BR 1 no-packet-in",)),
    Row("dump-ports-desc BR", (), before=("mod-port BR 1 no-packet-in", "mod-port BR 1 packet-in"),
        not_says=("NO_PACKET_IN",)),
    Row("mod-port BR 1 no-flood"),
    Row("mod-port BR 1 stp"),
    Row("mod-port BR 1 no-receive-stp"),
    refused("mod-port BR 9 up", "couldn't find port"),
)  # fmt: skip

FLOWS = (
    Row("add-flow BR priority=5,in_port=1,actions=output:2"),
    Row("add-flow BR table=254,actions=drop"),
    refused("add-flow BR check_overlap,priority=7,ip,actions=drop", "OFPFMFC_OVERLAP",
            before=(UDP,)),
    refused("add-flow BR in_port=1,actions=group:77", "OFPBAC_BAD_OUT_GROUP"),
    Row("add-flow BR ip6,actions=set_tunnel:5,output:1"),
    Row("add-flow BR mpls,actions=set_mpls_label(5),set_mpls_tc(1),output:1"),
    refused("add-flow BR dl_vlan=5,actions=set_field:5->vlan_vid", "OFPBAC_BAD_SET_ARGUMENT"),
    refused("add-flow BR actions=enqueue:1:5", "OFPBAC_BAD_VENDOR"),
    Row("add-flows BR FILE", file=RULES),
    Row("dump-flows BR", ("cookie=0x6", "table=1", "priority=6,tcp actions=output:1",
        "priority=8,arp actions=FLOOD"), before=("add-flows BR FILE",), file=RULES),
    Row("dump-flows BR tcp", ("priority=6,tcp",), before=(TCP, UDP), not_says=("udp",)),
    Row("dump-flows BR table=1", ("priority=6,tcp",), before=(TCP, UDP), not_says=("udp",)),
    Row("dump-flows BR cookie=5/-1", ("priority=7,udp",), before=(TCP, UDP), not_says=("tcp",)),
    Row("dump-flows BR out_port=1", ("priority=6,tcp",), before=(TCP, UDP), not_says=("udp",)),
    Row("--names dump-flows BR", ("actions=output:v1",), before=(TCP,)),
    Row("--no-names dump-flows BR", ("actions=output:1",), before=(TCP,)),
    Row("--sort=priority --no-stats dump-flows BR", ("tcp actions=output:1\n cookie=0x5",),
        before=(UDP, TCP)),
    Row("--rsort=priority --no-stats dump-flows BR", ("udp actions=drop\n cookie=0x6",),
        before=(TCP, UDP)),
    Row("dump-aggregate BR", ("packet_count=0 byte_count=0 flow_count=2",), before=(TCP, UDP)),
    Row("dump-aggregate BR udp", ("flow_count=1",), before=(TCP, UDP)),
    Row("mod-flows BR table=1,tcp,actions=drop"),
    Row("dump-flows BR", ("tcp actions=drop",),
        before=(TCP, "mod-flows BR table=1,tcp,actions=drop")),
    Row("dump-flows BR", ("tcp actions=output:2",),
        before=(TCP, "--strict mod-flows BR table=1,priority=6,tcp,actions=output:2")),
    Row("dump-flows BR", ("tcp actions=output:1",),
        before=(TCP, "--strict mod-flows BR table=1,priority=9,tcp,actions=output:2")),
    Row("del-flows BR"),
    Row("dump-flows BR", ("tcp",), before=(TCP, UDP, "del-flows BR udp"), not_says=("udp",)),
    Row("dump-flows BR", ("tcp",), before=(TCP, "--strict del-flows BR table=1,tcp")),
    Row("dump-flows BR", (), before=(TCP, "--strict del-flows BR table=1,priority=6,tcp"),
        not_says=("tcp",)),
    Row("replace-flows BR FILE", file=RULES),
    Row("dump-flows BR", ("tcp", "arp"), before=(UDP, "replace-flows BR FILE"), file=RULES,
        not_says=("udp",)),
    Row("diff-flows BR FILE", before=("add-flows BR FILE",), file=RULES),
    Row("diff-flows BR FILE", ("-priority=7,udp cookie=0x5 actions=drop",), code=2,
        before=("add-flows BR FILE", UDP), file=RULES),
    refused("--bundle add-flows BR FILE", NO_BUNDLES, file=RULES),
    refused("--bundle replace-flows BR FILE", NO_BUNDLES, file=RULES),
    refused("bundle BR FILE", NO_BUNDLES, file=f"flow add {RULES.splitlines()[0]}\n"),
    Row(f"packet-out BR in_port=CONTROLLER,{FRAME},actions=output:2"),
    Row(f"packet-out BR in_port=1,{FRAME},actions=TABLE"),
    Row(f"packet-out BR in_port=none,{FRAME},actions=output:2"),
    refused(f"packet-out BR in_port=9,{FRAME},actions=output:2", "OFPBRC_BAD_PORT"),
)  # fmt: skip

GROUPS = (
    Row(GROUP),
    refused("add-group BR group_id=1,type=all,bucket=weight:3,output:1", "weight"),
    Row("add-groups BR FILE", file="group_id=5,type=all,bucket=output:1\n"
        "group_id=6,type=indirect,bucket=group:5\n"),
    refused("add-group BR group_id=1,type=all,bucket=output:1", "OFPGMFC_GROUP_EXISTS",
            before=(GROUP,)),
    Row("dump-groups BR", ("group_id=1,type=select,bucket=", "weight:3,actions=output:1",
        "weight:4,actions=output:2"), before=(GROUP,)),
    Row("dump-groups BR 1", ("group_id=1,type=select",), before=(GROUP,)),
    Row("dump-group-features BR", ("Types:  0xf", "Capabilities:  0xf", "max_groups=0x10000",
        f"actions: {ALL_ACTIONS}")),
    Row("dump-group-stats BR", ("group_id=1,", "ref_count=0,packet_count=0,byte_count=0",
        "bucket1:packet_count=0,byte_count=0"), before=(GROUP,)),
    Row("dump-group-stats BR group_id=1", ("group_id=1,", "ref_count=1"),
        before=(GROUP, "add-flow BR ip,actions=group:1")),
    Row("mod-group BR group_id=1,type=all,bucket=output:2", before=(GROUP,)),
    Row("dump-groups BR", ("group_id=1,type=all,bucket=actions=output:2",),
        before=(GROUP, "mod-group BR group_id=1,type=all,bucket=output:2")),
    refused("mod-group BR group_id=9,type=all,bucket=output:2", "OFPGMFC_UNKNOWN_GROUP"),
    refused("--may-create mod-group BR group_id=1,type=all,bucket=output:1",
            "OFPGMFC_BAD_COMMAND"),
    Row("del-groups BR", before=(GROUP,)),
    Row("del-groups BR group_id=9"),
    Row("dump-groups BR", (), before=(GROUP, "del-groups BR group_id=1"),
        not_says=("group_id=1", "OFPT_ERROR")),
    Row("dump-flows BR", (), before=(GROUP, "add-flow BR ip,actions=group:1", "del-groups BR"),
        not_says=("group:1", "OFPT_ERROR")),
    refused("insert-buckets BR group_id=1,command_bucket_id=last,bucket=bucket_id:1,output:1",
            "needs OpenFlow 1.5 or later"),
    refused("remove-buckets BR group_id=1,command_bucket_id=last", "OpenFlow15"),
)  # fmt: skip

METERS = (
    Row(METER),
    refused("add-meter BR meter=1,kbps,bands=type=drop,rate=1", "OFPMMFC_METER_EXISTS",
            before=(METER,)),
    Row("dump-meters BR", ("meter=1 kbps burst stats bands=",
        "type=drop rate=1000 burst_size=10"), before=(METER,)),
    Row("dump-meters BR meter=1", ("meter=1 kbps",), before=(METER,)),
    refused("dump-meters BR meter=9", "OFPMMFC_UNKNOWN_METER", code=0),
    Row("meter-stats BR", ("meter:1 flow_count:0 packet_in_count:0 byte_in_count:0",
        "0: packet_count:0 byte_count:0"),
        before=(METER,)),
    Row("meter-stats BR meter=1", ("meter:1 flow_count:1",),
        before=(METER, "add-flow BR ip,actions=meter:1,output:1")),
    Row("meter-features BR", ("max_meter:65536 max_bands:16 max_color:0",
        "band_types: drop dscp_remark", "capabilities: kbps pktps burst stats")),
    Row("mod-meter BR meter=1,pktps,bands=type=dscp_remark,rate=7,prec_level=1",
        before=(METER,)),
    refused("mod-meter BR meter=9,pktps,bands=type=drop,rate=7", "OFPMMFC_UNKNOWN_METER"),
    Row("del-meters BR", before=(METER,)),
    Row("del-meter BR meter=1", before=(METER,)),
    Row("dump-meters BR", (), before=(METER, "del-meters BR"), not_says=("meter=1", "OFPT_ERROR")),
)  # fmt: skip

QUEUES = (
    Row("queue-stats BR", ("0 queues",)),
    Row("queue-stats BR 1", ("0 queues",)),
    refused("queue-stats BR 1 3", "OFPQOFC_BAD_QUEUE", code=0),
    refused("queue-stats BR 9", "OFPQOFC_BAD_PORT", code=0),
    Row("queue-get-config BR", ("OFPT_QUEUE_GET_CONFIG_REPLY",)),
    Row("queue-get-config BR 1", ("OFPT_QUEUE_GET_CONFIG_REPLY",)),
    refused("queue-get-config BR 9", "OFPQOFC_BAD_PORT", code=0),
)

OTHERS = (
    Row("probe BR"),
    Row("ping BR 100", ("100 bytes from",)),
    Row("benchmark BR 100 200", ("Finished in",)),
    refused("dump-ipfix-bridge BR", FOREIGN, code=0),
    refused("dump-ipfix-flow BR", FOREIGN, code=0),
    refused("ct-flush-zone BR 1", FOREIGN),
    refused("ct-flush BR", FOREIGN),
    refused("add-tlv-map BR {class=0xffff,type=0,len=4}->tun_metadata0", FOREIGN),
    refused("del-tlv-map BR", FOREIGN),
    refused("dump-tlv-map BR", FOREIGN, code=0),
)

ROWS = (*SWITCH, *PORTS, *FLOWS, *GROUPS, *METERS, *QUEUES, *OTHERS)

MANUAL = (
    "show", "dump-tables", "dump-table-features", "dump-table-desc", "mod-table", "dump-ports",
    "dump-ports-desc", "mod-port", "get-frags", "set-frags", "dump-flows", "dump-aggregate",
    "queue-stats", "queue-get-config", "dump-ipfix-bridge", "dump-ipfix-flow", "ct-flush-zone",
    "ct-flush", "add-flow", "add-flows", "mod-flows", "del-flows", "replace-flows", "diff-flows",
    "packet-out", "add-group", "add-groups", "mod-group", "del-groups", "insert-buckets",
    "remove-buckets", "dump-groups", "dump-group-features", "dump-group-stats", "add-meter",
    "mod-meter", "del-meters", "dump-meters", "meter-stats", "meter-features", "bundle",
    "add-tlv-map", "del-tlv-map", "dump-tlv-map", "snoop", "monitor", "probe", "ping",
    "benchmark",
)  # fmt: skip
"""Every command of the manual page that speaks to a switch."""


class Bench:
    """A daemon with two ports, and ovs-ofctl in its namespace."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.file = lab.folder / "file"

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        names = {"BR": f"unix:{self.lab.run}/br0.mgmt", "FILE": str(self.file)}
        words = [names.get(word, word) for word in command.split()]
        return self.lab.tried("timeout", "10", "ovs-ofctl", "-O", "OpenFlow13", *words)

    def clear(self) -> None:
        for command in ("del-flows BR", "del-groups BR", "del-meters BR"):
            self.run(command)
        for change in ("up", "receive", "forward", "packet-in"):
            self.run(f"mod-port BR 1 {change}")


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    for lab in laboratory():
        with lab.wire("v1", "p1"), lab.wire("v2", "p2"):
            lab.start("--ephemeral", "--bridge", "br0", "--dpid", "2a", "--port", "v1",
                      "--port", "v2", "--fail-mode", "secure")  # fmt: skip
            yield Bench(lab)


@needs_ovs_ofctl
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.command.replace(" BR", ""))
def test_ovs_ofctl(bench: Bench, row: Row) -> None:
    bench.clear()
    bench.file.write_text(row.file)
    for command in row.before:
        done = bench.run(command)
        assert done.returncode == 0, f"{command}: {done.stderr}"
    done = bench.run(row.command)
    printed = done.stdout + done.stderr
    assert done.returncode == row.code, printed
    for fragment in row.says:
        assert fragment in printed
    for fragment in row.not_says:
        assert fragment not in printed


def test_every_command_of_the_manual_is_tried() -> None:
    """`snoop` and `monitor` go on until they are ended and have tests of their own below."""
    tried = {word for row in ROWS for word in row.command.split() if not word.startswith("-")}
    assert set(MANUAL) - tried == {"snoop", "monitor"}


def test_the_record_tells_what_is_tried() -> None:
    """One line of the record a command, in the same order."""
    lines = [line for line in RECORD.read_text().splitlines() if line.startswith("| `")]
    assert [line.split("`")[1] for line in lines] == [*_told(), "monitor", "snoop"]


def _told() -> list[str]:
    """Commands as the record has them: without the switch, each once, bytes left out."""
    told = (row.command.replace(" BR", "").replace(FRAME, "packet=...") for row in ROWS)
    return list(dict.fromkeys(told))


# ---- commands that go on until they are ended ----------------------------------------


class Watching:
    """ovs-ofctl as it prints what it receives."""

    def __init__(self, lab: Lab, *words: str) -> None:
        base = ["ovs-ofctl", "-O", "OpenFlow13", f"--unixctl={lab.folder}/ctl"]
        self._process = subprocess.Popen(
            lab.there(*base, *words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self._printed = ""

    def sees(self, *fragments: str, seconds: float = 5) -> bool:
        """Whether all of them have been printed within 'seconds'."""
        assert self._process.stdout
        end = time.monotonic() + seconds
        while not all(fragment in self._printed for fragment in fragments):
            left = max(0.0, end - time.monotonic())
            if not select.select([self._process.stdout], [], [], left)[0]:
                return False
            data = self._process.stdout.read1()
            if not data:
                return False
            self._printed += data.decode()
        return True

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()


@needs_ovs_ofctl
def test_monitor_shows_packet_ins(bench: Bench) -> None:
    bench.clear()
    watching = Watching(bench.lab, "monitor", f"unix:{bench.lab.run}/br0.mgmt", "65535")
    try:
        end = time.monotonic() + 5
        while time.monotonic() < end:
            bench.run(f"packet-out BR in_port=1,{FRAME},actions=controller")
            if watching.sees("OFPT_PACKET_IN", "in_port=1 (via action)", seconds=0.2):
                return
        pytest.fail(watching._printed)
    finally:
        watching.close()


@needs_ovs_ofctl
def test_monitor_of_flows_is_refused(bench: Bench) -> None:
    """It is an extension, and the standard's own way is of OpenFlow 1.4."""
    watching = Watching(bench.lab, "monitor", f"unix:{bench.lab.run}/br0.mgmt", "watch:")
    try:
        assert watching.sees("OFPBRC_BAD_VENDOR", "FLOW_MONITOR request")
    finally:
        watching.close()


@needs_ovs_ofctl
def test_snoop_shows_what_a_controller_and_the_switch_say(bench: Bench) -> None:
    lab = bench.lab
    place = f"{lab.folder}/controller"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(place)
        server.listen()
        lab.call("controller.add", bridge="br0", target=f"unix:{place}")
        peer, _ = server.accept()
        watching = Watching(lab, "snoop", f"unix:{lab.run}/br0.snoop")
        try:
            peer.sendall(encode(Hello(4)))
            end = time.monotonic() + 5
            while time.monotonic() < end:
                peer.sendall(encode(EchoRequest(b"look", xid=0x77)))
                if watching.sees("OFPT_ECHO_REQUEST (OF1.3) (xid=0x77): 4 bytes of payload",
                                 "OFPT_ECHO_REPLY (OF1.3) (xid=0x77)", seconds=0.2):  # fmt: skip
                    return
            pytest.fail(watching._printed)
        finally:
            watching.close()
            peer.close()
            lab.call("controller.rm", bridge="br0", target=f"unix:{place}")
