"""Whatever words an operator gives for flows, groups, meters and packets: done, or a sentence.

Never a defect, as anything else than a Failure would be called (`rpc/server.py`).
"""

from __future__ import annotations

import random

import pytest

from tests.kit.world import Switch, World
from vswitch.daemon.methods import methods
from vswitch.errors import Failure
from vswitch.requests import REQUESTS

VALUES = (
    *("1", "2", "3", "0x800", "10.0.0.1", "02:00:00:00:00:01", "fe80::1") * 3,
    "0", "65535", "65536", "4294967295", "4294967296", "18446744073709551616", "0x1fffffffffffffff",
    "-1", "1.5", "LOCAL", "all", "any", "1/2", "p1", '"p1"', "",
)  # fmt: skip
KEYS = [
    "in_port", "dl_src", "dl_dst", "dl_type", "dl_vlan", "dl_vlan_pcp", "nw_src", "nw_dst",
    "nw_proto", "nw_tos", "nw_ttl", "tp_src", "tp_dst", "tcp_flags", "icmp_type", "arp_sha",
    "arp_op", "arp_spa", "ipv6_src", "ipv6_label", "nd_target", "nd_sll", "vlan_vid",
    "mpls_label", "mpls_bos", "pbb_isid", "tunnel_id", "metadata", "priority", "table", "cookie",
    "idle_timeout", "out_port", "out_group", "send_flow_rem", "group_id", "type", "meter", "rate",
]  # fmt: skip
ACTIONS = [
    "output", "enqueue", "set_queue", "group", "push_vlan", "push_mpls", "pop_mpls",
    "set_mpls_ttl", "mod_vlan_vid", "mod_nw_tos", "mod_dl_src", "set_field", "load", "move",
    "meter", "goto_table", "write_metadata", "write_actions", "controller", "dec_ttl", "pop_vlan",
    "clear_actions", "drop", "NORMAL", "FLOOD", "resubmit", "ct", "learn", "note",
]  # fmt: skip
FORMS = ("{0}", "{0}:{1}", "{0}({1})", "{0}:{1}:{2}", "{0}({3}={1})", "{0}:{1}->{3}", "{0}={1}")
PROTOCOLS = ["ip", "tcp", "udp", "icmp", "arp", "ipv6", "tcp6", "sctp", "mpls", "rarp"]


class Words:
    """Words by chance, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def one(self, words: tuple[str, ...] | list[str]) -> str:
        return self.random.choice(words)

    def match(self) -> str:
        mask = f"/{self.one(VALUES)}" if self.random.random() < 0.2 else ""
        return f"{self.one(KEYS)}={self.one(VALUES)}{mask}"

    def action(self) -> str:
        form = self.one(FORMS)
        return form.format(self.one(ACTIONS), self.one(VALUES), self.one(VALUES), self.one(KEYS))

    def flow(self) -> str:
        words = [self.one(PROTOCOLS), *(self.match() for _ in range(self.random.randrange(4)))]
        return ",".join([*words, f"actions={','.join(self._some(self.action))}"])

    def group(self) -> str:
        kind = self.one(["all", "select", "ff", "indirect", "x"])
        buckets = self._some(
            lambda: f",bucket=weight:{self.one(VALUES)},watch_port:{self.one(VALUES)},"
            f"{self.action()}"
        )
        return f"group_id={self.one(VALUES)},type={kind}{''.join(buckets)}"

    def meter(self) -> str:
        bands = self._some(
            lambda: f",band=type={self.one(['drop', 'dscp_remark'])},rate={self.one(VALUES)},"
            f"burst_size={self.one(VALUES)},prec_level={self.one(VALUES)}"
        )
        flags = self.one(["kbps", "pktps", "burst", "kbps,burst", "x"])
        return f"meter={self.one(VALUES)},{flags}{''.join(bands)}"

    def packet(self) -> str:
        return ",".join(["in_port=1", self.one(PROTOCOLS), *self._some(self.match)])

    def _some(self, make: object) -> list[str]:
        assert callable(make)
        return [make() for _ in range(self.random.randrange(4))]


@pytest.mark.parametrize("seed", range(4))
def test_any_words_are_done_or_told(world: Switch, seed: int) -> None:
    words = Words(seed)
    done = told = 0

    async def test(world: World) -> None:
        nonlocal done, told
        known = methods(world.daemon)
        await known["bridge.add"](name="br0")
        await known["port.add"](bridge="br0", name="p1", kind="tap")
        makers = {
            "flow.add": ("flow", words.flow), "flow.mod": ("flow", words.flow),
            "flow.rm": ("match", words.match), "flow.list": ("match", words.match),
            "group.add": ("group", words.group), "group.mod": ("group", words.group),
            "meter.add": ("meter", words.meter), "meter.mod": ("meter", words.meter),
            "trace": ("packet", words.packet),
        }  # fmt: skip
        for _ in range(250):
            method = words.one(list(makers))
            name, make = makers[method]
            text = make()
            try:
                await known[method](**REQUESTS[method].check({"bridge": "br0", name: text}))
                done += 1
            except Failure as failure:
                told += str(failure).isprintable()

    world(test)
    assert done + told == 250
    assert min(done, told) > 10  # the control: not all of it is nonsense


def test_a_flag_with_a_value_is_told(world: Switch) -> None:
    async def test(world: World) -> None:
        known = methods(world.daemon)
        await known["bridge.add"](name="br0")
        for text in ("send_flow_rem=0,actions=drop", "no_packet_counts=1,actions=drop"):
            with pytest.raises(Failure, match=r"a flag has no value; write .* alone"):
                await known["flow.add"](bridge="br0", flow=text)
        await known["flow.add"](bridge="br0", flow="send_flow_rem,actions=drop")

    world(test)
