"""Makes a forecast from what was known at a cutoff. Production and back-test both call exactly this.

Pure: knows no clock, no database and no network; the same arguments give the same forecast.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from importlib.metadata import version as installed_version

import numpy as np
import torch
from numpy.typing import NDArray

from f1graph import __version__
from f1graph.errors import ForecastError
from f1graph.features.race_features import RaceFeatures
from f1graph.forecasts.asking import Spoken, TrainedModel, ask, draw
from f1graph.forecasts.consensus import consensus, divergences, entropy_bits
from f1graph.forecasts.position_interval import position_intervals
from f1graph.models.bundle import LIBRARIES
from f1graph.models.draws import DRAWS, OutcomeDistribution
from f1graph.models.protocol import MemberOutcome
from f1graph.races.calendar import Race
from f1graph.races.forecast import (
    EntryForecast,
    Forecast,
    MemberEntry,
    MemberView,
    Receipt,
)
from f1graph.races.past import Past
from f1graph.races.results import ClassificationKind, Status
from f1graph.races.stages import Stage, stage_window

# `features.build.build_features`, or one that remembers.
BuildFeatures = Callable[[Past, str, Stage], RaceFeatures]


@dataclass(frozen=True, slots=True)
class Build:
    """What runs: code, libraries, machine."""

    code_version: str
    libraries: tuple[tuple[str, str], ...]
    machine: str


@cache
def this_build() -> Build:
    """The build of this process. The CPU's vector width is part of the machine: it changes the last bits."""
    return Build(
        code_version=__version__,
        libraries=tuple((library, installed_version(library).split("+")[0]) for library in LIBRARIES),
        machine=f"{platform.system()} {platform.machine()} {torch.backends.cpu.get_cpu_capability()}",
    )


def make_forecast(
    past: Past,
    race: Race,
    *,
    stage: Stage,
    model: TrainedModel,
    baselines: Sequence[TrainedModel] = (),
    missing: Sequence[tuple[str, str]] = (),
    made_at: datetime,
    build_features: BuildFeatures,
    seed: int | None = None,
    draws: int = DRAWS,
    previous_id: str | None = None,
    cause: str | None = None,
    build: Build | None = None,
) -> Forecast:
    """Forecasts `race` as `stage` knows it, at the cutoff of `past`.

    Args:
        model: Whose draws are served. An ensemble tells what its members say.
        baselines: Models whose views are shown beside it.
        missing: Models that should have spoken instead and cannot, with the reason.
        seed: By default it follows from race, stage, model and cutoff.

    Raises:
        ForecastError: The race is cancelled, has no such stage or no known entries, the cutoff is too
            late for the stage, or a model's answer contradicts itself.
    """
    _refuse_what_cannot_be_forecast(past, race, stage, made_at)
    features = build_features(past, race.id, stage)
    if not features.driver_ids:
        raise ForecastError(f"Nobody is known to be entered for {race.id} at {_spoken(past.cutoff)}.")
    _check_features(features, past, race, stage)
    if seed is None:
        seed = derive_seed(race.id, stage, model.name, past.cutoff.isoformat())
    spoken = ask(model, features, draws=draws, seed=seed)
    distribution = spoken.distribution
    own = {one.name for one in spoken.members}
    views = [_view(one) for one in spoken.members] + [
        _baseline(one, features, draws=draws, seed=seed)
        for one in sorted(baselines, key=lambda baseline: baseline.name)
        # A simple guess may have a voice in an ensemble: it is shown once.
        if one.name not in own
    ]
    voices = [one.distribution for one in spoken.members if one.weight > 0]
    build = build or this_build()
    packed = distribution.to_bytes()
    return Forecast(
        id=_identity(features, past, model, seed, packed),
        race_id=race.id,
        stage=stage,
        cutoff=past.cutoff,
        made_at=made_at,
        model=model.name,
        model_version=model.version,
        invented=race.invented,
        retrospective=made_at > race.starts_at,
        missing_inputs=features.missing_inputs,
        entries=_entries(features, spoken, divergences(voices), _grid(past, race)),
        members=tuple(views),
        draws=packed,
        consensus=consensus(voices),
        receipt=Receipt(
            inputs_fingerprint=features.fingerprint,
            bundle_checksum=model.bundle_checksum,
            code_version=build.code_version,
            libraries=build.libraries,
            seed=seed,
            draws=draws,
            machine=build.machine,
        ),
        previous_id=previous_id,
        cause=cause,
        missing_members=(*missing, *spoken.missing_members),
    )


def derive_seed(*parts: str) -> int:
    """A seed that follows from what is drawn. 31 bits, so that every API and database can hold it."""
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def distribution_of(forecast: Forecast) -> OutcomeDistribution:
    """The draws of a stored forecast."""
    return OutcomeDistribution.from_bytes(forecast.driver_ids, forecast.draws)


