"""Run one benchmark: ``python -m tests.bench NAME``; its last line is the result as JSON."""

from __future__ import annotations

import argparse
import signal
import sys
from types import FrameType, ModuleType
from typing import NoReturn

from jieyong import logs
from tests.bench import (
    both,
    gateway,
    mqtt,
    polling,
    recompute,
    reported,
    reporting,
    rule_sorts,
    rules,
    tick,
    totals,
    trips,
    writer,
)
from tests.bench.cores import Neighbours
from tests.bench.processes import BenchError
from tests.bench.services import Workshop

BENCHES: dict[str, ModuleType] = {
    "writer": writer,
    "polling": polling,
    "mqtt": mqtt,
    "both": both,
    "gateway": gateway,
    "recompute": recompute,
    "tick": tick,
    "totals": totals,
    "reported": reported,
    "reporting": reporting,
    "rules": rules,
    "rule_sorts": rule_sorts,
    "trips": trips,
}


def main(argv: list[str]) -> int:
    options = _parser().parse_args(argv)
    bench = BENCHES[options.bench]
    if options.quick:
        bench.hurry(options)
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)  # also where a shell has set it to be ignored
    logs.configure("warning")
    neighbours = Neighbours()
    try:
        with Workshop() as work:
            report = bench.run(options, work)
    except BenchError as error:
        print(f"bench {options.bench}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    print(report.line({"others_cores": round(neighbours.cores(), 2)}))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    names = parser.add_subparsers(dest="bench", required=True)
    for name, bench in BENCHES.items():
        own = names.add_parser(
            name,
            description=bench.__doc__,
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        )
        own.add_argument(
            "--quick", action="store_true", help="seconds instead of minutes: no figure to quote"
        )
        bench.add_arguments(own)
    return parser


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt  # the one way out that ends every child


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
