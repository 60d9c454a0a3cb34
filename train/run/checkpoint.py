"""Checkpoints: one safetensors file with everything that a bit-exact resume needs."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from dropgan.serve.atomic import write_bytes
from dropgan.serve.errors import DropganError
from dropgan.serve.ordinary import open_ordinary
from dropgan.serve.parsing import parse_json

METADATA_KEY = "dropgan"
_SCHEMA = 2
_KEYS: dict[str, type | tuple[type, ...]] = {
    "step": int,
    "seconds": (int, float),
    "data": dict,
    "classes": int,
    "versions": dict,
}
"""What every checkpoint says beside its tensors; one to go on from says more, which restoring asks for."""
_DATA_KEYS = {
    "kind": str,
    "shape": list,
    "name": str,
    "fingerprint": str,
    "samples": int,
    "class_names": list,
}


class CheckpointError(DropganError):
    """A checkpoint is missing, damaged, or belongs to another network."""


@dataclass(frozen=True)
class Checkpoint:
    """Tensors by name, and other facts as JSON values."""

    tensors: dict[str, Tensor]
    about: dict[str, Any]

    def part(self, name: str) -> dict[str, Tensor]:
        """Return the tensors whose names begin with ``name/``, without this prefix."""
        prefix = f"{name}/"
        return {
            key.removeprefix(prefix): tensor for key, tensor in self.tensors.items() if key.startswith(prefix)
        }


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, completely or not at all.

    Raises:
        OutputError: It cannot be written.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()}
    about = {"schema": _SCHEMA, **checkpoint.about}
    document = json.dumps({**about, "digest": _digest(tensors, about)})
    write_bytes(path, save(tensors, metadata={METADATA_KEY: document}))


def keep_previous(path: Path, previous: Path) -> None:
    """Make ``previous`` the file that is now at ``path``, by a hard link if the file system has them.

    Raises:
        OutputError: It cannot be written.
    """
    if not path.exists():
        return
    link = previous.with_name(f".{previous.name}.tmp")
    try:
        link.unlink(missing_ok=True)
        link.hardlink_to(path)
        link.replace(previous)
    except OSError:
        write_bytes(previous, path.read_bytes())


def load_checkpoint(path: Path) -> Checkpoint:
    """Load a checkpoint. Nothing in it is ever executed.

    Raises:
        CheckpointError: It is missing, damaged, or not a checkpoint of this dropgan.
    """
    try:
        open_ordinary(path).close()
        with safe_open(path, framework="pt") as file:
            about = parse_json((file.metadata() or {})[METADATA_KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError as error:
        raise CheckpointError(f"there is no checkpoint {path}") from error
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise CheckpointError(f"{path} is damaged or not a checkpoint of dropgan: {error}") from error
    if not isinstance(about, dict) or about.get("schema") != _SCHEMA:
        raise CheckpointError(f"{path} was written by another version of dropgan")
    if about.pop("digest", None) != _digest(tensors, about):
        raise CheckpointError(f"{path} is damaged: its content has changed since it was written")
    wrong = [key for key, kind in _KEYS.items() if not isinstance(about.get(key), kind)]
    wrong += [
        f"data.{key}"
        for key, kind in _DATA_KEYS.items()
        if "data" not in wrong and not isinstance(about["data"].get(key), kind)
    ]
    rollbacks = about.get("rollbacks", [])
    if not isinstance(rollbacks, list) or not all(isinstance(step, int) for step in rollbacks):
        wrong.append("rollbacks")
    if wrong:
        raise CheckpointError(f"{path} is not a checkpoint of dropgan: it has no valid {', '.join(wrong)}")
    return Checkpoint(tensors, about)


def _digest(tensors: dict[str, Tensor], about: dict[str, Any]) -> str:
    """Return a digest of everything in the file, because a disk may return other bytes than were written."""
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the tensors of an Adam optimiser's state, named ``INDEX/NAME``."""
    state = optimizer.state_dict()["state"]
    return {f"{index}/{name}": tensor for index, entry in state.items() for name, tensor in entry.items()}


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Restore the result of `optimizer_tensors`."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        index, name = key.split("/")
        state.setdefault(int(index), {})[name] = tensor
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