def _refuse_what_cannot_be_forecast(past: Past, race: Race, stage: Stage, made_at: datetime) -> None:
    if race.is_cancelled:
        raise ForecastError(f"{race.id} is cancelled; there is nothing to forecast.")
    window = stage_window(race, stage)
    if window is None:
        raise ForecastError(f"{race.id} has no stage {stage}: its weekend has no sprint.")
    if past.cutoff > window.closes_at:
        raise ForecastError(
            f"{stage} of {race.id} ends at {_spoken(window.closes_at)}; a cutoff at "
            f"{_spoken(past.cutoff)} would know more. Use an earlier cutoff or a later stage."
        )
    if past.cutoff > made_at:
        raise ForecastError(
            f"A forecast made at {_spoken(made_at)} cannot know what is learned until {_spoken(past.cutoff)}."
        )


def _check_features(features: RaceFeatures, past: Past, race: Race, stage: Stage) -> None:
    if (features.race_id, features.stage, features.cutoff) != (race.id, stage, past.cutoff):
        raise ForecastError(
            f"The features are those of {features.race_id} {features.stage} at {_spoken(features.cutoff)}, "
            f"not of {race.id} {stage} at {_spoken(past.cutoff)}."
        )


def _grid(past: Past, race: Race) -> dict[str, int]:
    grid = past.classification(race.id, ClassificationKind.GRID)
    if grid is None:
        return {}
    places = {
        row.driver_id: row.grid_position if row.grid_position is not None else row.position
        for row in grid.rows
        if row.status is not Status.PIT_LANE
    }
    return {driver_id: place for driver_id, place in places.items() if place is not None}


def _entries(
    features: RaceFeatures,
    spoken: Spoken,
    divergence: NDArray[np.float64] | None,
    grid: dict[str, int],
) -> tuple[EntryForecast, ...]:
    distribution = spoken.distribution
    matrix = distribution.position_probabilities
    win, podium, points = distribution.win, distribution.podium, distribution.points
    retirement, median = distribution.retirement, distribution.expected_position
    causes = distribution.retirement_by_cause
    interval, entropy = position_intervals(matrix), entropy_bits(matrix)
    return tuple(
        EntryForecast(
            driver_id=driver_id,
            constructor_id=features.constructor_ids[i],
            grid=grid.get(driver_id),
            win=float(win[i]),
            podium=float(podium[i]),
            points=float(points[i]),
            retirement=float(retirement[i]),
            expected_position=int(median[i]),
            interval80_low=int(interval.low[i]),
            interval80_high=int(interval.high[i]),
            position_probabilities=tuple(matrix[i].tolist()),
            entropy_bits=float(entropy[i]),
            mechanical=None if causes is None else float(causes[i, 0]),
            accident=None if causes is None else float(causes[i, 1]),
            other=None if causes is None else float(causes[i, 2]),
            aleatoric=_number(spoken.aleatoric, i),
            epistemic=_number(spoken.epistemic, i),
            confidence=_number(spoken.confidence, i),
            divergence_bits=_number(divergence, i),
        )
        for i, driver_id in enumerate(features.driver_ids)
    )


def _number(values: NDArray[np.float64] | None, entry: int) -> float | None:
    return None if values is None else float(values[entry])


def _baseline(model: TrainedModel, features: RaceFeatures, *, draws: int, seed: int) -> MemberView:
    drawn = draw(model, features, draws=draws, seed=derive_seed(str(seed), model.name))
    view = _view(MemberOutcome(model.name, model.version, 0.0, drawn))
    return replace(view, is_baseline=True, weight=None)


def _view(member: MemberOutcome) -> MemberView:
    distribution = member.distribution
    columns = zip(
        distribution.driver_ids,
        distribution.win.tolist(),
        distribution.podium.tolist(),
        distribution.points.tolist(),
        distribution.retirement.tolist(),
        distribution.expected_position.tolist(),
        strict=True,
    )
    return MemberView(
        model=member.name,
        version=member.version,
        entries=tuple(MemberEntry(*column) for column in columns),
        weight=member.weight,
    )


def _identity(features: RaceFeatures, past: Past, model: TrainedModel, seed: int, packed: bytes) -> str:
    digest = hashlib.sha256()
    for part in (
        features.race_id,
        features.stage,
        past.cutoff.isoformat(),
        model.name,
        model.version,
        model.bundle_checksum or "",
        features.fingerprint,
        str(seed),
    ):
        digest.update(part.encode() + b"\0")
    digest.update(packed)
    return digest.hexdigest()[:24]


def _spoken(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
