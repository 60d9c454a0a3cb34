"""The work between two training steps: metrics, pictures, scores, checkpoints, and health checks."""

from .follower import Follower
from .health import Health, Problem
from .monitor import Ending, Monitor, TrainingError
from .scoring import BackgroundScoring, Score
from .tensorboard import TensorBoardLog

__all__ = [
    "BackgroundScoring",
    "Ending",
    "Follower",
    "Health",
    "Monitor",
    "Problem",
    "Score",
    "TensorBoardLog",
    "TrainingError",
]
