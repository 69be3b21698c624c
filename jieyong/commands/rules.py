"""`jieyong rules`: what is looked for, and what it would find."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from jieyong import logs
from jieyong.believed import believed
from jieyong.commands.giving import give
from jieyong.commands.options import AsJson, First, Last, moments, until_last
from jieyong.commands.rule_tables import backtested, files_table, listed, not_learned_table, parted
from jieyong.commands.rules_evaluate import evaluate_command
from jieyong.commands.screen import counting
from jieyong.commands.session import By, Config, Session, session
from jieyong.settings_file import load_settings
from jieyong.workers.crew import run_crew
from jieyong.workers.processes import until_signal
from jieyong.workers.rules import CREW
from registry.calendar import DatedCalendar
from registry.calendar_store import load_calendar
from registry.published_days import published_days
from rules.ruleset.model import RuleSet, Version
from rules.ruleset.reading import read_rule_set
from rules.ruleset.store import load, versions
from rules.ruleset.trial import Told, Trial, read_trials, rules_of, run
from rules.subjects import catalogue
from rules.subjects.model import Basis
from rules.subjects.places.modes import Modes
from rules.work.backtest import PORTION, Portion, backtest
from rules.work.files import followed
from rules.work.health import due_again, standing
from rules.work.learning import not_learned
from storage.times import ALWAYS_US, NEVER_US, us_of

rules_app = typer.Typer(no_args_is_help=True, help="规则：检查、启用、列出，并对历史数据试算。")
rules_app.command("evaluate", help="在模拟的城市里测量规则：查全率、查准率、延迟、下限。")(
    evaluate_command
)
RuleFile = Annotated[Path, typer.Argument(help="规则文件（YAML），写法见 docs/rules.md。")]


@rules_app.command(help="检查规则文件；有错则逐条指出行号，不做任何改动。")
def check(file: RuleFile, config: Config = None) -> None:
    """Read a rule set and say what is wrong with it."""
    found = _read(file, load_settings(config).time_zone)
    typer.echo(f"{file}：{len(found.rules)} 条规则，没有错误。")


@rules_app.command("test", help="运行规则的测试文件：给定测得的数据，应有哪些疑点；不连数据库。")
def trial_command(
    file: Annotated[Path, typer.Argument(help="测试文件（YAML），写法见 docs/rules.md。")],
    config: Config = None,
) -> None:
    """Run the tests of a rule set; ends with 1 where one does not hold."""
    zone = ZoneInfo(load_settings(config).time_zone)
    text = file.read_text("utf-8")
    rules = _read(file.parent / rules_of(text, str(file)), zone.key)
    calendar = DatedCalendar(published_days())
    failed = 0
    for trial in read_trials(text, str(file), zone, rules):
        found = run(trial, rules, calendar, zone)
        failed += not _said(file, trial, found)
    if failed:
        raise typer.Exit(1)


def _said(file: Path, trial: Trial, found: list[Told]) -> bool:
    """Say what became of a test; whether it held."""
    if found == list(trial.expected):
        typer.echo(f"通过：{trial.name}")
        return True
    typer.echo(f"不符：{trial.name}（{file}:{trial.line}）")
    for mark, told in (
        ("应有", set(trial.expected) - set(found)),
        ("多出", set(found) - set(trial.expected)),
    ):
        for rule, since, until in sorted(told):
            typer.echo(f"  {mark} {rule}：{since}m 至 {until}m")
    return False


@rules_app.command("load", help="启用规则文件：自此刻起按它查找疑点；同一文件再次启用不改变什么。")
def load_command(file: RuleFile, by: By = None, config: Config = None) -> None:
    """Put a rule set in force."""
    with session(config, by) as at:
        loaded = load(at.conn, at.act, _read(file, at.settings.time_zone))
    typer.echo(
        f"启用 {len(loaded.added)} 条（新增或改动），{len(loaded.kept)} 条未变，"
        f"停用 {len(loaded.ended)} 条。"
    )


@rules_app.command("list", help="列出现行规则及其运行情况；--all 也列出以前的版本。")
def list_command(
    everything: Annotated[bool, typer.Option("--all", help="也列出以前的版本。")] = False,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """List the rules in force."""
    with session(config) as at:
        now = us_of(at.now)
        found = [one for one in versions(at.conn) if everything or one.since <= now < one.until]
        health = {one.rule: one for one in standing(at.conn, at.now)}
        files = followed(at.conn)
        whole = listed(found, health, at.zone)
        tables = [whole] if as_json else parted(whole)
        if files:
            tables.append(files_table(files, at.zone))
        if unlearned := not_learned(at.conn):
            tables.append(not_learned_table(unlearned, at.zone))
        give(tables, None, as_json=as_json)


@rules_app.command(help="持续查找疑点，直到 Ctrl-C。")
def work(
    watch: Annotated[
        Path | None,
        typer.Option(help="规则文件或其目录：改动后自动检查并启用；有错的不启用，原规则照常。"),
    ] = None,
    config: Config = None,
) -> None:
    """Look for doubts until Ctrl-C or TERM."""
    settings = load_settings(config)
    if watch is not None:
        rules = settings.rules.model_copy(update={"watch": watch})
        settings = settings.model_copy(update={"rules": rules})
    logs.configure(settings.log.level, settings.log.form)
    run_crew(CREW, settings, until_signal())


@rules_app.command(help="将全部对象列入重新查找，由 jieyong rules work 完成。")
def recompute(config: Config = None) -> None:
    """Make everything due; the workers do it."""
    with session(config) as at, at.conn.transaction():
        count = catalogue.mark_all(at.conn, "asked for")
        for one in catalogue.SUBJECTS.values():
            one.queue.pardon(at.conn, None, at.act.at)
        due_again(at.conn, at.now, everything=True)
    typer.echo(f"已将 {count} 个对象列入重新查找，由 jieyong rules work 完成。")


@rules_app.command("backtest", help="按规则文件对历史数据试算：会有哪些疑点；不写入任何东西。")
def backtest_command(
    file: RuleFile,
    first: First = None,
    last: Last = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Say what a rule set would have found; without days, in the last 31."""
    with session(config) as at:
        rule_set = _read(file, at.settings.time_zone)
        begin, end = until_last(last, first, at.today, 31)
        since, until = moments(begin, end, at.zone)
        found = _tried(at, rule_set, us_of(since), min(us_of(until), us_of(datetime.now(UTC))))
    title = f"{rule_set.title}：{begin} 至 {end} 试算"
    give([backtested(rule_set, found, title)], None, as_json=as_json)


def _tried(at: Session, rule_set: RuleSet, begin_us: int, end_us: int) -> list[Portion]:
    always = tuple(
        Version(number, rule, _bound(rule.since, ALWAYS_US), _bound(rule.until, NEVER_US))
        for number, rule in enumerate(rule_set.rules)
    )
    calendar = load_calendar(at.conn)
    held = believed(at.settings)
    everything = Basis(always, at.settings.gauges, calendar, at.zone, Modes(), held)
    asked = [(one, everything.about(sort)) for sort, one in catalogue.SUBJECTS.items()]
    among = [(one, one.everyone(at.conn), basis) for one, basis in asked if basis.versions]
    found: list[Portion] = []
    with counting(sum(-(-len(ids) // PORTION) for _, ids, _ in among)) as done:
        for one, ids, basis in among:
            for portion in backtest(at.conn, one, ids, basis, begin_us, end_us):
                found.append(portion)
                done()
    return found


def _bound(moment: datetime | None, otherwise: int) -> int:
    return otherwise if moment is None else us_of(moment)


def _read(file: Path, zone: str) -> RuleSet:
    return read_rule_set(file.read_text("utf-8"), str(file), ZoneInfo(zone))
