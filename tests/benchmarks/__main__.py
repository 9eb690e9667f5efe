"""`python -m tests.benchmarks [NAME …] [BACKTEST.csv …]`: runs the benchmarks and prints a table of each.

Given the files of a back-test, `models` also shows what each member brings.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.benchmarks import api, fetching, importing, laps, models, subscriptions, truth

BACKTESTS = [Path(argument) for argument in sys.argv[1:] if argument.endswith((".csv", ".csv.gz"))]
BENCHMARKS: dict[str, Callable[[], None]] = {
    "import": importing.main,
    "models": partial(models.main, BACKTESTS),
    "truth": truth.main,
    "api": api.main,
    "subscriptions": subscriptions.main,
    "laps": laps.main,
    "fetch": fetching.main,
}


def main() -> None:
    files = {str(path) for path in BACKTESTS}
    names = [argument for argument in sys.argv[1:] if argument not in files] or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"unknown benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    for name in names:
        BENCHMARKS[name]()


if __name__ == "__main__":
    main()
