"""Graph convolution over nearest neighbours in feature space, in a form that can be exported.

Han, Wang, Guo, Tang, Wu, "Vision GNN: an image is worth graph of nodes", NeurIPS 2022: each node takes from
its most similar nodes the largest difference of each feature to its own. There a neighbour counts fully or
not at all, so two that are almost equally far swap places between processors, runtimes or precisions, and
change the picture. Here a neighbour's weight fades to 0 towards the first node that is not a neighbour, so
the result is a continuous function of the features.
"""

import torch
from torch import Tensor, nn

from ..autocast import full_precision

_EPSILON = 1e-6  # of the squared length of features
_NEAR = 1e-3  # distances that are small beside it count as none


def nearest(nodes: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the nearest nodes of each node, including itself.

    The distance is one minus the cosine of two nodes' features. A neighbour at distance d has the weight 1 -
    d / r, where r is the distance of the first node that is not a neighbour.

    Args:
        nodes: float32 [n, nodes, features].
        count: Number of neighbours; fewer if there are not enough nodes.

    Returns:
        Indices int64 and weights float32, both [n, nodes, count + 1], nearest first; the last weight is 0.
    """
    unit = nodes * torch.rsqrt(nodes.square().sum(-1, keepdim=True) + _EPSILON)
    distances = 1 - unit @ unit.transpose(1, 2)
    found, places = distances.topk(min(count + 1, nodes.shape[1]), largest=False)
    return places, 1 - (found + _NEAR) / (found[..., -1:] + _NEAR)


def at(nodes: Tensor, places: Tensor, *, training: bool) -> Tensor:
    """Gather features: [n, nodes, features] and indices int64 [n, nodes, k] to [n, nodes, k, features].

    Args:
        nodes: Features of the nodes of each sample.
        places: Indices into the sample's own nodes.
        training: Copy whole rows, at a third of the cost; False uses an operation that can be exported.
    """
    count, size, features = nodes.shape
    if training:
        first = torch.arange(count, device=nodes.device) * size
        rows = nodes.flatten(0, 1).index_select(0, (places + first[:, None, None]).flatten())
    else:
        rows = nodes.gather(1, places.flatten(1).unsqueeze(-1).expand(-1, -1, features))
    return rows.view(-1, size, places.shape[2], features)


class MaxRelative(nn.Module):
    """The largest weighted difference between each node's neighbours and itself, feature by feature.

    Distances are in float32 in every precision.
    """

    def __init__(self, neighbours: int) -> None:
        super().__init__()
        self.neighbours = neighbours

    def forward(self, grid: Tensor) -> Tensor:
        """Map [n, channels, height, width] to the same shape; the nodes are the cells of the grid."""
        nodes = grid.permute(0, 2, 3, 1).flatten(1, 2)
        with full_precision(grid.device):
            places, weights = nearest(nodes.float(), self.neighbours)
        others = at(nodes, places, training=self.training)
        differences = weights.to(grid.dtype).unsqueeze(-1) * (others - nodes.unsqueeze(2))
        largest: Tensor = differences.amax(2).unflatten(1, grid.shape[2:])
        return largest.permute(0, 3, 1, 2)
