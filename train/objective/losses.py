"""The losses, each with everything that the rest of training needs to know about it.

A new loss is a class here, or anywhere else with ``LOSSES.register``. Recipes, metrics, health and the table
of incompatible settings read what they need from it.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

from ..registry import Registry
from ..settings import Incompatible

SURE = 5.0
"""A generated sample whose logit is 5 below 0, or below a real one's, has a chance of 1 in 150 of
passing for real."""
SUREST = 40.0
"""A generated sample whose logit is further below 0 has a gradient in the discriminator's loss that is too
small to be enlarged."""


class Loss(ABC):
    """A loss of both networks. Losses are scalars of logits, float tensors [batch, 1].

    With labels, row i of the real samples and row i of the generated samples have the same label.
    """

    name: str
    """Name in ``training.loss``."""
    tells_right_from_wrong: bool = True
    """True if `correct` has a meaning. Then there are accuracies, and the discriminator can win."""
    lost_from: float = SURE
    """The generator has lost at this mean loss or above, if the discriminator is nearly always right."""
    has_limit: bool = True
    """True if a loss beyond ``health.loss_limit`` counts as exploded."""
    incompatible: tuple[Incompatible, ...] = ()
    """Settings it cannot be combined with. ``{loss}`` in a combination stands for the loss. A rule
    that several losses share is one object."""

    @abstractmethod
    def discriminator(self, real: Tensor, generated: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """Return the discriminator's loss.

        Args:
            real: Logits of real samples.
            generated: Logits of generated samples.
            label_smoothing: Distance of the target for real samples below 1. It may be above 0 only for
                losses that have targets.
        """

    @abstractmethod
    def generator(self, generated: Tensor, real: Callable[[], Tensor]) -> Tensor:
        """Return the generator's loss.

        Args:
            generated: Logits of generated samples.
            real: Returns logits of real samples, without gradients. They cost a pass through the
                discriminator, so only losses that call it pay for it.
        """

    @property
    def has_gradient_ratio(self) -> bool:
        """True if the loss defines `gradient_ratio`."""
        return type(self).gradient_ratio is not Loss.gradient_ratio

    def gradient_ratio(self, generated: Tensor) -> Tensor:
        """Return the derivative of the generator's loss at each logit over that of the discriminator's.

        ``training.one_stage`` has no effect on losses that do not define it: those whose discriminator's
        derivative is 0 at some logits, or whose generator's loss has other logits in it.

        Args:
            generated: Logits of generated samples, float [batch, 1].

        Returns:
            Finite values of the same shape and dtype, below 0 where the networks want opposites.

        Raises:
            NotImplementedError: The loss does not define it.
        """
        raise NotImplementedError

    def correct(self, real: Tensor, generated: Tensor) -> Tensor:
        """Count the real and the generated samples that the discriminator classifies correctly.

        Returns:
            int64 [2]. By default, logits of real samples are correct above 0, of generated ones below.
        """
        return torch.stack(((real > 0).sum(), (generated <= 0).sum()))


NO_TARGET = Incompatible(
    "`label_smoothing` with {loss}",
    "these losses have no target probability to smooth",
    lambda recipe: recipe.training.label_smoothing > 0,
)


NO_SIGN = Incompatible(
    '`dropout = "auto"` without `held_out` with {loss}',
    "the sign of these losses' logits means nothing, so overfitting is measured on held-out samples; set"
    " `held_out`, or a rate",
    lambda recipe: recipe.discriminator.dropout == "auto" and not recipe.discriminator.held_out,
)


class NonSaturating(Loss):
    """Binary cross-entropy of logits; the generator's uses the label "real".

    Goodfellow et al. 2014, equation 1 and section 3. softplus(-x) is -log sigmoid(x) without overflow. With
    label smoothing, generated samples keep the target 0, because a higher one would reward the generator for
    what it already does (Salimans et al., "Improved techniques for training GANs", 2016, section 3.4).
    """

    name = "non-saturating"

    def discriminator(self, real: Tensor, generated: Tensor, label_smoothing: float = 0.0) -> Tensor:
        total = softplus(-real).mean() + softplus(generated).mean()
        if label_smoothing:  # (1 - s) softplus(-x) + s softplus(x) is softplus(-x) + s x
            total = total + label_smoothing * real.mean()
        return total

    def generator(self, generated: Tensor, real: Callable[[], Tensor]) -> Tensor:
        return softplus(-generated).mean()

    def gradient_ratio(self, generated: Tensor) -> Tensor:
        return -(-generated.clamp(min=-SUREST)).exp()  # -sigmoid(-x) / sigmoid(x)


class Minimax(NonSaturating):
    """Binary cross-entropy, of which the generator minimises what the discriminator maximises.

    Goodfellow et al. 2014, equation 1. The generator's gradient vanishes when the discriminator is confident,
    which it is at the start.
    """

    name = "minimax"
    lost_from = -math.log1p(math.exp(-SURE))

    def generator(self, generated: Tensor, real: Callable[[], Tensor]) -> Tensor:
        return -softplus(generated).mean()

    def gradient_ratio(self, generated: Tensor) -> Tensor:
        return -torch.ones_like(generated)


class Hinge(Loss):
    """Hinge loss: push real logits above 1 and generated ones below -1, and no further.

    Lim and Ye, "Geometric GAN", 2017; Miyato et al. 2018.
    """

    name = "hinge"
    incompatible = (NO_TARGET,)

    def discriminator(self, real: Tensor, generated: Tensor, label_smoothing: float = 0.0) -> Tensor:
        return relu(1 - real).mean() + relu(1 + generated).mean()

    def generator(self, generated: Tensor, real: Callable[[], Tensor]) -> Tensor:
        return -generated.mean()


class Wasserstein(Loss):
    """Difference of the mean logits. A logit of 0 has no meaning.

    Arjovsky, Chintala, Bottou, "Wasserstein GAN", 2017. Something else must bound the discriminator's slope.
    """

    name = "wasserstein"
    tells_right_from_wrong = False
    lost_from = math.inf
    has_limit = False
    incompatible = (
        NO_TARGET,
        NO_SIGN,
        Incompatible(
            "{loss} without `wgan_gp_weight` or spectral norm in the discriminator",
            "the loss has no lower bound unless the discriminator's slope is bounded, and R1 bounds it only"
            " at real samples",
            lambda recipe: not recipe.penalty.wgan_gp_weight and not recipe.discriminator.spectral_norm,
        ),
    )

    def discriminator(self, real: Tensor, generated: Tensor, label_smoothing: float = 0.0) -> Tensor:
        return generated.mean() - real.mean()

    def generator(self, generated: Tensor, real: Callable[[], Tensor]) -> Tensor:
        return -generated.mean()

    def gradient_ratio(self, generated: Tensor) -> Tensor:
        return -torch.ones_like(generated)


class Relativistic(Loss):
    """Cross-entropy of which sample of a pair of a generated and a real one is real.

    The pairing loss of Jolicoeur-Martineau, "The relativistic discriminator", ICLR 2019, with the logistic
    function, as in R3GAN (Huang et al., "The GAN is dead; long live the GAN! A modern GAN baseline", NeurIPS
    2024), which trains it with R1 and R2. If generated samples crowd around few real ones, the other real
    samples still win their pairs, so the generator drops modes less easily (Sun, Fang, Schwing, "Towards a
    better global loss landscape of GANs", NeurIPS 2020).
    """

    name = "relativistic"
    incompatible = (NO_TARGET, NO_SIGN)

    def discriminator(self, real: Tensor, generated: Tensor, label_smoothing: float = 0.0) -> Tensor:
        return softplus(generated - real).mean()

    def generator(self, generated: Tensor, real: Callable[[], Tensor]) -> Tensor:
        return softplus(real() - generated).mean()

    def correct(self, real: Tensor, generated: Tensor) -> Tensor:
        """Count pairs whose real sample has the higher logit, once for each sample of the pair."""
        return (real > generated).sum().expand(2)


class Margin(Loss):
    """The margin loss of capsules, for which a capsule's length is the probability of the logit.

    Sabour, Frosst, Hinton, "Dynamic routing between capsules", NIPS 2017, equation 4, as CapsuleGAN uses it
    (Jaiswal et al. 2018): push real samples above 0.9, and generated ones below 0.1 at half the weight. The
    generator pushes its samples above 0.9.
    """

    name = "margin"
    lost_from = (0.9 - 1 / (1 + math.exp(SURE))) ** 2
    incompatible = (NO_TARGET,)

    def discriminator(self, real: Tensor, generated: Tensor, label_smoothing: float = 0.0) -> Tensor:
        return _short(real) + relu(generated.sigmoid() - 0.1).square().mean() / 2

    def generator(self, generated: Tensor, real: Callable[[], Tensor]) -> Tensor:
        return _short(generated)


def _short(logits: Tensor) -> Tensor:
    """Return the squared distance of lengths below 0.9."""
    return relu(0.9 - logits.sigmoid()).square().mean()


LOSSES: Registry[Loss] = Registry(
    "loss", NonSaturating(), Minimax(), Hinge(), Wasserstein(), Relativistic(), Margin()
)
