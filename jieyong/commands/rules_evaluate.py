"""`jieyong rules evaluate`: how much of what is really waste rules find, on a simulated city."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from jieyong.commands import rules_evaluate_tables as tables
from jieyong.commands.options import AsJson
from jieyong.commands.screen import console, counting
from jieyong.commands.session import Config
from jieyong.evaluation.city.reading import known, read_plan
from jieyong.evaluation.city.run import ZONE, Evaluation, evaluate
from jieyong.settings_file import load_settings
from metering.gauge.settings import GaugeSettings
from registry.calendar import DatedCalendar
from registry.published_days import published_days
from registry.refusal import refuse
from rules.ruleset.model import RuleSet
from rules.ruleset.reading import read_rule_set
from simulators.city.plan import Plan

_DEFAULT: Final = Path(__file__).parents[2] / "rules" / "sets" / "default.yaml"


def evaluate_command(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    scenario: Annotated[str, typer.Option(help="场景名称，或场景文件（YAML）。")],
    seed: Annotated[int, typer.Option(help="种子；1000 以下用于调参，公布不用这些。")],
    as_json: AsJson = False,
    misses: Annotated[bool, typer.Option("--misses", help="也列出漏检和误报。")] = False,
    rules: Annotated[
        Path, typer.Option(help="规则文件；默认为随程序提供的规则文件。", show_default=False)
    ] = _DEFAULT,
    config: Config = None,
) -> None:
    """Measure how much is found, how soon, and from which size on: on a simulated city."""
    plan = _plan(scenario)
    rule_set = read_rule_set(rules.read_text("utf-8"), str(rules), ZONE)
    found = _evaluated(plan, seed, rule_set, load_settings(config).gauges)
    if as_json:
        typer.echo(tables.as_json(plan, seed, found, misses=misses))
        return
    console().print(tables.summary(plan, seed, found))
    for curve in found.curves:
        console().print(tables.curve(curve))
    if misses:
        console().print(tables.missed(found))
        console().print(tables.false(found))


def _evaluated(plan: Plan, seed: int, rules: RuleSet, gauges: GaugeSettings) -> Evaluation:
    calendar = DatedCalendar(published_days())
    try:
        with counting(plan.institutions) as done:
            return evaluate(plan, seed, rules, calendar, gauges, done)
    except ValueError as error:
        refuse("--scenario", str(error))


def _plan(scenario: str) -> Plan:
    path = known().get(scenario, Path(scenario))
    if not path.is_file():
        refuse("--scenario", f"没有 {scenario} 这个场景；可用：{'、'.join(known())}，或一个文件")
    return read_plan(path.read_text("utf-8"), str(path))
