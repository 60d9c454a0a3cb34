"""Train domain features on any data, by its classes or by recognising rotations.

The features that come with dropgan were made by

    dropgan evaluate --fit-features domain.safetensors --data fashion-mnist --held-out fashion-mnist-test

(92.8 % of the test images are classified correctly; about ten minutes on two cores).
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, pad

from dropgan.serve.errors import InputError
from dropgan.serve.reporter import LOGGED, Progress, Reporter

from ..data import ImageData, require_class_labels
from .domain import DomainFacts, DomainNetwork

LABELS, ROTATION = "labels", "rotation"
EPOCHS = 10
_BATCH = 125
_LEARNING_RATE = 4e-3  # peak of the schedule
_WEIGHT_DECAY = 0.02
_SHIFT = 2
_MOST_CLASSES = 1000


def fit_features(
    data: ImageData,
    *,
    task: str = LABELS,
    held_out: ImageData | None = None,
    epochs: int = EPOCHS,
    flip: bool = True,
    seed: int = 0,
    reporter: Reporter = LOGGED,
) -> DomainNetwork:
    """Train a classifier whose last activations are features for this kind of images.

    It uses AdamW with a one-cycle schedule, in float32, because processors without bfloat16 emulate it at a
    sixth of the speed. Batches are shifted by up to two pixels, and images are mirrored. For ``rotation``
    they are mirrored before they are rotated, because a quarter turn to the left would otherwise look like
    one to the right.

    Without labels, the task is to recognise by how much an image is rotated: 0, 90, 180 or 270 degrees
    (Gidaris, Singh, Komodakis, "Unsupervised representation learning by predicting image rotations", ICLR
    2018), or 0 or 180 degrees if images are not square. Images without an up and down (textures, cells) teach
    it nothing.

    Args:
        data: Images, with labels for the task ``labels``.
        task: ``labels`` or ``rotation``.
        held_out: Images to measure the accuracy on; None measures it on the data itself.
        epochs: Passes over the data, 1 or more.
        flip: Mirror images. Use False if a mirrored image has another class, as for digits and letters.
        seed: Seed of weights, order and augmentation.
        reporter: Receives progress after each epoch.

    Returns:
        The network in eval mode, with its accuracy in its facts.

    Raises:
        InputError: The data has no labels or too many classes.
    """
    if task not in (LABELS, ROTATION):
        raise InputError(f"the task must be labels or rotation, not {task!r}")
    height, width, channels = data.images.shape[1:]
    if task == LABELS and data.labels is None:
        raise InputError(f"{data.name} has no labels to learn: use --task rotation, which needs none")
    if task == LABELS and data.labels is not None:
        require_class_labels(data.name, data.labels)
    if held_out is not None and held_out.images.shape[1:] != data.images.shape[1:]:
        raise InputError(f"{held_out.name} has images of another shape than {data.name}")
    turns = 4 if height == width else 2
    classes = turns if data.labels is None or task == ROTATION else int(data.labels.max()) + 1
    if not 2 <= classes <= _MOST_CLASSES:
        raise InputError(f"{data.name} has {classes} classes: 2 to {_MOST_CLASSES} are supported")
    names = data.class_names if task == LABELS and len(data.class_names) == classes else ()
    torch.manual_seed(seed)
    network = DomainNetwork(DomainFacts((height, width, channels), classes, names, task, data.name, 0.0))
    _train(network, data, task, epochs, flip, reporter)
    checked = held_out if held_out is not None and (task == ROTATION or held_out.labels is not None) else data
    found = round(accuracy(network, checked, task), 4)
    network.facts = DomainFacts((height, width, channels), classes, names, task, data.name, found)
    return network.requires_grad_(False)


def _train(
    network: DomainNetwork, data: ImageData, task: str, epochs: int, flip: bool, reporter: Reporter
) -> None:
    images = torch.from_numpy(np.array(data.images))
    size = min(_BATCH, len(images))
    steps = len(images) // size
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, _LEARNING_RATE, total_steps=epochs * steps, pct_start=0.2
    )
    for epoch in range(epochs):
        total = 0.0
        for rows in torch.randperm(len(images)).split(size)[:steps]:
            some = _mirrored(images[rows]) if flip else images[rows]
            batch, truth = _task(some, _labels(data, rows), task)
            _, logits = network(_shifted(batch))
            loss = cross_entropy(logits, truth)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        loss_text = f"loss {total / steps:.4f}"
        reporter.progress(Progress("learning features", epoch + 1, epochs, "epochs", loss_text))
    network.eval()


@torch.inference_mode()
def accuracy(network: DomainNetwork, data: ImageData, task: str = LABELS) -> float:
    """Return the share of images (for ``rotation``, of their rotations) classified correctly, 0 to 1."""
    right = count = 0
    torch.manual_seed(0)
    for rows in torch.arange(len(data.images)).split(500):
        images = torch.from_numpy(data.images[rows.numpy()].copy())
        batch, truth = _task(images, _labels(data, rows), task)
        right += int((network(batch)[1].argmax(1) == truth).sum())
        count += len(truth)
    return right / count


def _labels(data: ImageData, rows: Tensor) -> Tensor:
    if data.labels is None:
        return torch.zeros(len(rows), dtype=torch.int64)
    return torch.from_numpy(data.labels[rows.numpy()])


def _task(images: Tensor, labels: Tensor, task: str) -> tuple[Tensor, Tensor]:
    if task == LABELS:
        return images, labels
    step = 1 if images.shape[1] == images.shape[2] else 2  # quarter turns: half ones keep any shape
    turns = torch.randint(0, 4 // step, (len(images),))
    turned = torch.stack(
        [torch.rot90(image, step * int(turn), (0, 1)) for image, turn in zip(images, turns, strict=True)]
    )
    return turned, turns


def _mirrored(images: Tensor) -> Tensor:
    """Mirror each image with probability one half."""
    return torch.where(torch.rand(len(images), 1, 1, 1) < 0.5, images.flip(2), images)


def _shifted(images: Tensor) -> Tensor:
    """Shift all images by up to two pixels each way, filled with black."""
    height, width = images.shape[1:3]
    down, right = torch.randint(0, 2 * _SHIFT + 1, (2,)).tolist()
    padded = pad(images, (0, 0, _SHIFT, _SHIFT, _SHIFT, _SHIFT))
    return padded[:, down : down + height, right : right + width]
