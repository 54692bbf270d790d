"""Transports: a model's latents to an inner space where unit-norm combination is allowed, and back.

`TRANSPORTS` maps a name to a class. To add one, write a file with a `Transport`, import it here and give it its line in
`TRANSPORTS`: the tests of the laws and the nodes' drop-down follow the registry. `make_transport` builds one from its
name and settings.
"""

from .affine import Affine
from .base import Example, Transport
from .composite import Composite
from .gaussian import Gaussian
from .quantile import Quantile
from .rotation import Rotation
from .sphere import Sphere

__all__ = [
    "TRANSPORTS",
    "Affine",
    "Composite",
    "Example",
    "Gaussian",
    "Quantile",
    "Rotation",
    "Sphere",
    "Transport",
    "make_transport",
]

TRANSPORTS: dict[str, type[Transport] | type[Composite]] = {
    transport.name: transport
    for transport in (
        Gaussian,
        Affine,
        Quantile,
        Sphere,
        Rotation,
        Composite,
    )
}


def make_transport(name: str, **settings) -> Transport | Composite:
    """The transport `name` with `settings`; those of `composite` are `transports=[{"name": …, …}, …]`.

    Raises ValueError for an unknown name or setting.
    """
    if name not in TRANSPORTS:
        raise ValueError(f"There is no transport {name!r}: choose one of {', '.join(TRANSPORTS)}.")
    if name == Composite.name and "transports" in settings:
        parts = settings["transports"]
        if not isinstance(parts, list) or not all(isinstance(part, dict) and "name" in part for part in parts):
            raise ValueError(f'composite wants {{"transports": [{{"name": "gaussian"}}, …]}}, got {parts!r}.')
        settings = {**settings, "transports": [make_transport(**part) for part in parts]}
    try:
        return TRANSPORTS[name](**settings)
    except TypeError:
        raise ValueError(f"The transport {name} does not take the settings {settings!r}.") from None
