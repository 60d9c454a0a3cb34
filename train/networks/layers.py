"""Hidden layers that the architectures share, with normalisation, activation and dropout."""

from torch import nn

from .dropout import DROPOUT_KINDS
from .settings import ConvolutionSettings, LayerSettings

SLOPE = 0.2  # of leaky_relu


def block(layer: nn.Module, settings: LayerSettings, *, last: bool) -> list[nn.Module]:
    """Return a hidden layer with its normalisation, activation and dropout.

    Args:
        layer: A dense layer, or a convolution in two dimensions, plain or transposed.
        settings: Settings of the network.
        last: True for the last hidden layer of the network.
    """
    if isinstance(layer, nn.Linear):
        return [layer, *after_layer(layer.out_features, settings, spatial=False, last=last)]
    assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
    return [layer, *after_layer(layer.out_channels, settings, spatial=True, last=last)]


def after_layer(features: int, settings: LayerSettings, *, spatial: bool, last: bool) -> list[nn.Module]:
    """Return the modules after a hidden layer: normalisation, activation, dropout, in this order.

    Dropout must not feed a batch norm. It changes the variance of its output between training and use, and
    the norm keeps the one of training (Li et al., "Understanding the disharmony between dropout and batch
    normalization by variance shift", CVPR 2019). Their remedy is to drop units only after the last norm,
    which is ``dropout_layers = "last"``. A recipe with batch norm and dropout after every layer is refused
    earlier.

    Args:
        features: Units or channels of the layer.
        settings: Settings of the network.
        spatial: True if its output is [n, features, height, width] instead of [n, features].
        last: True for the last hidden layer of the network.
    """
    modules = [*normalisation(features, settings, spatial=spatial), activation(settings.activation)]
    if settings.most_dropout and (last or settings.dropout_layers != "last"):
        dropout = DROPOUT_KINDS[settings.dropout_kind].module(settings.most_dropout)
        dropout.behind_layer = True  # type: ignore[assignment]  # `dropout_layers` counts these
        modules.append(dropout)
    return modules


def dense_layers(inputs: int, settings: ConvolutionSettings, *, last: bool) -> tuple[nn.Sequential, int]:
    """Return the dense layers of a convolutional network, and the number of units of the last one.

    Args:
        inputs: Number of input units.
        settings: Settings of the network.
        last: True if no hidden layer follows them.
    """
    modules: list[nn.Module] = []
    for place, width in enumerate(settings.dense, 1):
        layer = nn.Linear(inputs, width)
        initialise(layer, settings.activation)
        modules += block(layer, settings, last=last and place == len(settings.dense))
        inputs = width
    return nn.Sequential(*modules), inputs


def normalisation(features: int, settings: LayerSettings, *, spatial: bool) -> list[nn.Module]:
    """Return the network's normalisation of this many units or channels; empty if it has none.

    Batch norm: Ioffe and Szegedy, ICML 2015.
    """
    if settings.normalisation == "none":
        return []
    return [nn.BatchNorm2d(features) if spatial else nn.BatchNorm1d(features)]


def activation(name: str) -> nn.Module:
    """Return the module of an activation."""
    modules: dict[str, nn.Module] = {"relu": nn.ReLU(), "leaky_relu": nn.LeakyReLU(SLOPE)}
    return modules[name]


def initialise(layer: nn.Module, activation: str) -> None:
    """Initialise with normal weights that keep the variance from layer to layer (He et al. 2015) and biases
    0.

    Args:
        layer: A layer with ``weight`` and ``bias``, not yet under spectral norm, which `build_networks`
            adds at the end.
        activation: The following activation: ``relu``, ``leaky_relu``, or ``linear`` for none.
    """
    slope = {"relu": 0.0, "leaky_relu": SLOPE, "linear": 1.0}[activation]
    nn.init.kaiming_normal_(layer.weight, a=slope, nonlinearity="leaky_relu")  # type: ignore[arg-type]
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
