"""The networks. The interface that every architecture keeps:

- The generator turns latents float32 [n, latent_dim], and labels int64 [n] if it is
  class-conditional, into samples float32 [n, *shape]: images [n, channels, height, width] between
  -1 and 1, or vectors [n, columns], each column standardised.
- The discriminator turns samples, and labels, into logits [n, 1], above 0 for real.
"""

from .build import build_networks, require_fit
from .layers import SLOPE
from .spec import SampleSpec
from .texture import roughness

__all__ = ["SLOPE", "SampleSpec", "build_networks", "require_fit", "roughness"]
