"""What each seed contributes to a search, and which to drop, keep or replace. In weights, where all seeds are alike.

    association   whether a seed's share goes with the score, against chance     association.py
    loss          what the best expected score loses without a seed              losses.py
    advice        what to do with each seed, and with all of them                advice.py
    words         all of that in sentences, and as a table                       words.py
    drawing       a row for each seed                                            drawing.py

>>> from surrogate import Seeds, SurrogateSpace
>>> from surrogate.search import Study
>>> from surrogate.search.utility import seed_utility
>>> space = SurrogateSpace(Seeds.from_text("12, 99, 1024, 7"))
>>> study = Study.open(None, "only seed 99 counts", space, budget=64, optimiser="sobol")
>>> while len(generation := study.ask()):
...     report = study.tell(generation, space.weights(generation.u)[:, 1] ** 2)
>>> utility = seed_utility(study.history(), space)
>>> [seed.advice.value for seed in utility.seeds]
['replace', 'keep', 'replace', 'replace']
"""

from .advice import Advice, SeedUtility, Utility, seed_utility
from .association import Association
from .drawing import drawing
from .losses import Loss
from .words import overall, sentence, summary, table

__all__ = [
    "Advice",
    "Association",
    "Loss",
    "SeedUtility",
    "Utility",
    "drawing",
    "overall",
    "seed_utility",
    "sentence",
    "summary",
    "table",
]
