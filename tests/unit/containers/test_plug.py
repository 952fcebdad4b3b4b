"""Containers' ports: how often a daemon is asked for one that is gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from containers import plug
from containers.identity import ourselves
from containers.plug import RETRY_SECONDS, Plug
from containers.registry import Entry, Registry
from containers.spec import Spec
from vswitch.errors import Failure


def test_one_that_refused_is_left_alone_for_a_while_and_a_new_one_is_asked_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    now = 0.0

    def refuse(*_: Any, anyway: bool) -> bool:
        asked.append(now)
        raise Failure("port c1", "no", "wait")

    monkeypatch.setattr(plug, "connect", refuse)
    monkeypatch.setattr(plug.RunningProcess, "has", lambda *_: False)
    door = tmp_path / "run" / "vswitch.sock"
    registry = Registry(str(door.parent))
    door.touch()
    spec = Spec(command=("true",), name="c1", bridge="br0")
    one = Plug(registry, Entry(spec, ourselves(), 0.0))
    for now in (0.0, 0.5, RETRY_SECONDS - 0.1, RETRY_SECONDS, RETRY_SECONDS + 0.5):
        one.look(now)
    assert asked == [0.0, RETRY_SECONDS]
    door.rename(door.with_name("old"))  # so that its number is not given again
    now = RETRY_SECONDS + 0.6
    one.look(now)  # nobody is there: that is news, too
    door.touch()
    for now in (RETRY_SECONDS + 0.7, RETRY_SECONDS + 0.8):
        one.look(now)
    one.close()
    assert asked[2:] == [RETRY_SECONDS + 0.6, RETRY_SECONDS + 0.7]
