"""The filter of system calls: run as the kernel would, beside a plain reading of its table."""

from __future__ import annotations

import errno
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from containers.seccomp import (
    ATTRIBUTES,
    LAST,
    LOOKED_INTO,
    MACHINES,
    NESTED,
    REFUSED,
    UNKNOWN,
    Has,
    Is,
    program,
)
from tests.kit import needs
from tests.kit.bpf import check, decide
from vswitch.errors import SchemaError

ALLOW, KILL = 0x7FFF0000, 0x80000000
EPERM, ENOSYS = 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS
ENOTSUP = 0x50000 | errno.ENOTSUP
I386, ARM = 0x40000003, 0x40000028
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
ZERO = (0,) * 6

machines = st.sampled_from(sorted(MACHINES))
words = st.one_of(
    st.integers(0, 2**64 - 1),
    st.sampled_from((0, 0o644, 0o4755, 0o2755, 0o100, 0x10000000, 0x5412, 0x541C, 38, 40)),
    st.integers(0, 63).map(lambda bit: 1 << bit),
)


def call(machine: str, name: str, *arguments: int, nested: bool = False) -> int:
    known = MACHINES[machine]
    return decide(program(machine, nested), known.audit, known.numbers[name],
                  (*arguments, *ZERO)[:6])  # fmt: skip


def expected(machine: str, number: int, arguments: Sequence[int], nested: bool) -> int:
    """The table, read plainly."""
    if number > LAST:
        return ENOSYS
    names = [name for name, own in MACHINES[machine].numbers.items() if own == number]
    assert len(names) <= 1
    if not names or (nested and names[0] in NESTED):
        return ALLOW
    (name,) = names
    if name in ATTRIBUTES:
        return ENOTSUP if nested else ALLOW
    if name in UNKNOWN:
        return ENOSYS
    if name in REFUSED:
        return EPERM
    for test in LOOKED_INTO[name]:
        value = arguments[test.argument] & 0xFFFFFFFF
        if isinstance(test, Has) and not value & test.bits:
            return ALLOW
        if isinstance(test, Is) and value not in test.values:
            return ALLOW
    return EPERM


@given(machines, st.integers(0, 480), st.tuples(*[words] * 6), st.booleans())
def test_it_does_what_its_table_says(
    machine: str, number: int, arguments: tuple[int, ...], nested: bool
) -> None:
    filter = program(machine, nested)
    decided = decide(filter, MACHINES[machine].audit, number, arguments)
    assert decided == expected(machine, number, arguments, nested)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("nested", [False, True])
def test_every_number_of_the_table_is_decided_and_the_kernel_would_load_it(
    machine: str, nested: bool
) -> None:
    check(program(machine, nested))
    for arguments in (ZERO, (2**64 - 1,) * 6):
        for number in range(LAST + 50):
            decided = decide(program(machine, nested), MACHINES[machine].audit, number, arguments)
            assert decided == expected(machine, number, arguments, nested), number


@pytest.mark.parametrize("machine", MACHINES)
def test_no_new_namespace_but_threads_and_processes_a3(machine: str) -> None:
    threads = 0x3D0F00  # what a thread of glibc's is cloned with
    assert call(machine, "clone", threads) == ALLOW
    assert call(machine, "clone", 17) == ALLOW  # fork
    assert call(machine, "clone", 0x10000000 | 17) == EPERM
    assert call(machine, "clone", 0xFFFFFFFF00000000 | 0x10000000) == EPERM
    assert call(machine, "unshare", 0x10000000) == EPERM
    assert call(machine, "unshare", 0x400) == ALLOW  # its own table of fds
    assert call(machine, "setns", 5, 0) == EPERM
    assert call(machine, "clone3") == ENOSYS
    assert call(machine, "mount") == EPERM
    for name in ("clone", "clone3", "unshare", "setns", "mount"):
        assert call(machine, name, 0x10000000, nested=True) == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
