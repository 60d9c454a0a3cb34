"""Training data: every source, in files or in memory, becomes one array of samples."""

from .classes import class_counts, label_fingerprint, labels_for_model, with_classes
from .clusters import with_clusters
from .dataset import DataError, ImageData, TrainingData, require_class_labels, require_kind
from .graphs import GraphData
from .in_memory import was_in_memory
from .load import (
    DEFAULT_DATA,
    holds_pictures,
    load_data,
    load_images,
    unchanging_name,
)
from .options import DataOptions, options_differences
from .vectors import VectorData

__all__ = [
    "DEFAULT_DATA",
    "DataError",
    "DataOptions",
    "GraphData",
    "ImageData",
    "TrainingData",
    "VectorData",
    "class_counts",
    "holds_pictures",
    "label_fingerprint",
    "labels_for_model",
    "load_data",
    "load_images",
    "options_differences",
    "require_class_labels",
    "require_kind",
    "unchanging_name",
    "was_in_memory",
    "with_classes",
    "with_clusters",
]
