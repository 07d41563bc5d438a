"""Where the sets of a sweep are run: in this process, in several of this machine, or on Ray. The results are the same.

Every process maps the same tape file: the operating system keeps its pages once, however many processes read them. What
travels is the name of the file and one set of parameters, and back comes one small result.
"""

import importlib
import importlib.util
import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from quintet.core.errors import ConfigError, InputError, InvariantError
from quintet.core.tape import Tape
from quintet.research.backtest_options import BacktestOptions
from quintet.research.sweep import Job, Run, SetResult, Stop, never, run_set
from quintet.research.systems import NAMES, KernelSystem, find
from quintet.research.walk_forward import ParameterSet
from quintet.sim.exchange_order import whole_in_exchange_order
from quintet.storage.tape_files import open_tape

AHEAD: Final = 2
"""Sets that wait for each process: enough that none is ever idle, few enough that a stop is quick."""


class Parcel(NamedTuple):
    """What another process needs to run a set; everything in it can be sent.

    `system`: by which `find` finds it; `system_sha256`: of the file it stands in, empty for those of quintet.
    """

    tape_file: Path
    tape_hash: str
    system: str
    system_sha256: str
    options: BacktestOptions


def in_process(job: Job) -> Run:
    """One set after the other, here."""

    def run(sets: Sequence[ParameterSet], stop: Stop = never) -> Iterator[tuple[int, SetResult]]:
        for number, each in enumerate(sets):
            if stop():
                return
            yield number, run_set(job, each.params)

    return run


def in_processes(job: Job, tape_file: Path, jobs: int) -> Run:
    """In `jobs` processes of this machine, each with the tape mapped; see `parcel_of`."""
    parcel = parcel_of(job, tape_file)

    def run(sets: Sequence[ParameterSet], stop: Stop = never) -> Iterator[tuple[int, SetResult]]:
        # Started anew instead of copied: a copy of a process with threads may hang on a lock that nobody releases.
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(min(jobs, len(sets)) or 1, context, _leave_interrupts_to_the_parent)
        try:
            yield from _as_they_come(pool, parcel, sets, jobs, stop)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    return run


def on_ray(job: Job, tape_file: Path) -> Run:
    """On the Ray this process is connected to, else on one it starts here; raises ConfigError where it is missing.

    Every machine of a cluster must see the tape under the same path. When a stop is asked for, what Ray has not given
    back is not waited for.
    """
    parcel = parcel_of(job, tape_file)
    ray = _import_ray()

    def run(sets: Sequence[ParameterSet], stop: Stop = never) -> Iterator[tuple[int, SetResult]]:
        remote = ray.remote(run_parcel)
        number_of = {
            remote.remote(parcel, msgspec.json.encode(each.params)): number for number, each in enumerate(sets)
        }
        waiting = list(number_of)
        while waiting and not stop():
            done, waiting = ray.wait(waiting, num_returns=1)
            for reference in done:
                yield number_of[reference], ray.get(reference)

    return run


def parcel_of(job: Job, tape_file: Path) -> Parcel:
    """What another process needs to run a set of this job; raises InputError for a system that no file holds."""
    system = job.system
    if not system.origin and system.name not in NAMES:
        raise InputError(
            f"jobs: the system {system.name} exists in this process only, expected one that stands in a file; "
            "run it in one process"
        )
    return Parcel(tape_file.absolute(), job.tape.hash, system.address, system.sha256, job.options)


def run_parcel(parcel: Parcel, params: bytes) -> SetResult:
    """Run one set in whatever process this is; the tape is mapped once in each.

    `params`: as JSON, since the type of somebody's own parameters is known only where their file was read.

    Raises InvariantError when tape or system are not those that the sweep began with.
    """
    tape, system = _mapped(parcel.tape_file), _found(parcel.system)
    if tape.hash != parcel.tape_hash:
        raise InvariantError(f"{parcel.tape_file}: has hash {tape.hash}, the sweep began with {parcel.tape_hash}")
    if system.sha256 != parcel.system_sha256:
        raise InvariantError(f"{parcel.system}: has changed since the sweep began")
    return run_set(Job(tape, system, parcel.options), msgspec.json.decode(params, type=system.config))


@cache
def _mapped(tape_file: Path) -> Tape:
    return whole_in_exchange_order(open_tape(tape_file))


@cache
def _found(system: str) -> KernelSystem:
    return find(system)


def _leave_interrupts_to_the_parent() -> None:
    """Ctrl-C reaches every process of a terminal; the one that keeps the results decides what it means."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _as_they_come(
    pool: ProcessPoolExecutor, parcel: Parcel, sets: Sequence[ParameterSet], jobs: int, stop: Stop
) -> Iterator[tuple[int, SetResult]]:
    """Results in the order in which they are ready, never more than a few sets handed out."""
    running: dict[Future[SetResult], int] = {}
    todo = enumerate(sets)
    while True:
        while not stop() and len(running) < jobs * AHEAD and (item := next(todo, None)) is not None:
            number, each = item
            running[pool.submit(run_parcel, parcel, msgspec.json.encode(each.params))] = number
        if stop():
            running = {future: number for future, number in running.items() if not future.cancel()}
        if not running:
            return
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in sorted(done, key=lambda ready: running[ready]):
            yield running.pop(future), future.result()


def ray_is_installed() -> bool:
    """Whether Ray can be imported here; finds out without importing it."""
    return importlib.util.find_spec("ray") is not None


def _import_ray() -> Any:
    try:
        ray = importlib.import_module("ray")
    except ImportError:
        raise ConfigError("ray: found no such package, expected it for --ray: pip install ray") from None
    if not ray.is_initialized():
        ray.init()
    return ray
