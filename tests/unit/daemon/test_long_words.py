"""Words of an operator's that no message of OpenFlow can carry: told in a sentence (exit 2), and
the switch stays as it was.  What a message can carry and the switch can't take, it answers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kit.world import Switch, World
from vswitch.daemon.methods import flows, groups, meters
from vswitch.errors import Exit, Failure

METHODS: dict[str, Any] = {**flows.METHODS, **groups.METHODS, **meters.METHODS}


async def do(w: World, method: str, text: str = "") -> Any:
    """A method of the API on br0, with words for its noun."""
    noun, _, _ = method.partition(".")
    return await METHODS[method](w.daemon, "br0", **({noun: text} if text else {}))


TOO_LONG: list[tuple[str, str, str]] = [
    ("buckets", "group.add", f"group_id=1,type=all{',bucket=output:1' * 3000}"),
    ("one bucket", "group.add", f"group_id=1,type=all,bucket={','.join(['output:1'] * 5000)}"),
    ("another", "group.mod", f"group_id=1,type=all{',bucket=output:1' * 3000}"),
    ("actions", "flow.add", f"actions={','.join(['output:1'] * 5000)}"),
    ("just so", "flow.add", f"actions={','.join(['output:1'] * 4093)}"),
]  # fmt: skip

REFUSED: list[tuple[str, str, str, str]] = [
    ("actions", "flow.add", f"actions={','.join(['output:1'] * 4000)}", "more actions than"),
    ("bands", "meter.add", f"meter=1,kbps{',band=type=drop,rate=1' * 17}", "more bands than"),
    ("buckets", "group.add", f"group_id=1,type=all{',bucket=' * 4094}", "more buckets than"),
]


@pytest.mark.parametrize(("what", "method", "text"), TOO_LONG, ids=[one[0] for one in TOO_LONG])
def test_what_is_longer_than_a_message_is_told_so(
    world: Switch, what: str, method: str, text: str
) -> None:
    async def test(world: World) -> None:
        await world.add("br0")
        with pytest.raises(Failure) as told:
            await do(world, method, text)
        assert told.value.exit == Exit.USAGE
        assert "too long for a message of OpenFlow" in told.value.why
        assert len(str(told.value)) < 200
        assert list(await do(world, "flow.list")) == []
        assert list(await do(world, "group.list")) == []

    world(test)


@pytest.mark.parametrize(
    ("what", "method", "text", "why"), REFUSED, ids=[one[0] for one in REFUSED]
)  # fmt: skip
def test_what_is_shorter_the_switch_refuses_or_takes(
    world: Switch, what: str, method: str, text: str, why: str
) -> None:
    async def test(world: World) -> None:
        await world.add("br0")
        with pytest.raises(Failure, match=why):
            await do(world, method, text)
        many: Any = f"group_id=1,type=all{',bucket=output:1' * 2000}"
        await do(world, "group.add", many)
        assert len((await do(world, "group.list"))[0]["buckets"]) == 2000

    world(test)
