"""Read a torch Dataset of images or vectors once into an array."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dropgan.serve.reporter import Progress

from .arrays import array_data
from .dataset import DataError, TrainingData
from .deep import depth_of, depth_remark
from .labels import label_numbers, plain_array
from .picture import BrokenPictureError, read_loaded, resize_pixels
from .readers import Reading


def dataset_data(source: Any, name: str, how: Reading) -> TrainingData:
    """Read every item once, in order. Random transforms are applied once.

    An item is an image, or a pair of image and label. An image is a Pillow picture, read by the rule of
    `picture`; a uint8 array or tensor, [height, width], [height, width, channels] or [channels, height,
    width]; or floats from 0 to 1 of these shapes, as torchvision's ``ToTensor`` makes them. Items [columns]
    are vectors. Names of classes come from the attribute ``classes``.

    Args:
        source: A torch Dataset, map-style or iterable, or a list of Pillow pictures.
        name: Name of the data.
        how: Options. If they have a size, each image is resized as it is read.

    Raises:
        DataError: An item is something else, items differ, or the data are unsuitable for training.
    """
    items = _Items(name, how.options.size)
    for done, item in enumerate(_items(source), 1):
        items.add(item)
        how.reporter.progress(Progress("reading images", done, max(done, _length(source)), "images"))
    if remark := depth_remark(name, items.peak):
        how.reporter.note(remark)
    if items.floats:
        how.reporter.note(f"{name}: floats from 0 to 1 are read as pixels of 0 to 255")
    labels, class_names = label_numbers(items.stacked_labels(), name) if items.labels else (None, ())
    return array_data(
        items.stacked(),
        name,
        labels=labels,
        class_names=class_names or _class_names(source, labels),
        reporter=how.reporter,
    )


def is_picture(item: object) -> bool:
    """Return True for a Pillow picture."""
    return isinstance(item, Image.Image)


class _Items:
    """The items of a data set as they are read."""

    def __init__(self, name: str, size: int) -> None:
        self.samples: list[NDArray[Any]] = []
        self.labels: list[NDArray[Any]] = []
        self.floats = False
        self.peak = 0
        self._deep: dict[int, Image.Image] = {}  # until the depth of all is known
        self._pictures = True  # until an item shows the contrary
        self._name, self._size = name, size

    def add(self, item: Any) -> None:
        what = f"{self._name}: item {len(self.samples)}"
        sample, *label = item if isinstance(item, tuple | list) else (item,)
        if len(label) > 1 or isinstance(sample, dict):
            raise DataError(f"{what} must be an image, or an image and its label")
        self.samples.append(self._sample(sample, what))
        if label:
            self.labels.append(plain_array(label[0], f"{what}: the label"))

    def stacked(self) -> NDArray[Any]:
        """Return all samples as one array. Images become grey if each of them is grey or, for pictures, looks
        grey.
        """
        for place, picture in self._deep.items():
            depth = depth_of(self.peak)
            self.samples[place] = read_loaded(picture, self._size, grey=False, depth=depth).pixels
        shapes = {sample.shape for sample in self.samples}
        if {shape[-1:] for shape in shapes if len(shape) == 3} == {(1,), (3,)}:
            self.samples = [np.broadcast_to(one, (*one.shape[:2], 3)) for one in self.samples]
            shapes = {sample.shape for sample in self.samples}
        if len(shapes) > 1:
            first, second = (list(shape) for shape in list(dict.fromkeys(s.shape for s in self.samples))[:2])
            raise DataError(
                f"{self._name}: items differ in shape ({first} and {second}): set a size to make them equal"
            )
        whole = np.stack(self.samples) if self.samples else np.empty((0, 4, 4, 1), np.uint8)
        if self._pictures and whole.shape[-1] == 3 and (whole[..., :1] == whole[..., 1:]).all():
            return whole[..., :1]
        return whole

    def stacked_labels(self) -> NDArray[Any]:
        if len(self.labels) != len(self.samples):
            raise DataError(f"{self._name}: {len(self.labels):,} of {len(self.samples):,} items have a label")
        if len({label.shape for label in self.labels}) > 1:
            raise DataError(f"{self._name}: labels differ in shape: each item needs one class")
        return np.stack(self.labels)

    def _sample(self, sample: Any, what: str) -> NDArray[Any]:
        if isinstance(sample, Image.Image):
            try:
                pixels, peak, *_ = read_loaded(sample, self._size, grey=False)
            except BrokenPictureError as error:
                raise DataError(f"{what} cannot be read: {error}") from error
            if peak:
                self._deep[len(self.samples)], self.peak = sample, max(self.peak, peak)
            return pixels
        array = plain_array(sample, what)
        self._pictures = False
        if array.ndim == 1:
            return array
        if array.ndim == 3 and array.shape[0] in (1, 3) and array.shape[2] not in (1, 3):
            array = np.moveaxis(array, 0, 2)
        if array.ndim == 2:
            array = array[..., np.newaxis]
        if array.dtype.kind == "f":
            array = self._bytes(array, what)
        if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] not in (1, 3):
            raise DataError(
                f"{what} must be a picture, uint8 or floats from 0 to 1, grey or of 1 or 3 channels, not"
                f" {array.dtype} of shape {list(array.shape)}"
            )
        return resize_pixels(array, self._size, grey=array.shape[2] == 1) if self._size else array

    def _bytes(self, array: NDArray[Any], what: str) -> NDArray[np.uint8]:
        if not (array.size and array.min() >= 0 and array.max() <= 1):
            raise DataError(
                f"{what} holds floats from {array.min(initial=0):.3g} to {array.max(initial=0):.3g}: pixels"
                " must be 0 to 1, or uint8: leave out a transform that normalises them"
            )
        self.floats = True
        return (array * 255).round().astype(np.uint8)


def _items(source: Any) -> Iterator[Any]:
    """Yield items by index and length, because not every map-style Dataset ends with an IndexError."""
    if hasattr(source, "__getitem__") and hasattr(source, "__len__"):
        return (source[place] for place in range(len(source)))
    if hasattr(source, "__iter__"):
        return iter(source)
    raise DataError(f"{type(source).__name__} has no length: a torch Dataset needs __len__ or __iter__")


def _length(source: Any) -> int:
    return len(source) if hasattr(source, "__len__") else 0


def _class_names(source: Any, labels: NDArray[np.int64] | None) -> tuple[str, ...]:
    """Return the class names of torchvision's data sets, also through a Subset."""
    while not hasattr(source, "classes") and hasattr(source, "dataset"):
        source = source.dataset
    names = getattr(source, "classes", None)
    if (
        labels is None
        or not isinstance(names, list | tuple)
        or not all(isinstance(one, str) for one in names)
    ):
        return ()
    return tuple(names) if len(names) > labels.max(initial=0) else ()
