"""Finished fits, kept so that a long training which was stopped goes on where it was, with the same result.

An ensemble fits its members again and again, whole and in the folds of a walk. Each fit goes through here:
what the same estimator learned from the same examples with the same seed is read, not learned again.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, is_dataclass
from datetime import datetime
from importlib.metadata import version as installed_version
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import CodeType, FunctionType
from typing import Any, Protocol, runtime_checkable
from weakref import WeakKeyDictionary

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from f1graph import __version__
from f1graph.models.bundle import LIBRARIES
from f1graph.models.protocol import Estimator, Example, Predictor
from f1graph.races.stages import Stage

State = tuple[dict[str, torch.Tensor], dict[str, Any]]

_ENDING = ".fit"
_DIGEST_BYTES = 32
_LENGTH_BYTES = 8


@dataclass(frozen=True, slots=True)
class Fit:
    """One fit that is ready.

    Attributes:
        number: How many are ready with this one, since the cache was opened.
        expected: How many there will be; None where nobody has said.
        was_kept: It was learned in an earlier run and only read now.
    """

    estimator: str
    stage: Stage
    races: int
    seconds: float
    number: int
    expected: int | None
    was_kept: bool


class FitCache:
    """Fits by what they depend on: estimator with its settings, stage, seed, examples, code and libraries.

    Args:
        folder: Where they are kept, one file each; None keeps them in memory as long as this object lives.
        on_fit: Told of every fit as soon as it is ready.
    """

    def __init__(self, folder: Path | None, *, on_fit: Callable[[Fit], None] | None = None) -> None:
        self._folder = folder
        self._on_fit = on_fit
        self._memory: dict[str, bytes] = {}
        self._digests: WeakKeyDictionary[Example, bytes] = WeakKeyDictionary()
        self._number = 0
        self._expected: int | None = None

    def expect(self, fits: int) -> None:
        """Says how many more fits will be asked for, so that progress can be told."""
        self._expected = self._number + fits

    def fit(self, estimator: Estimator, examples: Sequence[Example], *, stage: Stage, seed: int) -> Predictor:
        """What `estimator.fit` gives, from here if it was learned before.

        It is always restored from its state, so a training that was stopped ends as one that was not.

        Raises:
            ForecastError: There are too few races to learn from.
        """
        begun = time.perf_counter()
        key = self.key(estimator, examples, stage=stage, seed=seed)
        state = self.get(key)
        was_kept = state is not None
        if state is None:
            self.put(key, estimator.fit(examples, stage=stage, seed=seed))
            state = self.get(key)
            if state is None:
                raise OSError(f"the fit of {estimator.name} that was just written to {self._folder} is gone")
        self._number += 1
        if self._on_fit is not None:
            seconds = time.perf_counter() - begun
            self._on_fit(
                Fit(estimator.name, stage, len(examples), seconds, self._number, self._expected, was_kept)
            )
        return estimator.restore(*state)

    def key(self, estimator: Estimator, examples: Sequence[Example], *, stage: Stage, seed: int) -> str:
        """SHA-256 of everything that a fit depends on."""
        digest = hashlib.sha256()
        for part in (
            __version__,
            *(installed_version(library) for library in LIBRARIES),
            estimator.name,
            estimator.version,
            _settings_of(estimator),
            stage.value,
            str(seed),
        ):
            digest.update(part.encode() + b"\0")
        for example in examples:
            digest.update(self._digest(example))
        return digest.hexdigest()

    def digest_of(self, examples: Sequence[Example]) -> str:
        """SHA-256 of what there is to learn from `examples`."""
        digest = hashlib.sha256()
        for example in examples:
            digest.update(self._digest(example))
        return digest.hexdigest()

    def get(self, key: str) -> State | None:
        """The state of the predictor; None if it is not here, or not whole."""
        data = self._memory.get(key) if self._folder is None else _read(self._folder / f"{key}{_ENDING}")
        return None if data is None else _unpacked(data)

    def put(self, key: str, predictor: Predictor) -> None:
        """Keeps a predictor; whoever is killed meanwhile leaves nothing half written under the key."""
        data = _packed(predictor.state())
        if self._folder is None:
            self._memory[key] = data
        else:
            _write(self._folder / f"{key}{_ENDING}", data)

    def prune(self, *, unused_since: datetime) -> int:
        """Forgets what nobody has read since a moment: of a training that nobody goes on with.

        Returns:
            How many that were.
        """
        if self._folder is None or not self._folder.is_dir():
            return 0
        oldest = unused_since.timestamp()
        gone = 0
        for path in self._folder.iterdir():
            # Another training may be pruning too.
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < oldest:
                    path.unlink()
                    gone += 1
        return gone

    def _digest(self, example: Example) -> bytes:
        found = self._digests.get(example)
        if found is None:
            features, outcome = example.features, example.outcome
            digest = hashlib.sha256(features.fingerprint.encode())
            digest.update(features.starts_at.isoformat().encode())
            for values in (
                outcome.positions,
                outcome.retired,
                outcome.classified,
                outcome.grid,
                outcome.causes,
            ):
                digest.update(np.ascontiguousarray(values).tobytes())
            found = self._digests[example] = digest.digest()
        return found


@runtime_checkable
class ResumableEstimator(Estimator, Protocol):
    """An estimator of many fits, which can be stopped between them."""

    def resuming_from(self, cache: FitCache) -> Estimator:
        """The same estimator, whose fits go through `cache`."""
        ...


def resuming(estimator: Estimator, cache: FitCache) -> Estimator:
    """The same estimator; one of many fits keeps them in `cache`."""
    return estimator.resuming_from(cache) if isinstance(estimator, ResumableEstimator) else estimator


def _settings_of(estimator: Estimator) -> str:
    if not is_dataclass(estimator) or isinstance(estimator, type):
        return ""
    return json.dumps(asdict(estimator), sort_keys=True, default=_plain)


def _plain(value: Any) -> Any:
    # The order of a set and the address of a function change from process to process.
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, FunctionType):
        return [_said_by(value.__code__), [_plain(cell.cell_contents) for cell in value.__closure__ or ()]]
    return repr(value)


def _said_by(code: CodeType) -> list[Any]:
    """What a function does: a member's architecture, with its sizes, is one."""
    constants = [_said_by(one) if isinstance(one, CodeType) else repr(one) for one in code.co_consts]
    return [code.co_qualname, code.co_names, constants, code.co_code.hex()]


def _packed(state: State) -> bytes:
    """SHA-256 of the rest, the length of the facts, the facts as JSON, the tensors as safetensors."""
    tensors, facts = state
    text = json.dumps(facts, allow_nan=False).encode()
    data = save({name: tensor.contiguous() for name, tensor in tensors.items()})
    body = len(text).to_bytes(_LENGTH_BYTES, "big") + text + data
    return hashlib.sha256(body).digest() + body


def _unpacked(packed: bytes) -> State | None:
    digest, body = packed[:_DIGEST_BYTES], packed[_DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != digest:
        return None
    end = _LENGTH_BYTES + int.from_bytes(body[:_LENGTH_BYTES], "big")
    try:
        return load(body[end:]), json.loads(body[_LENGTH_BYTES:end])
    except (SafetensorError, ValueError):
        # Written by another version of the format.
        return None


def _read(path: Path) -> bytes | None:
    try:
        data = path.read_bytes()
        os.utime(path)
    except FileNotFoundError:
        return None
    return data


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, prefix=".fit-", delete=False) as file:
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
