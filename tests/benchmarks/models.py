"""What each model costs, and, given a back-test, what each member brings.

Costs: fitting one stage, and a forecast in a process of its own that has loaded the bundle and nothing else.
The ensemble is put together from its members as they were fitted here. A training of it fits them again for
each season that it walks; that is told, not done.
"""

from __future__ import annotations

import json
import pickle
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from f1graph.features.build import build_features
from f1graph.forecasts.examples import ExampleBook
from f1graph.forecasts.explain import told_apart
from f1graph.forecasts.members import BASELINES, ULTRA, members_of
from f1graph.forecasts.report.ablation import ALL, ablation
from f1graph.forecasts.report.reading import judge_files, read_files
from f1graph.forecasts.report.tables import LEADING, Estimate, Figure, Row, definition_of
from f1graph.models.bundle import load_bundle, save_bundle
from f1graph.models.draws import DRAWS
from f1graph.models.ensemble import UltraPredictor
from f1graph.models.protocol import Estimator, Example, Predictor
from f1graph.models.stacking import Logistic, learn_stack
from f1graph.races.facts import Facts
from f1graph.races.past import History
from f1graph.races.stages import Stage
from f1graph.sources.f1db import read_release
from f1graph.sources.invented import championship
from tests.benchmarks.measuring import console, in_a_process, milliseconds, peak_megabytes, release, show

NOW = datetime(2025, 1, 1, tzinfo=UTC)
STAGE = Stage.AFTER_QUALIFYING
# The newest 305 races, and a field of 22 cars among them, in 2016.
FIRST_SEASON = 2010
CARS = 22


def main(backtests: Sequence[Path] = ()) -> None:
    if backtests:
        show_what_members_bring(backtests)
    torch.set_num_threads(1)
    path = release()
    facts = championship(seed=1, seasons=15, now=NOW).facts if path is None else read_release(path)
    book = ExampleBook(history_of(facts), build_features, first_season=FIRST_SEASON)
    started = time.perf_counter()
    examples = book.known_by(NOW, STAGE)
    built = time.perf_counter() - started
    widest = max(
        examples,
        key=lambda example: (min(CARS, len(example.features.driver_ids)), example.features.starts_at),
    )
    rows, seconds = [], 0.0
    fitted: dict[str, Predictor] = {}
    for estimator in (*ULTRA.members, *BASELINES):
        started = time.perf_counter()
        fitted[estimator.name] = estimator.fit(examples, stage=STAGE, seed=1)
        taken = time.perf_counter() - started
        seconds += taken
        rows.append(row_of(estimator, fitted[estimator.name], f"{taken:.2f}", widest, races=len(examples)))
    fits = ULTRA.walked_seasons + 1
    rows.append(
        row_of(ULTRA, whole_of(fitted), f"{fits} × {seconds:.0f}", widest, races=len(examples)),
    )
    show(
        f"{STAGE} of {'an invented championship' if path is None else 'F1DB'}: {len(examples)} races, "
        f"features built in {built:.1f} s, one thread. "
        f"A first training of {ULTRA.name} fits all others {fits} times, at most as long as here",
        (
            "model",
            "fit, s",
            "bundle, kB",
            "loaded, s",
            f"{DRAWS:,} draws of {len(widest.features.driver_ids)} cars, median s",
            "explained, median s",
            "peak memory, MB",
        ),
        rows,
    )


def history_of(facts: Facts) -> History:
    return History.of(
        races=facts.races,
        classifications=facts.classifications,
        circuits=facts.circuits,
        drivers=facts.drivers,
        constructors=facts.constructors,
    )


def whole_of(fitted: Mapping[str, Predictor]) -> UltraPredictor:
    """The ensemble before it has walked: all members are heard alike."""
    members = [estimator.name for estimator in ULTRA.members]
    anchors = [estimator.name for estimator in ULTRA.anchors]
    return UltraPredictor(
        stage=STAGE,
        feature_names=fitted[members[-1]].feature_names,
        components={name: fitted[name] for name in (*members, *anchors)},
        versions={estimator.name: estimator.version for estimator in ULTRA.members},
        stack=learn_stack([], members=members, anchors=anchors),
        confidence=Logistic(),
    )


def row_of(
    estimator: Estimator, predictor: Predictor, seconds: str, widest: Example, *, races: int
) -> tuple[str, ...]:
    with TemporaryDirectory() as folder:
        bundle = Path(folder) / "bundle"
        save_bundle(bundle, predictor, estimator, cutoff=NOW, races=races, seed=1)
        (Path(folder) / "features").write_bytes(pickle.dumps(widest.features))
        size = sum(file.stat().st_size for file in bundle.iterdir()) / 1000
        told = in_a_process("tests.benchmarks.models", folder)
    return (
        estimator.name,
        seconds,
        f"{size:.0f}",
        f"{told['loaded']:.2f}",
        f"{told['predicted']:.3f}",
        f"{told['explained']:.3f}",
        f"{told['megabytes']:.0f}",
    )


def forecast_once_loaded(folder: Path) -> None:
    """The child: loads a bundle, forecasts, and tells what that took."""
    torch.set_num_threads(1)
    started = time.perf_counter()
    predictor = load_bundle(folder / "bundle", (ULTRA, *ULTRA.members, *BASELINES))
    loaded = time.perf_counter() - started
    features = pickle.loads((folder / "features").read_bytes())
    taken = milliseconds(lambda: predictor.predict(features, draws=DRAWS, seed=1), times=7)
    explained = milliseconds(lambda: told_apart(predictor, features, seed=1), times=3)
    answer = {
        "loaded": loaded,
        "predicted": statistics.median(taken) / 1000,
        "explained": statistics.median(explained) / 1000,
        "megabytes": peak_megabytes(),
    }
    print(json.dumps(answer))


def show_what_members_bring(backtests: Sequence[Path]) -> None:
    """The ablation table of the members in some files, against the results of the release."""
    path = release()
    if path is None:
        console.print("What members bring is judged by results: name an F1DB release in F1GRAPH_F1DB.")
        return
    files = read_files(backtests)
    reading = judge_files(files, history_of(read_release(path)))
    members = members_of(ULTRA.name)
    for stage in Stage:
        board = ablation(
            reading.forecasts, stage=stage, span=files.seasons, members=members, beside=[ULTRA.name]
        )
        if board is None:
            console.print(f"{stage}: fewer than two members are in the file, so none can be left out.")
            continue
        show(
            f"{stage}: {len(set(board.models) - {ALL, ULTRA.name})} members pooled in equal shares, and all "
            f"but one, {board.races} races. Below the mean: its paired difference to all members, 95 % "
            "interval",
            ("pool", *(definition_of(table.figure).title for table in board.tables)),
            [
                (model, *(cell(table.row(model), table.figure) for table in board.tables))
                for model in board.models
            ],
        )


def cell(row: Row, figure: Figure) -> str:
    decimals = 4 if figure in LEADING and row.estimate.value < 0.3 else 3
    if row.difference is None:
        return f"{row.estimate.value:.{decimals}f}"
    difference: Estimate = row.difference.estimate
    if difference.low is None or difference.high is None:
        return f"{row.estimate.value:.{decimals}f}\n{difference.value:+.{decimals}f}"
    return (
        f"{row.estimate.value:.{decimals}f}\n{difference.value:+.{decimals}f}\n"
        f"{difference.low:+.{decimals}f} {difference.high:+.{decimals}f}"
    )


if __name__ == "__main__":
    forecast_once_loaded(Path(sys.argv[1]))
