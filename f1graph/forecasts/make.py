"""Makes a forecast from what was known at a cutoff. Production and back-test both call exactly this.

Pure: knows no clock, no database and no network; the same arguments give the same forecast.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import torch
from numpy.typing import NDArray

from f1graph import __version__
from f1graph.errors import ForecastError
from f1graph.features.race_features import RaceFeatures
from f1graph.models.draws import DRAWS, OutcomeDistribution
from f1graph.models.protocol import Predictor
from f1graph.races.calendar import Race
from f1graph.races.forecast import (
    Consensus,
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


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A predictor with the facts that a receipt needs.

    Attributes:
        version: The estimator's.
        bundle_checksum: None where the predictor never was on disk.
        is_baseline: Has no voice in the consensus.
    """

    predictor: Predictor
    version: str
    bundle_checksum: str | None = None
    is_baseline: bool = False

    @property
    def name(self) -> str:
        return self.predictor.name


@dataclass(frozen=True, slots=True)
class Build:
    """What runs: code, libraries, machine."""

    code_version: str
    libraries: tuple[tuple[str, str], ...]
    machine: str


def this_build() -> Build:
    """The build of this process. The CPU's vector width is part of the machine: it changes the last bits."""
    return Build(
        code_version=__version__,
        libraries=(("numpy", np.__version__), ("torch", torch.__version__.split("+")[0])),
        machine=f"{platform.system()} {platform.machine()} {torch.backends.cpu.get_cpu_capability()}",
    )


def make_forecast(
    past: Past,
    race: Race,
    *,
    stage: Stage,
    model: TrainedModel,
    members: Sequence[TrainedModel] = (),
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
        model: Whose draws are served.
        members: Further models whose views are shown beside it.
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
    distribution = _draw(model, features, draws=draws, seed=seed)
    # A member that is the served model must not be drawn with another seed.
    others = sorted(
        (member for member in members if member.name != model.name),
        key=lambda member: (member.is_baseline, member.name),
    )
    views = [(model, distribution)] + [
        (member, _draw(member, features, draws=draws, seed=derive_seed(str(seed), member.name)))
        for member in others
    ]
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
        entries=_entries(features, distribution, _grid(past, race)),
        members=tuple(_view(member, drawn) for member, drawn in views),
        draws=packed,
        consensus=consensus([drawn for member, drawn in views if not member.is_baseline]),
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


def _draw(model: TrainedModel, features: RaceFeatures, *, draws: int, seed: int) -> OutcomeDistribution:
    if model.predictor.stage is not features.stage:
        raise ForecastError(
            f"{model.name} was trained for {model.predictor.stage}, not for {features.stage} of "
            f"{features.race_id}."
        )
    distribution = model.predictor.predict(features, draws=draws, seed=seed)
    problem = _incoherence(features, distribution, draws)
    if problem is not None:
        raise ForecastError(f"{model.name} contradicts itself about {features.race_id}: {problem}.")
    return distribution


def _incoherence(features: RaceFeatures, distribution: OutcomeDistribution, draws: int) -> str | None:
    if distribution.driver_ids != features.driver_ids:
        return f"it forecasts {distribution.driver_ids}, the entries are {features.driver_ids}"
    if distribution.draws != draws:
        return f"it made {distribution.draws} draws of {draws}"
    matrix = distribution.position_probabilities
    for axis, what in ((1, "an entry's positions"), (0, "a position's entries")):
        worst = np.abs(matrix.sum(axis=axis) - 1).max()
        if worst > 1e-6:
            return f"the probabilities of {what} sum to 1 ± {worst:.2g}"
    for smaller, larger, what in (
        (distribution.win, distribution.podium, "win more likely than podium"),
        (distribution.podium, distribution.points, "podium more likely than top ten"),
    ):
        if (smaller > larger + 1e-12).any():
            return what
    return None


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
    features: RaceFeatures, distribution: OutcomeDistribution, grid: dict[str, int]
) -> tuple[EntryForecast, ...]:
    matrix = distribution.position_probabilities
    win, podium, points = distribution.win, distribution.podium, distribution.points
    retirement, median = distribution.retirement, distribution.expected_position
    low, high, entropy = distribution.quantile(0.1), distribution.quantile(0.9), entropy_bits(matrix)
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
            interval80_low=int(low[i]),
            interval80_high=int(high[i]),
            position_probabilities=tuple(matrix[i].tolist()),
            entropy_bits=float(entropy[i]),
        )
        for i, driver_id in enumerate(features.driver_ids)
    )


def _view(model: TrainedModel, distribution: OutcomeDistribution) -> MemberView:
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
        model=model.name,
        version=model.version,
        entries=tuple(MemberEntry(*column) for column in columns),
        is_baseline=model.is_baseline,
    )


def entropy_bits(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shannon entropy over the last axis."""
    logs = np.log2(np.where(probabilities > 0, probabilities, 1.0))
    # abs: a certain outcome is 0 bits, not -0.
    return np.asarray(np.abs((probabilities * logs).sum(axis=-1)), dtype=np.float64)


def consensus(distributions: Sequence[OutcomeDistribution]) -> Consensus | None:
    """How far members agree; None with fewer than two."""
    if len(distributions) < 2:
        return None
    matrices = np.stack(
        [drawn.position_probabilities for drawn in distributions]
    )  # (members, entries, positions)
    divergence = entropy_bits(matrices.mean(axis=0)) - entropy_bits(matrices).mean(axis=0)
    places = np.arange(1, matrices.shape[2] + 1)
    return Consensus(
        members=len(distributions),
        kendall_w=kendall_w(matrices @ places),
        divergence_bits=max(0.0, float(divergence.mean())),
    )


def kendall_w(scores: NDArray[np.float64]) -> float:
    """Kendall's coefficient of concordance of (members, entries) scores, corrected for ties."""
    members, entries = scores.shape
    less = (scores[:, None, :] < scores[:, :, None]).sum(axis=2)
    equal = (scores[:, None, :] == scores[:, :, None]).sum(axis=2)
    ranks = less + (equal + 1) / 2  # (members, entries), tied entries share the mean of their ranks
    totals = ranks.sum(axis=0)
    spread = float(((totals - totals.mean()) ** 2).sum())
    # Each entry of a group of t tied ones adds t² - 1, the group t³ - t.
    ties = float((equal.astype(np.float64) ** 2 - 1).sum())
    whole = members**2 * (entries**3 - entries) - members * ties
    return 12 * spread / whole if whole > 0 else 0.0


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
