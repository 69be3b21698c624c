from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from notify.clock import due_at, is_quiet
from notify.model import Channel, Delivery, Message, Note, Quiet, Route, Severity
from notify.plan import MINUTE, Group, Plan, plan
from notify.text import key_of
from tests.unit.notify.samples import NOON, ZONE, at, channel, minutes, note

NIGHT = Quiet(time(22), time(7, 30))
PLAIN = Route("energy", ("group",))


def delivery(
    key: str = "case-1", severity: Severity = Severity.WARNING, due: datetime = NOON
) -> Delivery:
    return Delivery(note(key, severity), "energy", due)


def planned(
    waiting: Sequence[Delivery] = (),
    unsent: Sequence[Message] = (),
    *,
    route: Route = PLAIN,
    tried: Sequence[datetime] = (),
    now: datetime = NOON,
    by: Channel | None = None,
) -> Plan:
    return plan(by or channel(), {"energy": route}, waiting, unsent, tried, now, ZONE)


def keys(found: Plan) -> list[list[str]]:
    return [
        [one.key] if isinstance(one, Message) else [n.key for n in one.notes] for one in found.send
    ]


def test_many_leave_as_one_when_the_first_has_waited_long_enough() -> None:
    waiting = [delivery("b", due=NOON + minutes(5)), delivery("a")]
    assert keys(planned(waiting)) == [["a", "b"]]
    early = planned(waiting, now=NOON - minutes(1))
    assert early == Plan(again=NOON)


def test_what_is_urgent_leaves_first_and_not_among_others() -> None:
    waiting = [delivery("a"), delivery("u", Severity.URGENT), delivery("b")]
    assert keys(planned(waiting)) == [["u"], ["a", "b"]]


def test_at_night_only_what_is_urgent_leaves() -> None:
    waiting = [delivery("a", due=at(21, 58)), delivery("u", Severity.URGENT, at(22, 30))]
    retried = Message(7, "m", "energy", Severity.WARNING, at(22, 10), 3)
    found = planned(waiting, [retried], route=replace(PLAIN, quiet=NIGHT), now=at(22, 30))
    assert keys(found) == [["u"]]
    morning = at(7, 30) + timedelta(days=1)
    assert found.held == ((waiting[0], morning), (retried, morning))
    assert found.again == morning


def test_a_digest_leaves_alone_what_came_behind_its_time() -> None:
    route = replace(PLAIN, digest=(time(12),))
    waiting = [delivery("a"), delivery("b"), delivery("c", due=NOON + timedelta(days=1))]
    found = planned(waiting, route=route)
    assert keys(found) == [["a", "b"]]
    assert found.again == NOON + timedelta(days=1)


def test_the_bound_counts_attempts_of_the_last_minute() -> None:
    unsent = [Message(n, f"m{n}", "energy", Severity.WARNING, NOON, 1) for n in range(4)]
    tried = [NOON - timedelta(seconds=60), NOON - timedelta(seconds=59)]
    found = planned(unsent=unsent, tried=tried, by=channel(per_minute=3))
    assert keys(found) == [["m0"], ["m1"]]
    assert found.again == NOON + timedelta(seconds=1)


def test_what_does_not_fit_waits_when_nothing_was_tried_before() -> None:
    unsent = [Message(n, f"m{n}", "energy", Severity.WARNING, NOON, 0) for n in range(2)]
    assert planned(unsent=unsent, by=channel(per_minute=1)).again == NOON + MINUTE


def test_what_is_longer_than_a_message_leaves_in_several() -> None:
    long = [Delivery(note(f"n{i}", body="长" * 200), "energy", NOON) for i in range(4)]
    found = planned(long, by=channel(longest=1500))
    assert keys(found) == [["n0", "n1"], ["n2", "n3"]]


def test_notes_of_a_route_that_is_not_there_go_on_waiting() -> None:
    lost = Delivery(note("x"), "gone", NOON)
    assert planned([lost]) == Plan()


def test_a_group_matters_as_much_as_its_most_important_note() -> None:
    (group,) = planned([delivery("a", Severity.NOTICE), delivery("b", Severity.WARNING)]).send
    assert isinstance(group, Group)
    assert group.severity is Severity.WARNING


CLOCKS = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))
QUIETS = st.one_of(
    st.none(),
    st.tuples(CLOCKS, CLOCKS).filter(lambda pair: pair[0] != pair[1]).map(lambda p: Quiet(*p)),
)


