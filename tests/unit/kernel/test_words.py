"""What can be judged without the kernel: names, placements, paths, errors."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datapath.kernel import KernelError, check_name, make_tap, open_namespace, tap
from datapath.kernel.namespace import inside, on_thread
from datapath.kernel.placement import parse_placement
from datapath.kernel.problem import kernel_error


@pytest.mark.parametrize("name", ["eth0", "a", "veth-12.3_x", "p" * 15, "0"])
def test_ordinary_names_are_accepted(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "p" * 16,
        "a/b",
        "a b",
        "a\tb",
        "a\0b",
        "eth%d",
        "é",
        "-x",
        "a:1",
        "$(x)",
        "a\n",
    ],
)
def test_s23_names_that_are_paths_patterns_or_commands_are_refused(name: str) -> None:
    with pytest.raises(KernelError, match="interface name"):
        check_name(name)


@given(st.text(max_size=20))
def test_whatever_is_accepted_is_short_ascii_without_a_slash(name: str) -> None:
    try:
        check_name(name)
    except KernelError:
        return
    assert 0 < len(name.encode()) <= 15
    assert not set(name) & set("/ \t\n\0%")


def test_a_placement_is_parsed_whole() -> None:
    wanted = parse_placement(
        "eth0", "02:00:00:00:00:0A", 9000, ["10.0.0.2/24", "fd00::2/64"], ["10.0.0.1", "fe80::1"]
    )
    assert wanted.mac == "02:00:00:00:00:0a"
    assert [str(a) for a in wanted.addresses] == ["10.0.0.2/24", "fd00::2/64"]
    assert [str(g) for g in wanted.gateways] == ["10.0.0.1", "fe80::1"]


def test_ipv6_needs_an_mtu_of_1280_and_says_so() -> None:
    """The kernel says "Invalid argument" of the address."""
    for mtu, address in ((1279, "10.0.0.2/24"), (1280, "fd00::2/64"), (None, "fd00::2/64")):
        assert parse_placement("eth0", None, mtu, [address], None).mtu == mtu
    with pytest.raises(KernelError, match="mtu 1279: IPv6 needs 1280 bytes"):
        parse_placement("eth0", None, 1279, ["10.0.0.2/24", "fd00::2/64"], None)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "a/b", "interface name"),
        ("mac", "02:00", "is none"),
        ("mac", "01:00:5e:00:00:01", "no unicast"),
        ("mac", "00:00:00:00:00:00", "stands for none at all"),
        ("mtu", 67, "out of range"),
        ("mtu", 65536, "out of range"),
        ("addresses", ["10.0.0.1"], "no prefix length"),
        ("addresses", ["10.0.0.300/24"], "write it as"),
        ("gateway", "10.0.0.0/24", "write it as"),
        ("gateway", ["10.0.0.1", "10.0.0.2"], "two of one family"),
    ],
)
def test_a_wrong_word_is_named(field: str, value: object, sentence: str) -> None:
    words: dict[str, object] = {
        "name": "eth0",
        "mac": None,
        "mtu": None,
        "addresses": [],
        "gateway": None,
        field: value,
    }
    with pytest.raises(KernelError, match=sentence):
        parse_placement(**words)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "path", ["/nonexistent", "/etc/passwd", "/dev/null", "/proc/self/ns/mnt", "/", "a\0b"]
)
def test_s39_only_network_namespaces_are_opened(path: str) -> None:
    with pytest.raises(KernelError, match="network namespace"):
        open_namespace(path)


def test_a_fifo_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(KernelError, match="is no network namespace"):
        open_namespace(tmp_path / "fifo")


def test_our_own_namespace_opens_by_path() -> None:
    os.close(open_namespace("/proc/self/ns/net"))


def test_a_missing_tun_device_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tap, "_DEVICE", "/nonexistent/net/tun")
    with pytest.raises(KernelError, match=r"is missing; load the module \(modprobe tun\)"):
        make_tap("t0", persistent=False)


def test_errors_of_a_task_reach_its_caller() -> None:
    def fail() -> None:
        raise ValueError("its own")

    with pytest.raises(ValueError, match="its own"):
        on_thread(fail)
    assert inside(None, lambda: 5) == 5


def test_an_error_says_what_why_and_what_to_do() -> None:
    error = kernel_error("mtu 9 for eth0", errno.EPERM)
    assert str(error) == (
        "mtu 9 for eth0: Operation not permitted; run as root, or inside `unshare -Urnm`"
    )
    assert (error.what, error.code) == ("mtu 9 for eth0", errno.EPERM)
