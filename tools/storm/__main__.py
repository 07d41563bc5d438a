"""Run the storm, or a part of it; what is done already, of this code, is not done again.

python -m tools.storm [PART ...] [--seeds 0:20] [--jobs 2] [--minutes 150] [--page]
python -m tools.storm digest KIND SEED      the digest of one story, for comparing processes
"""

import argparse
import hashlib
import sys
import time
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path

from tools.storm import page, plans
from tools.storm.outcome import KEPT_AT, Finished, Outcome
from tools.storm.parts import PARTS, run_one, told

ROOT = Path(__file__).parents[2]
AHEAD = 2
"""Seeds that wait for each worker."""


def code_hash() -> str:
    """Of every source file that a story depends on."""
    digest = hashlib.sha256()
    for folder in ("src", "tools/storm"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def seeds_of(text: str) -> tuple[int, int]:
    """`5:20` as (5, 20); raises ValueError for anything else."""
    first, colon, last = text.partition(":")
    if not colon or not first.isdigit() or not last.isdigit() or int(first) >= int(last):
        raise ValueError(f"expected FIRST:LAST with FIRST below LAST, found {text!r}")
    return int(first), int(last)


def wanted(names: list[str], seeds: tuple[int, int] | None, done: Finished) -> list[tuple[str, int]]:
    """What is still to be run: the first seeds of every part first."""
    found = []
    for name in names or list(PARTS):
        first, last = seeds or (0, PARTS[name].seeds)
        found += [(name, seed) for seed in range(first, min(last, PARTS[name].seeds)) if not done.has(name, seed)]
    return sorted(found, key=lambda one: (one[1] / PARTS[one[0]].seeds, one[1]))


def run_all(todo: list[tuple[str, int]], jobs: int, until_s: float, done: Finished) -> None:
    """Seed after seed on so many processes, until all are done or the time is over; 1: in this process."""
    if jobs == 1:
        for part, seed in todo:
            if time.monotonic() < until_s:
                _tell(run_one(part, seed), done)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        running: set[Future[Outcome]] = set()
        left = iter(todo)
        while True:
            while len(running) < jobs + AHEAD and time.monotonic() < until_s:
                following = next(left, None)
                if following is None:
                    break
                running.add(pool.submit(run_one, *following))
            if not running:
                return
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                _tell(future.result(), done)


def _tell(outcome: Outcome, done: Finished) -> None:
    done.keep(outcome)
    print(f"{outcome.part:>13} {outcome.seed:>4}  {outcome.stories:>5} stories {outcome.seconds:>8.1f} s", flush=True)
    for finding in outcome.findings:
        print(f"    {finding}", flush=True)


def main() -> int:
    """The exit code is 1 when a law was broken, or a bug was not found."""
    if sys.argv[1:2] == ["digest"]:
        print(told(plans.STORIES[sys.argv[2]](int(sys.argv[3]))).digest)
        return 0
    parser = argparse.ArgumentParser(prog="python -m tools.storm", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--seeds", type=seeds_of, metavar="FIRST:LAST", help="of every part; else all that it has")
    parser.add_argument("--jobs", type=int, default=2, help="processes (2)")
    parser.add_argument("--minutes", type=float, default=150.0, help="no seed is begun after so long (150)")
    parser.add_argument("--page", action="store_true", help="write docs/storm.md from what is done")
    given = parser.parse_args()
    done = Finished(ROOT / KEPT_AT, code_hash())
    began_s = time.monotonic()
    run_all(wanted(given.parts, given.seeds, done), given.jobs, began_s + 60 * given.minutes, done)
    print(page.table(done))
    if given.page:
        (ROOT / page.PAGE).write_text(page.text(done))
    return int(any(outcome.findings for outcome in done.outcomes.values()))


if __name__ == "__main__":
    sys.exit(main())
