"""torch-fidelity draws from the exported file by itself and scores it; where it can be installed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from onnxruntime import InferenceSession

from dropgan.evaluate.distances import FrechetDistance
from dropgan.evaluate.random_features import RandomNetwork
from dropgan.serve import Generator
from dropgan.train import load_images

_SAMPLES, _SEED = 200, 5


def test_the_file_is_scored_by_torch_fidelity(rgb_file: Path, image_file: Path) -> None:
    """Published scores come from this library: it must draw the file's samples as they are, and agree on the
    Fréchet distance."""
    try:
        import torch_fidelity
        from torch_fidelity.feature_extractor_base import FeatureExtractorBase
    except (ImportError, RuntimeError) as error:  # torchvision raises the latter beside another torch
        pytest.skip(f"torch-fidelity cannot be imported: {error}")

    class Extractor(FeatureExtractorBase):  # type: ignore[misc]
        """Inception's weights are a download: these features are dropgan's own."""

        def __init__(self, name: str, features: list[str], **_: Any) -> None:
            super().__init__(name, features)
            self.network = RandomNetwork(3).eval()

        @staticmethod
        def get_provided_features_list() -> tuple[str]:
            return ("pooled",)

        @staticmethod
        def can_be_compiled() -> bool:
            return False

        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor]:
            return (self.network(images.permute(0, 2, 3, 1))[0],)

    torch_fidelity.register_feature_extractor("random", Extractor)
    reals = load_images(str(image_file)).images.transpose(0, 3, 1, 2).repeat(3, 1)
    size = Generator(rgb_file).card.latents.dim
    found = torch_fidelity.calculate_metrics(
        input1=str(rgb_file),
        input1_model_z_size=size,
        input1_model_z_type="normal",
        input1_model_num_samples=_SAMPLES,
        input2=torch.utils.data.Subset(torch.from_numpy(reals), range(len(reals))),
        fid=True,
        feature_extractor="random",
        feature_layer_fid="pooled",
        rng_seed=_SEED,
        batch_size=50,
        cuda=False,
        cache=False,
        verbose=False,
    )
    latents = np.random.RandomState(_SEED).randn(_SAMPLES, size).astype(np.float32)
    session = InferenceSession(rgb_file, providers=["CPUExecutionProvider"])
    made = session.run(None, {session.get_inputs()[0].name: latents})[0]
    network = RandomNetwork(3).eval()
    mine, other = (
        network(torch.from_numpy(np.ascontiguousarray(side.transpose(0, 2, 3, 1))))[0].detach().numpy()
        for side in (made, reals)
    )
    expected = FrechetDistance(other)(mine)
    assert expected > 0
    assert found["frechet_inception_distance"] == pytest.approx(expected, rel=1e-3)
