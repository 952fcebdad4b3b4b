"""Descriptors lent beside a request: they arrive, and whatever is sent, none stays open."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.fakedaemon import FakeDaemon
from vswitch.errors import RpcError
from vswitch.rpc.client import Client
from vswitch.rpc.descriptors import LENT_MAX, Lent, TooMany, receive, send
from vswitch.rpc.protocol import Call

NAMES = {"bridge": "br0", "name": "p"}


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[FakeDaemon]:
    with FakeDaemon(tmp_path, {"port.add": 1, "status": 2}) as made:
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    fd = os.open(tmp_path / "lent", os.O_RDWR | os.O_CREAT)
    yield fd
    os.close(fd)


def held(file: int) -> int:
    """How often the file is open in this process, which is client and server at once."""
    wanted = os.fstat(file)
    found = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            found += os.path.samestat(os.stat(f"/proc/self/fd/{name}"), wanted)
        except OSError:  # the descriptor of the listing itself
            continue
    return found


def connect(daemon: FakeDaemon) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(10)
    connection.connect(str(daemon.run / "vswitch.sock"))
    return connection


def heard(connection: socket.socket) -> list[Any]:
    """All answers until the server has closed the connection, as it does after its end."""
    connection.shutdown(socket.SHUT_WR)
    data = b""
    while more := connection.recv(1 << 16):
        data += more
    connection.close()
    return [json.loads(line) for line in data.splitlines()]


def test_a_method_gets_the_very_file_and_keeps_nothing(daemon: FakeDaemon, file: int) -> None:
    with Client(daemon.run) as client:
        assert client.call("port.add", {"namespace": file}, **NAMES) == 1
        assert client.call("status") == 2
        assert held(file) == 1
    assert daemon.calls[0] == ("port.add", {**NAMES, "namespace": os.fstat(file).st_ino})


def test_what_arrives_does_not_outlive_an_exec(file: int) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, Lent() as lent:
        send(ours, b"x", [file])
        data, fds = receive(theirs, 10)
        lent.add(fds)
        assert (data, len(fds)) == (b"x", 1)
        assert not os.get_inheritable(fds[0])


@pytest.mark.parametrize(
    ("method", "names", "sentence"),
    [
        ("status", ["namespace"], "it takes none"),
        ("port.add", ["netns"], "it takes namespace"),
        ("port.add", ["namespace", "namespace"], "each once"),
        ("paint", ["namespace"], "there is none"),
    ],
)
def test_a_method_gets_only_what_it_takes(
    daemon: FakeDaemon, file: int, method: str, names: list[str], sentence: str
) -> None:
    connection = connect(daemon)
    params = NAMES if method == "port.add" else {}
    send(connection, Call(1, method, dict(params), names).encode(), [file] * len(names))
    (reply,) = heard(connection)
    assert sentence in reply["error"]["message"]
    assert daemon.calls == []
    assert held(file) == 1


def test_a_request_that_names_what_did_not_come_is_refused(daemon: FakeDaemon) -> None:
    connection = connect(daemon)
    connection.sendall(Call(1, "port.add", dict(NAMES), ["namespace"]).encode())
    (reply,) = heard(connection)
    assert "it names 1 descriptors, and 0 came with it" in reply["error"]["message"]
    assert daemon.calls == []


def test_a_method_that_can_t_do_without_a_descriptor_says_so(daemon: FakeDaemon) -> None:
    connection = connect(daemon)
    connection.sendall(Call(1, "flow.load", {"bridge": "br0"}).encode())
    (reply,) = heard(connection)
    assert reply["error"]["message"].startswith("flow.load: it needs flow_mods; ")
    assert daemon.calls == []


@pytest.mark.parametrize("names", ['"namespace"', "[1]", "{}", "null"])
def test_names_that_are_none_are_no_request(daemon: FakeDaemon, file: int, names: str) -> None:
    connection = connect(daemon)
    line = f'{{"jsonrpc":"2.0","id":1,"method":"status","descriptors":{names}}}\n'
    send(connection, line.encode(), [file])
    (reply,) = heard(connection)
    assert reply["error"]["code"] == -32600
    assert held(file) == 1


def test_descriptors_that_nobody_named_reach_no_later_request(
    daemon: FakeDaemon, file: int
) -> None:
    """Each of these is sent with a descriptor, and none of them takes it."""
    connection = connect(daemon)
    for junk in (b"junk\n", b"\n", Call(1, "status", {}).encode(), b'{"id":1}\n', b"\0\n"):
        send(connection, junk, [file])
        connection.recv(1 << 16)
        connection.sendall(Call(9, "status", {}).encode())
        connection.recv(1 << 16)  # so the server is done with what came before
        assert held(file) == 1
    connection.sendall(Call(2, "port.add", dict(NAMES), ["namespace"]).encode())
    (reply,) = heard(connection)
    assert "0 came with it" in reply["error"]["message"]


def test_a_line_in_parts_keeps_its_descriptor_until_it_is_whole(
    daemon: FakeDaemon, file: int
) -> None:
    connection = connect(daemon)
    line = Call(1, "port.add", dict(NAMES), ["namespace"]).encode()
    send(connection, line[:1], [file])
    for byte in line[1:]:
        connection.sendall(bytes([byte]))
    (reply,) = heard(connection)
    assert reply["result"] == 1
    assert held(file) == 1


def test_the_requests_before_and_behind_take_nothing(daemon: FakeDaemon, file: int) -> None:
    connection = connect(daemon)
    connection.sendall(Call(1, "status", {}).encode())
    send(connection, Call(2, "port.add", dict(NAMES), ["namespace"]).encode(), [file])
    connection.sendall(Call(3, "status", {}).encode())
    assert [reply["result"] for reply in heard(connection)] == [2, 1, 2]
    assert held(file) == 1


@pytest.mark.parametrize("count", [LENT_MAX + 1, 100, 253])
@pytest.mark.parametrize("line", [b"x", b"x\n"])
def test_more_than_any_request_takes_ends_the_connection(
    daemon: FakeDaemon, file: int, count: int, line: bytes
) -> None:
    connection = connect(daemon)
    send(connection, line, [file] * count)
    (reply,) = heard(connection)
    assert "descriptors came with it" in reply["error"]["message"]
    assert held(file) == 1


def test_one_after_the_other_without_an_end_ends_the_connection(
    daemon: FakeDaemon, file: int
) -> None:
    connection = connect(daemon)
    for _ in range(LENT_MAX + 1):
        send(connection, b"x", [file])
    (reply,) = heard(connection)
    assert "descriptors came with it" in reply["error"]["message"]
    assert held(file) == 1


def test_a_client_that_goes_away_amid_a_line_leaves_nothing_open(
    daemon: FakeDaemon, file: int
) -> None:
    connection = connect(daemon)
    send(connection, b"{", [file])
    assert heard(connection) == []
    assert held(file) == 1


def test_a_method_that_fails_leaves_nothing_open(daemon: FakeDaemon, file: int) -> None:
    daemon.answers["port.add"] = RpcError(what="port p", why="no", do="never mind")
    with Client(daemon.run) as client, pytest.raises(RpcError, match="port p: no"):
        client.call("port.add", {"namespace": file}, **NAMES)
    assert held(file) == 1


def test_a_large_request_takes_its_descriptor_along(daemon: FakeDaemon, file: int) -> None:
    connection = connect(daemon)
    line = Call(1, "port.add", dict(NAMES), ["namespace"]).encode()
    send(connection, b" " * 1_000_000 + line, [file])
    (reply,) = heard(connection)
    assert reply["result"] == 1
    assert daemon.calls[0][1]["namespace"] == os.fstat(file).st_ino


def test_what_is_held_is_bounded_and_closed(file: int) -> None:
    with Lent() as lent:
        lent.add([os.dup(file)])
        (own,) = lent.take(3)
        os.close(own)
        lent.add([os.dup(file)])
    assert held(file) == 1
    with Lent() as lent, pytest.raises(TooMany):
        lent.add([os.dup(file) for _ in range(LENT_MAX + 1)])
    assert held(file) == 1


def test_a_peer_that_reads_slowly_gets_all(daemon: FakeDaemon, file: int) -> None:
    """The server's answers wait in its socket's way, its next read comes after them."""
    daemon.answers["status"] = "x" * 3_000_000
    connection = connect(daemon)
    lines = (
        Call(1, "status", {}).encode() + Call(2, "port.add", dict(NAMES), ["namespace"]).encode()
    )
    sender = threading.Thread(target=send, args=(connection, lines, [file]))
    sender.start()
    sender.join()
    first, second = heard(connection)
    assert (len(first["result"]), second["result"]) == (3_000_000, 1)
    assert held(file) == 1
