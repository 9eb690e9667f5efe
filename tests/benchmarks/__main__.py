"""`python -m tests.benchmarks [NAME …]`: runs the benchmarks and prints a table of each."""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.benchmarks import api, fetching, forecasting, importing, laps

BENCHMARKS: dict[str, Callable[[], None]] = {
    "import": importing.main,
    "forecast": forecasting.main,
    "api": api.main,
    "laps": laps.main,
    "fetch": fetching.main,
}


def main() -> None:
    names = sys.argv[1:] or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"unknown benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    for name in names:
        BENCHMARKS[name]()


if __name__ == "__main__":
    main()
