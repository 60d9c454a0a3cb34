"""Feed labels into the networks of a class-conditional model."""

import torch
from torch import Tensor, nn


class LatentInput(nn.Module):
    """The input of a generator's first layer: the latent, concatenated with the label's embedding.

    Mirza and Osindero, "Conditional generative adversarial nets", 2014. Embeddings are initialised as
    standard normal, like latents.

    Attributes:
        width: Values per row of the output.
    """

    def __init__(self, latent_dim: int, classes: int, label_dim: int) -> None:
        super().__init__()
        self.width = latent_dim + (label_dim if classes else 0)
        self.embedding = nn.Embedding(classes, label_dim) if classes else None

    def forward(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        """Map float32 [n, latent_dim] and int64 [n] (None without classes) to float32 [n, width]."""
        if self.embedding is None:
            return latents
        return torch.cat((latents, self.embedding(labels)), 1)


class LogitHead(nn.Linear):
    """One logit from features; with classes, plus the product of the features and the label's embedding.

    Miyato and Koyama, "cGANs with projection discriminator", ICLR 2018, equation 3.
    """

    def __init__(self, features: int, classes: int) -> None:
        super().__init__(features, 1)
        self.embedding = nn.Embedding(classes, features) if classes else None
        if self.embedding is not None:
            nn.init.normal_(self.embedding.weight, std=features**-0.5)

    def forward(self, features: Tensor, labels: Tensor | None = None) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Map [n, features] and int64 [n] (None without classes) to logits float32 [n, 1]."""
        logits = super().forward(features).float()
        if self.embedding is not None:
            logits = logits + (self.embedding(labels) * features).sum(1, keepdim=True)
        return logits
