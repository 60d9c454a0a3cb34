"""GAN losses on logits. Each takes float tensors [batch, 1] and gives a scalar."""

from torch import Tensor
from torch.nn.functional import softplus


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Binary cross-entropy of calling real images real and generated ones generated.

    softplus(-x) is -log sigmoid(x) without the overflow (Goodfellow et al. 2014, equation 1).
    """
    return softplus(-real_logits).mean() + softplus(fake_logits).mean()


def generator_loss(fake_logits: Tensor) -> Tensor:
    """The non-saturating loss: -log of the probability that generated images pass for real.

    Goodfellow et al. 2014, section 3; binary cross-entropy with the label "real".
    """
    return softplus(-fake_logits).mean()
