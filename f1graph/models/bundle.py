"""Trained models on disk: safetensors for the numbers, a JSON manifest for everything else.

A bundle names its estimator, and the caller brings the estimators it knows: nothing on disk is ever executed
or imported. What does not check out never reaches an estimator. Of an ensemble each member's tensors, named
`member/…`, are a part of their own: one that is broken is left out, and the ensemble goes on without it.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

import structlog
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from f1graph import __version__
from f1graph.errors import BundleError
from f1graph.features.race_features import schema_fingerprint
from f1graph.features.registry import feature_names
from f1graph.models.protocol import Estimator, Predictor
from f1graph.models.walk_scores import WalkScore
from f1graph.races.stages import Stage

log = structlog.get_logger(__name__)

MANIFEST_FILE = "manifest.json"
TENSORS_FILE = "weights.safetensors"
FORMAT = 2
# Whose numbers a trained model depends on.
LIBRARIES = ("lightgbm", "numpy", "safetensors", "torch", "torch-geometric")


@dataclass(frozen=True)
class Manifest:
    """What a bundle says of itself.

    Attributes:
        cutoff: No fact learned later was used.
        races: How many it learned from.
        seed: Of the fit.
        training_seconds: How long the fit took; the only thing that the checksum leaves out, since it differs
            each time.
        walk_forward: How it did on the way, as `walk_scores.WalkScore`; empty where it does not know.
        parts: SHA-256 of the tensors of each member by its name, and of all others under the empty name.
        checksum: SHA-256 over this manifest, and so over everything.
        facts: The predictor's own part: plain JSON.
    """

    format: int
    estimator: str
    estimator_version: str
    stage: str
    feature_names: list[str]
    feature_fingerprint: str
    cutoff: str
    races: int
    seed: int
    code_version: str
    libraries: dict[str, str]
    training_seconds: float
    walk_forward: list[dict[str, Any]]
    facts: dict[str, Any]
    parts: dict[str, str]
    checksum: str


def save_bundle(
    folder: Path,
    predictor: Predictor,
    estimator: Estimator,
    *,
    cutoff: datetime,
    races: int,
    seed: int,
    training_seconds: float = 0.0,
    walk_forward: Sequence[WalkScore] = (),
) -> Manifest:
    """Writes a bundle into `folder`, which is made if needed.

    Raises:
        BundleError: There is a bundle in it already; bundles are never overwritten.
    """
    if (folder / MANIFEST_FILE).exists():
        raise BundleError(f"{folder} holds a bundle already; choose another folder")
    tensors, facts = predictor.state()
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    manifest = {
        "format": FORMAT,
        "estimator": estimator.name,
        "estimator_version": estimator.version,
        "stage": predictor.stage.value,
        "feature_names": list(predictor.feature_names),
        "feature_fingerprint": schema_fingerprint(predictor.feature_names),
        "cutoff": cutoff.isoformat(),
        "races": races,
        "seed": seed,
        "code_version": __version__,
        "libraries": {"python": platform.python_version()}
        | {library: installed_version(library) for library in LIBRARIES},
        "training_seconds": training_seconds,
        "walk_forward": [asdict(score) for score in walk_forward],
        "facts": facts,
        "parts": {name: _digest(part) for name, part in _parts(tensors).items()},
    }
    manifest["checksum"] = _checksum(manifest)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TENSORS_FILE).write_bytes(save(tensors))
    # Last, so that a bundle with a manifest is a whole bundle.
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest, indent=1, allow_nan=False), encoding="utf-8")
    return read_manifest(folder)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a bundle whose checksum and keys are right; the tensors are not looked at.

    Raises:
        BundleError: Something is missing, unknown or changed.
    """
    given = _read_json(folder)
    if isinstance(given, dict) and given.get("format") != FORMAT:
        raise BundleError(
            f"{folder} has the bundle format {given.get('format')}, this program reads {FORMAT}; "
            "train it again"
        )
    _require_keys(folder, given)
    checksum = given.pop("checksum")
    actual = _checksum(given)
    if actual != checksum:
        raise BundleError(f"{folder} was changed: its checksum is {actual}, its manifest says {checksum}")
    return Manifest(**given, checksum=checksum)


