"""Groups and meters as OpenFlow 1.3.5 describes them, slow and obvious (sections 5.6, 5.7, 6.5).

What may be made, changed and deleted, which buckets live, and what each group, bucket, meter and
band has counted.  What buckets do to packets is in pipeline.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from datapath.action import Group
from datapath.group import (
    ALL_GROUPS,
    ANY_GROUP,
    GROUP_MAX,
    Bucket,
    GroupCommand,
    GroupDesc,
    GroupType,
)
from datapath.meter import ALL_METERS, MeterCommand, MeterConfig
from datapath.ports import Reserved
from datapath.problems import Error

DOWN, LINK_DOWN = 1, 1
"""OFPPC_PORT_DOWN of a port's config, OFPPS_LINK_DOWN of its state."""


class Refused(Exception):
    """The switch answers with this error, and nothing has changed."""

    def __init__(self, error: Error) -> None:
        super().__init__(error.name)
        self.error = error


@dataclass
class Port:
    """What a controller sees of a port."""

    config: int = 0
    state: int = 0

    def is_up(self) -> bool:
        return not self.config & DOWN and not self.state & LINK_DOWN


@dataclass
class Tally:
    """Packets and bytes; a packet has the bytes with which it came into the switch."""

    packets: int = 0
    bytes: int = 0

    def add(self, size: int) -> None:
        self.packets += 1
        self.bytes += size


@dataclass
class GroupEntry(Tally):
    desc: GroupDesc = GroupDesc(GroupType.ALL, 0)  # noqa: RUF009
    buckets: list[Tally] = field(default_factory=list)


@dataclass
class MeterEntry(Tally):
    """A meter of packets with one band that drops.

    The clock stands still here, so nothing comes back: from its last change on, when it had counted
    'before' packets, 'burst' packets pass, then none.
    """

    burst: int = 0
    before: int = 0
    band: Tally = field(default_factory=Tally)


def groups_in(bucket: Bucket) -> set[int]:
    """The group that a bucket hands its packets to: it is an action set, so the last one named."""
    return set([action.group for action in bucket.actions if isinstance(action, Group)][-1:])


class Meters:
    """The meters of one bridge."""

    def __init__(self) -> None:
        self.entries: dict[int, MeterEntry] = {}

    def change(self, command: MeterCommand, config: MeterConfig) -> set[int]:
        """Carries out a meter-mod; which meters are gone.  Refused when it makes no sense.

        A changed meter goes on counting, its band begins anew.
        """
        if command is MeterCommand.DELETE:
            every = config.meter == ALL_METERS
            gone = set(self.entries) if every else {config.meter} & self.entries.keys()
            for meter in gone:
                del self.entries[meter]
            return gone
        there = config.meter in self.entries
        if command is MeterCommand.ADD and there:
            raise Refused(Error.METER_MOD_FAILED_METER_EXISTS)
        if command is MeterCommand.MODIFY and not there:
            raise Refused(Error.METER_MOD_FAILED_UNKNOWN_METER)
        (band,) = config.bands
        old = self.entries.get(config.meter, Tally())
        self.entries[config.meter] = MeterEntry(old.packets, old.bytes, band.burst, old.packets)
        return set()


class Groups:
    """The group table of one bridge."""

    def __init__(self) -> None:
        self.entries: dict[int, GroupEntry] = {}

    def spread(self, number: int) -> int:
        """How many buckets one packet to this group may go to, those of chained groups included."""
        buckets = self.entries[number].desc.buckets
        return sum(1 + sum(self.spread(n) for n in groups_in(bucket)) for bucket in buckets)

    def change(self, command: GroupCommand, desc: GroupDesc) -> set[int]:
        """Carries out a group-mod; which groups are gone.  Refused when it makes no sense.

        A changed group goes on counting, its buckets begin anew.
        """
        if command is GroupCommand.DELETE:
            return self._delete(desc.group)
        if desc.type is not GroupType.SELECT and any(bucket.weight for bucket in desc.buckets):
            raise Refused(Error.GROUP_MOD_FAILED_INVALID_GROUP)
        there = desc.group in self.entries
        if command is GroupCommand.ADD and there:
            raise Refused(Error.GROUP_MOD_FAILED_GROUP_EXISTS)
        if command is GroupCommand.MODIFY and not there:
            raise Refused(Error.GROUP_MOD_FAILED_UNKNOWN_GROUP)
        self._check(desc)
        old = self.entries.get(desc.group, Tally())
        buckets = [Tally() for _ in desc.buckets]
        self.entries[desc.group] = GroupEntry(old.packets, old.bytes, desc, buckets)
        return set()

    def _check(self, desc: GroupDesc) -> None:
        if desc.group > GROUP_MAX:
            raise Refused(Error.GROUP_MOD_FAILED_INVALID_GROUP)
        if desc.type is GroupType.INDIRECT and len(desc.buckets) != 1:
            raise Refused(Error.GROUP_MOD_FAILED_INVALID_GROUP)
        following = {number for bucket in desc.buckets for number in groups_in(bucket)}
        if following - self.entries.keys() - {desc.group}:
            raise Refused(Error.BAD_ACTION_BAD_OUT_GROUP)
        if any(self._leads_to(number, desc.group) for number in following):
            raise Refused(Error.GROUP_MOD_FAILED_LOOP)

    def _leads_to(self, number: int, wanted: int) -> bool:
        """May a packet that comes to group 'number' come to 'wanted'?  There is no loop yet."""
        if number == wanted:
            return True
        buckets = self.entries[number].desc.buckets
        return any(self._leads_to(n, wanted) for bucket in buckets for n in groups_in(bucket))

    def _delete(self, number: int) -> set[int]:
        every = number == ALL_GROUPS
        gone = set(self.entries) if every else {number} & self.entries.keys()
        for other in self.entries.keys() - gone:
            if any(groups_in(bucket) & gone for bucket in self.entries[other].desc.buckets):
                raise Refused(Error.GROUP_MOD_FAILED_CHAINED_GROUP)
        for group in gone:
            del self.entries[group]
        return gone

    # ---- liveness ----

    def is_live(self, bucket: Bucket, ports: dict[int, Port]) -> bool:
        """A bucket that watches nothing is live; else what it watches must be up (section 6.5)."""
        if bucket.watch_port == Reserved.ANY and bucket.watch_group == ANY_GROUP:
            return True
        if bucket.watch_port in ports and ports[bucket.watch_port].is_up():
            return True
        watched = self.entries.get(bucket.watch_group)
        return watched is not None and any(self.is_live(b, ports) for b in watched.desc.buckets)

    def permitted(self, number: int, ports: dict[int, Port]) -> list[list[int]]:
        """The choices that a group has: each is the buckets that a packet goes to, by index."""
        desc = self.entries[number].desc
        every = list(range(len(desc.buckets)))
        live = [index for index in every if self.is_live(desc.buckets[index], ports)]
        if desc.type is GroupType.SELECT:
            alike = not any(bucket.weight for bucket in desc.buckets)
            some = [[index] for index in live if alike or desc.buckets[index].weight]
            return some or [[]]
        if desc.type is GroupType.FAST_FAILOVER:
            return [live[:1]]
        return [every]
