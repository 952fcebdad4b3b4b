"""The generated cases are honest frames and rules, and the same every time."""

from pathlib import Path

import numpy as np
import pytest
from scapy.all import Ether, rdpcap
from scapy.layers.inet import IP, TCP, UDP

from datapath.rule import parse_rule
from perf.traffic import CASES, internet_checksum, write_case


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("traffic")
    for name in ("f1", "f10k", "pipe3", "mac1k", "acl100"):
        write_case(path, name)
    return path


@pytest.mark.parametrize("name", ["f1", "f10k", "pipe3", "mac1k", "acl100"])
def test_every_rule_is_read_by_our_own_parser(folder: Path, name: str) -> None:
    lines = (folder / f"{name}.rules").read_text().splitlines()
    assert lines
    for line in lines:
        parse_rule(line)


@pytest.mark.parametrize("name", ["f10k", "acl100"])
def test_scapy_agrees_with_lengths_and_checksums(folder: Path, name: str) -> None:
    for packet in rdpcap(str(folder / f"{name}.pcap"), count=200):
        rebuilt = Ether(bytes(packet))
        del rebuilt[IP].chksum, rebuilt[IP].len
        if TCP in rebuilt:
            del rebuilt[TCP].chksum
        else:
            del rebuilt[UDP].len
        assert bytes(rebuilt) == bytes(packet)


def test_flows_are_all_different(folder: Path) -> None:
    data = np.frombuffer((folder / "f10k.pcap").read_bytes()[24:], np.uint8).reshape(-1, 76)
    assert len({row[16 + 23 : 16 + 38].tobytes() for row in data}) == 10_000


def test_a_case_is_the_same_every_time(folder: Path, tmp_path: Path) -> None:
    write_case(tmp_path, "acl100")
    for kind in ("rules", "pcap"):
        first, second = (path / f"acl100.{kind}" for path in (folder, tmp_path))
        assert first.read_bytes() == second.read_bytes()


def test_acls_have_as_many_rules_as_their_words_say() -> None:
    for name, count in (("acl100", 101), ("acl1k", 1_001)):
        rules, rows = CASES[name].make(np.random.default_rng(1))
        assert len(set(rules)) == count
        assert rows.shape == (20_000, 60)


def test_the_checksum_of_rfc_1071s_example() -> None:
    row = np.array([[0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7]], np.uint8)
    assert internet_checksum(row)[0] == 0xFFFF - 0xDDF2
