"""`ultra`: the members stacked, and calibrated on what they had said of past races.

Training walks forward through the last seasons first: the members are fitted on what came before each season
and say what they think of its races. From that, and from nothing they had seen, follow the proportions in
which they are heard (`stacking`). Then they are fitted on all races. A forecast pools the members' draws,
weighs them anew so that the chances to win and to retire are the stacked ones (`raking`) and teammates share
the luck that they have been seen to share (`team_luck`), and tells apart what the members expect of luck from
what they disagree about.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray

from f1graph.errors import ForecastError
from f1graph.features.race_features import RaceFeatures
from f1graph.models.baselines import UniformEstimator, championship_baseline, grid_baseline
from f1graph.models.boost import BoostEstimator
from f1graph.models.draws import OutcomeDistribution, joined
from f1graph.models.fit_cache import FitCache
from f1graph.models.members import bnn, gnn, mtl, tft
from f1graph.models.pooling import joined_causes, pooled
from f1graph.models.protocol import EnsembleOutcome, Estimator, Example, MemberOutcome, Predictor
from f1graph.models.raking import rake, resample
from f1graph.models.rating import RatingEstimator, require_features
from f1graph.models.spread import confidence_of, spread_of
from f1graph.models.stacking import JudgedRace, Logistic, Stack, View, fit_logistic, learn_stack
from f1graph.models.team_luck import TeamLuck, learn_team_luck, told_of
from f1graph.models.training_races import FEWEST_RACES
from f1graph.models.walked import scores_of
from f1graph.races.measures import Measure
from f1graph.races.stages import Stage

Values = NDArray[np.float64]

# Seasons whose races the members had to forecast before they are heard.
WALKED_SEASONS = 4
_WALK_DRAWS = 2000
_CONFIDENCE_HALF_LIFE = 8.0
# So many times the wanted draws are pooled, as far as there are: weighing leaves fewer different ones.
_SPARE_DRAWS = 3.0
_YEAR_DAYS = 365.25


@runtime_checkable
class ManyVoiced(Predictor, Protocol):
    """A member of several networks or weight draws, which can disagree among themselves."""

    def views(self, features: RaceFeatures, *, draws: int, seed: int) -> list[OutcomeDistribution]: ...


@runtime_checkable
class Doubting(ManyVoiced, Protocol):
    """One whose voices differ in what all members believe alike: how strong the cars are."""

    @property
    def doubts_strengths(self) -> Literal[True]: ...


@dataclass(frozen=True, eq=False)
class UltraPredictor:
    """Attributes:
    components: The members, and the anchors, which are tables that rule no winner out; by name.
    versions: Of the members only: who is no anchor has a voice that users see.
    stack: The proportions, of all components that were trained.
    confidence: Correction of the chance to be within two places.
    team_luck: What teammates share beyond what the members know of it.
    missing: Members that could not be restored, with the reason.
    walk_forward: How the stack did on races it had not learnt from; empty in a restored predictor.
    """

    stage: Stage
    feature_names: tuple[str, ...]
    components: Mapping[str, Predictor]
    versions: Mapping[str, str]
    stack: Stack
    confidence: Logistic
    team_luck: TeamLuck = field(default_factory=TeamLuck)
    missing: tuple[tuple[str, str], ...] = ()
    walk_forward: Mapping[Measure, Mapping[str, float]] = field(default_factory=dict)
    name: str = "ultra"

    def predict(self, features: RaceFeatures, *, draws: int, seed: int) -> OutcomeDistribution:
        return self.predict_ensemble(features, draws=draws, seed=seed).distribution

    def predict_ensemble(self, features: RaceFeatures, *, draws: int, seed: int) -> EnsembleOutcome:
        require_features(features, stage=self.stage, names=self.feature_names)
        stack = self.stack.without([name for name, _ in self.missing])
        voices = {
            name: _voices(component, features, draws=draws, seed=self.seed_of(name, seed))
            for name, component in self.components.items()
        }
        drawn = {name: joined(own) for name, own in voices.items()}
        views = {name: _view(one) for name, one in drawn.items()}
        generator = np.random.default_rng(_seed(seed, "pool"))
        members = {name: one for name, one in drawn.items() if name in self.versions}
        size = int(draws * min(_SPARE_DRAWS, 1 / max(stack.order.values())))
        ordering = {name: one for name, one in drawn.items() if name in stack.order}
        pool = pooled(ordering, stack.order, size, generator, causes=joined_causes(members, stack.order))
        weights = rake(pool, win=stack.pooled_win(views), retirement=stack.pooled_retirement(views))
        weights = self.team_luck.weigh(pool, weights, features.constructor_ids)
        whole = resample(pool, weights, draws=draws, generator=generator)
        shares = {name: stack.order[name] for name in members}
        heard = sum(shares.values())
        doubting = [name for name in members if isinstance(self.components[name], Doubting)]
        aleatoric, epistemic = spread_of(
            [(shares[name] / heard, voices[name]) for name in members],
            whole,
            doubting=list(members).index(doubting[0]) if doubting else None,
        )
        return EnsembleOutcome(
            distribution=whole,
            members=tuple(
                MemberOutcome(name, self.versions[name], shares[name] / heard, members[name])
                for name in sorted(members, key=lambda name: (-shares[name], name))
            ),
            aleatoric=aleatoric,
            epistemic=epistemic,
            confidence=self.confidence.apply(
                confidence_of(whole.position_probabilities, whole.expected_position)
            ),
            missing_members=self.missing,
        )

    @staticmethod
    def seed_of(component: str, seed: int) -> int:
        """Of a component's draws in the forecast with this seed."""
        return _seed(seed, component)

    def update(self, examples: Sequence[Example]) -> UltraPredictor:
        return replace(self, components={name: one.update(examples) for name, one in self.components.items()})

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        tensors: dict[str, torch.Tensor] = {}
        components: dict[str, Any] = {}
        for name, component in self.components.items():
            own, facts = component.state()
            part = _part(name, is_member=name in self.versions)
            tensors |= {f"{part}{key}": tensor for key, tensor in own.items()}
            components[name] = {"facts": facts, "tensors": sorted(own)}
        return tensors, {
            "stage": self.stage.value,
            "feature_names": list(self.feature_names),
            "components": components,
            "versions": dict(self.versions),
            "stack": asdict(self.stack),
            "confidence": asdict(self.confidence),
            "team_luck": asdict(self.team_luck),
        }


