"""Files of features that cost nothing: random weights, of images of any size."""

from pathlib import Path

import torch

from dropgan.train.features.domain import DomainFacts, DomainNetwork, save_domain


def features_file(path: Path, channels: int = 1, seed: int = 0) -> Path:
    """Write one; another seed gives other features."""
    torch.manual_seed(seed)
    save_domain(path, DomainNetwork(DomainFacts((28, 28, channels), 2, (), "labels", "noise", 0.5)).eval())
    return path
