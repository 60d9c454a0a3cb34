"""Everything that changes while a GAN trains."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import nn

from ..data.batches import Batches
from ..data.memory import available_memory
from ..distributed.ranks import ALONE, Ranks
from ..networks import DiscriminatorNetwork, GeneratorNetwork, SampleSpec, build_networks
from ..networks.size import require_room
from ..recipes.settings import Recipe
from ..run.checkpoint import (
    Checkpoint,
    CheckpointError,
    optimizer_tensors,
    restore_optimizer,
)
from .dropout import ScaledDropout, Steering, scheduled
from .ema import Ema
from .scaling import LossScaling
from .streams import Stream, Streams
from .timetable import Timetable

_FAR = 10**9  # batches; no run has as many


class Passes(NamedTuple):
    """How a training step runs the networks: directly, or through wrappers that average gradients."""

    generator: nn.Module
    discriminator: nn.Module


class ScaledDropouts(NamedTuple):
    """The dropout of both networks."""

    generator: ScaledDropout
    discriminator: ScaledDropout


@dataclass
class TrainingState:
    """Networks, averages, optimisers and the number of finished steps."""

    spec: SampleSpec
    generator: GeneratorNetwork
    discriminator: DiscriminatorNetwork
    ema: Ema
    generator_optimizer: torch.optim.Optimizer
    discriminator_optimizer: torch.optim.Optimizer
    timetable: Timetable
    """Total number of steps."""
    step: int = 0
    seconds: float = 0.0
    rollbacks: tuple[int, ...] = ()
    """The steps to which training returned after failures."""
    seed: int = 0
    """Seed of all random numbers in training."""
    ranks: Ranks = ALONE
    """The processes of the run."""
    augmentation: torch.Generator = field(default_factory=torch.Generator)
    """Random generator of a step's augmentations; `begin_step` seeds it."""
    passes: Passes = field(init=False)
    """The networks themselves or, with several processes, wrappers that average their gradients."""
    generator_scaling: LossScaling | None = None
    """Scales the generator's loss, in fp16."""
    discriminator_scaling: LossScaling | None = None
    steering: Steering | None = None
    """Sets the discriminator's dropout, if it is ``auto``."""
    held_out: Batches | None = None
    """Held-out samples by which overfitting is measured, if there are any."""
    dropout: ScaledDropouts = field(init=False)
    """The dropout layers of both networks."""

    def __post_init__(self) -> None:
        self.passes = Passes(self.generator, self.discriminator)
        self.dropout = ScaledDropouts(*(ScaledDropout(network) for network in self.passes))

    @classmethod
    def fresh(
        cls, recipe: Recipe, spec: SampleSpec, device: torch.device, *, trains: bool = True
    ) -> "TrainingState":
        """Create untrained networks from the recipe's seed, which also becomes torch's global seed.

        Args:
            recipe: The recipe.
            spec: Spec of the samples.
            device: Device of the networks.
            trains: Require enough memory for training.

        Raises:
            RecipeError: The networks do not support these samples, or do not fit into memory.
        """
        require_room(recipe, spec, _memory(device), trained=trains)
        torch.manual_seed(recipe.training.seed)
        generator, discriminator = build_networks(recipe, spec)
        generator.to(device)
        discriminator.to(device)
        betas = (recipe.training.beta1, recipe.training.beta2)
        return cls(
            spec,
            generator,
            discriminator,
            Ema(generator, recipe.training.ema_decay),
            _optimizer(generator, betas, recipe.generator.weight_decay),
            _optimizer(discriminator, betas, recipe.discriminator.weight_decay),
            Timetable(((0, recipe.training.steps),)),
            seed=recipe.training.seed,
            steering=Steering(recipe.discriminator, recipe.training.batch_size)
            if recipe.discriminator.dropout == "auto"
            else None,
        )

    def set_learning_rates(self, recipe: Recipe) -> None:
        """Set both learning rates for the next step."""
        training = recipe.training
        scale = self.timetable.left(self.step) if training.schedule == "linear" else 1.0
        scale *= recipe.health.rate_factor ** len(self.rollbacks)
        for optimizer, rate in (
            (self.generator_optimizer, recipe.generator.learning_rate),
            (self.discriminator_optimizer, recipe.discriminator.learning_rate),
        ):
            for group in optimizer.param_groups:
                group["lr"] = rate * scale

    def scale_losses(self, device: torch.device) -> None:
        """Enable loss scaling for fp16."""
        self.generator_scaling, self.discriminator_scaling = LossScaling(device), LossScaling(device)

    def scalings(self) -> list[tuple[str, LossScaling]]:
        """Return the loss scalings of fp16 by the name of their part in a checkpoint; empty in other
        precisions.
        """
        named = (
            ("generator_scaling", self.generator_scaling),
            ("discriminator_scaling", self.discriminator_scaling),
        )
        return [(name, scaling) for name, scaling in named if scaling is not None]

    def set_dropout(self, recipe: Recipe) -> None:
        """Set the strength of dropout for the next step."""
        self.dropout.generator.scale(self.generator_dropout_share(recipe))
        if self.steering is not None:
            self.dropout.discriminator.scale(self.steering.share)
        else:
            self.dropout.discriminator.scale(scheduled(recipe.discriminator, self._progress))

    def generator_dropout_share(self, recipe: Recipe) -> float:
        """Return the share of its probability that dropout in the generator has at the next step."""
        return scheduled(recipe.generator, self._progress)

    def begin_step(self, recipe: Recipe) -> None:
        """Set everything that changes per step, and seed masks and augmentation separately in
        each process.
        """
        self.set_dropout(recipe)
        self.streams.seed_masks(self.step, self.ranks.rank)
        self.augmentation = self.streams.generator(Stream.AUGMENTATION, self.step, self.ranks.rank)

    def draw_latents(self, update: int, count: int, size: int, device: torch.device) -> torch.Tensor:
        """Return standard normal latents of this process's rows, float32 [count, size].

        Each process draws the latents of the whole batch alike and takes its rows, so together they see what
        one process would see.

        Args:
            update: Number of the discriminator's update, from the start of the run.
            count: Rows of this process.
            size: Components of a latent.
            device: Device of the result.
        """
        generator = self.streams.generator(Stream.LATENTS, update)
        whole = torch.randn(count * self.ranks.count, size, generator=generator, device="cpu")
        return self.ranks.part(whole).to(device, non_blocking=True)

    def to_checkpoint(self, about: dict[str, Any]) -> Checkpoint:
        """Return everything that `restore` needs. Random numbers follow from seed, step and rollbacks."""
        tensors = {
            f"{part}/{name}": tensor
            for part, content in (
                ("generator", self.generator.state_dict()),
                ("discriminator", self.discriminator.state_dict()),
                ("ema", self.ema.module.state_dict()),
                ("generator_optimizer", optimizer_tensors(self.generator_optimizer)),
                ("discriminator_optimizer", optimizer_tensors(self.discriminator_optimizer)),
                *((part, scaling.tensors()) for part, scaling in self.scalings()),
                *(() if self.steering is None else (("steering", self.steering.tensors()),)),
            )
            for name, tensor in content.items()
        }
        progress = {"step": self.step, "seconds": self.seconds, "rollbacks": list(self.rollbacks)}
        return Checkpoint(tensors, {**about, **progress})

    def restore(self, checkpoint: Checkpoint) -> None:
        """Restore the state of a checkpoint.

        Raises:
            CheckpointError: It is of other networks.
        """
        try:
            self.generator.load_state_dict(checkpoint.part("generator"))
            self.discriminator.load_state_dict(checkpoint.part("discriminator"))
            self.ema.module.load_state_dict(checkpoint.part("ema"))
            restore_optimizer(self.generator_optimizer, checkpoint.part("generator_optimizer"))
            restore_optimizer(self.discriminator_optimizer, checkpoint.part("discriminator_optimizer"))
            for part, scaling in self.scalings():
                scaling.restore(checkpoint.part(part))
            if self.steering is not None:
                self.steering.restore(checkpoint.part("steering"))
            self.step = int(checkpoint.about["step"])
            self.seconds = float(checkpoint.about["seconds"])
            self.rollbacks = tuple(checkpoint.about["rollbacks"])
        except (RuntimeError, ValueError, KeyError, TypeError) as error:
            raise _misfit(error) from error

    def restore_shipped(self, checkpoint: Checkpoint) -> None:
        """Load the averaged generator and the discriminator of a checkpoint, which need not contain more.

        Raises:
            CheckpointError: It is of other networks.
        """
        try:
            self.ema.module.load_state_dict(checkpoint.part("ema"))
            self.discriminator.load_state_dict(checkpoint.part("discriminator"))
            self.step = int(checkpoint.about["step"])
            if self.steering is not None:
                self.steering.restore(checkpoint.part("steering"))
        except (RuntimeError, KeyError, ValueError) as error:
            raise _misfit(error) from error

    @property
    def _progress(self) -> float:
        """Return the share of steps that is done."""
        return 1 - self.timetable.left(self.step)

    @property
    def batch_offset(self) -> int:
        """Offset of batch numbers. After each rollback the data come in a new order."""
        return len(self.rollbacks) * _FAR

    @property
    def streams(self) -> Streams:
        """Streams of random numbers. Each rollback starts new ones."""
        return Streams(self.seed, len(self.rollbacks))


def _misfit(error: Exception) -> CheckpointError:
    reason = " ".join(str(error).split())[:300]
    return CheckpointError(f"the checkpoint does not fit this run's networks: {reason}")


def _optimizer(network: nn.Module, betas: tuple[float, float], decay: float) -> torch.optim.Optimizer:
    """Return Adam with decoupled weight decay of matrices and kernels, but not of biases and gains.

    Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019.
    """
    # torch's "meta" device, on which nothing is computed, has no fused one
    fused = all(parameter.device.type != "meta" for parameter in network.parameters())
    if not decay:
        return torch.optim.AdamW(network.parameters(), betas=betas, weight_decay=0.0, fused=fused)
    weights = [parameter for parameter in network.parameters() if parameter.dim() > 1]
    others = [parameter for parameter in network.parameters() if parameter.dim() <= 1]
    groups = [{"params": weights, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, betas=betas, fused=fused)


def _memory(device: torch.device) -> int:
    """Return the bytes available on the device of training."""
    free: int = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else available_memory()
    return free
