"""`jieyong rules evaluate`: how much of what is really waste rules find, on a simulated city."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from jieyong.commands import rules_evaluate_tables as tables
from jieyong.commands.options import AsJson
from jieyong.commands.screen import console, counting
from jieyong.commands.session import Config
from jieyong.evaluation.city.reading import known, read_plan
from jieyong.evaluation.city.run import SORTS, ZONE, Evaluation, Sort, evaluate
from jieyong.settings_file import load_settings
from metering.gauge.settings import GaugeSettings
from registry.calendar import DatedCalendar
from registry.published_days import published_days
from registry.refusal import refuse
from rules.ruleset.model import Rule
from rules.ruleset.reading import read_rule_set
from simulators.city.plan import Plan

_SETS: Final = Path(__file__).parents[2] / "rules" / "sets"


def evaluate_command(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    scenario: Annotated[str, typer.Option(help="场景名称，或场景文件（YAML）。")],
    seed: Annotated[int, typer.Option(help="种子；1000 以下用于调参，公布不用这些。")],
    as_json: AsJson = False,
    misses: Annotated[bool, typer.Option("--misses", help="也列出漏检和误报。")] = False,
    rules: Annotated[
        list[Path] | None, typer.Option(help="规则文件，可重复；默认为随程序提供的全部规则文件。")
    ] = None,
    sort: Annotated[
        list[str] | None,
        typer.Option(help=f"只测这类对象，可重复：{'、'.join(one.name for one in SORTS)}。"),
    ] = None,
    config: Config = None,
) -> None:
    """Measure how much is found, how soon, and from which size on: on a simulated city."""
    plan = _plan(scenario)
    files = rules or sorted(path for path in _SETS.glob("*.yaml") if ".test" not in path.name)
    read = [rule for path in files for rule in _rules(path)]
    found = _evaluated(plan, seed, read, load_settings(config).gauges, _sorts(sort))
    if as_json:
        typer.echo(tables.as_json(plan, seed, found, misses=misses))
        return
    shown = [tables.summary(plan, seed, found), *map(tables.curve, found.curves)]
    if misses:
        shown += [tables.missed(found), tables.false(found)]
    screen = console()
    for table in shown:
        screen.print(table, width=min(screen.width, tables.COLUMNS))


def _rules(path: Path) -> tuple[Rule, ...]:
    if not path.is_file():
        refuse("--rules", f"没有 {path} 这个文件")
    return read_rule_set(path.read_text("utf-8"), str(path), ZONE).rules


def _sorts(names: Sequence[str] | None) -> Sequence[Sort]:
    known_names = [one.name for one in SORTS]
    for name in names or ():
        if name not in known_names:
            refuse("--sort", f"没有 {name} 这类对象；可用：{'、'.join(known_names)}")
    return [one for one in SORTS if not names or one.name in names]


def _evaluated(
    plan: Plan,
    seed: int,
    rules: Sequence[Rule],
    gauges: GaugeSettings,
    sorts: Sequence[Sort],
) -> Evaluation:
    calendar = DatedCalendar(published_days())
    try:
        with counting(plan.institutions) as done:
            return evaluate(plan, seed, rules, calendar, gauges, sorts, done)
    except ValueError as error:
        refuse("--scenario", str(error))


def _plan(scenario: str) -> Plan:
    path = known().get(scenario, Path(scenario))
    if not path.is_file():
        refuse("--scenario", f"没有 {scenario} 这个场景；可用：{'、'.join(known())}，或一个文件")
    return read_plan(path.read_text("utf-8"), str(path))
