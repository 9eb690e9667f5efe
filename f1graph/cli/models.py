"""`f1graph models`: the trained models, and which of them is in use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer

from f1graph.cli.output import AsJson, console, run, settings_of, show_json, show_table
from f1graph.cli.spans import parse_stages
from f1graph.errors import RequestError
from f1graph.races.stages import Stage
from f1graph.settings import Settings
from f1graph.store.bundles import BundleRow

app = typer.Typer(
    help="Trained models. A newly trained one is a candidate; it is put to use by itself only where none is, "
    "or where it is not worse than the one in use on the races that both were tried on. One that was put to "
    "use by hand stays until `activate --auto`.",
    no_args_is_help=True,
)

ModelOption = Annotated[str, typer.Option("--model", help="Default: the one that is served.")]
StagesOption = Annotated[str, typer.Option("--stage", help="Separated by commas. Default: all.")]
BundleArgument = Annotated[
    str, typer.Argument(metavar="ID", help="The id of a bundle or its beginning, or that of its checksum.")
]


@app.command()
def train(
    context: typer.Context,
    model: ModelOption = "",
    stage: StagesOption = "",
    as_json: AsJson = False,
    beside: Annotated[
        bool, typer.Option(hidden=True, help="Let all else go first, and say each step as a line of JSON.")
    ] = False,
) -> None:
    """Train a model with all that is known now. Goes on where it was stopped."""
    from f1graph.cli.training import train_models

    settings = settings_of(context)
    trained = train_models(settings, model or settings.model, _stages(stage), beside=beside)
    if as_json:
        show_json({"trained": trained})
        return
    for one in trained:
        became = "is in use" if one["is_in_use"] else f"is not put to use ({one['status'].lower()})"
        console.print(f"{one['bundle']} {became}: {one['why']}.")


@app.command("list")
def show_all(
    context: typer.Context, model: str = "", stage: StagesOption = "", as_json: AsJson = False
) -> None:
    """List the trained models, the newest first."""
    wanted = _stages(stage)
    bundles = [
        bundle
        for bundle in run(_bundles(settings_of(context), model))
        if not wanted or bundle.stage in wanted
    ]
    if as_json:
        show_json([_brief(bundle) for bundle in bundles])
        return
    show_table(
        "Trained models",
        ("id", "stage", "status", "cutoff", "races", "ranked prob.", "checksum"),
        [
            (
                bundle.id,
                bundle.stage,
                f"{bundle.status}{' (by hand)' if bundle.is_pinned else ''}",
                f"{bundle.cutoff:%Y-%m-%d %H:%M}",
                bundle.manifest["races"],
                _score(bundle),
                bundle.checksum[:12],
            )
            for bundle in bundles
        ],
    )


def _brief(bundle: BundleRow) -> dict[str, Any]:
    told = asdict(bundle)
    manifest = told.pop("manifest")
    return told | {"races": manifest["races"], "training_seconds": manifest.get("training_seconds")}


def _score(bundle: BundleRow) -> str:
    scores = {score["measure"]: score for score in bundle.manifest.get("walk_forward", [])}
    found = scores.get("RANKED_PROBABILITY")
    return "" if found is None else f"{found['value']:.4f} ({found['count']} races)"


async def _bundles(settings: Settings, model: str) -> list[BundleRow]:
    from f1graph.store.bundles import load_bundles
    from f1graph.store.migrate import require_newest
    from f1graph.wiring import opened_store

    async with opened_store(settings) as store:
        await require_newest(store)
        async with store.read() as read:
            return await load_bundles(read, model=model or None)


@app.command()
def show(context: typer.Context, bundle_id: BundleArgument, as_json: AsJson = False) -> None:
    """Show a trained model: what it was made from, and how it did on the way."""
    from f1graph.forecasts.life_cycle import described

    settings = settings_of(context)
    (bundle,) = run(_found(settings, [bundle_id]))
    told = described(bundle, settings.bundles_dir)
    if as_json:
        show_json(told)
        return
    manifest = told.pop("manifest")
    scores, features = manifest.pop("walk_forward"), manifest.pop("feature_names")
    members = [name for name in manifest.pop("parts") if name]
    libraries = " ".join(f"{name} {version}" for name, version in manifest.pop("libraries").items())
    rows = {**manifest, **told, "features": len(features), "members": ", ".join(members) or "none"}
    show_table(bundle.id, ("what", "value"), [*rows.items(), ("libraries", libraries)])
    show_table(
        "How it did on the way (mean over races, 95 % interval)",
        ("measure", "races", "value", "low", "high"),
        [
            (one["measure"], one["count"], *(_rounded(one[key]) for key in ("value", "low", "high")))
            for one in scores
        ],
    )


def _rounded(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


@app.command()
def compare(
    context: typer.Context, first: BundleArgument, second: BundleArgument, as_json: AsJson = False
) -> None:
    """Compare two trained models on the races that both were tried on while they were trained."""
    from f1graph.forecasts.life_cycle import compare as compare_bundles

    a, b = run(_found(settings_of(context), [first, second]))
    if (a.stage, a.id) == (b.stage, b.id) or a.stage is not b.stage:
        raise RequestError(f"{a.id} and {b.id} cannot be compared: give two bundles of the same stage")
    paired = compare_bundles(a, b)
    if as_json:
        show_json({"first": a.id, "second": b.id, "measures": paired})
        return
    if not paired:
        console.print(f"{a.id} and {b.id} were tried on no common race.")
        return
    show_table(
        f"{a.id} against {b.id}, race by race",
        ("measure", "races", "first", "second", "difference", "low", "high"),
        [
            (
                one.measure,
                one.races,
                *(_rounded(value) for value in (one.first, one.second, one.difference, one.low, one.high)),
            )
            for one in paired
        ],
    )


async def _found(settings: Settings, names: Sequence[str]) -> list[BundleRow]:
    from f1graph.store.bundles import find_bundle
    from f1graph.store.migrate import require_newest
    from f1graph.wiring import opened_store

    async with opened_store(settings) as store:
        await require_newest(store)
        async with store.read() as read:
            return [await find_bundle(read, name) for name in names]


@app.command()
def activate(
    context: typer.Context,
    bundle_id: Annotated[str, typer.Argument(metavar="[ID]", help="The bundle to put to use.")] = "",
    auto: Annotated[
        bool,
        typer.Option("--auto", help="Let newer ones in again: the newest at once, if it is no worse."),
    ] = False,
    model: ModelOption = "",
    stage: StagesOption = "",
    as_json: AsJson = False,
) -> None:
    """Put a trained model to use; it stays until another is chosen or `--auto` lets newer ones in."""
    if auto == bool(bundle_id):
        raise RequestError("give either the id of a bundle, or --auto")
    settings = settings_of(context)
    if auto:
        answers = run(_let_newer_in(settings, model or settings.model, _stages(stage)))
    else:
        answers = [run(_activate(settings, bundle_id))]
    _tell(answers, as_json=as_json)


@app.command()
def rollback(
    context: typer.Context, model: ModelOption = "", stage: StagesOption = "", as_json: AsJson = False
) -> None:
    """Put the model back to use that was in use before; it stays until `activate --auto`."""
    settings = settings_of(context)
    _tell(run(_roll_back(settings, model or settings.model, _stages(stage))), as_json=as_json)


@app.command()
def prune(
    context: typer.Context,
    keep: Annotated[int, typer.Option(min=0, help="How many of the newest stay, per model and stage.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Delete old trained models. Those in use, to roll back to, or in the receipt of a forecast stay."""
    gone = run(_prune(settings_of(context), keep))
    if as_json:
        show_json({"deleted": [bundle.id for bundle in gone]})
    elif gone:
        show_table("Deleted", ("id", "status"), [(bundle.id, bundle.status) for bundle in gone])
    else:
        console.print("Nothing is to be deleted.")


