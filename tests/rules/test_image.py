"""The container image, as far as it can be told without building it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).parents[2]
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8")
LOCKED = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8").splitlines()
GIGABYTE = 1e9
# Debian and Python, which all of it stands on.
BASE = 0.15 * GIGABYTE


def test_t6_nothing_of_cuda_is_locked() -> None:
    """T6: the default wheels of torch bring gigabytes of it."""
    names = [line.split("==")[0].lower() for line in LOCKED]

    assert "torch" in names
    assert [name for name in names if name.startswith(("nvidia", "cuda", "triton", "pytorch-triton"))] == []


def test_t6_the_image_takes_torch_from_the_cpu_index_and_refuses_any_other() -> None:
    """T6: before anything else can ask for torch, and checked by the build itself."""
    steps = [step for step in DOCKERFILE.replace("\\\n", " ").splitlines() if step.startswith(("RUN", "ENV"))]
    cpu = next(i for i, step in enumerate(steps) if "https://download.pytorch.org/whl/cpu" in step)
    torch = next(i for i, step in enumerate(steps) if "+cpu" in step and "pip install" in step)
    rest = next(i for i, step in enumerate(steps) if "pip install -c constraints.txt ." in step)

    assert cpu < torch < rest
    assert "! pip list" in steps[rest]
    assert "nvidia-" in steps[rest]
    (limit,) = re.findall(r'test "\$\(du -sm /venv \| cut -f1\)" -lt (\d+)', DOCKERFILE)
    assert int(limit) * 1e6 + BASE <= 1.5 * GIGABYTE


def test_t6_what_the_image_installs_stays_under_one_and_a_half_gigabytes() -> None:
    """T6: all that we need to run, as it lies here, without what the image leaves out."""
    torch = distribution("torch")
    if "+cpu" not in torch.version:
        pytest.skip(f"torch {torch.version} is not the build for the CPU that the image has")

    kept = {
        found.metadata["Name"]: sum(size for path, size in files_of(found) if not is_left_out(path))
        for found in needed_to_run()
    }

    assert {"torch", "scipy", "fastf1"} <= {canonicalize_name(name) for name in kept}
    assert 0.5 * GIGABYTE < sum(kept.values()) + BASE < 1.5 * GIGABYTE, sorted(
        kept.items(), key=lambda one: -one[1]
    )[:10]


def needed_to_run() -> Iterator[Distribution]:
    """Every distribution that ours requires without extras, and what those require."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    to_do = [Requirement(text) for text in project["dependencies"]]
    seen: set[tuple[str, frozenset[str]]] = set()
    told: set[str] = set()
    while to_do:
        wanted = to_do.pop()
        name, extras = canonicalize_name(wanted.name), frozenset(wanted.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            found = distribution(wanted.name)
        except PackageNotFoundError:
            # For another platform or Python.
            continue
        if name not in told:
            told.add(name)
            yield found
        for required in map(Requirement, found.requires or ()):
            marker = required.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras or {""}):
                to_do.append(required)


def files_of(found: Distribution) -> Iterator[tuple[str, int]]:
    for file in found.files or ():
        path = Path(str(found.locate_file(file)))
        if path.is_file():
            yield str(file), path.stat().st_size


def is_left_out(path: str) -> bool:
    """As the Dockerfile says."""
    (removed,) = re.findall(r"rm -rf (torch.*?) *\\", DOCKERFILE)
    (searched,) = re.findall(r"find (.*) -type d -name tests", DOCKERFILE)
    top, *_ = path.split("/")
    return any(fnmatch(path, f"{pattern}/*") or fnmatch(path, pattern) for pattern in removed.split()) or (
        top in searched.split() and "/tests/" in path
    )
