"""Our JT/T 808 gateway in a process of its own: the real source, spool and drain."""

from __future__ import annotations

import asyncio
import resource
from pathlib import Path
from typing import Any

import uvloop

from collector.jt808.source import Jt808Source
from collector.settings import Jt808Settings
from jieyong import interpreter, logs
from simulators.jt808_load import name_of
from tests.bench.roles import asking, intake


async def _main(given: dict[str, Any], state_dir: Path) -> None:
    logs.configure("warning")
    interpreter.tune()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    settings = Jt808Settings(host="127.0.0.1", port=0)
    terminals = {name_of(n): n + 1 for n in range(given["terminals"])}
    stop = asyncio.Event()
    with intake.opened(given) as into:
        source = Jt808Source(settings, terminals, into.accept, state_dir=state_dir)
        serving = asyncio.create_task(source.run(stop))
        while not source.port:
            if serving.done():
                serving.result()
            await asyncio.sleep(0.02)
        await asking.listen(lambda _: {"port": source.port, **into.figures()})
        stop.set()
        await serving


if __name__ == "__main__":
    settings = asking.settings()
    state = Path(settings["state"])
    state.mkdir(exist_ok=True)
    uvloop.run(_main(settings, state))
