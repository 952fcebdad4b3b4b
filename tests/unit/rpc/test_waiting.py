"""Requests that nobody waits for any more: dropped, or told what becomes of them."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.kit.fakedaemon import FakeDaemon
from tests.unit.rpc.test_server import Connection, ask
from vswitch import patience
from vswitch.errors import Exit, Failure, RpcError
from vswitch.rpc import server as servers
from vswitch.rpc.client import Client
from vswitch.rpc.protocol import Call
from vswitch.rpc.server import Server
from vswitch.rpc.waiting import begin, is_over, keep


class Work:
    """A method that waits for its turn, begins, and waits for somebody else; what it did."""

    def __init__(self) -> None:
        self.turn, self.other = asyncio.Event(), asyncio.Event()
        self.did: list[str] = []
        self.kept = False
        self.lent = -1

    async def bridge(self, name: str) -> object:
        await self.turn.wait()
        begin()
        self.did.append(f"began {name}")
        if self.kept:
            keep()
        await self.other.wait()
        self.did.append(f"ended {name}, {'over' if is_over() else 'in time'}")
        return name

    async def port(self, namespace: int, **_: object) -> None:
        begin()
        self.lent = namespace
        await self.other.wait()
        os.fstat(namespace)
        self.did.append("its descriptor was open")

    async def show(self, name: str) -> object:
        await self.other.wait()
        return name


Test = Callable[[Work, Connection, Server], Coroutine[Any, Any, None]]


def serving(path: Path, test: Test) -> None:
    async def main() -> None:
        work = Work()
        methods = {"bridge.rm": work.bridge, "bridge.show": work.show, "port.add": work.port}
        server = Server(path, methods)
        await server.start()
        connection = await asyncio.open_unix_connection(path)
        try:
            await asyncio.wait_for(test(work, connection, server), 10)
        finally:
            connection[1].close()
            work.turn.set()
            work.other.set()
            await server.close()

    asyncio.run(main())


def remove(timeout: float | None = 0.05, name: str = "br0") -> bytes:
    return Call(1, "bridge.rm", {"name": name}, timeout=timeout).encode()


async def until(true: Callable[[], object]) -> None:
    while not true():
        await asyncio.sleep(0.001)


def exit_of(reply: Any) -> int:
    return int(reply["error"]["data"]["exit"])


def test_what_has_not_begun_in_time_never_does(tmp_path: Path) -> None:
    async def test(work: Work, connection: Connection, _: Server) -> None:
        reply = await ask(connection, remove())
        assert exit_of(reply) == Exit.TIMED_OUT
        assert reply["error"]["message"].startswith(
            "bridge.rm: there was no answer in time: it was given up, and nothing has changed; "
        )
        work.turn.set()
        work.other.set()
        assert (await ask(connection, remove(None, "br1")))["result"] == "br1"  # the control
        assert work.did == ["began br1", "ended br1, in time"]

    serving(tmp_path / "s", test)


def test_what_has_begun_goes_on_and_says_that_it_may_happen(tmp_path: Path) -> None:
    async def test(work: Work, connection: Connection, _: Server) -> None:
        work.turn.set()
        reply = await ask(connection, remove())
        assert exit_of(reply) == Exit.TIMED_OUT
        assert "it may still happen, and can't be undone" in reply["error"]["message"]
        work.other.set()
        await until(lambda: work.did[1:] == ["ended br0, over"])

    serving(tmp_path / "s", test)


def test_what_is_stored_says_so(tmp_path: Path) -> None:
    async def test(work: Work, connection: Connection, _: Server) -> None:
        work.kept = True
        work.turn.set()
        reply = await ask(connection, remove())
        assert exit_of(reply) == Exit.NOT_ACTIVE
        assert "it is stored, and was not active in time" in reply["error"]["message"]

    serving(tmp_path / "s", test)


def test_a_question_is_given_up(tmp_path: Path) -> None:
    async def test(work: Work, connection: Connection, server: Server) -> None:
        asked = Call(1, "bridge.show", {"name": "br0"}, timeout=0.05).encode()
        assert exit_of(await ask(connection, asked)) == Exit.TIMED_OUT
        assert not server._late
        work.other.set()
        assert (await ask(connection, asked))["result"] == "br0"

    serving(tmp_path / "s", test)


@pytest.mark.parametrize("hangs_up", [True, False], ids=["hung up", "asks no more"])
def test_a_request_whose_client_hung_up_before_it_began_is_dropped(
    tmp_path: Path, hangs_up: bool
) -> None:
    """One that only closed its half, as a pipe into a socket does, still reads."""

    async def test(work: Work, connection: Connection, server: Server) -> None:
        reader, writer = connection
        writer.write(remove(None) + remove(None, "br1"))
        await until(lambda: server._busy)
        if hangs_up:
            writer.close()
            await writer.wait_closed()
        else:
            writer.write_eof()
        work.turn.set()
        work.other.set()
        if hangs_up:
            await until(lambda: not server._busy and not server._idle)
            assert work.did == []
        else:
            assert json.loads(await reader.readline())["result"] == "br0"
            assert json.loads(await reader.readline())["result"] == "br1"

    serving(tmp_path / "s", test)


def test_one_that_had_begun_ends_though_its_client_hung_up(tmp_path: Path) -> None:
    async def test(work: Work, connection: Connection, _: Server) -> None:
        work.turn.set()
        connection[1].write(remove(None))
        await until(lambda: work.did)
        connection[1].close()
        work.other.set()
        await until(lambda: len(work.did) == 2)

    serving(tmp_path / "s", test)


def test_what_a_method_leaves_running_is_bound_by_nobodys_patience() -> None:
    """A watch on a container's end outlives the request that asked for it."""
    began: list[str] = []

    async def later() -> None:
        await asyncio.sleep(0)
        begin()
        began.append("later")

    async def method(name: str) -> object:
        begin()
        method.task = asyncio.get_running_loop().create_task(later())  # type: ignore[attr-defined]
        return name

    async def main() -> None:
        gone = [False, True, True]
        line = Call(1, "bridge.show", {"name": "b"}).encode()[:-1]
        reply = await Server("/unused", {"bridge.show": method}).answer(
            line, hung_up=lambda: gone.pop(0)
        )
        assert b"result" in reply
        await method.task  # type: ignore[attr-defined]

    asyncio.run(main())
    assert began == ["later"]


