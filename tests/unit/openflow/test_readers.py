"""Every message that we write is read by somebody else as well; this fails where nobody does.

A class counts when a message of it stands in one of the tables that ovs-ofctl, os-ken and tshark
are shown, with what they must make of it.
"""

from tests.unit.openflow import test_os_ken, test_ovs_ofctl, test_tshark
from vswitch.openflow.of13 import OF13


def classes(*tables: tuple[tuple[object, object], ...]) -> set[type]:
    return {type(message) for table in tables for message, _ in table}


def test_every_message_has_an_independent_reader() -> None:
    read = classes(test_ovs_ofctl.PRINTED, test_os_ken.SEEN, test_tshark.DISSECTED)
    assert {of.__name__ for of in set(OF13.classes) - read} == set()


def test_whatever_a_switch_sends_is_read_by_a_controller() -> None:
    sent = {of for of in OF13.classes if of.__name__.endswith(("Reply", "Stats"))}
    sent |= {of for of in OF13.classes if of.__name__ in _UNASKED}
    assert {of.__name__ for of in sent - classes(test_os_ken.SEEN)} == set()


_UNASKED = {
    "Hello", "ErrorMessage", "EchoRequest", "Experimenter", "PacketIn", "FlowRemoved",
    "PortStatus",
}  # fmt: skip
"""What a switch sends without having been asked, or to open and end a session."""
