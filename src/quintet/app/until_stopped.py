"""Something that goes on until a person or the clock stops it: what every command that records is built around."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any


async def until_stopped(
    work: Coroutine[Any, Any, None], seconds: float | None, every_s: float, upkeep: Callable[[], object]
) -> None:
    """Let `work` go on for `seconds` (None: for ever), or until Ctrl-C or SIGTERM; raises what ends it by itself.

    `upkeep` is done every `every_s`, and once more when it is over.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    ends = None if seconds is None else loop.time() + seconds
    tasks = {asyncio.create_task(work), asyncio.create_task(stop.wait())}
    try:
        done: set[asyncio.Task[Any]] = set()
        while not done and (ends is None or loop.time() < ends):
            wait_s = every_s if ends is None else max(0.0, min(every_s, ends - loop.time()))
            done, _ = await asyncio.wait(tasks, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
            upkeep()
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
