"""Properties of single images' pixels: sharpness, grain, specks, a checkerboard, contrast, colours.

Each property is a number for an image. Samples are compared with real images by ranks (Mann and Whitney, "On
a test of whether one of two random variables is stochastically larger than the other", 1947): the share of
pairs of a sample and a real image in which the sample has the larger value. Half would be equal.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .chance import detectable_share, rank_test

Pixels = NDArray[np.uint8]
_MOST = 2000
_STEP = 16  # levels: a generator's white that is a little less than white is not seen


@dataclass(frozen=True)
class Look:
    """One property of pixels, for samples and real images."""

    name: str
    """The property."""
    more: float
    """Share of pairs of a sample and a real image in which the sample has more of it; 0.5 is fair."""
    p_value: float
    """Probability of a share so far from a half, if samples were real images, times the properties tried."""
    detectable: float = 0.5
    """The smallest share that would have been found; over 1 where none would."""


def looks(samples: Pixels, reals: Pixels, seed: int = 0, *, error_rate: float = 0.005) -> tuple[Look, ...]:
    """Compare the pixels of samples with those of real images, uint8 [n, h, w, c]; up to 2,000 of each.

    ``error_rate`` is that of all properties together, for `Look.detectable`.
    """
    random = np.random.default_rng(seed)
    mine, real = (_measured(_some(images, random)) for images in (samples, reals))
    tests = [(name, *rank_test(mine[name], real[name])) for name in mine]
    mine_count, real_count = (min(len(images), _MOST) for images in (samples, reals))
    found = detectable_share(mine_count, real_count, error_rate / len(tests))
    return tuple(Look(name, more, min(1.0, p * len(tests)), found) for name, more, p in tests)


def _measured(images: Pixels) -> dict[str, NDArray[np.float64]]:
    pixels = images.astype(np.float32)
    measured = {name: measure(pixels) for name, measure in _MEASURES.items()}
    if images.shape[3] == 3:
        red, green, blue = pixels.mean((1, 2)).T.astype(np.float64)
        measured |= {"red against green": red - green, "blue against green": blue - green}
    return measured


def _contrast(pixels: NDArray[np.float32]) -> NDArray[np.float64]:
    spread: NDArray[np.float64] = pixels.std((1, 2, 3)).astype(np.float64)
    return spread


def _sharpness(pixels: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the differences of neighbours divided by the contrast, which blur lowers and noise raises."""
    return _differences(pixels) / (_contrast(pixels) + 1)


def _differences(pixels: NDArray[np.float32]) -> NDArray[np.float64]:
    down, right = (np.abs(np.diff(pixels, axis=axis)).mean((1, 2, 3)) for axis in (1, 2))
    total: NDArray[np.float64] = (down + right).astype(np.float64)
    return total


def _grain(pixels: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the differences along both axes at once, divided by those along one; large for noise, small for
    edges.
    """
    both = np.abs(np.diff(np.diff(pixels, axis=1), axis=2)).mean((1, 2, 3)).astype(np.float64)
    grain: NDArray[np.float64] = both / (_differences(pixels) + 1)
    return grain


def _specks(pixels: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the share of pixels that are much lighter or darker than all of their neighbours."""
    inner = pixels[:, 1:-1, 1:-1]
    height, width = pixels.shape[1:3]
    around = [
        pixels[:, down : height - 2 + down, right : width - 2 + right]
        for down in range(3)
        for right in range(3)
        if (down, right) != (1, 1)
    ]
    lightest, darkest = around[0].copy(), around[0].copy()
    for part in around[1:]:
        np.maximum(lightest, part, out=lightest)
        np.minimum(darkest, part, out=darkest)
    found = (inner > lightest + 2 * _STEP) | (inner < darkest - 2 * _STEP)
    specks: NDArray[np.float64] = found.sum((1, 2, 3)).astype(np.float64)
    return specks


def _checkerboard(pixels: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the amplitude with a period of two pixels both ways, which strided layers can leave."""
    signs = [(-1.0) ** np.arange(side) for side in pixels.shape[1:3]]
    waves = np.einsum("nhwc,h,w->nc", pixels, *signs) / (len(signs[0]) * len(signs[1]))
    board: NDArray[np.float64] = np.abs(waves).max(1)
    return board


def _extreme(pixels: NDArray[np.float32], lightest: bool) -> NDArray[np.float64]:
    flat = pixels.reshape(len(pixels), -1)
    found: NDArray[np.float64] = ((flat.max(1) if lightest else flat.min(1)) // _STEP).astype(np.float64)
    return found


_MEASURES: dict[str, Callable[[NDArray[np.float32]], NDArray[np.float64]]] = {
    "sharpness": _sharpness,
    "grain": _grain,
    "specks": _specks,
    "checkerboard": _checkerboard,
    "contrast": _contrast,
    "brightness": lambda pixels: pixels.mean((1, 2, 3)).astype(np.float64),
    "lightest level": lambda pixels: _extreme(pixels, lightest=True),
    "darkest level": lambda pixels: _extreme(pixels, lightest=False),
}


def _some(images: Pixels, random: np.random.Generator) -> Pixels:
    return images if len(images) <= _MOST else images[np.sort(random.permutation(len(images))[:_MOST])]