def test_no_file_with_the_rights_of_its_owner_a7(machine: str) -> None:
    for mode, answer in ((0o755, ALLOW), (0o1777, ALLOW), (0o4755, EPERM), (0o2755, EPERM)):
        assert call(machine, "fchmod", 3, mode) == answer
        assert call(machine, "fchmodat", 3, 0, mode) == answer
        assert call(machine, "fchmodat2", 3, 0, mode) == answer
        assert call(machine, "mknodat", 3, 0, 0o100000 | mode) == answer
        assert call(machine, "openat", 3, 0, 0o101, mode) == answer
        assert call(machine, "openat", 3, 0, 0o20200001, mode) == answer
        assert call(machine, "openat", 3, 0, 0o1, mode) == ALLOW  # no mode, whatever stands there
        assert call(machine, "openat", 3, 0, 0o101, mode, nested=True) == answer
    assert call(machine, "openat2") == ENOSYS
    assert call("x86_64", "creat", 0, 0o4755) == call("x86_64", "chmod", 0, 0o4755) == EPERM
    assert call("x86_64", "open", 0, 0o101, 0o4755) == EPERM


@pytest.mark.parametrize("machine", MACHINES)
def test_terminals_sockets_and_keys(machine: str) -> None:
    assert call(machine, "ioctl", 0, 0x5412) == call(machine, "ioctl", 0, 0x541C) == EPERM
    assert call(machine, "ioctl", 0, 0xFF00005412 | 2**32) == EPERM  # the kernel takes 32 bits
    assert call(machine, "ioctl", 0, 0x540C) == call(machine, "ioctl", 0, 0x5423) == EPERM
    for harmless in (0x5401, 0x5402, 0x540E, 0x540F, 0x5410, 0x5413, 0x5414, 0x5422, 0x5424):
        assert call(machine, "ioctl", 0, harmless) == ALLOW  # its settings, size, session, job
    assert call(machine, "socket", 2, 1) == call(machine, "socket", 1, 2) == ALLOW
    assert call(machine, "socket", 40, 1) == call(machine, "socket", 38, 5) == EPERM
    assert call(machine, "keyctl", 11) == call(machine, "add_key") == EPERM


@pytest.mark.parametrize("machine", MACHINES)
def test_no_lease_of_a_file_but_all_else_that_fcntl_does(machine: str) -> None:
    for command in (1024, 1040, 1036):  # a lease, a delegation, a hint
        assert call(machine, "fcntl", 3, command, 1) == EPERM
        assert call(machine, "fcntl", 3, 2**32 + command, nested=True) == EPERM
    for command in (*range(20), 36, 37, 38, 1025, 1026, 1030, 1031, 1033, 1034, 1035):
        assert call(machine, "fcntl", 3, command, 1024) == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("foreign", [I386, ARM, 0, 0xFFFFFFFF])
def test_another_architecture_s_call_ends_the_process(machine: str, foreign: int) -> None:
    for number in range(512):
        assert decide(program(machine), foreign, number, ZERO) == KILL


@pytest.mark.parametrize("number", [LAST + 1, 0x40000000, 0x40000000 | 520, 0xFFFFFFFF])
def test_what_nobody_has_looked_at_is_unknown_and_so_is_x32(number: int) -> None:
    assert decide(program("x86_64"), MACHINES["x86_64"].audit, number, ZERO) == ENOSYS


def test_a_machine_without_numbers_is_refused_in_a_sentence() -> None:
    with pytest.raises(SchemaError, match="no filter of system calls for this machine"):
        program("pdp11")


@pytest.mark.parametrize("machine", MACHINES)
def test_the_numbers_are_the_kernel_s(machine: str) -> None:
    header = HEADERS[machine]
    needs.file(header)
    pattern = re.compile(r"#define __NR(?:3264)?_(\w+)\s+(\d+)")
    theirs = {name: int(number) for name, number in pattern.findall(header.read_text())}
    newest = max(theirs.values())
    for name, number in MACHINES[machine].numbers.items():
        assert theirs.get(name, number) == number, name
        assert name in theirs or number > newest, name
    for name in (*REFUSED, *UNKNOWN, *ATTRIBUTES, *LOOKED_INTO):  # none forgotten
        assert (name in theirs) <= (name in MACHINES[machine].numbers), name


def test_every_name_has_a_number_somewhere_and_one_answer() -> None:
    names = (*REFUSED, *UNKNOWN, *ATTRIBUTES, *LOOKED_INTO)
    assert len(set(names)) == len(names)
    assert set(names) == {name for known in MACHINES.values() for name in known.numbers}
    assert set(names) >= NESTED
