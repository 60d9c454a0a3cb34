"""What is done between two training steps: lines, pictures, scores, checkpoints, and a look at the health."""

from .health import Health, Problem
from .monitor import Ending, Monitor, Observer, TrainingError
from .scoring import BackgroundScoring, Score
from .tensorboard import TensorBoardLog

__all__ = [
    "BackgroundScoring",
    "Ending",
    "Health",
    "Monitor",
    "Observer",
    "Problem",
    "Score",
    "TensorBoardLog",
    "TrainingError",
]