async def _activate(settings: Settings, name: str) -> dict[str, Any]:
    from f1graph.store.bundles import activate as put_to_use
    from f1graph.store.bundles import find_bundle, require_folder
    from f1graph.wiring import opened_store

    async with opened_store(settings) as store, store.write() as write:
        bundle = await find_bundle(write, name)
        require_folder(bundle, settings.bundles_dir)
        active = await put_to_use(write, bundle.id, now=settings.clock()(), by_hand=True)
    return _answer(active, is_in_use=True, why="by hand")


async def _let_newer_in(settings: Settings, model: str, stages: Sequence[Stage]) -> list[dict[str, Any]]:
    from f1graph.forecasts.life_cycle import let_newer_in
    from f1graph.wiring import opened_store

    answers = []
    async with opened_store(settings) as store, store.write() as write:
        for stage in stages or list(Stage):
            verdict = await let_newer_in(write, model=model, stage=stage, now=settings.clock()())
            if verdict is not None:
                answers.append(_answer(verdict.bundle, is_in_use=verdict.is_in_use, why=verdict.why))
    return answers


async def _roll_back(settings: Settings, model: str, stages: Sequence[Stage]) -> list[dict[str, Any]]:
    from f1graph.errors import UnknownError
    from f1graph.store.bundles import previous_bundle, roll_back
    from f1graph.wiring import opened_store

    answers = []
    async with opened_store(settings) as store, store.write() as write:
        for stage in stages or list(Stage):
            if stages or await previous_bundle(write, model=model, stage=stage) is not None:
                active = await roll_back(write, model=model, stage=stage, now=settings.clock()())
                answers.append(_answer(active, is_in_use=True, why="rolled back to"))
    if not answers:
        raise UnknownError(f"no bundle of {model} was in use before those that are")
    return answers


async def _prune(settings: Settings, keep: int) -> list[BundleRow]:
    from f1graph.forecasts.life_cycle import prune as forget_old
    from f1graph.store.migrate import require_newest
    from f1graph.wiring import opened_store

    async with opened_store(settings) as store:
        await require_newest(store)
        return await forget_old(store, settings.bundles_dir, keep=keep, now=settings.clock()())


def _answer(bundle: BundleRow, *, is_in_use: bool, why: str) -> dict[str, Any]:
    return {
        "bundle": bundle.id,
        "model": bundle.model,
        "stage": bundle.stage,
        "is_in_use": is_in_use,
        "why": why,
    }


def _tell(answers: Sequence[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        show_json(answers)
        return
    if not answers:
        console.print("There is no newer one; the next that is trained may take the place.")
    for one in answers:
        became = "is in use for" if one["is_in_use"] else "is not put to use for"
        console.print(f"{one['bundle']} {became} {one['stage']}: {one['why']}.")


def _stages(text: str) -> list[Stage]:
    return parse_stages(text) if text else []
