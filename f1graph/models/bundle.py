"""Trained models on disk: safetensors for the numbers, a JSON manifest for everything else.

A bundle names its estimator, and the caller brings the estimators it knows: nothing on disk is ever executed
or imported. What does not check out is refused before a tensor is read.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

from safetensors.torch import load, save

from f1graph import __version__
from f1graph.errors import BundleError
from f1graph.features.race_features import schema_fingerprint
from f1graph.features.registry import feature_names
from f1graph.models.protocol import Estimator, Predictor
from f1graph.races.stages import Stage

MANIFEST_FILE = "manifest.json"
TENSORS_FILE = "weights.safetensors"
FORMAT = 1
_LIBRARIES = ("numpy", "safetensors", "torch")


@dataclass(frozen=True)
class Manifest:
    """What a bundle says of itself.

    Attributes:
        cutoff: No fact learned later was used.
        races: How many it learned from.
        seed: Of the fit.
        checksum: SHA-256 over the tensors and over this manifest without the checksum.
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
    facts: dict[str, Any]
    checksum: str


def save_bundle(
    folder: Path, predictor: Predictor, estimator: Estimator, *, cutoff: datetime, races: int, seed: int
) -> Manifest:
    """Writes a bundle into `folder`, which is made if needed.

    Raises:
        BundleError: There is a bundle in it already; bundles are never overwritten.
    """
    if (folder / MANIFEST_FILE).exists():
        raise BundleError(f"{folder} holds a bundle already; choose another folder")
    tensors, facts = predictor.state()
    data = save({name: tensor.contiguous() for name, tensor in tensors.items()})
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
        | {library: installed_version(library) for library in _LIBRARIES},
        "facts": facts,
    }
    manifest["checksum"] = _checksum(manifest, data)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TENSORS_FILE).write_bytes(data)
    # Last, so that a bundle with a manifest is a whole bundle.
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest, indent=1, allow_nan=False), encoding="utf-8")
    return read_manifest(folder)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a bundle whose checksum and keys are right.

    Raises:
        BundleError: Something is missing, unknown or changed.
    """
    return _read(folder)[0]


def load_bundle(folder: Path, estimators: Iterable[Estimator]) -> Predictor:
    """The predictor of a bundle.

    Raises:
        BundleError: The checksum, a key, the estimator, its version or the features do not fit this program.
    """
    manifest, data = _read(folder)
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
    try:
        return estimator.restore(load(data), manifest.facts)
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{folder} does not hold what {manifest.estimator} needs: {error!r}") from error


def _read(folder: Path) -> tuple[Manifest, bytes]:
    try:
        text = (folder / MANIFEST_FILE).read_text(encoding="utf-8")
        data = (folder / TENSORS_FILE).read_bytes()
    except FileNotFoundError as error:
        raise BundleError(f"{folder} is no bundle: {Path(error.filename).name} is missing") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"{folder} cannot be read: {error}") from error
    try:
        given = json.loads(text)
    except ValueError as error:
        raise BundleError(f"the manifest of {folder} is not JSON: {error}") from error
    _require_keys(folder, given)
    checksum = given.pop("checksum")
    actual = _checksum(given, data)
    if actual != checksum:
        raise BundleError(f"{folder} was changed: its checksum is {actual}, its manifest says {checksum}")
    if given["format"] != FORMAT:
        raise BundleError(f"{folder} has the bundle format {given['format']}, this program reads {FORMAT}")
    return Manifest(**given, checksum=checksum), data


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


def _checksum(manifest: dict[str, Any], data: bytes) -> str:
    digest = hashlib.sha256(json.dumps(manifest, sort_keys=True, allow_nan=False).encode())
    digest.update(data)
    return digest.hexdigest()


def manifest_as_json(manifest: Manifest) -> dict[str, Any]:
    """For storing beside a forecast."""
    return asdict(manifest)
