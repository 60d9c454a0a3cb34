"""From what the user says after ``--data`` to images."""

from pathlib import Path

from .arrays import load_array_file
from .dataset import DataError, ImageData
from .fashion_mnist import load_embedded, load_fashion_mnist
from .idx import load_idx_directory

DEFAULT_DATA = "fashion-mnist-10k"
BUILT_IN_DATA = (DEFAULT_DATA, "fashion-mnist", "fashion-mnist-test")


def load_images(source: str, data_dir: Path | None = None) -> ImageData:
    """Load training images.

    Args:
        source: ``fashion-mnist-10k`` (embedded), ``fashion-mnist`` (whole), ``fashion-mnist-test``,
            a directory of IDX files, or a ``.npy`` or ``.npz`` file.
        data_dir: Where the whole Fashion-MNIST lies, if not in a usual place.

    Raises:
        DataError: There is no such data, or it is damaged or unfit.
    """
    if data_dir is not None and source not in BUILT_IN_DATA[1:]:
        raise DataError(f"--data-dir says where Fashion-MNIST lies; {source} needs none")
    if source == DEFAULT_DATA:
        return load_embedded()
    if source == "fashion-mnist":
        return load_fashion_mnist(data_dir)
    if source == "fashion-mnist-test":
        return load_fashion_mnist(data_dir, split="test")
    path = Path(source)
    if path.is_dir():
        return load_idx_directory(path)
    if path.suffix in (".npy", ".npz") and path.is_file():
        return load_array_file(path)
    if path.exists():
        raise DataError(f"{path} is no .npy or .npz file and no directory of IDX files")
    raise DataError(
        f"there is no data {source}: give fashion-mnist-10k, fashion-mnist, a directory of IDX files,"
        " or a .npy or .npz file"
    )
