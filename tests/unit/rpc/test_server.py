"""The server of the operator API: who may call, what is answered, who has the socket."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import shutil
import socket
import stat
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vswitch.errors import Failure, RpcError
from vswitch.rpc import protocol, server
from vswitch.rpc.protocol import Call
from vswitch.rpc.server import Server

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def show(name: str) -> object:
    return {"name": name}


async def missing(name: str) -> object:
    raise RpcError(what=f"bridge {name}", why="there is none", do="add it", exit=3)


async def broken() -> object:
    raise RuntimeError("two\nlines")


METHODS: dict[str, Callable[..., Awaitable[object]]] = {
    "bridge.show": show, "bridge.rm": missing, "status": broken,
}  # fmt: skip


def serving(path: Path, talk: Callable[[Server, Connection], Coroutine[Any, Any, None]]) -> None:
    """Runs 'talk' with a server and a connection to it."""

    async def run() -> None:
        made = Server(path, METHODS)
        await made.start()
        try:
            connection = await asyncio.open_unix_connection(path)
            await asyncio.wait_for(talk(made, connection), 10)
            connection[1].close()
        finally:
            await made.close()

    asyncio.run(run())


async def ask(connection: Connection, line: bytes) -> Any:
    connection[1].write(line)
    return json.loads(await connection[0].readline())


def test_a_method_is_called_with_its_checked_parameters(tmp_path: Path) -> None:
    async def talk(_: Server, connection: Connection) -> None:
        reply = await ask(connection, Call(1, "bridge.show", {"name": "br0"}).encode())
        assert reply == {"jsonrpc": "2.0", "id": 1, "result": {"name": "br0"}}

    serving(tmp_path / "s", talk)


@pytest.mark.parametrize(
    ("method", "params", "exit", "sentence"),
    [
        ("bridge.rm", {"name": "br0"}, 3, "bridge br0: there is none; add it"),
        ("bridge.show", {}, 2, "bridge.show: it needs name; add it"),
        ("bridge.show", {"name": "../x"}, 2, "bridge name '../x': it holds"),
        ("bridge.show", {"name": "b", "x": 1}, 2, "parameter 'x': it is unknown; use name"),
        ("bridge.paint", {}, 2, "method 'bridge.paint': there is none; use bridge.rm,"),
        ("__init__", {}, 2, "there is none"),
        ("status", {}, 1, "status: a defect of vswitchd (RuntimeError: two lines); see"),
    ],
)
def test_an_error_is_answered_with_its_exit_code_and_sentence(
    tmp_path: Path, method: str, params: dict[str, object], exit: int, sentence: str
) -> None:
    async def talk(_: Server, connection: Connection) -> None:
        reply = await ask(connection, Call(1, method, params).encode())
        assert reply["error"]["data"]["exit"] == exit
        assert sentence in reply["error"]["message"]

    serving(tmp_path / "s", talk)


def test_requests_sent_at_once_are_answered_in_order(tmp_path: Path) -> None:
    async def talk(_: Server, connection: Connection) -> None:
        lines = [Call(n, "bridge.show", {"name": f"b{n}"}).encode() for n in range(50)]
        connection[1].write(b"".join(lines))
        replies = [json.loads(await connection[0].readline()) for _ in lines]
        assert [reply["id"] for reply in replies] == list(range(50))

    serving(tmp_path / "s", talk)


def test_a_request_in_single_bytes_is_understood(tmp_path: Path) -> None:
    async def talk(_: Server, connection: Connection) -> None:
        for byte in Call(1, "bridge.show", {"name": "b"}).encode():
            connection[1].write(bytes([byte]))
            await connection[1].drain()
            await asyncio.sleep(0)
        assert json.loads(await connection[0].readline())["result"] == {"name": "b"}

    serving(tmp_path / "s", talk)


def test_after_a_line_that_is_no_request_the_connection_goes_on(tmp_path: Path) -> None:
    async def talk(_: Server, connection: Connection) -> None:
        assert (await ask(connection, b"nonsense\n"))["error"]["code"] == -32700
        reply = await ask(connection, Call(2, "bridge.show", {"name": "b"}).encode())
        assert reply["result"] == {"name": "b"}

    serving(tmp_path / "s", talk)


def test_a_line_without_end_is_answered_and_the_connection_closed(tmp_path: Path) -> None:
    async def talk(_: Server, connection: Connection) -> None:
        connection[1].write(b"x" * (protocol.REQUEST_MAX + 1))
        reply = json.loads(await connection[0].readline())
        assert "split it into several" in reply["error"]["message"]
        assert await connection[0].read() == b""

    serving(tmp_path / "s", talk)


@given(line=st.binary(max_size=80).map(lambda data: data.replace(b"\n", b"")))
def test_any_line_gets_one_line_back(line: bytes) -> None:
    reply = asyncio.run(Server("/unused", METHODS).answer(line))
    assert reply.count(b"\n") == 1
    assert json.loads(reply)["jsonrpc"] == "2.0"


def test_a_method_that_nobody_declared_is_refused_when_the_server_is_made() -> None:
    with pytest.raises(ValueError, match=r"bridge\.paint"):
        Server("/unused", {"bridge.paint": show})


def test_s23_the_socket_is_its_owners_alone_from_birth(tmp_path: Path) -> None:
    old = os.umask(0)
    try:

        async def talk(_: Server, __: Connection) -> None:
            assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o600

        serving(tmp_path / "s", talk)
    finally:
        os.umask(old)


def test_a_socket_that_was_removed_is_put_back_and_who_is_connected_stays(tmp_path: Path) -> None:
    call = Call(1, "bridge.show", {"name": "b"}).encode()

    async def talk(served: Server, connection: Connection) -> None:
        assert not served.keep()
        (tmp_path / "s").unlink()
        (tmp_path / "s.lock").unlink()
        assert served.keep()
        assert not served.keep()
        assert "result" in await ask(connection, call)
        again = await asyncio.open_unix_connection(tmp_path / "s")
        assert "result" in await ask(again, call)
        again[1].close()
        with pytest.raises(Failure, match="in use by process"):
            await Server(tmp_path / "s", METHODS).start()

    serving(tmp_path / "s", talk)
    assert list(tmp_path.iterdir()) == []


def test_a_socket_whose_name_is_another_s_is_told_and_left_to_them(tmp_path: Path) -> None:
    async def talk(served: Server, _: Connection) -> None:
        (tmp_path / "s").unlink()
        with socket.socket(socket.AF_UNIX) as theirs:
            theirs.bind(str(tmp_path / "s"))
            theirs.listen()
            for _ in range(2):
                with pytest.raises(Failure, match="can't be made: somebody listens there already"):
                    served.keep()
        assert served.keep()  # they are gone

    serving(tmp_path / "s", talk)


def test_a_folder_that_is_gone_holds_up_no_close(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()

    async def talk(_: Server, __: Connection) -> None:
        shutil.rmtree(folder)

    serving(folder / "s", talk)
    assert not folder.exists()


class Peer:
    """A socket whose peer has this uid."""

    def __init__(self, uid: int) -> None:
        self._uid = uid

    def getsockopt(self, *_: object) -> bytes:
        return server._CREDENTIALS.pack(1, self._uid, self._uid)


@pytest.mark.parametrize(
    ("ours", "theirs", "trusted"),
    [(0, 0, True), (1000, 1000, True), (1000, 0, True), (0, 1000, False), (1000, 1001, False)],
)
def test_s37_only_our_own_user_and_root_are_heard(
    monkeypatch: pytest.MonkeyPatch, ours: int, theirs: int, trusted: bool
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: ours)
    assert server._trusted(Peer(theirs)) is trusted


def test_a_stranger_gets_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(_: Server, connection: Connection) -> None:
        connection[1].write(Call(1, "bridge.show", {"name": "b"}).encode())
        connection[1].write_eof()
        with contextlib.suppress(ConnectionResetError):
            heard.append(await connection[0].read())

    heard: list[bytes] = []
    serving(tmp_path / "s", answer)
    assert heard[0]  # we do
    monkeypatch.setattr(server, "_trusted", lambda peer: False)
    serving(tmp_path / "s", answer)
    assert not any(heard[1:])


def test_a_second_daemon_is_told_who_has_the_socket(tmp_path: Path) -> None:
    async def talk(_: Server, connection: Connection) -> None:
        with pytest.raises(Failure, match=f"in use by process {os.getpid()}; use that daemon"):
            await Server(tmp_path / "s", METHODS).start()
        reply = await ask(connection, Call(1, "bridge.show", {"name": "b"}).encode())
        assert "result" in reply

    serving(tmp_path / "s", talk)


def test_the_socket_of_a_killed_daemon_is_taken_over(tmp_path: Path) -> None:
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(tmp_path / "s"))
    stale.close()
    (tmp_path / "s.lock").write_text("99999\n")

    async def talk(_: Server, connection: Connection) -> None:
        reply = await ask(connection, Call(1, "bridge.show", {"name": "b"}).encode())
        assert "result" in reply

    serving(tmp_path / "s", talk)


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("precious")
    with pytest.raises(Failure, match="something that is no socket has this name"):
        asyncio.run(Server(tmp_path / "s", METHODS).start())
    assert (tmp_path / "s").read_text() == "precious"
    assert not (tmp_path / "s.lock").exists()


def test_who_comes_when_no_descriptor_is_left_is_heard_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept, refusals = socket.socket.accept, [OSError(errno.EMFILE, "Too many open files")]

    def refused_once(listener: socket.socket) -> Any:
        if refusals:
            raise refusals.pop()
        return accept(listener)

    monkeypatch.setattr(server, "RETRY_S", 0.001)
    monkeypatch.setattr(socket.socket, "accept", refused_once)

    async def talk(_: Server, connection: Connection) -> None:
        reply = await ask(connection, Call(1, "bridge.show", {"name": "b"}).encode())
        assert reply["result"] == {"name": "b"}
        assert refusals == []

    serving(tmp_path / "s", talk)


def test_nothing_is_left_after_close(tmp_path: Path) -> None:
    async def talk(_: Server, connection: Connection) -> None:
        assert {path.name for path in tmp_path.iterdir()} == {"s", "s.lock"}

    serving(tmp_path / "s", talk)
    assert list(tmp_path.iterdir()) == []


def test_close_lets_a_running_method_answer(tmp_path: Path) -> None:
    async def run() -> None:
        entered, go = asyncio.Event(), asyncio.Event()

        async def slow() -> object:
            entered.set()
            await go.wait()
            return "done"

        made = Server(tmp_path / "s", {"status": slow})
        await made.start()
        connection = await asyncio.open_unix_connection(tmp_path / "s")
        connection[1].write(Call(1, "status", {}).encode())
        await entered.wait()
        closing = asyncio.create_task(made.close())
        await asyncio.sleep(0)
        go.set()
        await closing
        assert json.loads(await connection[0].readline())["result"] == "done"
        assert await connection[0].read() == b""
        connection[1].close()

    asyncio.run(run())


def test_a_client_that_never_reads_does_not_hold_up_close(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "CLOSE_S", 0.01)

    async def run() -> None:
        called = asyncio.Event()

        async def much() -> object:
            called.set()
            return "x" * 8_000_000

        made = Server(tmp_path / "s", {"status": much})
        await made.start()
        _, writer = await asyncio.open_unix_connection(tmp_path / "s", limit=16)
        writer.write(Call(1, "status", {}).encode())
        await called.wait()
        await asyncio.wait_for(made.close(), 5)
        writer.close()

    asyncio.run(run())
