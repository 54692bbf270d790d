"""Optimisers: they propose the next generation from the history of a study.

`OPTIMISERS` maps a name to a class. To add one, write a file with an `Optimiser` and a line here: the tests of the
laws and the nodes' drop-down follow the registry. `make_optimiser` builds one from its name and settings, also `scout`,
which is not for choosing: a scouting uses it.
"""

from dataclasses import fields

from .adaptive import Adaptive
from .base import Optimiser, Proposal
from .bayesian import Bayesian
from .cma_es import CmaEs
from .designs import Random, Sobol
from .optuna_samplers import NsgaII, Tpe
from .picks import Picks
from .scout import Scout

__all__ = [
    "OPTIMISERS",
    "Adaptive",
    "Bayesian",
    "CmaEs",
    "NsgaII",
    "Optimiser",
    "Picks",
    "Proposal",
    "Random",
    "Scout",
    "Sobol",
    "Tpe",
    "make_optimiser",
]

OPTIMISERS: dict[str, type[Optimiser]] = {
    o.name: o for o in (CmaEs, Adaptive, Bayesian, Tpe, Sobol, Random, NsgaII, Picks)
}


def make_optimiser(name: str, **settings) -> Optimiser:
    """The optimiser `name` with `settings`.

    Raises ValueError for an unknown name, an unknown setting, or a value that a setting cannot have.
    """
    made = Scout if name == Scout.name else OPTIMISERS.get(name)
    if made is None:
        raise ValueError(f"There is no optimiser {name!r}: choose one of {', '.join(OPTIMISERS)}.")
    known = [field.name for field in fields(made)]
    for setting in settings:
        if setting not in known:
            raise ValueError(
                f"The optimiser {name} has no setting {setting!r}; it has {', '.join(known) if known else 'none'}."
            )
    try:
        return made(**settings)
    except TypeError as error:
        raise ValueError(f"The optimiser {name} does not take the settings {settings!r}: {error}.") from None
