"""The synchronous client: results, errors, and the sentence when nobody answers."""

from __future__ import annotations

import errno
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.kit.fakedaemon import FakeDaemon
from vswitch.errors import Exit, RpcError
from vswitch.rpc.client import Client


def test_a_call_returns_the_result(tmp_path: Path) -> None:
    with FakeDaemon(tmp_path, {"status": {"pid": 7}}) as daemon, Client(tmp_path) as client:
        assert client.call("status") == {"pid": 7}
        assert client.call("bridge.show", name="br0") is None
        assert daemon.calls == [("status", {}), ("bridge.show", {"name": "br0"})]


def test_a_large_result_comes_whole(tmp_path: Path) -> None:
    flows = [{"n": n, "text": "x" * 100} for n in range(20_000)]
    with FakeDaemon(tmp_path, {"flow.list": flows}), Client(tmp_path) as client:
        assert client.call("flow.list", bridge="br0") == flows


def test_an_error_is_raised_and_the_connection_goes_on(tmp_path: Path) -> None:
    refusal = RpcError(what="bridge br0", why="there is none", do="add it", exit=3)
    with FakeDaemon(tmp_path, {"bridge.rm": refusal, "status": 1}), Client(tmp_path) as client:
        with pytest.raises(RpcError, match=r"^bridge br0: there is none; add it$") as caught:
            client.call("bridge.rm", name="br0")
        assert caught.value.exit == 3
        assert client.call("status") == 1


def test_without_a_daemon_the_sentence_names_the_socket(tmp_path: Path) -> None:
    where = re.escape(str(tmp_path / "vswitch.sock"))
    with pytest.raises(RpcError, match=rf"none answers at {where} \(No such file.*start vswitchd"):
        Client(tmp_path).call("status")


def test_a_socket_that_is_not_ours_to_ask_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(RpcError, match=r"\(Permission denied\); ask as the user that it runs as"):
        Client(tmp_path).call("status")


def test_a_socket_that_nobody_serves_is_told(tmp_path: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / "vswitch.sock"))
    left.close()
    with pytest.raises(RpcError, match="Connection refused"):
        Client(tmp_path).call("status")


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (b"", "the connection broke"),
        (b'{"jsonrpc":"2.0","id":1,', "the connection broke"),
        (b"HTTP/1.1 400\n", "no JSON-RPC"),
        (b'{"id":77,"result":1}\n', "no JSON-RPC"),
    ],
)
def test_a_peer_that_is_no_daemon_is_told(tmp_path: Path, reply: bytes, sentence: str) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "vswitch.sock"))
    listener.listen()

    def serve() -> None:
        peer, _ = listener.accept()
        peer.recv(1000)
        peer.sendall(reply)
        peer.close()

    thread = threading.Thread(target=serve)
    thread.start()
    with pytest.raises(RpcError, match=sentence):
        Client(tmp_path).call("status")
    thread.join()
    listener.close()


def test_a_daemon_that_is_silent_is_told(tmp_path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "vswitch.sock"))
    listener.listen()
    with pytest.raises(RpcError, match=r"no answer to status within 0\.01 s"):
        Client(tmp_path, timeout=0.01).call("status")
    listener.close()


def test_a_daemon_whose_queue_is_full_is_waited_for(tmp_path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "vswitch.sock"))
    listener.listen(0)
    with socket.socket(socket.AF_UNIX) as first:
        first.connect(str(tmp_path / "vswitch.sock"))
        sentence = r"no answer to a connection within 0\.05 s: .* nothing has changed"
        with pytest.raises(RpcError, match=sentence) as caught:
            Client(tmp_path, timeout=0.05).call("status")
        assert caught.value.exit == Exit.TIMED_OUT

        def serve() -> None:
            listener.accept()[0].close()
            peer, _ = listener.accept()
            peer.recv(1000)
            peer.sendall(b'{"jsonrpc":"2.0","id":1,"result":5}\n')
            peer.close()

        room = threading.Timer(0.05, serve)
        room.start()
        assert Client(tmp_path, timeout=10).call("status") == 5
        room.join()
    listener.close()


def test_the_client_imports_nothing_that_is_slow() -> None:
    code = "import sys, vswitch.rpc.client; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    slow = {"asyncio", "dataclasses", "inspect", "typing", "pathlib", "argparse", "vswitch.schema"}
    assert slow.isdisjoint(loaded.stdout.split())
