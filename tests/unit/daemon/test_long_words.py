"""Words of an operator's that no message of OpenFlow can carry: told in a sentence (exit 2), and
the switch stays as it was.  What a message can carry and the switch can't take, it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.unit.daemon.test_play_back import Switch, World, world  # noqa: F401
from vswitch.daemon.methods import flows, groups, meters
from vswitch.errors import Exit, Failure

Add = Callable[..., Awaitable[object]]

TOO_LONG: list[tuple[str, Add, str]] = [
    ("buckets", groups.add, f"group_id=1,type=all{',bucket=output:1' * 3000}"),
    ("one bucket", groups.add, f"group_id=1,type=all,bucket={','.join(['output:1'] * 5000)}"),
    ("another", groups.modify, f"group_id=1,type=all{',bucket=output:1' * 3000}"),
    ("actions", flows.add, f"actions={','.join(['output:1'] * 5000)}"),
    ("just so", flows.add, f"actions={','.join(['output:1'] * 4093)}"),
]  # fmt: skip

REFUSED: list[tuple[str, Add, str, str]] = [
    ("actions", flows.add, f"actions={','.join(['output:1'] * 4000)}", "more actions than"),
    ("bands", meters.add, f"meter=1,kbps{',band=type=drop,rate=1' * 17}", "more bands than"),
    ("buckets", groups.add, f"group_id=1,type=all{',bucket=' * 4094}", "more buckets than"),
]


@pytest.mark.parametrize(("what", "add", "text"), TOO_LONG, ids=[one[0] for one in TOO_LONG])
def test_what_is_longer_than_a_message_is_told_so(
    world: Switch, what: str, add: Add, text: str  # noqa: F811
) -> None:
    async def test(world: World) -> None:
        await world.add("br0")
        with pytest.raises(Failure) as told:
            await add(world.daemon, "br0", text)
        assert told.value.exit == Exit.USAGE
        assert "too long for a message of OpenFlow" in told.value.why
        assert len(str(told.value)) < 200
        assert await flows.list_(world.daemon, "br0") == []
        assert await groups.list_(world.daemon, "br0") == []

    world(test)


@pytest.mark.parametrize(
    ("what", "add", "text", "why"), REFUSED, ids=[one[0] for one in REFUSED]
)  # fmt: skip
def test_what_is_shorter_the_switch_refuses_or_takes(
    world: Switch, what: str, add: Add, text: str, why: str  # noqa: F811
) -> None:
    async def test(world: World) -> None:
        await world.add("br0")
        with pytest.raises(Failure, match=why):
            await add(world.daemon, "br0", text)
        many: Any = f"group_id=1,type=all{',bucket=output:1' * 2000}"
        await groups.add(world.daemon, "br0", many)
        assert len((await groups.list_(world.daemon, "br0"))[0]["buckets"]) == 2000

    world(test)
