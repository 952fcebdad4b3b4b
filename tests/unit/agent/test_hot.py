"""What goes to the forwarder unread, in each version's numbers."""

from __future__ import annotations

from vswitch.agent.hot import HOT
from vswitch.openflow.codec import DIALECTS
from vswitch.values import PROTOCOLS


def test_every_version_that_can_be_chosen_has_a_dialect_and_its_hot_messages() -> None:
    assert set(PROTOCOLS.values()) == set(DIALECTS) == set(HOT)


def test_the_numbers_of_1_3_are_the_standard_s() -> None:
    """OpenFlow 1.3.5: A.1 (ofp_type) and 7.3.5 (ofp_multipart_type)."""
    hot = HOT[4]
    assert hot.changes == {13, 14, 15, 29}  # packet-out, flow-mod, group-mod, meter-mod
    assert hot.writes == {13, 14, 15, 16, 17, 29}  # and port-mod, table-mod
    assert (hot.barrier_request, hot.barrier_reply) == (20, 21)
    assert (hot.multipart_request, hot.multipart_reply) == (18, 19)
    assert hot.questions == {1, 2, 3, 4, 5, 6, 7, 9, 10}
    assert hot.multipart_head.size == 8
