"""Keep samples to what holds for every graph of the data."""

import torch
from torch import Tensor, nn

from ..spec import GraphTypes


class EdgeLimits(nn.Module):
    """Chooses the types of edges so that no node has more than any of its type in the data, and so that a
    graph is in one piece if all graphs of the data are, wherever there is room for that.

    First each node is joined to the earlier one that the logits want most, of those with room left. Every
    connected graph has an order of its nodes in which that is so, and networks choose the order. Then the
    edges that the logits want are taken, those wanted most first, while both ends have room. An edge that
    joins its graph together gets the type that takes least if there is no room for its own. A graph falls
    apart only if no earlier node has room left, such as one that begins with two atoms of fluorine.
    """

    most: Tensor
    weights: Tensor

    def __init__(self, types: GraphTypes) -> None:
        super().__init__()
        self.connected = types.connected
        self.least = min(types.edge_weights)
        self.lightest = 1 + types.edge_weights.index(self.least)
        self.register_buffer("most", torch.tensor((0, *types.most_edges)), persistent=False)
        self.register_buffer("weights", torch.tensor((0, *types.edge_weights)), persistent=False)

    @torch.no_grad()
    def forward(self, edges: Tensor, nodes: Tensor) -> Tensor:
        """Return the type of each edge, 0 for none: int64 [n, nodes, nodes], symmetric.

        Args:
            edges: Logits [n, 1 + edge types, nodes, nodes], symmetric.
            nodes: Logits [n, 1 + node types, nodes].
        """
        kinds = nodes.argmax(1)
        there = kinds > 0
        best, wanted = edges[:, 1:].argmax(1) + 1, edges[:, 1:].amax(1) - edges[:, 0]
        room = _looked_up(self.most, kinds)
        tree = torch.zeros_like(best)
        if self.connected:
            tree, room = _joined(wanted, there, room, self.least)
        apart = 1 - torch.eye(best.shape[1], dtype=torch.int64, device=best.device)
        both = (there[:, :, None] & there[:, None, :]).long() * apart
        asked = torch.maximum((wanted > 0).long() * both, tree)
        takes = asked * (_looked_up(self.weights, best) - self.least * tree)
        fits = _taken_before(takes, wanted) <= room[:, :, None]
        kept = fits & fits.transpose(1, 2) & ((wanted > 0) | (tree > 0))
        return torch.where(kept, best, self.lightest * tree) * both


def _taken_before(takes: Tensor, wanted: Tensor) -> Tensor:
    """Return how much each edge and those that its node rather has take together, float [n, nodes, nodes].

    Sorted rows need no comparison of every edge with every other one, whose memory would be cubic. The sums
    are integers below 256, which autocast to bfloat16 keeps exactly.
    """
    nodes = takes.shape[2]
    order = wanted.topk(nodes, 2).indices
    place = order.float().topk(nodes, 2, largest=False).indices
    before = torch.ones(nodes, nodes, device=takes.device).triu()
    return (takes.gather(2, order).float() @ before).gather(2, place)


def _looked_up(table: Tensor, places: Tensor) -> Tensor:
    return table.index_select(0, places.flatten()).view_as(places)


def _joined(wanted: Tensor, there: Tensor, room: Tensor, least: int) -> tuple[Tensor, Tensor]:
    """Return 1 for each pair that joins a node to an earlier one, and the room that is left.

    Args:
        wanted: How much an edge is wanted, [n, nodes, nodes].
        there: Which nodes exist, bool [n, nodes].
        room: How much each may still have, int64 [n, nodes].
        least: How much a joining edge takes.
    """
    nodes = wanted.shape[1]
    numbers = torch.arange(nodes, device=wanted.device)
    lowest = torch.finfo(wanted.dtype).min
    rows = [torch.zeros_like(room)]
    for node in range(1, nodes):
        free = there & (room >= least) & (numbers < node)
        earlier = torch.where(free, wanted[:, node], lowest).argmax(1)
        possible = free.any(1) & there[:, node] & (room[:, node] >= least)
        row = ((numbers == earlier[:, None]) & possible[:, None]).long()
        room = room - least * (row + (numbers == node).long() * row.sum(1, keepdim=True))
        rows.append(row)
    below = torch.stack(rows, 1)
    return below + below.transpose(1, 2), room
