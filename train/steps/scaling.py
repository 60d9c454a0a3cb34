"""Loss scaling, so that small gradients do not vanish in fp16."""

import torch
from torch import Tensor


class LossScaling:
    """Updates one network with its loss scaled up and the gradients scaled down again.

    Micikevicius et al., "Mixed precision training", ICLR 2018, section 3.2. torch.amp.GradScaler adapts the
    scale: it doubles it now and then, and if gradients overflow it halves the scale and skips the update.

    Attributes:
        skipped: Number of skipped updates.
    """

    def __init__(self, device: torch.device) -> None:
        self._scaler = torch.amp.GradScaler(device.type)
        self.skipped = 0

    def update(self, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        """Do one update of the optimiser's weights; leave its gradients unscaled for measuring."""
        optimizer.zero_grad()
        self._scaler.scale(loss).backward()
        self._scaler.unscale_(optimizer)
        self._scaler.step(optimizer)
        before = self._scaler.get_scale()
        self._scaler.update()
        self.skipped += self._scaler.get_scale() < before

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors for a checkpoint."""
        state = self._scaler.state_dict()
        return {
            "scale": torch.tensor(state["scale"], dtype=torch.float64),
            "growth": torch.tensor(state["_growth_tracker"]),
            "skipped": torch.tensor(self.skipped),
        }

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Restore the result of `tensors`.

        Raises:
            KeyError: A tensor is missing.
        """
        state = self._scaler.state_dict()
        state |= {"scale": tensors["scale"].item(), "_growth_tracker": int(tensors["growth"])}
        self._scaler.load_state_dict(state)
        self.skipped = int(tensors["skipped"])
