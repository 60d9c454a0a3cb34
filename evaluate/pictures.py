"""The report's pictures: arrays of images arranged for viewing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dropgan.serve import Generator
from dropgan.serve.pictures import encode_png, grid, shown_scale

from .images import Material
from .memorisation import SAMPLES, pixel_vectors
from .neighbours import nearest

Pixels = NDArray[np.uint8]

COLUMNS = 8
_INTERPOLATIONS = 5
_LATENTS = 4
_MOST_ROWS = 20
_TRUNCATIONS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)


@dataclass(frozen=True)
class Picture:
    """A picture with its caption."""

    title: str
    caption: str
    png: bytes
    rows: tuple[str, ...] = ()
    """Labels of the rows, or nothing."""


def make_pictures(material: Material) -> list[Picture]:
    """Return every picture for which there is material, the most informative first."""
    pictures = [_classes(material), _beside_real(material), *_neighbours(material)]
    pictures += _one_latent(material.generator)
    pictures += [_interpolations(material.generator), _truncation(material.generator)]
    tests = material.networks
    if tests is not None and tests.recovered is not None and tests.originals is not None:
        parts = (tests.originals[0], tests.recovered.training, tests.originals[1], tests.recovered.held_out)
        pictures.append(
            Picture(
                "Latent recovery",
                "From above: training images, what the generator draws at best for them, held-out images,"
                " what it draws for those. A generator that memorised draws the first far better.",
                _png(np.concatenate([part[:COLUMNS] for part in parts])),
            )
        )
    if tests is not None:
        rows = (tests.sensitivity.samples, tests.sensitivity.random, tests.sensitivity.worst)
        pictures.append(
            Picture(
                "Small steps of the latent",
                "From above: samples, the same after a random step of a tenth of the latent's length, the"
                " same after the worst step of that length.",
                _png(np.concatenate([part[:COLUMNS] for part in rows])),
            )
        )
    return pictures


def _classes(material: Material) -> Picture:
    network, features = material.reference.network, material.features
    if material.labels is not None:
        return _asked_classes(material.generator, material.samples, material.labels)
    if not network.class_names:
        return Picture("Samples", "The first samples, not chosen.", _png(material.samples[: 8 * COLUMNS]))
    found = features.logits.argmax(1)
    rows, names = [], []
    empty = np.full_like(material.samples[:1], 255)
    for label, name in enumerate(network.class_names):
        images = material.samples[np.flatnonzero(found == label)[:COLUMNS]]
        rows += [images, np.repeat(empty, COLUMNS - len(images), axis=0)]
        names.append(f"{name} {np.mean(found == label):.0%}")
    return Picture(
        "Samples by class",
        "The first samples of each class, not chosen, by the verdict of the feature network; beside each"
        " its share of all samples. An empty place is a sample that was never drawn.",
        _png(np.concatenate(rows)),
        rows=tuple(names),
    )


def _asked_classes(generator: Generator, samples: Pixels, labels: NDArray[np.int64]) -> Picture:
    rows, names = [], []
    empty = np.full_like(samples[:1], 255)
    for place, label in enumerate(generator.class_numbers[:_MOST_ROWS]):
        images = samples[np.flatnonzero(labels == label)[:COLUMNS]]
        rows += [images, np.repeat(empty, COLUMNS - len(images), axis=0)]
        names.append(generator.class_names[place] if generator.class_names else f"class {label}")
    shown = (
        f" Of {generator.classes} classes the first {_MOST_ROWS}." if generator.classes > _MOST_ROWS else ""
    )
    return Picture(
        "Samples by class",
        f"The first samples of each class that was asked for, not chosen.{shown}",
        _png(np.concatenate(rows)),
        rows=tuple(names),
    )


def _some_classes(generator: Generator, rows: int, columns: int) -> NDArray[np.int64] | None:
    """Return a class for each row of a picture, spread over all classes; None for a model without classes."""
    if not generator.classes:
        return None
    places = np.arange(rows) * generator.classes // rows % generator.classes
    return np.array(generator.class_numbers)[places].repeat(columns)


def _one_latent(generator: Generator) -> list[Picture]:
    """Draw the same latents in several classes."""
    if not generator.classes:
        return []
    shown = min(COLUMNS, generator.classes)
    places = np.arange(shown) * generator.classes // shown
    latents = generator.latents(_LATENTS, seed=1).repeat(shown, axis=0)
    titles = generator.class_names or generator.class_numbers
    names = [str(titles[place]) for place in places]
    return [
        Picture(
            "One latent, several classes",
            f"Each row is one latent; from the left: {', '.join(names)}. What the classes share, the latent"
            " says.",
            _png(generator(latents, np.tile(np.array(generator.class_numbers)[places], _LATENTS)), shown),
        )
    ]


def _beside_real(material: Material) -> Picture:
    real = material.reference.data.images
    rows = np.linspace(0, len(real) - 1, 4 * COLUMNS).astype(np.int64)
    order = np.random.default_rng(0).permutation(rows)
    both = []
    for row in range(4):
        here = slice(row * COLUMNS, (row + 1) * COLUMNS)
        both += [real[order[here]], material.samples[here]]
    return Picture(
        "Real beside generated",
        "Rows in turn: real images, generated samples. Neither was chosen.",
        _png(np.concatenate(both)),
    )


def _neighbours(material: Material) -> list[Picture]:
    reference, held_out = material.reference, material.held_out
    samples = material.samples[:SAMPLES]
    vectors = pixel_vectors(samples)
    distances, rows = nearest(vectors, pixel_vectors(reference.data.images))
    if held_out is None:
        order = np.argsort(distances[:, 0])[:COLUMNS]
        shown = [samples[order], reference.data.images[rows[order, 0]]]
        caption = (
            f"The {COLUMNS} samples of {len(samples):,} that are nearest to a real image, in pixels, and"
            " below each that image."
        )
    else:
        other, unseen = nearest(vectors, pixel_vectors(held_out.data.images))
        order = np.argsort(distances[:, 0] / np.maximum(other[:, 0], 1e-9))[:COLUMNS]
        shown = [
            samples[order],
            reference.data.images[rows[order, 0]],
            held_out.data.images[unseen[order, 0]],
        ]
        what = "training image" if reference.split == "training" else "image of the data"
        caption = (
            f"The {COLUMNS} most suspicious of {len(samples):,} samples: those nearest to a {what} compared"
            f" with held-out ones, in pixels. From above: sample, nearest {what}, nearest held-out image."
            " A copy"
            " would look like the second row and not like the third."
        )
    return [Picture("Nearest neighbours", caption, _png(np.concatenate(shown)))]


def slerp(start: NDArray[np.float32], end: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """Interpolate spherically between two latents. A straight line would shorten them.

    White, "Sampling generative networks", 2016, section 2.1.

    Args:
        start: float32 [latent_dim].
        end: float32 [latent_dim].
        share: 0 at ``start``, 1 at ``end``.
    """
    cosine = float(start @ end / max(float(np.linalg.norm(start) * np.linalg.norm(end)), 1e-12))
    angle = float(np.arccos(np.clip(cosine, -1, 1)))
    if np.sin(angle) < 1e-6:
        return ((1 - share) * start + share * end).astype(np.float32, copy=False)
    one, other = np.sin((1 - share) * angle), np.sin(share * angle)
    between: NDArray[np.float32] = ((one * start + other * end) / np.sin(angle)).astype(np.float32)
    return between


def _interpolations(generator: Generator) -> Picture:
    ends = generator.latents(2 * _INTERPOLATIONS, seed=1)
    latents = [
        slerp(ends[2 * row], ends[2 * row + 1], share)
        for row in range(_INTERPOLATIONS)
        for share in np.linspace(0, 1, COLUMNS)
    ]
    return Picture(
        "Between two samples",
        "Each row goes from one latent to another along the sphere. Even steps that stay believable are"
        " good; jumps, or a way through nothing, are not.",
        _png(generator(np.stack(latents), _some_classes(generator, _INTERPOLATIONS, COLUMNS))),
    )


def _truncation(generator: Generator) -> Picture:
    base = generator.latents(4, seed=1)
    latents = np.concatenate([base[row] * np.array(_TRUNCATIONS)[:, None] for row in range(len(base))])
    steps = ", ".join(f"{scale:g}" for scale in _TRUNCATIONS)
    return Picture(
        "Truncation",
        f"The latent of each row's sample, scaled by {steps}. Below 1 samples get more typical and less"
        " varied; 0 is the same for all.",
        _png(generator(latents.astype(np.float32), _some_classes(generator, len(base), len(_TRUNCATIONS)))),
    )


def _png(images: Pixels, columns: int = COLUMNS) -> bytes:
    scale = shown_scale(len(images), images.shape[2], columns)
    return encode_png(grid(images, columns, scale=scale, gap=1))
