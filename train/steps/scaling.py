"""Scaled losses, so that small gradients survive fp16."""

import torch
from torch import Tensor


class LossScaling:
    """One network's update with its loss scaled up and the gradients scaled down again.

    Micikevicius et al., "Mixed precision training", ICLR 2018, section 3.2; torch.amp.GradScaler finds
    the scale: it doubles it now and then, and where gradients overflow it halves it and leaves the
    update out.

    Attributes:
        skipped: Updates that were left out.
    """

    def __init__(self, device: torch.device) -> None:
        self._scaler = torch.amp.GradScaler(device.type)
        self.skipped = 0

    def update(self, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        """One update of what the optimiser holds; its gradients are left unscaled, for measuring."""
        optimizer.zero_grad()
        self._scaler.scale(loss).backward()
        self._scaler.unscale_(optimizer)
        self._scaler.step(optimizer)
        before = self._scaler.get_scale()
        self._scaler.update()
        self.skipped += self._scaler.get_scale() < before

    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint keeps of it."""
        state = self._scaler.state_dict()
        return {
            "scale": torch.tensor(state["scale"], dtype=torch.float64),
            "growth": torch.tensor(state["_growth_tracker"]),
            "skipped": torch.tensor(self.skipped),
        }

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Put back what `tensors` gave.

        Raises:
            KeyError: It is of something else.
        """
        state = self._scaler.state_dict()
        state |= {"scale": tensors["scale"].item(), "_growth_tracker": int(tensors["growth"])}
        self._scaler.load_state_dict(state)
        self.skipped = int(tensors["skipped"])
