"""Trained models on disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from f1graph.errors import BundleError
from f1graph.models import bundle
from f1graph.models.baselines import UniformEstimator, grid_baseline
from f1graph.models.bundle import MANIFEST_FILE, TENSORS_FILE, load_bundle, read_manifest, save_bundle
from f1graph.models.rating import RatingEstimator, RatingPredictor
from f1graph.models.walk_scores import WalkScore
from f1graph.races.measures import Measure
from f1graph.races.stages import Stage
from tests.models.fields import FIELD, simulated_seasons, some_features

CUTOFF = datetime(2024, 6, 1, tzinfo=UTC)
ESTIMATORS = (RatingEstimator(), UniformEstimator(), grid_baseline())


@pytest.fixture(scope="module")
def trained() -> RatingPredictor:
    strengths = {driver: float(number) for number, driver in enumerate(FIELD)}
    return RatingEstimator().fit(
        simulated_seasons(strengths, races=20, seed=1), stage=Stage.BEFORE_WEEKEND, seed=1
    )


@pytest.fixture
def folder(tmp_path: Path, trained: RatingPredictor) -> Path:
    place = tmp_path / "rating"
    save_bundle(place, trained, RatingEstimator(), cutoff=CUTOFF, races=20, seed=1)
    return place


def rewritten(folder: Path, change: Callable[[dict[str, Any]], object], *, sealed: bool) -> None:
    """Changes the manifest; `sealed` with a checksum that fits, as a newer program would have written it."""
    manifest = json.loads((folder / MANIFEST_FILE).read_text())
    change(manifest)
    if sealed:
        del manifest["checksum"]
        manifest["checksum"] = bundle._checksum(manifest)
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest))


def test_a_model_from_disk_forecasts_to_the_last_bit_what_it_did_before(
    folder: Path, trained: RatingPredictor
) -> None:
    loaded = load_bundle(folder, ESTIMATORS)

    race = some_features(21, season=2025)
    before, after = (each.predict(race, draws=500, seed=3) for each in (trained, loaded))
    assert (before.positions == after.positions).all()
    assert (before.retired == after.retired).all()


def test_a_model_from_disk_goes_on_learning_from_new_races(folder: Path, trained: RatingPredictor) -> None:
    strengths = {driver: float(number) for number, driver in enumerate(FIELD)}
    races = simulated_seasons(strengths, races=20, seed=1)
    more = [*races, *simulated_seasons(strengths, races=5, seed=2, last_season=2025)]

    loaded = load_bundle(folder, ESTIMATORS).update(more)

    assert isinstance(loaded, RatingPredictor)
    np.testing.assert_array_equal(loaded.strengths.mean, trained.update(more).strengths.mean)


def test_the_manifest_says_what_the_model_was_made_from(folder: Path, trained: RatingPredictor) -> None:
    manifest = read_manifest(folder)

    assert manifest.estimator == "rating"
    assert tuple(manifest.feature_names) == trained.feature_names
    assert datetime.fromisoformat(manifest.cutoff) == CUTOFF
    assert {"lightgbm", "numpy", "python", "safetensors", "torch"} <= set(manifest.libraries)
    assert len(manifest.checksum) == 64


def test_equal_models_have_equal_checksums(tmp_path: Path, folder: Path, trained: RatingPredictor) -> None:
    again = save_bundle(tmp_path / "again", trained, RatingEstimator(), cutoff=CUTOFF, races=20, seed=1)

    assert again.checksum == read_manifest(folder).checksum


def test_how_long_a_training_took_does_not_make_it_another_model(
    tmp_path: Path, folder: Path, trained: RatingPredictor
) -> None:
    again = save_bundle(
        tmp_path / "slow", trained, RatingEstimator(), cutoff=CUTOFF, races=20, seed=1, training_seconds=77
    )

    assert (again.training_seconds, again.checksum) == (77, read_manifest(folder).checksum)


def test_the_manifest_keeps_how_the_model_did_on_the_way(tmp_path: Path, trained: RatingPredictor) -> None:
    score = WalkScore(Measure.RANKED_PROBABILITY, 0.12, 2, 0.11, 0.13, {"2024-gp-1": 0.11, "2024-gp-2": 0.13})
    place = tmp_path / "scored"
    save_bundle(place, trained, RatingEstimator(), cutoff=CUTOFF, races=20, seed=1, walk_forward=[score])

    assert [WalkScore(**found) for found in read_manifest(place).walk_forward] == [score]


def test_t3_changed_weights_are_refused(folder: Path) -> None:
    data = bytearray((folder / TENSORS_FILE).read_bytes())
    data[-1] ^= 1
    (folder / TENSORS_FILE).write_bytes(data)

    with pytest.raises(BundleError, match="was changed: its checksum"):
        load_bundle(folder, ESTIMATORS)


def test_t3_a_changed_manifest_is_refused(folder: Path) -> None:
    rewritten(folder, lambda manifest: manifest.update(seed=2), sealed=False)

    with pytest.raises(BundleError, match="was changed: its checksum"):
        load_bundle(folder, ESTIMATORS)


def test_a_bundle_of_another_format_is_to_be_trained_again(folder: Path) -> None:
    rewritten(folder, lambda manifest: manifest.update(format=1), sealed=True)

    with pytest.raises(BundleError, match="has the bundle format 1, this program reads 2; train it again"):
        load_bundle(folder, ESTIMATORS)


def test_tensors_that_the_manifest_does_not_know_are_refused(folder: Path) -> None:
    more = {**load_file(folder / TENSORS_FILE), "stranger/weights": torch.zeros(2)}
    save_file(more, folder / TENSORS_FILE)

    with pytest.raises(BundleError, match="does not know: stranger"):
        load_bundle(folder, ESTIMATORS)


def test_t3_an_unknown_key_is_refused(folder: Path) -> None:
    rewritten(folder, lambda manifest: manifest.update(module="os"), sealed=True)

    with pytest.raises(BundleError, match="unknown keys: module"):
        load_bundle(folder, ESTIMATORS)


def test_a_missing_key_is_refused(folder: Path) -> None:
    rewritten(folder, lambda manifest: manifest.pop("cutoff"), sealed=True)

    with pytest.raises(BundleError, match="lacks: cutoff"):
        load_bundle(folder, ESTIMATORS)


def test_other_features_are_refused_with_both_lists(folder: Path) -> None:
    rewritten(
        folder, lambda manifest: manifest.update(feature_names=["moon_phase", "points_share"]), sealed=True
    )

    with pytest.raises(BundleError, match=r"trained on \(2\): moon_phase, points_share\n.*driver_form"):
        load_bundle(folder, ESTIMATORS)


def test_an_unknown_model_is_refused_and_never_imported(folder: Path) -> None:
    rewritten(folder, lambda manifest: manifest.update(estimator="os.system"), sealed=True)

    with pytest.raises(BundleError, match=r"unknown model 'os.system'; known are grid, rating, uniform"):
        load_bundle(folder, ESTIMATORS)


def test_a_bundle_of_an_older_version_of_the_model_is_refused(folder: Path) -> None:
    rewritten(folder, lambda manifest: manifest.update(estimator_version="0"), sealed=True)

    with pytest.raises(BundleError, match="version 0 of rating"):
        load_bundle(folder, ESTIMATORS)


def test_a_bundle_that_lacks_a_part_of_its_model_is_refused(folder: Path) -> None:
    rewritten(folder, lambda manifest: manifest["facts"].pop("strengths"), sealed=True)

    with pytest.raises(BundleError, match="does not hold what rating needs"):
        load_bundle(folder, ESTIMATORS)


def test_a_bundle_is_never_overwritten(folder: Path, trained: RatingPredictor) -> None:
    with pytest.raises(BundleError, match="holds a bundle already"):
        save_bundle(folder, trained, RatingEstimator(), cutoff=CUTOFF, races=20, seed=1)


@pytest.mark.parametrize("file", [MANIFEST_FILE, TENSORS_FILE])
def test_half_a_bundle_is_refused(folder: Path, file: str) -> None:
    (folder / file).unlink()

    with pytest.raises(BundleError, match=f"{file} is missing"):
        load_bundle(folder, ESTIMATORS)


def test_a_manifest_that_is_not_json_is_refused(folder: Path) -> None:
    (folder / MANIFEST_FILE).write_text("{")

    with pytest.raises(BundleError, match="is not JSON"):
        load_bundle(folder, ESTIMATORS)


def test_a_baseline_is_stored_like_any_member(tmp_path: Path) -> None:
    examples = simulated_seasons(dict.fromkeys(FIELD, 0.0), races=3, seed=1)
    predictor = UniformEstimator().fit(examples, stage=Stage.BEFORE_WEEKEND, seed=1)
    save_bundle(tmp_path / "u", predictor, UniformEstimator(), cutoff=CUTOFF, races=3, seed=1)

    assert load_bundle(tmp_path / "u", ESTIMATORS).name == "uniform"
