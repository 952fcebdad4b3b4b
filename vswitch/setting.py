"""What is known of one configurable thing, whatever asks for it: how it is read, shown, explained.

Apart from the schema, whose fields they are, so that a command that asks a question needn't load
all that can be configured.  Imports little.
"""

from __future__ import annotations

from vswitch.errors import Refused, SchemaError, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from vswitch.values import Reader


def _same(value: object) -> object:
    return value


class Setting:
    """One configurable thing.

    'read' makes a value of JSON, Python or a command line canonical, or raises Refused; 'show' is
    the value as JSON has it, 'say' as people read it, where that differs.  'many': it is a list.
    'nested': its values are records of their own, of the kind 'record': no argument of a command.
    'live': it may change while what it belongs to is in use: a port carries packets, say.  Never
    changed once it is made.
    """

    __slots__ = ("help", "live", "many", "metavar", "nested", "read", "record", "say", "show")

    def __init__(
        self,
        help: str,
        read: Reader,
        metavar: str,
        show: Callable[[Any], object] = _same,
        many: bool = False,
        nested: bool = False,
        record: type[Any] | None = None,
        live: bool = False,
        say: Callable[[Any], object] | None = None,
    ) -> None:
        self.help, self.read, self.metavar = help, read, metavar
        self.show, self.say = show, say
        self.many, self.nested, self.record, self.live = many, nested, record, live

    def checked(self, what: str, value: object) -> Any:
        """The value as it is kept; SchemaError names it as 'what'."""
        try:
            return self.read(value)
        except Refused as refusal:
            told = shown(refusal.items or value)
            raise SchemaError(f"{what} {told}", refusal.why, refusal.do) from None
