"""A feature network that never learns: its convolution weights are buffers.

No optimiser, weight penalty, spectral norm or initialisation changes them, while checkpoints hold them and
devices move them like any other tensor.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, max_pool2d, pad

Activation = Literal["none", "relu", "relu6"]


@dataclass(frozen=True)
class Conv:
    """A convolution with the following batch norm folded into its weights."""

    inputs: int
    outputs: int
    kernel: int = 3
    stride: int = 1
    groups: int = 1
    activation: Activation = "relu"

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Shape of the weight."""
        return self.outputs, self.inputs // self.groups, self.kernel, self.kernel


@dataclass(frozen=True)
class Cell:
    """Consecutive convolutions, and the operations around them."""

    convs: tuple[Conv, ...]
    residual: bool = False
    """True if what goes in is added to what comes out."""
    pooled: bool = False
    """True if blocks of 2x2 become their largest value first."""
    seen: bool = False
    """True if the heads of a discriminator see what comes out."""


@dataclass(frozen=True)
class FrozenPlan:
    """The structure of a feature network."""

    cells: tuple[Cell, ...]
    epsilon: float
    """Epsilon of its batch norms."""
    tensorflow: bool = False
    """True if strided convolutions see a cell more at the right and lower edge than at the left and upper
    one, as TensorFlow's do."""
    least_side: int = 0
    """Smaller images are enlarged, so that the longer side has so many pixels."""
    most_side: int = 0
    """Larger ones are reduced to it; 0 leaves them."""
    unit: bool = False
    """True if pixels go from 0 to 1 rather than from -1 to 1."""

    @property
    def channels(self) -> int:
        """Channels of the images. A network for 3 channels is shown grey as three equal ones."""
        return self.cells[0].convs[0].inputs

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels at each depth that is used, from the image up."""
        return tuple(cell.convs[-1].outputs for cell in self.cells if cell.seen)

    def sizes(self, height: int, width: int) -> list[tuple[int, int]]:
        """Return height and width at each depth that is used."""
        side = self._side(height, width)
        rows, columns = side if side is not None else (height, width)
        found = []
        for cell in self.cells:
            for stride in (2 if cell.pooled else 1, *(conv.stride for conv in cell.convs)):
                rows, columns = -(-rows // stride), -(-columns // stride)
            if cell.seen:
                found.append((rows, columns))
        return found

    def _side(self, height: int, width: int) -> tuple[int, int] | None:
        """Return the size that images are resized to, or None if they keep theirs."""
        longer = max(height, width)
        wanted = max(longer, self.least_side)
        wanted = min(wanted, self.most_side) if self.most_side else wanted
        if wanted == longer:
            return None
        return max(1, round(height * wanted / longer)), max(1, round(width * wanted / longer))


class FrozenFeatures(nn.Module):
    """A feature network with zero weights until `fill` loads its own.

    Attributes:
        plan: Structure of the network.
    """

    def __init__(self, plan: FrozenPlan) -> None:
        super().__init__()
        self.plan = plan
        for number, conv in enumerate(conv for cell in plan.cells for conv in cell.convs):
            self.register_buffer(f"weight_{number}", torch.zeros(conv.shape))
            self.register_buffer(f"bias_{number}", torch.zeros(conv.outputs))

    @torch.no_grad()
    def fill(self, weights: Mapping[str, Tensor]) -> None:
        """Load the weights of a network in eval mode, folding each batch norm into the preceding convolution.

        Args:
            weights: State dict with convolutions and norms in the order of use. Anything after the last
                convolution is ignored.

        Raises:
            ValueError: It belongs to another network.
        """
        layers = _layers(weights)
        for name, conv in self._convs():
            kernel, norm = next(layers, (None, {}))
            if kernel is None or kernel.shape != conv.shape or len(norm) != 4:
                raise ValueError("it is of another network")
            scale = norm["weight"] / (norm["running_var"] + self.plan.epsilon).sqrt()
            self.get_buffer(f"weight_{name}").copy_(kernel * scale[:, None, None, None])
            self.get_buffer(f"bias_{name}").copy_(norm["bias"] - norm["running_mean"] * scale)

    @property
    def fingerprint(self) -> str:
        """Return ``sha256:`` and the digest of all weights."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.named_buffers()):
            digest.update(f"{name} {tuple(tensor.shape)}\n".encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return f"sha256:{digest.hexdigest()}"

    def forward(self, samples: Tensor) -> list[Tensor]:
        """Return the activations at each used depth for float [n, channels, height, width], -1 to 1."""
        grid = (samples + 1) / 2 if self.plan.unit else samples
        if grid.shape[1] < self.plan.channels:
            grid = grid.expand(-1, self.plan.channels, -1, -1)
        size = self.plan._side(*grid.shape[2:])
        if size is not None:
            grid = interpolate(grid, size=size, mode="bilinear", antialias=max(size) < max(grid.shape[2:]))
        grid = grid.contiguous(memory_format=torch.channels_last)
        convs, seen = self._convs(), []
        for cell in self.plan.cells:
            before = grid = max_pool2d(grid, 2, ceil_mode=True) if cell.pooled else grid
            for conv, (name, _) in zip(
                cell.convs, convs, strict=False
            ):  # which takes no more than the cell has
                grid = self._convolved(grid, name, conv)
            grid = grid + before if cell.residual else grid
            if cell.seen:
                seen.append(grid)
        return seen

    def _convolved(self, grid: Tensor, name: int, conv: Conv) -> Tensor:
        padding = conv.kernel // 2
        if self.plan.tensorflow and conv.stride > 1:
            grid, padding = pad(grid, _edges(grid, conv)), 0
        grid = conv2d(
            grid,
            self.get_buffer(f"weight_{name}"),
            self.get_buffer(f"bias_{name}"),
            stride=conv.stride,
            padding=padding,
            groups=conv.groups,
        )
        if conv.activation == "relu6":
            return grid.clamp(0, 6)
        return grid.relu() if conv.activation == "relu" else grid

    def _convs(self) -> Iterator[tuple[int, Conv]]:
        return enumerate(conv for cell in self.plan.cells for conv in cell.convs)


def _edges(grid: Tensor, conv: Conv) -> tuple[int, int, int, int]:
    """Return the padding at the left, right, upper and lower edge."""
    found = []
    for side in (grid.shape[3], grid.shape[2]):
        total = max((-(-side // conv.stride) - 1) * conv.stride + conv.kernel - side, 0)
        found += [total // 2, total - total // 2]
    return found[0], found[1], found[2], found[3]


def _layers(weights: Mapping[str, Tensor]) -> Iterator[tuple[Tensor, dict[str, Tensor]]]:
    """Yield each convolution with its following batch norm."""
    kernel: Tensor | None = None
    norm: dict[str, Tensor] = {}
    for name, tensor in weights.items():
        if tensor.dim() == 4:
            if kernel is not None:
                yield kernel, norm
            kernel, norm = tensor, {}
        elif len(norm) < 4 and not name.endswith("num_batches_tracked"):
            norm[name.rpartition(".")[2]] = tensor
    if kernel is not None:
        yield kernel, norm
