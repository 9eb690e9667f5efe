"""A forecast as it is stored: made once, never changed, with everything needed to make it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from f1graph.races.explanation import Explanation
from f1graph.races.measures import Measure
from f1graph.races.stages import Stage
from f1graph.races.times import require_utc


@dataclass(frozen=True, slots=True)
class EntryForecast:
    """What a forecast says of one entry. All numbers are read from the same draws.

    Attributes:
        grid: Place on the grid; None when not known yet, or for a start from the pit lane.
        win, podium, points: P(classified first, in the first three, in the first ten).
        retirement: P(does not finish or is not classified).
        expected_position: The median.
        interval80_low, interval80_high: The run of places that holds most nearly 80 %, both ends included.
        position_probabilities: P(ends in place 1, 2, … n), unclassified cars in the last places.
        entropy_bits: Of `position_probabilities`: 0 is certain, log2(n) is anything goes.
        mechanical, accident, other: P(retires by that cause), which sum to `retirement`; None from a model
            that does not tell causes apart.
        aleatoric, epistemic: The two parts of the variance of the position, in places squared: the race's
            lottery, and how far the members and their weights disagree. None from a model that does not
            know them apart.
        confidence: The calibrated chance to end within two places of `expected_position`; None from a
            model that does not tell.
        divergence_bits: Jensen–Shannon divergence of what the members say of this entry's position: 0 is
            the same, log2(members) is nothing in common; None with fewer than two members.
    """

    driver_id: str
    constructor_id: str
    grid: int | None
    win: float
    podium: float
    points: float
    retirement: float
    expected_position: int
    interval80_low: int
    interval80_high: int
    position_probabilities: tuple[float, ...]
    entropy_bits: float
    mechanical: float | None = None
    accident: float | None = None
    other: float | None = None
    aleatoric: float | None = None
    epistemic: float | None = None
    confidence: float | None = None
    divergence_bits: float | None = None

    @property
    def interval80_probability(self) -> float:
        """What the interval really holds, as places are whole."""
        return sum(self.position_probabilities[self.interval80_low - 1 : self.interval80_high])


@dataclass(frozen=True, slots=True)
class MemberEntry:
    """One member's view of one entry."""

    driver_id: str
    win: float
    podium: float
    points: float
    retirement: float
    expected_position: int


@dataclass(frozen=True, slots=True)
class MemberView:
    """What one model says: a member of the forecast, which alone is its own, or a baseline.

    Attributes:
        is_baseline: Shown to compare with; has no voice in the consensus.
        weight: A member's share of the forecast, before calibration; all of them sum to 1. None for a
            baseline.
    """

    model: str
    version: str
    entries: tuple[MemberEntry, ...]
    is_baseline: bool = False
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class Consensus:
    """How far the members agree; one of weight 0 has no voice.

    Attributes:
        kendall_w: Of their orders by mean position: 0 is none, 1 is the same order.
        divergence_bits: Jensen–Shannon divergence of their position distributions, averaged over the
            entries: 0 is the same distribution, log2(members) is none in common.
    """

    members: int
    kendall_w: float
    divergence_bits: float


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a forecast was made from: enough to make it again and compare.

    Attributes:
        inputs_fingerprint: SHA-256 of the features.
        bundle_checksum: Of the trained model on disk; None where it was trained in passing (back-test).
        libraries: Name and version of those whose numbers matter.
        machine: The kind of machine; on the same kind and libraries the draws are the same to the bit.
        facts_version: Number of the last fact that was stored then; None where no store was involved
            (back-test). What was stored later, with whatever `known_at`, is left out when the forecast
            is made again.
        recordings_version: The same for the last recording; None where forecasts did not read any yet.
    """

    inputs_fingerprint: str
    bundle_checksum: str | None
    code_version: str
    libraries: tuple[tuple[str, str], ...]
    seed: int
    draws: int
    machine: str
    facts_version: int | None = None
    recordings_version: int | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """One forecast of one race at one stage.

    Attributes:
        id: From the content: the same forecast made again has the same id, whenever it is made.
        cutoff: Nothing learned later was used.
        made_at: When it was computed.
        invented: About a race of the invented championship.
        retrospective: Made after the race had started, so no promise was ever given.
        missing_inputs: What the stage should have known and did not, with the reason.
        entries: By driver id.
        members: What it is made of, by descending weight, then the baselines, by name.
        missing_members: Models that should have spoken and could not, with the reason.
        draws: The sampled finishing orders, compact (`races.draws`).
        consensus: None with fewer than two members.
        previous_id: The forecast of this race that this one follows.
        cause: What happened since: why this one was made.
        explanation: Which inputs moved it; None from a model that cannot tell, in a baseline's forecast, and
            in one that was made before explanations were kept.
    """

    id: str
    race_id: str
    stage: Stage
    cutoff: datetime
    made_at: datetime
    model: str
    model_version: str
    invented: bool
    retrospective: bool
    missing_inputs: tuple[tuple[str, str], ...]
    entries: tuple[EntryForecast, ...]
    members: tuple[MemberView, ...]
    draws: bytes
    consensus: Consensus | None
    receipt: Receipt
    previous_id: str | None = None
    cause: str | None = None
    missing_members: tuple[tuple[str, str], ...] = ()
    explanation: Explanation | None = None

    def __post_init__(self) -> None:
        require_utc(self.cutoff, "a forecast's cutoff")
        require_utc(self.made_at, "a forecast's made_at")

    @property
    def driver_ids(self) -> tuple[str, ...]:
        return tuple(entry.driver_id for entry in self.entries)

    def of_driver(self, driver_id: str) -> EntryForecast | None:
        return next((entry for entry in self.entries if entry.driver_id == driver_id), None)


@dataclass(frozen=True, slots=True)
class Score:
    """One measure of one forecast against one revision of the race's classification."""

    forecast_id: str
    race_revision: int
    measure: Measure
    value: float


@dataclass(frozen=True)
class ScoredForecast:
    """A forecast's scores against one revision of its race's result, with what is needed to group them.

    Attributes:
        revision: The one it was judged against; None where no store numbers them (back-test).
    """

    forecast_id: str
    race_id: str
    season: int
    stage: Stage
    model: str
    model_version: str
    cutoff: datetime
    made_at: datetime
    retrospective: bool
    values: Mapping[Measure, float] = field(default_factory=dict)
    revision: int | None = None