def load_bundle(folder: Path, estimators: Iterable[Estimator], *, whole: bool = False) -> Predictor:
    """The predictor of a bundle.

    Args:
        whole: A member that is broken is not left out; the bundle is refused.

    Raises:
        BundleError: The checksum, a key, the estimator, its version or the features do not fit this program.
    """
    manifest = read_manifest(folder)
    expected = feature_names(Stage(manifest.stage)) if manifest.stage in list(Stage) else ()
    _require_same_features(folder, manifest, expected)
    known = {estimator.name: estimator for estimator in estimators}
    estimator = known.get(manifest.estimator)
    if estimator is None:
        raise BundleError(
            f"{folder} is of the unknown model {manifest.estimator!r}; known are {', '.join(sorted(known))}"
        )
    if estimator.version != manifest.estimator_version:
        raise BundleError(
            f"{folder} was made by version {manifest.estimator_version} of {manifest.estimator}, "
            f"this is version {estimator.version}; train it again"
        )
    tensors = _sound_tensors(folder, manifest, whole=whole)
    try:
        return estimator.restore(tensors, manifest.facts)
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{folder} does not hold what {manifest.estimator} needs: {error!r}") from error


def _sound_tensors(folder: Path, manifest: Manifest, *, whole: bool) -> dict[str, torch.Tensor]:
    """Those whose part has the checksum that the manifest says; broken members are left out."""
    try:
        parts = _parts(load((folder / TENSORS_FILE).read_bytes()))
    except FileNotFoundError as error:
        raise BundleError(f"{folder} is no bundle: {TENSORS_FILE} is missing") from error
    except (OSError, SafetensorError) as error:
        raise BundleError(f"{folder} was changed: {TENSORS_FILE} cannot be read: {error}") from error
    if unknown := parts.keys() - manifest.parts.keys():
        raise BundleError(f"{folder} holds tensors that its manifest does not know: {', '.join(unknown)}")
    sound: dict[str, torch.Tensor] = {}
    for name, expected in manifest.parts.items():
        actual = _digest(parts.get(name, {}))
        if actual == expected:
            sound |= parts.get(name, {})
        elif whole or not name:
            raise BundleError(
                f"{folder} was changed: its checksum{f' of {name}' if name else ''} is {actual}, "
                f"its manifest says {expected}"
            )
        else:
            log.warning("a member's tensors are broken", bundle=str(folder), member=name)
    return sound


def _read_json(folder: Path) -> Any:
    try:
        return json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BundleError(f"{folder} is no bundle: {MANIFEST_FILE} is missing") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"{folder} cannot be read: {error}") from error
    except ValueError as error:
        raise BundleError(f"the manifest of {folder} is not JSON: {error}") from error


def _require_keys(folder: Path, given: Any) -> None:
    expected = {field.name for field in fields(Manifest)}
    keys = set(given) if isinstance(given, dict) else set()
    if unknown := keys - expected:
        raise BundleError(f"the manifest of {folder} has unknown keys: {', '.join(sorted(unknown))}")
    if missing := expected - keys:
        raise BundleError(f"the manifest of {folder} lacks: {', '.join(sorted(missing))}")


def _require_same_features(folder: Path, manifest: Manifest, expected: tuple[str, ...]) -> None:
    names = tuple(manifest.feature_names)
    if names == expected and manifest.feature_fingerprint == schema_fingerprint(expected):
        return
    raise BundleError(
        f"{folder} was trained on other features; train it again.\n"
        f"trained on ({len(names)}): {', '.join(names)}\n"
        f"this program has ({len(expected)}): {', '.join(expected)}"
    )


def _parts(tensors: dict[str, torch.Tensor]) -> dict[str, dict[str, torch.Tensor]]:
    """By the member that a tensor's name begins with; the empty name is always there."""
    parts: dict[str, dict[str, torch.Tensor]] = {"": {}}
    for name, tensor in tensors.items():
        member, separator, _ = name.partition("/")
        parts.setdefault(member if separator else "", {})[name] = tensor
    return parts


def _digest(tensors: dict[str, torch.Tensor]) -> str:
    return hashlib.sha256(save(tensors)).hexdigest()


def _checksum(manifest: dict[str, Any]) -> str:
    sealed = {name: value for name, value in manifest.items() if name != "training_seconds"}
    return hashlib.sha256(json.dumps(sealed, sort_keys=True, allow_nan=False).encode()).hexdigest()


def manifest_as_json(manifest: Manifest) -> dict[str, Any]:
    """For storing beside a forecast."""
    return asdict(manifest)
