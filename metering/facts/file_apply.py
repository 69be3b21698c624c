"""Bringing the database to what a file of meters says: all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, LiteralString, TypeVar

import psycopg
from psycopg.rows import scalar_row

from metering.facts.file_bindings import bind_mains, bind_profiles
from metering.facts.file_meters import close_others, write_meter
from metering.facts.file_model import MetersFile, ProfileSpec
from metering.facts.meters import all_meters, known
from metering.facts.ratio import RatioFact, enter_ratio, standing_ratios, withdraw_ratio
from metering.facts.register import (
    RegisterFact,
    device_id,
    enter_register,
    standing_registers,
    withdraw_register,
)
from metering.tree.graph import Node, build
from registry.audit import Act, record
from registry.importing import lock
from registry.refusal import Fault, RefusedError, raise_if_any, refuse

_PROFILE: Final[LiteralString] = """
    SELECT weights FROM load_profile WHERE code = %s AND version = %s
"""
_ADD_PROFILE: Final[LiteralString] = """
    INSERT INTO load_profile (code, version, weights, source) VALUES (%s, %s, %s, %s)
"""

Fact = TypeVar("Fact", RatioFact, RegisterFact)


@dataclass(frozen=True, slots=True)
class _Run:
    """One file on its way into the database; faults are collected, to be told all at once."""

    conn: psycopg.Connection[Any]
    act: Act
    stated: MetersFile
    faults: list[Fault] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)

    @contextmanager
    def line(self, line: int) -> Iterator[str]:
        """Give the line's name to what is done for it, and collect what it refuses."""
        try:
            yield self.stated.where(line)
        except RefusedError as error:
            self.faults.extend(error.faults)


def apply_meters(conn: psycopg.Connection[Any], act: Act, stated: MetersFile) -> list[str]:
    """Bring the database to what a file says.

    The meters of places must be there (:func:`metering.facts.sync.sync_meters`). What the file
    does not speak of is left alone, except further and virtual meters: those that vanished from
    it are closed. The same file again changes nothing.

    Args:
        conn: in a transaction, or in autocommit mode.
        act: who and when.
        stated: a checked file.

    Returns:
        What changed, a line each, in Chinese; empty: nothing.

    Raises:
        RefusedError: something cannot be; names every line, and nothing was changed.
    """
    run = _Run(conn, act, stated)
    with conn.transaction():
        lock(conn)
        _profiles(run)
        _meters(run)
        raise_if_any(run.faults)  # what follows needs the meters
        _formulas(run)
        _facts(run)
        for spec in stated.meters:
            with run.line(spec.line("")):
                run.changes.extend(bind_mains(conn, act, stated, spec))
                run.changes.extend(bind_profiles(conn, act, stated, spec))
        raise_if_any(run.faults)
    return run.changes


def _profiles(run: _Run) -> None:
    for spec in run.stated.profiles:
        with run.line(spec.line) as where:
            _profile(run, spec, where)


def _profile(run: _Run, spec: ProfileSpec, where: str) -> None:
    name = f"{spec.code}@{spec.version}"
    with run.conn.cursor(row_factory=scalar_row) as cursor:
        weights = cursor.execute(_PROFILE, [spec.code, spec.version]).fetchone()
    if weights is None:
        values = [spec.code, spec.version, list(spec.weights), spec.source]
        run.conn.execute(_ADD_PROFILE, values)
        record(run.conn, run.act, "load_profile.create", name, {"source": spec.source})
        run.changes.append(f"新增负荷曲线 {name}")
    elif tuple(weights) != spec.weights:
        refuse(where, f"负荷曲线 {name} 与数据库中的不同；用过的版本不能改，请写成新的版本号")


def _meters(run: _Run) -> None:
    for spec in run.stated.meters:
        with run.line(spec.line("code")):
            run.changes.extend(write_meter(run.conn, run.act, run.stated, spec))
    named = {spec.code for spec in run.stated.meters}
    run.changes.extend(close_others(run.conn, run.act, named))


def _formulas(run: _Run) -> None:
    """Refuse the file's formulas that cannot be computed."""
    lines = {m.code: m.line("formula") for m in run.stated.meters if m.formula}
    graph = build([Node(m.id, m.code, m.energy, m.unit, m.formula) for m in all_meters(run.conn)])
    run.faults.extend(
        Fault(run.stated.where(lines[refused.code]), refused.text)
        for refused in graph.refused
        if refused.code in lines
    )


def _facts(run: _Run) -> None:
    """Withdraw what the file says no more before entering what it says: it could be in the way."""
    new_registers = _outdated_registers(run)
    new_ratios = _outdated_ratios(run)
    for register, line in new_registers:
        with run.line(line) as where:
            number = enter_register(run.conn, run.act, register, where)
            run.changes.append(f"登记表底参数 #{number}：{register.device} {register.register}")
    for ratio, line in new_ratios:
        with run.line(line) as where:
            number = enter_ratio(run.conn, run.act, ratio, where)
            words = f"{ratio.meter} CT {ratio.ct:f} × PT {ratio.pt:f}"
            run.changes.append(f"登记变比 #{number}：{words}")


def _outdated_registers(run: _Run) -> list[tuple[RegisterFact, int]]:
    """Withdraw facts of the registers that the file speaks of; return those to enter."""
    new: list[tuple[RegisterFact, int]] = []
    by_device: dict[str, list[tuple[RegisterFact, int]]] = {}
    for fact, line in run.stated.registers:
        by_device.setdefault(fact.device, []).append((fact, line))
    for device, stated in by_device.items():
        with run.line(stated[0][1]) as where:
            names = {fact.register for fact, _ in stated}
            held = standing_registers(run.conn, device_id(run.conn, device, where))
            mine = [(number, fact) for number, fact in held if fact.register in names]
            gone, added = compare(mine, stated)
            for number in gone:
                withdraw_register(run.conn, run.act, number)
                run.changes.append(f"撤销表底参数 #{number}：{device}")
            new += added
    return new


def _outdated_ratios(run: _Run) -> list[tuple[RatioFact, int]]:
    """Withdraw ratios of the meters whose ratios the file states; return those to enter."""
    new: list[tuple[RatioFact, int]] = []
    for spec in run.stated.meters:
        meter = known(run.conn, spec.code)
        if spec.ratios is None or meter is None:
            continue
        gone, added = compare(standing_ratios(run.conn, meter), spec.ratios)
        for number in gone:
            withdraw_ratio(run.conn, run.act, number)
            run.changes.append(f"撤销变比 #{number}：{spec.code}")
        new += added
    return new


def compare(
    held: Sequence[tuple[int, Fact]], stated: Iterable[tuple[Fact, int]]
) -> tuple[list[int], list[tuple[Fact, int]]]:
    """Return the ids that are stated no more, and what is stated and not held; pure."""
    left = list(held)
    new = []
    for fact, line in stated:
        match = next((one for one in left if one[1] == fact), None)
        if match is None:
            new.append((fact, line))
        else:
            left.remove(match)
    return [number for number, _ in left], new
