"""The structure of the feature networks that a discriminator may look through."""

from .domain import NUM_FEATURES
from .frozen import Cell, Conv, FrozenPlan


def domain_plan(channels: int) -> FrozenPlan:
    """`dropgan.train.features.domain.DomainNetwork`, used at four of its five convolutions."""
    return FrozenPlan(
        (
            Cell((Conv(channels, 32, 5, 2),), seen=True),
            Cell((Conv(32, 64),), seen=True),
            Cell((Conv(64, 96),), pooled=True),
            Cell((Conv(96, 96),), seen=True),
            Cell((Conv(96, NUM_FEATURES),), seen=True),
        ),
        epsilon=1e-5,
        most_side=64,
        unit=True,
    )


_STAGES = (  # kernel, stride, factor of expansion, outputs, blocks, and whether it is seen
    (3, 1, 1, 16, 1, False),
    (3, 2, 6, 24, 2, True),
    (5, 2, 6, 40, 2, True),
    (3, 2, 6, 80, 3, False),
    (5, 1, 6, 112, 3, True),
    (5, 2, 6, 192, 4, False),
    (3, 1, 6, 320, 1, True),
)


def efficientnet_lite0_plan() -> FrozenPlan:
    """EfficientNet-lite0 without its last 1x1 convolution: inverted residuals, no squeeze and excitation.

    Tan and Le, "EfficientNet: rethinking model scaling for convolutional neural networks", ICML 2019, and the
    lite variants of its authors. Used at a quarter, an eighth, a sixteenth and a thirty-second of the
    resolution, as in Projected GANs.
    """
    cells, inputs = [Cell((Conv(3, 32, 3, 2, activation="relu6"),))], 32
    for kernel, stride, factor, outputs, blocks, seen in _STAGES:
        for block in range(blocks):
            step, wide = stride if block == 0 else 1, inputs * factor
            expand = (Conv(inputs, wide, 1, activation="relu6"),) if factor > 1 else ()
            depthwise = Conv(wide, wide, kernel, step, groups=wide, activation="relu6")
            project = Conv(wide, outputs, 1, activation="none")
            last = seen and block == blocks - 1
            cells.append(Cell((*expand, depthwise, project), residual=block > 0, seen=last))
            inputs = outputs
    return FrozenPlan(tuple(cells), epsilon=1e-3, tensorflow=True, least_side=64, most_side=224)
