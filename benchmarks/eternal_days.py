"""Ten generated years of the eternal engine's daily cycle, in CPU seconds, warm.

    python -m benchmarks.eternal_days [YEARS]

The tape is made before the clock starts; what is measured is five sub-accounts over it: the market, the cycle, the
exchange, funding, transfers. A year first warms the kernels.
"""

import sys
import time

from quintet.research.eternal_generated import generated_market
from quintet.research.eternal_report import Study
from quintet.systems.eternal import EternalConfig
from quintet.systems.eternal.dates import day_of

GOAL_S = 3.0


def study_of(years: float) -> Study:
    """A generated market of so many years."""
    first = day_of(2015, 1, 1)
    days = round(365.25 * years)
    return Study(generated_market(first, days), [], EternalConfig(), 100_000_000_000, first, first + days - 1)


def main() -> None:
    """Print what ten years cost."""
    years = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    study_of(0.5).run(0)
    study = study_of(years)
    rows = len(study.market(0).tape.rows)
    before = time.process_time()
    run = study.run(0)
    spent = time.process_time() - before
    print(
        f"{years:g} years, {len(run.marks):,} cycles, {rows:,} rows: {spent:.2f} CPU s (goal {GOAL_S:g}), "
        f"ended at {sum(run.marks[-1].equity.values()) // 1_000_000:,} USDT, books off by {run.imbalance}"
    )


if __name__ == "__main__":
    main()
