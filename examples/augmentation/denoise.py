"""Generated images as additional training data: a denoiser that sees real and generated ones.

python denoise.py model.onnx [--workers 2] [--generated 10000] [--epochs 1]
"""

import argparse
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import ConcatDataset, DataLoader, Dataset, TensorDataset

from dropgan.serve import Generator
from dropgan.train import load_images


class GeneratedImages(Dataset[tuple[Tensor]]):
    """Samples 0 to ``count - 1`` of ``seed``, made when they are asked for.

    Nothing is stored, and it does not matter which worker makes which image: item i is always the
    same. The Generator goes into the workers by fork or by pickle.
    """

    def __init__(self, model: Path, count: int, seed: int = 0) -> None:
        self.generator = Generator(model, device="cpu", threads=1)  # the workers are the parallelism
        self.count, self.seed = count, seed

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[Tensor]:
        """One image: float32 [channels, height, width], 0 to 1."""
        if not 0 <= index < self.count:
            raise IndexError(index)
        (image,) = self.generator.sample(1, seed=self.seed, start=index)
        return (torch.from_numpy(image).permute(2, 0, 1) / 255,)


def train(model: Path, *, generated: int, workers: int, epochs: int, context: str = "fork") -> list[float]:
    """The mean loss of each epoch."""
    real = torch.from_numpy(load_images("fashion-mnist-10k").images).permute(0, 3, 1, 2) / 255
    data = ConcatDataset([TensorDataset(real), GeneratedImages(model, generated)])
    loader = DataLoader(
        data,
        batch_size=256,
        shuffle=True,
        generator=torch.Generator().manual_seed(0),
        num_workers=workers,
        multiprocessing_context=context if workers else None,
    )
    torch.manual_seed(0)
    denoiser = nn.Sequential(
        nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.Conv2d(16, 1, 5, padding=2), nn.Sigmoid()
    )
    optimizer = torch.optim.Adam(denoiser.parameters(), lr=2e-3)
    means = []
    for _ in range(epochs):
        losses = []
        for (clean,) in loader:
            noisy = clean + 0.3 * torch.randn_like(clean)
            loss = nn.functional.mse_loss(denoiser(noisy), clean)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        means.append(sum(losses) / len(losses))
    return means


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--generated", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--context", choices=["fork", "spawn"], default="fork")
    arguments = vars(parser.parse_args())
    for number, mean in enumerate(train(arguments.pop("model"), **arguments)):
        print(f"epoch {number}: mean squared error {mean:.4f}")
