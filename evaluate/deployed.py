"""Open the file to score as it is deployed, even if only a run is named."""

from pathlib import Path

from dropgan.serve import Generator, ModelError
from dropgan.serve.kinds import kind_of
from dropgan.serve.reporter import Reporter
from dropgan.train import load_generator


def open_deployed(model: Path, *, device: str, reporter: Reporter) -> tuple[Generator, Path | None]:
    """Open the generator of a model file or a run directory; return it with the run, or None.

    For a run, its model.onnx is used if it has the run's best or last weights. Otherwise the run is exported.

    Raises:
        ModelError: The file is not a dropgan model.
        DropganError: As for `dropgan.export`.
    """
    if not model.is_dir():
        return Generator(model, device=device), None
    file = model / "model.onnx"
    if file.exists() and _is_of_run(file, model):
        return Generator(file, device=device), model
    from dropgan.export import exported  # which brings onnx: nobody who scores a file should wait for it

    return Generator(exported(model, reporter), device=device), model


def _is_of_run(file: Path, run: Path) -> bool:
    """Return True if a file has a run's best or last weights."""
    trained = [load_generator(run, checkpoint) for checkpoint in ("auto", "last")]
    try:
        card = Generator(file, device="cpu").card
    except ModelError:
        return False
    return (
        card.training.steps in [one.about["step"] for one in trained]
        and card.training.seed == trained[0].recipe.training.seed
        and card.data.fingerprint == trained[0].about["data"]["fingerprint"]
        and card.export.output == kind_of(card).usual_output
    )
