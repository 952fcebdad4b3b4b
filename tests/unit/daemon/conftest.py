"""A daemon for a test: `world` runs a coroutine with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit.world import Switch, worlds


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Switch:
    return worlds(tmp_path, monkeypatch)
