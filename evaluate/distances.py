"""Distances between two sets of features, and the Inception Score, computed by torchmetrics.

Each function returns (value, spread). torchmetrics' classes receive features instead of images, so each image
is processed once and all scores use the same features. torchmetrics is imported on first use, because it
imports scipy and matplotlib, which takes seconds that an export without scores should not spend.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Vectors = NDArray[np.float32]
"""float32 [n, d] features or logits."""

KID_SUBSETS = 25
KID_SUBSET_SIZE = 1000
IS_SPLITS = 10
_WIDE = 256  # features from which on the arithmetic of a Fréchet distance takes seconds
_CHUNK = 1000
# In training by several processes the leader alone scores: a metric that gathered from the others, as
# torchmetrics does unasked, would wait for answers that never come.
_GATHER = False


class _AsGiven(nn.Module):
    """A replacement for torchmetrics' network that returns features that already exist."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, features: Tensor) -> Tensor:
        return features


@contextmanager
def _torchmetrics(seed: int) -> Iterator[None]:
    """Seed torch's global generator, from which torchmetrics draws, for the block.

    It also hides torchmetrics' warning that features are kept, which is intended here.
    """
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*will save all extracted features")
        torch.manual_seed(seed)
        yield


class FrechetDistance:
    """Fréchet distances to one set of real features, whose moments are taken once.

    Heusel et al., "GANs trained by a two time-scale update rule converge to a local Nash
    equilibrium", NeurIPS 2017, equation 6: |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) of the
    features' means and covariances.
    """

    def __init__(self, reals: Vectors) -> None:
        """Compute the moments of real features [n, d], n at least 2."""
        from torchmetrics.image.fid import FrechetInceptionDistance

        self._metric = FrechetInceptionDistance(
            feature=_AsGiven(reals.shape[1]), reset_real_features=False, sync_on_compute=_GATHER
        ).set_dtype(torch.float64)
        self._update(reals, real=True)

    def __call__(self, fakes: Vectors) -> float:
        """Return the distance of generated features [n, d], n at least 2. It is 0 or more."""
        self._metric.reset()
        self._update(fakes, real=False)
        return max(0.0, float(self._metric.compute()))  # rounding can leave -1e-12 of a zero

    def _update(self, features: Vectors, *, real: bool) -> None:
        for first in range(0, len(features), _CHUNK):
            part = torch.from_numpy(features[first : first + _CHUNK]).double()
            self._metric.update(part, real=real)


def bootstrap_draws(num_features: int) -> int:
    """Return the number of bootstrap draws for a Fréchet distance: fewer if each takes long."""
    return 20 if num_features <= _WIDE else 3


def frechet_distance(reals: Vectors, fakes: Vectors, *, seed: int = 0) -> tuple[float, float]:
    """Return the Fréchet distance, and its standard deviation over bootstrap draws of both sides.

    A draw repeats rows, which biases its distance upwards as fewer samples would. The draws give only the
    spread; the value is computed from the original sets.
    """
    random = np.random.default_rng(seed)
    value = FrechetDistance(reals)(fakes)
    draws = [
        FrechetDistance(_resampled(reals, random))(_resampled(fakes, random))
        for _ in range(bootstrap_draws(reals.shape[1]))
    ]
    return value, float(np.std(draws, ddof=1))


def _resampled(vectors: Vectors, random: np.random.Generator) -> Vectors:
    return vectors[random.integers(0, len(vectors), len(vectors))]


def kernel_distance(reals: Vectors, fakes: Vectors, *, seed: int = 0) -> tuple[float, float]:
    """Return the squared maximum mean discrepancy with the kernel (x.y/d + 1)^3.

    The result is the mean and standard deviation over 25 subsets of 1,000 (of all if there are fewer).
    Binkowski et al., "Demystifying MMD GANs", ICLR 2018, section 4. It is unbiased: 0 on average for two
    samples of one distribution, whatever their size, and sometimes slightly negative.
    """
    from torchmetrics.image.kid import KernelInceptionDistance

    size = min(KID_SUBSET_SIZE, len(reals), len(fakes))
    with _torchmetrics(seed):
        metric = KernelInceptionDistance(
            feature=_AsGiven(reals.shape[1]), subsets=KID_SUBSETS, subset_size=size, sync_on_compute=_GATHER
        ).set_dtype(torch.float64)
        metric.update(torch.from_numpy(reals).double(), real=True)
        metric.update(torch.from_numpy(fakes).double(), real=False)
        mean, deviation = metric.compute()
    return float(mean), float(deviation)


def inception_score(logits: Vectors, *, seed: int = 0) -> tuple[float, float]:
    """Return the Inception Score: the mean and standard deviation over 10 splits.

    It is the exponential of the mean divergence of class probabilities from their average: 1 at worst, the
    number of classes at best. Salimans et al., "Improved techniques for training GANs", NeurIPS 2016, section
    4.

    Args:
        logits: float32 [n, classes].
        seed: Seed of the order in which the samples are split.
    """
    from torchmetrics.image.inception import InceptionScore

    splits = min(IS_SPLITS, len(logits) // 2)
    with _torchmetrics(seed):
        metric = InceptionScore(
            feature=_AsGiven(logits.shape[1]), splits=splits, sync_on_compute=_GATHER
        ).set_dtype(torch.float64)
        metric.update(torch.from_numpy(logits).double())
        mean, deviation = metric.compute()
    return float(mean), float(deviation)