def test_lent_descriptors_stay_open_until_a_late_method_ends(tmp_path: Path) -> None:
    async def test(work: Work, _: Connection, server: Server) -> None:
        params = {"bridge": "br0", "name": "p"}
        call = Call(1, "port.add", params, ("namespace",), 0.05)
        with socket.socket(socket.AF_UNIX) as client, open(os.devnull) as file:
            client.connect(server._path)
            socket.send_fds(client, [call.encode()], [file.fileno()])
            reply = await asyncio.to_thread(client.recv, 1 << 16)
        assert exit_of(json.loads(reply)) == Exit.TIMED_OUT
        work.other.set()
        await until(lambda: work.did)
        await asyncio.sleep(0)
        with pytest.raises(OSError, match="Bad file"):
            os.fstat(work.lent)

    serving(tmp_path / "s", test)


@pytest.mark.parametrize("timeout", ['"5"', "0", "-1", "true", "1e9", "null"])
def test_a_timeout_that_is_none_is_refused(timeout: str) -> None:
    line = f'{{"jsonrpc":"2.0","id":1,"method":"bridge.show","timeout":{timeout}}}'.encode()
    reply = json.loads(asyncio.run(Server("/unused", {}).answer(line)))
    assert ("its timeout is no time" in reply["error"]["message"]) == (timeout != "null")


def test_a_client_that_reads_nothing_is_hung_up_on_and_a_slow_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer may have 64 MiB: nobody keeps one for ever for whoever was stopped."""
    monkeypatch.setattr(servers, "UNREAD_S", 1.0)

    async def large(name: str) -> object:
        return "x" * (3 << 20)

    async def main() -> None:
        server = Server(tmp_path / "s", {"bridge.show": large})
        await server.start()
        asked = Call(1, "bridge.show", {"name": "b"}).encode()
        deaf, _ = clients = [socket.socket(socket.AF_UNIX) for _ in range(2)]
        loop = asyncio.get_running_loop()
        for client in clients:
            client.setblocking(False)
            await loop.sock_connect(client, str(tmp_path / "s"))
            await loop.sock_sendall(client, asked)
        got, since = 0, loop.time()
        while got < 3 << 20:
            await asyncio.sleep(0.1)
            got += len(await loop.sock_recv(clients[1], 1 << 17))
        assert loop.time() - since > 2 * servers.UNREAD_S
        assert len(server._idle | server._busy) == 1
        for client in clients:
            client.close()
        await server.close()
        assert deaf.fileno() < 0

    asyncio.run(asyncio.wait_for(main(), 20))


# ---- the client ------------------------------------------------------------------


def test_what_a_stopped_daemon_has_not_read_is_never_carried_out(tmp_path: Path) -> None:
    with FakeDaemon(tmp_path, {"status": 1}) as daemon:
        with Client(tmp_path, timeout=5) as client:
            assert client.call("status") == 1
            client._timeout = 0.1
            daemon._loop.call_soon_threadsafe(time.sleep, 2)
            time.sleep(0.1)  # it is asleep by now
            with pytest.raises(RpcError, match=r"no answer to bridge\.rm within 0\.1 s: it takes"):
                client.call("bridge.rm", name="br0")
        with Client(tmp_path, timeout=5) as client:
            assert client.call("status") == 1
        assert [name for name, _ in daemon.calls] == ["status", "status"]


def test_what_a_daemon_has_read_and_not_answered_may_have_begun(tmp_path: Path) -> None:
    answers = {"bridge.rm": lambda **_: time.sleep(0.5)}
    with FakeDaemon(tmp_path, answers), Client(tmp_path, timeout=0.1) as client:
        with pytest.raises(RpcError, match="a change that it had begun may still happen") as caught:
            client.call("bridge.rm", name="br0")
        assert caught.value.exit == Exit.TIMED_OUT


def test_the_limit_is_the_environments_unless_one_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(patience.VARIABLE, raising=False)
    assert Client("/r")._timeout == patience.USUAL_S
    monkeypatch.setenv(patience.VARIABLE, "2.5")
    assert Client("/r")._timeout == 2.5
    assert Client("/r", timeout=1)._timeout == 1
    for wrong in ("soon", "0", "-1", "nan", "1e9"):
        monkeypatch.setenv(patience.VARIABLE, wrong)
        with pytest.raises(Failure, match="it is no time to wait; give a number of seconds"):
            Client("/r")
