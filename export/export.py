"""A run's generator to one verified ONNX file."""

import dataclasses
import importlib.metadata
from pathlib import Path

import onnx

from ..serve.atomic import write_bytes
from ..serve.card import (
    METADATA_KEY,
    ArchitectureCard,
    Card,
    DataCard,
    DropoutCard,
    ExportCard,
    LatentCard,
    ParityCard,
    ScoreCard,
    TrainingCard,
)
from ..serve.latents import STREAM_NAME
from ..train import TrainedGenerator, load_generator
from ..train.state import parameter_count
from .gate import check_inference_only, parse_model
from .graph import DEFAULT_OPSET, to_onnx
from .parity import check_parity


def export(
    run: Path | str, destination: Path | str, *, output: str = "pixels", opset: int = DEFAULT_OPSET
) -> Card:
    """Export the averaged generator of a run's last checkpoint, verified before it is written.

    Args:
        run: The run directory.
        destination: The ``.onnx`` file to write.
        output: ``pixels`` (uint8, NHWC) or ``float`` (float32, NCHW, -1 to 1).
        opset: Version of the ONNX operator set.

    Returns:
        The card that the file carries.

    Raises:
        GateError: The file would not be inference-only.
        ParityError: It would differ from the PyTorch generator.
        ExportError: An option is out of range.
        RunError: ``run`` holds no run.
        CheckpointError: The run has no checkpoint, or a damaged one.
        OutputError: The file cannot be written.
    """
    trained = load_generator(run)
    settings = trained.recipe.generator
    proto = to_onnx(trained.module, settings.latent_dim, output=output, opset=opset)
    plain = proto.SerializeToString()
    check_inference_only(plain).require("the exported generator")
    parity = check_parity(
        plain, trained.module, settings.latent_dim, output=output, seed=trained.recipe.training.seed
    )
    card = _card(trained, proto, output, parity)
    write_bytes(destination, _with_card(proto, card))
    return card


def add_scores(path: Path | str, scores: tuple[ScoreCard, ...]) -> Card:
    """Write scores into a model file's card, beside those of other names that it has.

    Raises:
        ModelError: The file is no model of dropgan's.
        OutputError: It cannot be written.
    """
    proto = parse_model(Path(path).read_bytes())
    card = Card.from_json(next(entry.value for entry in proto.metadata_props if entry.key == METADATA_KEY))
    names = {score.name for score in scores}
    kept = tuple(score for score in card.scores if score.name not in names)
    card = dataclasses.replace(card, scores=kept + scores)
    write_bytes(path, _with_card(proto, card))
    return card


def _with_card(proto: onnx.ModelProto, card: Card) -> bytes:
    onnx.helper.set_model_props(proto, {METADATA_KEY: card.to_json()})
    return bytes(proto.SerializeToString(deterministic=True))


def _card(trained: TrainedGenerator, proto: onnx.ModelProto, output: str, parity: ParityCard) -> Card:
    recipe, about = trained.recipe, trained.about
    data = about["data"]
    versions = {**about["versions"], "onnx": importlib.metadata.version("onnx")}
    return Card(
        data=DataCard(
            kind=data["kind"],
            shape=tuple(data["shape"]),
            name=data["name"],
            fingerprint=data["fingerprint"],
            samples=data["samples"],
            class_names=tuple(data["class_names"]),
        ),
        latents=LatentCard(dim=recipe.generator.latent_dim, stream=STREAM_NAME),
        architecture=ArchitectureCard(recipe.architecture, parameter_count(trained.module)),
        dropout=DropoutCard(recipe.generator.dropout, recipe.discriminator.dropout, disabled=True),
        training=TrainingCard(
            recipe=recipe.name,
            steps=about["step"],
            seed=recipe.training.seed,
            ema=recipe.training.ema_decay > 0,
            versions=versions,
        ),
        export=ExportCard(
            opset=proto.opset_import[0].version, precision="fp32", output=output, parity=parity
        ),
    )
