"""Links, namespaces, TAPs and packet sockets against the real kernel.

Each test runs on a thread in a fresh network namespace, so nothing outside is touched and
nothing stays.  As root or inside `unshare -Urnm`.
"""

from __future__ import annotations

import asyncio
import functools
import os
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec

import pytest

from datapath import kernel
from datapath.kernel import KernelError, inside, new_namespace
from tests.kit import needs

P = ParamSpec("P")
HEADER = bytes(10)
ARP = bytes.fromhex("ffffffffffff 020000000001 0806") + bytes(46)


def isolated(test: Callable[P, None]) -> Callable[P, None]:
    """Runs a test in a network namespace of its own."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with namespace() as (fd, _):
            inside(fd, lambda: test(*args, **kwargs))

    return run


@contextmanager
def namespace() -> Iterator[tuple[int, str]]:
    """A new namespace: its descriptor and a path to it."""
    needs.namespaces()
    fd = new_namespace()
    try:
        yield fd, f"/proc/self/fd/{fd}"
    finally:
        os.close(fd)


def new_tap(name: str, persistent: bool = False) -> int:
    needs.file(Path("/dev/net/tun"))
    return kernel.make_tap(name, persistent=persistent)


def source_address(family: socket.AddressFamily, destination: str) -> str:
    """The address that this namespace would send to `destination` from."""
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.connect((destination, 9))
        return str(sock.getsockname()[0])


def frames(fd: int, wanted: bytes, patience: float = 2) -> bytes:
    """Reads frames (with their headers) until `wanted` is in one: that one, or nothing."""
    while select.select([fd], [], [], patience)[0]:
        frame = os.read(fd, 70000)
        if wanted in frame:
            return frame
    return b""


@isolated
def test_a_tap_is_born_inside_a_namespace_with_address_and_route() -> None:
    os.close(new_tap("t0"))
    with namespace() as (there, path):
        fd, link = kernel.make_tap_inside(
            path,
            mac="02:00:00:00:00:05",
            mtu=1400,
            addresses=["10.0.0.2/24", "fd00::2/64"],
            gateway=["10.0.0.1", "fd00::1"],
        )
        assert (link.name, link.mac, link.mtu, link.up, link.carrier) == (
            "eth0",
            "02:00:00:00:00:05",
            1400,
            True,
            True,
        )
        assert inside(there, lambda: source_address(socket.AF_INET, "192.0.2.1")) == "10.0.0.2"
        assert inside(there, lambda: source_address(socket.AF_INET6, "2001:db8::1")) == "fd00::2"
        assert inside(there, lambda: source_address(socket.AF_INET, "127.0.0.1")) == "127.0.0.1"
        assert kernel.link("eth0") is None
        os.close(fd)
        assert kernel.link("eth0", there) is None


@isolated
def test_a_tap_that_can_not_be_set_up_leaves_nothing() -> None:
    os.close(new_tap("t0"))
    with namespace() as (there, path):
        with pytest.raises(KernelError, match="default route"):
            kernel.make_tap_inside(path, addresses=["10.0.0.2/24"], gateway="10.9.9.9")
        assert [link.name for link in kernel.links(there)] == ["lo"]


@isolated
def test_place_moves_names_and_addresses_an_interface() -> None:
    kernel.make_veth_pair("va", "vb")
    with namespace() as (there, path):
        placed = kernel.place("vb", path, rename="eth0", mtu=9000, addresses=["10.0.0.2/24"])
        assert (placed.name, placed.mtu, placed.up, placed.kind) == ("eth0", 9000, True, "veth")
        assert kernel.link("vb") is None
        assert inside(there, lambda: source_address(socket.AF_INET, "10.0.0.9")) == "10.0.0.2"
        assert kernel.delete("eth0", there)
        assert kernel.link("va") is None


@isolated
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"rename": "lo"}, "move vb to the namespace as lo"),
        ({"rename": "taken"}, "move vb to the namespace as taken"),
        ({"addresses": ["10.0.0.2/24", "10.0.0.2/24"]}, "address 10.0.0.2/24 on"),
        ({"addresses": ["10.0.0.2/24"], "gateway": "10.9.9.9"}, "default route"),
        ({"rename": "other", "gateway": "10.9.9.9"}, "default route"),
    ],
)
def test_a_placement_that_fails_changes_nothing(words: dict[str, object], sentence: str) -> None:
    kernel.make_veth_pair("va", "vb")
    before = kernel.link("vb")
    with namespace() as (there, path):
        inside(
            there, lambda: kernel.make_veth_pair("taken", "vb" if "other" in str(words) else "x")
        )
        foreign = kernel.links(there)
        with pytest.raises(KernelError, match=sentence):
            kernel.place("vb", path, mac="02:00:00:00:00:09", mtu=1300, **words)  # type: ignore[arg-type]
        after = kernel.link("vb")
        assert before is not None
        assert after is not None
        assert (after.mac, after.mtu, after.up) == (before.mac, before.mtu, before.up)
        assert [(link.name, link.mac) for link in kernel.links(there)] == [
            (link.name, link.mac) for link in foreign
        ]


@isolated
def test_a_namespace_may_be_given_as_a_descriptor_that_stays_the_callers() -> None:
    kernel.make_veth_pair("va", "vb")
    with namespace() as (there, _):
        placed = kernel.place("vb", there, rename="eth0", addresses=["10.0.0.2/24"])
        assert (placed.name, placed.up) == ("eth0", True)
        assert kernel.link("eth0", there) is not None
        assert kernel.delete("eth0", there)


@isolated
@pytest.mark.parametrize("path", ["/proc/self/ns/uts", "/dev/null", "/proc/self/status", "/"])
def test_s39_a_descriptor_of_anything_else_is_refused_and_nothing_moved(path: str) -> None:
    kernel.make_veth_pair("va", "vb")
    fd = os.open(path, os.O_RDONLY)
    try:
        with pytest.raises(KernelError, match="is no network namespace"):
            kernel.place("vb", fd)
    finally:
        os.close(fd)
    assert kernel.link("vb") is not None


def test_only_a_path_that_means_the_same_to_everybody_lasts(tmp_path: Path) -> None:
    own = f"/proc/{os.getpid()}/ns/net"
    (tmp_path / "link").symlink_to(own)
    os.close(kernel.open_namespace(own))
    with namespace() as (_, path):
        for through in (own, "/proc/self/ns/net", path, str(tmp_path / "link")):
            with pytest.raises(KernelError, match="names another process sooner or later"):
                kernel.open_lasting_namespace(through)
    for missing in (tmp_path / "none", "/etc/passwd"):
        with pytest.raises(KernelError, match="run/netns/NAME"):
            kernel.open_lasting_namespace(missing)


@isolated
def test_what_is_not_there_is_told() -> None:
    with pytest.raises(KernelError, match="nope: No such device"):
        kernel.open_packet_port("nope")
    with namespace() as (_, path), pytest.raises(KernelError, match="nope: No such device"):
        kernel.place("nope", path)
    assert kernel.link("nope") is None
    assert not kernel.delete("nope")


@isolated
def test_a_packet_port_wants_ethernet() -> None:
    with pytest.raises(KernelError, match="is no Ethernet interface"):
        kernel.open_packet_port("lo")


@isolated
def test_frames_pass_between_a_tap_and_a_packet_socket() -> None:
    tap = new_tap("t0")
    sock = kernel.open_packet_port("t0")
    link = kernel.link("t0")
    assert link is not None
    assert link.up
    assert link.carrier
    os.write(tap, HEADER + ARP)
    assert frames(sock, ARP) == HEADER + ARP
    os.write(sock, HEADER + ARP)
    assert frames(tap, ARP) == HEADER + ARP
    assert not frames(sock, ARP, patience=0)  # nothing that we sent comes back
    os.close(sock)
    os.close(tap)
    assert kernel.link("t0") is None


@isolated
def test_a_name_that_is_taken_is_told() -> None:
    tap = new_tap("t0")
    with pytest.raises(KernelError, match="is there already"):
        kernel.make_tap("t0", persistent=False)
    kernel.make_veth_pair("va", "vb")
    for persistent in (False, True):
        with pytest.raises(KernelError, match="is there already"):
            kernel.make_tap("va", persistent=persistent)
    os.close(tap)


@isolated
def test_a_persistent_tap_waits_for_its_next_holder() -> None:
    os.close(new_tap("t0", persistent=True))
    first = kernel.link("t0")
    again = kernel.make_tap("t0", persistent=True)
    second = kernel.link("t0")
    assert first is not None
    assert second is not None
    assert (first.index, first.mac) == (second.index, second.mac)
    os.close(again)
    assert kernel.delete("t0")
    assert kernel.link("t0") is None


@isolated
def test_a_watch_tells_what_comes_changes_and_goes() -> None:
    with kernel.watch() as watch:
        kernel.make_veth_pair("va", "vb")
        assert {change.new.name for change in watch.read() if change.new} == {"va", "vb"}
        sock = kernel.open_packet_port("va")
        assert any(c.new and c.new.up and c.new.name == "va" for c in watch.read())
        os.close(sock)
        kernel.delete("va")
        gone = [change.old.name for change in watch.read() if change.old and not change.new]
        assert sorted(gone) == ["va", "vb"]
        assert [link.name for link in watch.known] == ["lo"]
        assert watch.read() == []


@isolated
def test_a_watch_that_was_overrun_catches_up() -> None:
    with kernel.watch() as watch:
        watch._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for i in range(12):
            kernel.make_veth_pair(f"va{i}", f"vb{i}")
        kernel.delete("va3")
        changes = watch.read()
        assert sorted(watch.known, key=lambda link: link.index) == kernel.links()
        assert {c.new.name for c in changes if c.new} >= {"va0", "vb11"}


@isolated
def test_all_of_it_works_beside_a_running_event_loop() -> None:
    async def scene() -> list[str]:
        names: list[str] = []
        changed = asyncio.Event()
        with kernel.watch() as watch:

            def read() -> None:
                names.extend(change.new.name for change in watch.read() if change.new)
                changed.set()

            asyncio.get_running_loop().add_reader(watch.fileno(), read)
            kernel.make_veth_pair("va", "vb")
            await asyncio.wait_for(changed.wait(), 5)
            asyncio.get_running_loop().remove_reader(watch.fileno())
        return names

    assert "vb" in asyncio.run(scene())


# ---- TAPs in other namespaces ----


@isolated
def test_a_tap_is_found_where_it_was_moved_to() -> None:
    fd = new_tap("t0")
    here = kernel.whereabouts(fd)
    assert (here.namespace, here.link.name) == (None, "t0")
    with namespace() as (there, path):
        kernel.place("t0", path, mtu=1400)
        found = kernel.whereabouts(fd)
        assert (found.link.name, found.link.mtu, found.link.carrier) == ("eth0", 1400, True)
        assert found.namespace is not None
        inside(there, lambda: kernel.delete("eth0"))
    with pytest.raises(KernelError):
        kernel.whereabouts(fd)
    os.close(fd)


@isolated
def test_a_change_in_another_namespace_is_told_by_its_number() -> None:
    fd, other = new_tap("t0"), new_tap("t1")
    watch = kernel.NamespaceWatch()
    with namespace() as (there, path), namespace() as (_, silent):
        kernel.place("t0", path)
        kernel.place("t1", silent)
        number = kernel.whereabouts(fd).namespace
        assert watch.read() == {number, kernel.whereabouts(other).namespace}
        assert watch.read() == frozenset()
        kernel.make_veth_pair("va", "vb")
        assert watch.read() == frozenset(), "ours is no other"
        inside(there, lambda: kernel.make_veth_pair("va", "vb"))
        assert watch.read() == {number}
        watch._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for _ in range(12):
            inside(there, lambda: kernel.delete("va"))
            inside(there, lambda: kernel.make_veth_pair("va", "vb"))
        assert watch.read() is None, "too much: it may be any"
    watch.close()
    os.close(fd)
    os.close(other)


@isolated
def test_asking_where_a_tap_is_keeps_no_namespace_alive() -> None:
    fd = new_tap("t0")
    watch = kernel.NamespaceWatch()
    with namespace() as (_, path):
        kernel.place("t0", path)
        kernel.whereabouts(fd)
    poll = select.poll()
    poll.register(fd, select.POLLERR)
    assert poll.poll(5000), "the TAP ends with its namespace"
    watch.close()
    os.close(fd)
