"""A daemon that only answers: the real server in a thread, methods by table.

Each method's answer is a value, a `Failure` to raise, or a function of the
parameters.  `calls` is what was asked, in order; a descriptor is told by its file's number.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from vswitch.errors import Failure
from vswitch.requests import REQUESTS
from vswitch.rpc.server import Server


class FakeDaemon:
    """Serves on RUN/vswitch.sock while entered; `answers` may be changed meanwhile."""

    def __init__(self, run: Path, answers: Mapping[str, object]) -> None:
        self.run = run
        self.answers = dict(answers)
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._loop = asyncio.new_event_loop()
        methods = {name: self._method(name) for name in REQUESTS}
        self._server = Server(run / "vswitch.sock", methods)
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._server.start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._do(self._server.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, coroutine: Any) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    def _method(self, name: str) -> Callable[..., Awaitable[object]]:
        async def method(**params: Any) -> object:
            lent = REQUESTS[name].lent
            told = {k: os.fstat(v).st_ino if k in lent else v for k, v in params.items()}
            self.calls.append((name, told))
            answer = self.answers.get(name)
            if isinstance(answer, Failure):
                raise answer
            return answer(**params) if callable(answer) else answer

        return method
