"""dropgan sweep"""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import options
from .busy import noting_busy
from .output import result, result_json, result_row
from .survey import given
from .terminal import terminal
from .training import changes_from, data_options, was_said

if TYPE_CHECKING:
    from dropgan.sweep import Results

_SHOWN = 20  # combinations in the table


def sweep(
    context: typer.Context,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="Directory of the sweep: the runs, the results and the report.",
            callback=options.output,
            show_default=False,
            rich_help_panel=options.OUTPUT,
        ),
    ],
    data: options.Data = "fashion-mnist-10k",
    data_dir: options.DataDir = None,
    size: options.Size = None,
    colour: options.Colour = None,
    strict: options.Strict = False,
    label_column: options.LabelColumn = None,
    header: options.Header = None,
    separator: options.Separator = None,
    decimal: options.Decimal = None,
    limit: options.Limit = None,
    recipe: options.RecipeName = "auto",
    generator_dropout: Annotated[
        str | None,
        typer.Option(
            "--generator-dropout",
            metavar="P,P",
            help="Probabilities of dropout in the generator to try.  [default: the recipe's alone]",
            show_default=False,
            rich_help_panel=options.SWEEP,
        ),
    ] = None,
    discriminator_dropout: Annotated[
        str | None,
        typer.Option(
            "--discriminator-dropout",
            metavar="P,P",
            help="Probabilities of dropout in the discriminator to try.  [default: the recipe's alone]",
            show_default=False,
            rich_help_panel=options.SWEEP,
        ),
    ] = None,
    axis: Annotated[
        list[str] | None,
        typer.Option(
            "--axis",
            metavar="KEY=A,B",
            help="Values of any setting to try, as in --axis penalty.r1_weight=0,0.3,1; data.limit=500,2000"
            " tries numbers of samples. Can be repeated: every combination of all values is trained.",
            show_default=False,
            rich_help_panel=options.SWEEP,
        ),
    ] = None,
    seeds: Annotated[
        int,
        typer.Option(
            "--seeds",
            metavar="N",
            min=1,
            max=1000,
            help="Train each combination with N seeds, counted from --seed.",
            rich_help_panel=options.SWEEP,
        ),
    ] = 1,
    held_out: Annotated[
        str | None,
        typer.Option(
            "--held-out",
            metavar="DATA",
            help="Score against these images, which no trial is trained on; as --data.  [default: against the"
            " training images]",
            show_default=False,
            rich_help_panel=options.SWEEP,
        ),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(
            "--trials",
            metavar="N",
            min=1,
            max=100_000,
            help="Search: train N combinations that Optuna proposes, instead of all. An axis may then be a"
            " range: LOW:HIGH or LOW:HIGH:log. Needs the extra [sweep].",
            show_default=False,
            rich_help_panel=options.SWEEP,
        ),
    ] = None,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune/--no-prune",
            help="In a search, end a trial early if finished ones were better after as many steps.",
            rich_help_panel=options.SWEEP,
        ),
    ] = True,
    conditional: options.Conditional = None,
    steps: options.Steps = None,
    seed: options.TrainingSeed = None,
    settings: options.Settings = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    retune: options.Retune = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train every combination of some settings' values, and compare them. Give the same command again to
    continue, or start it several times to share the work.
    """
    from dropgan.sweep import sweep as make_sweep

    axes = _axes(axis, generator_dropout, discriminator_dropout)
    with terminal(quiet=quiet) as reporter:
        results = make_sweep(
            out,
            axes,
            recipe,
            seeds=seeds,
            held_out=held_out,
            trials=trials,
            prune=prune,
            data=data if was_said(context, "data") else None,
            settings=changes_from(settings, conditional=conditional, steps=steps, seed=seed),
            data_dir=data_dir,
            data_options=data_options(size, colour, strict, label_column, header, separator, decimal, limit),
            device=device,
            precision=precision,
            threads=threads,
            retune=retune,
            reporter=noting_busy(reporter),
        )
    if json:
        result_json(results.as_dict())
    else:
        _show(results)


def _axes(axis: list[str] | None, generator: str | None, discriminator: str | None) -> dict[str, str]:
    """Return the values of each axis as the user typed them."""
    found: dict[str, str] = {}
    short = {"generator.dropout": generator, "discriminator.dropout": discriminator}
    pairs = [(key, values) for key, values in short.items() if values is not None]
    for text in axis or []:
        key, equals, values = text.partition("=")
        if not equals:
            raise typer.BadParameter(f"--axis takes KEY=A,B, not {text!r}")
        pairs.append((key.strip(), values))
    for key, values in pairs:
        if key in found:
            raise typer.BadParameter(f"axis {key} is given twice: put all its values into one")
        found[key] = values
    return found


def _show(results: "Results") -> None:
    """Print the combinations, best first, and where everything is."""
    from dropgan.sweep.axes import described

    shown = results.ranked[:_SHOWN]
    means = [f"{group.mean:.4g}" for group in shown]
    spreads = ["" if group.deviation is None else f" ± {group.deviation:.2g}" for group in shown]
    width = max((len(mean + spread) for mean, spread in zip(means, spreads, strict=True)), default=0)
    for place, (group, mean, spread) in enumerate(zip(shown, means, spreads, strict=True), 1):
        state = "" if group.state == "finished" else f"  {group.state}"
        result_row(f"{place:>4}  {mean + spread:<{width}}  ", f"{described(group.values)}{state}")
    if len(results.ranked) > _SHOWN:
        result(f"      and {len(results.ranked) - _SHOWN} more in the report")
    if results.best is None:
        result("no combination is finished with every seed: the report says what went wrong")
    result(f"results    {results.path / 'results.json'}")
    result(f"report     {results.report_file}")
    if results.best is not None:
        result(f"next       {_next(results)}")


def _next(results: "Results") -> str:
    """Return the command that trains the best combination on the same data."""
    assert results.best is not None
    question, point = results.question, results.best.trials[0][0].point
    words = ["dropgan", "run", "--data", question.data, *given(point.options)]
    words += ["--data-dir", question.data_dir] if question.data_dir else []
    return f"{shlex.join([*words, '--recipe', str(results.best_file)])} -o DIR"
