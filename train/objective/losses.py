"""GAN losses on logits. Each takes float tensors [batch, 1] and gives a scalar."""

from torch import Tensor
from torch.nn.functional import relu, softplus


def discriminator_loss(
    real_logits: Tensor, fake_logits: Tensor, loss: str = "non-saturating", label_smoothing: float = 0.0
) -> Tensor:
    """What the discriminator minimises.

    - ``non-saturating`` and ``minimax``: binary cross-entropy of calling real samples real and
      generated ones generated. softplus(-x) is -log sigmoid(x) without the overflow (Goodfellow et
      al. 2014, equation 1). With label smoothing the target for real samples is that much below 1;
      generated samples keep the target 0, since a higher one would reward the generator for what
      it does already (Salimans et al., "Improved techniques for training GANs", 2016, section 3.4).
    - ``hinge``: real logits are pushed above 1, generated ones below -1, and no further (Lim and Ye
      2017; Miyato et al. 2018).
    - ``wasserstein``: the difference of the means (Arjovsky, Chintala, Bottou 2017); the slope of
      the discriminator must be bounded by something else.
    """
    if loss == "hinge":
        return relu(1 - real_logits).mean() + relu(1 + fake_logits).mean()
    if loss == "wasserstein":
        return fake_logits.mean() - real_logits.mean()
    total = softplus(-real_logits).mean() + softplus(fake_logits).mean()
    if label_smoothing:  # (1 - s) softplus(-x) + s softplus(x) is softplus(-x) + s x
        total = total + label_smoothing * real_logits.mean()
    return total


def generator_loss(fake_logits: Tensor, loss: str = "non-saturating") -> Tensor:
    """What the generator minimises.

    - ``non-saturating``: -log of the probability that generated samples pass for real (Goodfellow
      et al. 2014, section 3): binary cross-entropy with the label "real".
    - ``minimax``: log of the probability that they do not (equation 1 there). Its gradient vanishes
      where the discriminator is sure, which is at the beginning.
    - ``hinge`` and ``wasserstein``: minus the mean logit.
    """
    if loss == "non-saturating":
        return softplus(-fake_logits).mean()
    if loss == "minimax":
        return -softplus(fake_logits).mean()
    return -fake_logits.mean()
