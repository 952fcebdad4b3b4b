"""The frames by which an endpoint makes itself known, as scapy reads them."""

from __future__ import annotations

import ipaddress

from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6NDOptDstLLAddr, IPv6
from scapy.layers.l2 import ARP, Ether

from datapath.kernel.announce import announcement

MACS = st.binary(min_size=6, max_size=6)


@given(MACS, st.ip_addresses(v=4))
def test_arp_is_announced_as_rfc_5227_says(mac: bytes, address: ipaddress.IPv4Address) -> None:
    frame = Ether(announcement(mac, address))
    arp = frame[ARP]
    text, own = str(address), mac.hex(":")
    assert (frame.dst, frame.src, frame.type) == ("ff:ff:ff:ff:ff:ff", own, 0x0806)
    assert (arp.op, arp.hwsrc, arp.psrc) == (1, own, text)
    assert (arp.hwdst, arp.pdst) == ("00:00:00:00:00:00", text)
    assert bytes(frame) == bytes(Ether(dst=frame.dst, src=own) / ARP(
        op=1, hwsrc=own, psrc=text, hwdst="00:00:00:00:00:00", pdst=text))  # fmt: skip


@given(MACS, st.ip_addresses(v=6))
def test_neighbours_are_told_without_having_asked(
    mac: bytes, address: ipaddress.IPv6Address
) -> None:
    """RFC 4861, 7.2.6: to all nodes, override set, solicited not."""
    text, own = str(address), mac.hex(":")
    expected = (
        Ether(dst="33:33:00:00:00:01", src=own)
        / IPv6(src=text, dst="ff02::1", hlim=255)
        / ICMPv6ND_NA(tgt=text, R=0, S=0, O=1)
        / ICMPv6NDOptDstLLAddr(lladdr=own)
    )
    assert announcement(mac, address) == bytes(expected)