@dataclass(frozen=True)
class UltraEstimator:
    """Attributes:
    members: Who is stacked.
    anchors: Baselines with a small share in the word on who wins, so that nobody is ruled out.
    cache: Where finished fits are kept; those of the walk are the same for every later training.
    """

    members: tuple[Estimator, ...] = field(
        default_factory=lambda: (RatingEstimator(), mtl(), tft(), gnn(), bnn(), BoostEstimator())
    )
    anchors: tuple[Estimator, ...] = field(
        default_factory=lambda: (grid_baseline(), championship_baseline(), UniformEstimator())
    )
    walked_seasons: int = WALKED_SEASONS
    cache: FitCache = field(default_factory=lambda: FitCache(None), compare=False)
    heard: dict[tuple[str, str], View] = field(default_factory=dict, compare=False, repr=False)
    name: str = "ultra"
    version: str = "1.0"
    stages: frozenset[Stage] = frozenset(Stage)

    def resuming_from(self, cache: FitCache) -> UltraEstimator:
        return replace(self, cache=cache)

    def fit(self, examples: Sequence[Example], *, stage: Stage, seed: int) -> UltraPredictor:
        """Walks through the last seasons, learns the proportions, and fits all members.

        The members' seeds follow from what they learn, so that a walk finds the fits of earlier walks; `seed`
        is there for the protocol's sake.

        Raises:
            ForecastError: There are too few races.
        """
        if len(examples) < FEWEST_RACES:
            raise ForecastError(
                f"{len(examples)} past races are too few for {self.name}; {FEWEST_RACES} are needed"
            )
        members = [one for one in self.members if stage in one.stages]
        anchors = [one for one in self.anchors if stage in one.stages]
        begins = self._walked(examples)
        self.cache.expect((len(begins) + 1) * (len(members) + len(anchors)))
        races: list[JudgedRace] = []
        of_season: list[list[JudgedRace]] = []
        for begin, end in begins:
            judged = list(self._judge(examples, begin, end, [*members, *anchors], stage))
            of_season.append(judged)
            races += judged
        names = {"members": [one.name for one in members], "anchors": [one.name for one in anchors]}
        stack = learn_stack(races, **names)
        return UltraPredictor(
            stage=stage,
            feature_names=examples[-1].features.names,
            components={one.name: self._fitted(one, examples, stage) for one in (*members, *anchors)},
            versions={one.name: one.version for one in members},
            stack=stack,
            confidence=_learn_confidence(stack, races),
            team_luck=learn_team_luck(
                told_of(stack, races, [one for begin, end in begins for one in examples[begin:end]])
            ),
            walk_forward=scores_of(
                (stack_then, example.features.race_id, race)
                for (begin, _), judged, stack_then in zip(
                    begins, of_season, _stacks_then(of_season, names), strict=True
                )
                for example, race in zip(examples[begin:], judged, strict=False)
            ),
        )

    def restore(self, tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> UltraPredictor:
        """Goes on without a member whose tensors are not all there, and says so."""
        components, missing = {}, []
        estimators = {one.name: one for one in (*self.members, *self.anchors)}
        for name, own in facts["components"].items():
            part = _part(name, is_member=name in facts["versions"])
            given = {
                key.removeprefix(part): tensor for key, tensor in tensors.items() if key.startswith(part)
            }
            if sorted(given) != own["tensors"]:
                missing.append((name, "its part of the bundle is missing or broken"))
            elif name not in estimators:
                missing.append((name, "this version of the program does not have it"))
            elif estimators[name].version != facts["versions"].get(name, estimators[name].version):
                missing.append((name, f"it was trained as version {facts['versions'][name]}"))
            else:
                try:
                    components[name] = estimators[name].restore(given, own["facts"])
                except (KeyError, TypeError, ValueError) as error:
                    missing.append((name, f"its part of the bundle does not fit this program: {error}"))
        if not any(name in facts["versions"] for name in components):
            raise ValueError("none of its members can be restored")
        stack = facts["stack"]
        return UltraPredictor(
            stage=Stage(facts["stage"]),
            feature_names=tuple(facts["feature_names"]),
            components=components,
            versions={name: version for name, version in facts["versions"].items() if name in components},
            stack=Stack(**{**stack, "retirement": Logistic(**stack["retirement"])}),
            confidence=Logistic(**facts["confidence"]),
            team_luck=TeamLuck(**facts["team_luck"]),
            missing=tuple(missing),
        )

    def _walked(self, examples: Sequence[Example]) -> list[tuple[int, int]]:
        """Of each season that is walked the index of its first race, and of the one after its last."""
        seasons = [example.features.season for example in examples]
        found = []
        for season in sorted(set(seasons))[-self.walked_seasons :]:
            begin = seasons.index(season)
            if begin >= FEWEST_RACES:
                found.append((begin, begin + seasons.count(season)))
        return found

    def _fitted(self, estimator: Estimator, examples: Sequence[Example], stage: Stage) -> Predictor:
        seed = _seed(len(examples), f"{estimator.name} {stage} {examples[-1].features.race_id}")
        return self.cache.fit(estimator, examples, stage=stage, seed=seed)

    def _judge(
        self, examples: Sequence[Example], begin: int, end: int, estimators: Sequence[Estimator], stage: Stage
    ) -> Iterator[JudgedRace]:
        """What each component says of the races of a season, fitted on those before it."""
        learnt = examples[:begin]
        newest = examples[-1].features.starts_at
        fitted = {one.name: self._fitted(one, learnt, stage) for one in estimators}
        fold = self.cache.digest_of(learnt)
        for index in range(begin, end):
            example = examples[index]
            key = f"{fold} {self.cache.digest_of(examples[begin : index + 1])} {stage}"
            views = {}
            for name, predictor in fitted.items():
                view = self.heard.get((name, key))
                if view is None:
                    now = predictor.update(examples[:index])
                    seed = _seed(index, f"{name} {example.features.race_id}")
                    view = _view(now.predict(example.features, draws=_WALK_DRAWS, seed=seed))
                    self.heard[name, key] = view
                views[name] = view
            age = (newest - example.features.starts_at).days / _YEAR_DAYS
            yield JudgedRace(views, example.outcome, age)


def _part(name: str, *, is_member: bool) -> str:
    """How its tensors' names begin: each member is a part of the bundle that the others can do without."""
    return f"{name}/" if is_member else f"{name}."


def _stacks_then(
    of_season: Sequence[Sequence[JudgedRace]], names: Mapping[str, Sequence[str]]
) -> list[Stack]:
    """The stack that was known before each season."""
    return [
        learn_stack(
            [race for season in of_season[:number] for race in season],
            members=names["members"],
            anchors=names["anchors"],
        )
        for number in range(len(of_season))
    ]


def _learn_confidence(stack: Stack, races: Sequence[JudgedRace]) -> Logistic:
    if not races:
        return Logistic()
    raw, happened, weights = [], [], []
    for race in races:
        matrix = sum(share * race.views[name].positions for name, share in stack.order.items())
        expected = 1 + (np.cumsum(matrix, axis=1) >= 0.5).argmax(axis=1)
        started = race.outcome.positions > 0
        raw.append(confidence_of(np.asarray(matrix), expected)[started])
        happened.append((np.abs(race.outcome.positions - expected) <= 2)[started])
        weights.append(np.full(started.sum(), 0.5 ** (race.age / _CONFIDENCE_HALF_LIFE)))
    return fit_logistic(np.concatenate(raw), np.concatenate(happened), np.concatenate(weights))


def _voices(
    component: Predictor, features: RaceFeatures, *, draws: int, seed: int
) -> list[OutcomeDistribution]:
    if isinstance(component, ManyVoiced):
        return component.views(features, draws=draws, seed=seed)
    return [component.predict(features, draws=draws, seed=seed)]


def _view(distribution: OutcomeDistribution) -> View:
    return View(
        distribution.position_probabilities,
        distribution.win,
        distribution.retirement,
        distribution.classified_probabilities,
    )


def _seed(number: int, what: str) -> int:
    """31 bits that follow from what is drawn."""
    digest = hashlib.sha256(f"{number}\0{what}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1
