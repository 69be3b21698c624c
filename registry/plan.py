"""The difference between an inventory and the database: pure, so a dry run is the same code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from registry.bindings import Entered, Moves, Span, reconcile
from registry.catalogue import Catalogue, PointInfo, ProfileInfo
from registry.changes import Action, Change, Changes
from registry.document import Problems
from registry.inventory import Binding, Bound, Device, Inventory, Tagged, Thing
from registry.state import State, Stored
from registry.tables import BINDINGS, TABLES, TAGS, BindingTable, Table

Row = Mapping[str, Any]
Detail = dict[str, tuple[str | None, str | None]]


@dataclass(slots=True)
class Plan:
    """What to write, and how it reads.

    Attributes:
        profiles: versions to insert.
        upserts: kind → rows to insert, update or reopen.
        closes: kind → codes to close.
        points: rows to insert, by code of the device.
        labels: points whose label changes.
        spans: kind of binding, or of tags → rows to update (``old`` is a range) or insert (``old``
            is None).
        found: every change.
    """

    profiles: list[ProfileInfo] = field(default_factory=list)
    upserts: dict[str, list[Row]] = field(default_factory=dict)
    closes: dict[str, list[str]] = field(default_factory=dict)
    points: list[Row] = field(default_factory=list)
    labels: list[Row] = field(default_factory=list)
    spans: dict[str, list[Row]] = field(default_factory=dict)
    found: list[Change] = field(default_factory=list)

    @property
    def changes(self) -> Changes:
        """What happens when the plan is written."""
        return Changes(tuple(self.found))


def draw(
    inventory: Inventory,
    state: State,
    catalogue: Catalogue,
    now: datetime,
    entered: Sequence[Entered] = (),
) -> Plan:
    """Compare an inventory with the database.

    Args:
        inventory: what shall be.
        state: what is.
        catalogue: the profiles that ``inventory`` was checked with.
        now: end of what vanished, beginning of what changed without a date.
        entered: bindings that people entered, and that stand.

    Raises:
        InventoryError: something would change that never may, or what was entered would be lost;
            holds every such problem.
    """
    drawing = _Drawing(state, catalogue, now, Problems(inventory.source), entered)
    drawing.profiles(inventory.devices)
    for table in TABLES:
        drawing.things(table, inventory.of(table.kind))
    for device in inventory.devices:
        drawing.points(device)
    for binding in BINDINGS:
        bound = [t for t in inventory.of(binding.subject) if isinstance(t, Bound)]
        drawing.spans(binding, bound)
    for name, kind in TAGS.items():
        drawing.tags(name, kind, inventory.tagged(kind))
    drawing.problems.raise_if_any()
    return drawing.plan


@dataclass(frozen=True, slots=True)
class _Drawing:
    state: State
    catalogue: Catalogue
    now: datetime
    problems: Problems
    entered: Sequence[Entered]
    plan: Plan = field(default_factory=Plan)

    def profiles(self, devices: Sequence[Device]) -> None:
        used = {device.profile: device for device in reversed(devices)}
        for code, device in sorted(used.items()):
            profile = self.catalogue[code]
            known = self.state.profiles.get((code, profile.version))
            if known is None:
                self.plan.profiles.append(profile)
                self._note(Action.CREATED, "profile", f"{code}@{profile.version}")
            elif known != profile.sha256:
                self._refuse(
                    device,
                    "profile",
                    f"profile {code} is not what the database knows as version {profile.version}: "
                    "raise the version in the profile's file, or restore the file",
                )

    def things(self, table: Table, things: Sequence[Thing]) -> None:
        held = self.state.things[table.kind]
        rows = self.plan.upserts[table.kind] = []
        for thing in things:
            columns = _columns(table, thing, self.catalogue)
            stored = held.get(thing.code)
            if stored is None:
                self._note(Action.CREATED, table.kind, thing.code)
                rows.append({"code": thing.code, **columns})
                continue
            differing = self._differing(table, thing, stored, columns)
            if differing or not stored.open:
                action = Action.CHANGED if stored.open else Action.REOPENED
                self._note(action, table.kind, thing.code, differing)
                rows.append({"code": thing.code, **columns})
        stated = {thing.code for thing in things}
        gone = [code for code, stored in held.items() if stored.open and code not in stated]
        self.plan.closes[table.kind] = gone
        for code in gone:
            self._note(Action.CLOSED, table.kind, code)

    def points(self, device: Device) -> None:
        profile = self.catalogue[device.profile]
        held = self.state.points.get(device.code, {})
        for point in profile.points:
            stored = held.get(point.name)
            code = f"{device.code}/{point.name}"
            if stored is None:
                self._note(Action.CREATED, "point", code)
                self.plan.points.append(_point_row(device, point))
            elif (stored.unit, stored.class_) != (point.unit, point.class_):
                self._refuse(
                    device,
                    "profile",
                    f"point {code} is a {stored.class_} in {stored.unit}, and profile "
                    f"{profile.code}@{profile.version} makes it a {point.class_} in {point.unit}: "
                    "a point keeps its meaning; give it a new name in the profile",
                )
            elif stored.label != point.label:
                self._note(Action.CHANGED, "point", code, {"label": (stored.label, point.label)})
                self.plan.labels.append(_point_row(device, point))

    def spans(self, table: BindingTable, things: Sequence[Bound]) -> None:
        held = self.state.spans[table.kind]
        stated = {thing.code: _sorted_spans(thing.bindings) for thing in things}
        by_code = {thing.code: thing for thing in things}
        facts: dict[str, list[Entered]] = defaultdict(list)
        for fact in self.entered:
            if fact.kind == table.kind:
                facts[fact.subject].append(fact)
        rivals = _by_target(stated) if table.exclusive else {}
        holders = _by_target(held) if table.exclusive else {}
        self.plan.spans[table.kind] = []
        for subject in dict.fromkeys((*stated, *held)):
            mine, wanted = held.get(subject, ()), stated.get(subject, ())
            targets = {span.target for span in (*mine, *wanted)}
            moves = reconcile(
                mine,
                wanted,
                self.now,
                rivals=[s for t in targets for who, s in rivals.get(t, ()) if who != subject],
                taken={t for t in targets if any(who != subject for who, _ in holders.get(t, ()))},
            )
            for fact in facts[subject]:
                if fact.stands_in(mine) and self._lost(fact, mine, moves):
                    self._refuse_to_lose(fact, table, by_code.get(subject))
            self._moves(table.kind, subject, moves)

    def tags(self, name: str, kind: str, things: Sequence[Tagged]) -> None:
        """Each tag of a thing is dated by itself."""
        self.plan.spans[name] = []
        held = _by_word(
            (code, span) for code, mine in self.state.spans[name].items() for span in mine
        )
        stated = _by_word((t.code, span) for t in things for span in _sorted_spans(t.tags))
        for subject, word in dict.fromkeys((*stated, *held)):
            # Of a new thing a tag without a date holds always, of a known one from now on.
            known = {word} if subject in self.state.things[kind] else set[str]()
            key = subject, word
            moves = reconcile(held.get(key, ()), stated.get(key, ()), self.now, taken=known)
            self._moves(name, subject, moves)

    def _lost(self, fact: Entered, held: Sequence[Span], moves: Moves) -> bool:
        """Tell whether a fact is contradicted, or would end now only because no line states it."""
        after = moves.applied(held)
        if not fact.stands_in(after):
            return True
        return fact.since is not None and Span(fact.target, fact.since, self.now) in after

    def _refuse_to_lose(self, fact: Entered, table: BindingTable, thing: Bound | None) -> None:
        lines = [b.line for b in thing.bindings if b.target == fact.target] if thing else []
        line = lines[0] if lines else thing.lines[""] if thing else 1
        said = " and ".join(
            f"{name}: {at.isoformat()}"
            for name, at in (("since", fact.since), ("until", fact.until))
            if at is not None
        )
        self.problems.add(
            line,
            f"{table.subject} {fact.subject} at {table.target} {fact.target}: {fact.fact} says "
            f"{said}, and this file does not: write that here, or take it back with `{fact.undo}`",
        )

    def _differing(
        self, table: Table, thing: Thing, stored: Stored, columns: dict[str, Any]
    ) -> Detail:
        """Return what differs; a fixed column that the file no longer states keeps its value."""
        differing: Detail = {}
        for name, before in stored.columns.items():
            if name in table.fixed and columns[name] is None:
                columns[name] = before
            after = columns[name]
            if before == after:
                continue
            differing[name] = _text(before), _text(after)
            if name in table.fixed and before is not None:
                self._refuse(
                    thing,
                    name,
                    f"{table.kind} {thing.code}: {name} is {before} in the database and {after} "
                    "here; it never changes, or published figures would silently mean something "
                    f"else: {table.fixed[name]}",
                )
        return differing

    def _moves(self, kind: str, subject: str, moves: Moves) -> None:
        for old, new in moves.updates:
            self._move(kind, subject, old, new)
        for new in moves.inserts:
            self._move(kind, subject, None, new)

    def _move(self, kind: str, subject: str, old: Span | None, new: Span | None) -> None:
        target = (new or old or Span("", None, None)).target
        before, after = str(old) if old else None, str(new) if new else None
        self._note(
            _move_action(old, new),
            kind,
            f"{subject} @ {target}",
            {"valid": (before, after or "withdrawn")},
        )
        self.plan.spans[kind].append(
            {"subject": subject, "target": target, "old": before, "new": after or "empty"}
        )

    def _note(self, action: Action, kind: str, code: str, detail: Detail | None = None) -> None:
        self.plan.found.append(Change(action, kind, code, detail or {}))

    def _refuse(self, thing: Thing, key: str, message: str) -> None:
        self.problems.add(thing.lines.get(key, thing.lines[""]), message)


def _move_action(old: Span | None, new: Span | None) -> Action:
    if old is None:
        return Action.CREATED
    if new is None or (old.until is None and new.until is not None):
        return Action.CLOSED
    return Action.CHANGED


def _columns(table: Table, thing: Thing, catalogue: Catalogue) -> dict[str, Any]:
    columns = {name: getattr(thing, name) for name in table.columns}
    if isinstance(thing, Device):
        columns["profile"] = f"{thing.profile}@{catalogue[thing.profile].version}"
    return columns


def _point_row(device: Device, point: PointInfo) -> Row:
    return {
        "device": device.code,
        "name": point.name,
        "label": point.label,
        "unit": point.unit,
        "class": point.class_,
    }


def _sorted_spans(bindings: Sequence[Binding]) -> list[Span]:
    spans = [Span(b.target, b.since, b.until) for b in bindings]
    return sorted(spans, key=lambda s: (s.since is not None, s.since))


def _by_word(spans: Iterable[tuple[str, Span]]) -> Mapping[tuple[str, str], list[Span]]:
    found: dict[tuple[str, str], list[Span]] = defaultdict(list)
    for subject, span in spans:
        found[subject, span.target].append(span)
    return found


def _by_target(spans: Mapping[str, Sequence[Span]]) -> Mapping[str, list[tuple[str, Span]]]:
    found: dict[str, list[tuple[str, Span]]] = defaultdict(list)
    for subject, mine in spans.items():
        for span in mine:
            found[span.target].append((subject, span))
    return found


def _text(value: object) -> str | None:
    return None if value is None else str(value)
