"""An ensemble on disk: one bundle, in which a broken member is found out by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from f1graph.errors import BundleError
from f1graph.models.bundle import TENSORS_FILE, load_bundle, read_manifest, save_bundle
from f1graph.models.protocol import Predictor
from f1graph.races.stages import Stage
from tests.forecasts.pool import PoolEstimator, PoolPredictor
from tests.models.fields import FIELD, simulated_seasons, some_features
from tests.models.test_bundle import CUTOFF

RACE = some_features(21, season=2025, columns={"championship_position": np.arange(1.0, 11.0)})


@pytest.fixture(scope="module")
def trained() -> PoolPredictor:
    examples = simulated_seasons({d: float(n) for n, d in enumerate(FIELD)}, races=20, seed=1)
    return PoolEstimator().fit(examples, stage=Stage.BEFORE_WEEKEND, seed=1)


@pytest.fixture
def folder(tmp_path: Path, trained: PoolPredictor) -> Path:
    place = tmp_path / "ultra"
    save_bundle(place, trained, PoolEstimator(), cutoff=CUTOFF, races=20, seed=1)
    return place


def draws(predictor: Predictor) -> bytes:
    return predictor.predict(RACE, draws=400, seed=3).to_bytes()


def change_tensors(folder: Path, member: str, *, remove: bool) -> None:
    """Takes out all tensors of a member, or changes one number of each."""
    tensors: dict[str, torch.Tensor] = {}
    for name, tensor in load_file(folder / TENSORS_FILE).items():
        if not name.startswith(f"{member}/"):
            tensors[name] = tensor
        elif not remove:
            tensor.view(-1)[0] += 1
            tensors[name] = tensor
    save_file(tensors, folder / TENSORS_FILE)


def test_an_ensemble_from_disk_forecasts_to_the_last_bit_what_it_did_before(
    folder: Path, trained: PoolPredictor
) -> None:
    assert set(read_manifest(folder).parts) == {"", "rating", "championship"}
    assert draws(load_bundle(folder, [PoolEstimator()])) == draws(trained)


@pytest.mark.parametrize("remove", [True, False], ids=["missing", "broken"])
def test_t8_an_ensemble_goes_on_without_a_broken_member(
    folder: Path, trained: PoolPredictor, remove: bool
) -> None:
    """T8: the others share its weight."""
    change_tensors(folder, "rating", remove=remove)

    found = load_bundle(folder, [PoolEstimator()])

    assert isinstance(found, PoolPredictor)
    assert found.missing == (("rating", "its part of the bundle is missing"),)
    outcome = found.predict_ensemble(RACE, draws=400, seed=3)
    assert [(member.name, member.weight) for member in outcome.members] == [("championship", 1.0)]
    assert outcome.distribution.to_bytes() != draws(trained)


def test_t8_whoever_needs_the_whole_ensemble_is_told_which_member_is_broken(folder: Path) -> None:
    change_tensors(folder, "rating", remove=False)

    with pytest.raises(BundleError, match="was changed: its checksum of rating is"):
        load_bundle(folder, [PoolEstimator()], whole=True)


def test_t3_tensors_that_cannot_be_read_are_refused(folder: Path) -> None:
    tensors = folder / TENSORS_FILE
    tensors.write_bytes(tensors.read_bytes()[:-5])

    with pytest.raises(BundleError, match=r"was changed: weights\.safetensors cannot be read"):
        load_bundle(folder, [PoolEstimator()])