@st.composite
def routes(draw: st.DrawFn, code: str) -> Route:
    quiet = draw(QUIETS)
    digest = draw(st.lists(CLOCKS, max_size=2, unique=True))
    return Route(
        code,
        ("group",),
        group=minutes(draw(st.integers(0, 90))),
        quiet=quiet,
        digest=tuple(clock for clock in digest if quiet is None or not quiet.holds(clock)),
        at_once=draw(st.sampled_from([Severity.WARNING, Severity.URGENT])),
    )


ARRIVALS = st.lists(
    st.tuples(
        st.integers(0, 48 * 60),
        st.sampled_from(Severity),
        st.sampled_from(["energy", "vehicles"]),
        st.integers(0, 200),
    ),
    max_size=30,
)


@dataclass
class World:
    """A channel that now and then fails, worked by what the plan says alone."""

    by: Channel
    routes: Mapping[str, Route]
    outcomes: list[bool]
    waiting: list[Delivery] = field(default_factory=list)
    unsent: dict[int, Message] = field(default_factory=dict)
    notes: dict[int, tuple[Note, ...]] = field(default_factory=dict)
    tried: list[tuple[datetime, Message]] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)

    def turn(self, now: datetime) -> datetime | None:
        lately = [at for at, _ in self.tried]
        found = plan(self.by, self.routes, self.waiting, [*self.unsent.values()], lately, now, ZONE)
        for one, until in found.held:
            if isinstance(one, Message):
                self.unsent[one.id] = replace(one, due_at=until)
            else:
                self.waiting[self.waiting.index(one)] = replace(one, due_at=until)
        for item in found.send:
            self.attempt(item if isinstance(item, Message) else self.make(item, now), now)
        return plan(
            self.by,
            self.routes,
            self.waiting,
            [*self.unsent.values()],
            [at for at, _ in self.tried],
            now,
            ZONE,
        ).again

    def make(self, group: Group, now: datetime) -> Message:
        made = Message(len(self.notes), key_of(group.notes), group.route, group.severity, now, 0)
        self.notes[made.id] = group.notes
        gone = {n.key for n in group.notes}
        assert gone <= {one.note.key for one in self.waiting}, "a note is in two messages"
        self.waiting = [one for one in self.waiting if one.note.key not in gone]
        return made

    def attempt(self, message: Message, now: datetime) -> None:
        self.tried.append((now, message))
        if not self.outcomes or self.outcomes.pop():
            self.unsent.pop(message.id, None)
            self.sent.append(message.id)
        else:
            again = now + minutes(0.5)
            self.unsent[message.id] = replace(message, due_at=again, tries=message.tries + 1)


@settings(max_examples=150, deadline=None)
@given(
    routes("energy"),
    routes("vehicles"),
    st.integers(1, 4),
    st.integers(240, 3000),
    ARRIVALS,
    st.lists(st.booleans(), max_size=20),
    st.lists(st.integers(0, 900), max_size=30),
)
def test_nothing_is_lost_doubled_told_at_night_or_faster_than_allowed(  # noqa: PLR0917
    energy: Route,
    vehicles: Route,
    per_minute: int,
    longest: int,
    arrivals: list[tuple[int, Severity, str, int]],
    outcomes: list[bool],
    late: list[int],
) -> None:
    known = {"energy": energy, "vehicles": vehicles}
    world = World(channel(per_minute, longest), known, outcomes)
    coming = sorted(
        (
            (NOON + minutes(after), note(f"n{i}", severity, route, body="文" * size))
            for i, (after, severity, route, size) in enumerate(arrivals)
        ),
        key=lambda pair: pair[0],
    )
    everything = [one.key for _, one in coming]
    now: datetime | None = NOON
    for _ in range(5000):
        if now is None:
            break
        while coming and coming[0][0] <= now:
            arrived, new = coming.pop(0)
            due = due_at(known[new.route], new.severity, arrived, ZONE)
            world.waiting.append(Delivery(new, new.route, due))
        again = world.turn(now)
        assert again is None or again > now, "it would look at once for ever"
        now = min((at for at in (again, coming[0][0] if coming else None) if at), default=None)
        if now is not None and late:
            now += minutes(late.pop())  # nobody looked in time
    told = [one.key for id_ in world.sent for one in world.notes[id_]]
    assert sorted(told) == sorted(everything)
    times = [at for at, _ in world.tried]
    for first, later in zip(times, times[per_minute:], strict=False):
        assert later - first >= MINUTE
    for when, message in world.tried:
        quiet = known[message.route].quiet
        assert message.severity is Severity.URGENT or not is_quiet(quiet, when, ZONE)
    for id_, notes in world.notes.items():
        assert len({one.severity is Severity.URGENT for one in notes}) == 1, id_
