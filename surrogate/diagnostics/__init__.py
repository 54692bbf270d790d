"""Are these seeds noise? Each is measured, judged in words, and given the transport that repairs blends best.

    measure.py   the numbers of one seed
    standard.py  what ought to be standard normal, for each transport
    check.py     all seeds, one after the other, and against each other
    verdict.py   what the numbers mean
    repair.py    which transport to use
    table.py     the numbers as a text
    report.py    all of it together
    drawing.py   and drawn

>>> from surrogate import Seeds
>>> from surrogate.diagnostics import check_seeds
>>> report = check_seeds(Seeds.from_text("12, 99, 1024, 7"), (16, 128, 128))
>>> report.fit
True
"""

from .check import Checked, Measured, measure_seeds, shape_of
from .drawing import drawing
from .measure import Measures, measure
from .repair import Repair, fit_distribution, recommend, settings_text
from .report import Report, check_seeds
from .verdict import Grade, Verdict, judge

__all__ = [
    "Checked",
    "Grade",
    "Measured",
    "Measures",
    "Repair",
    "Report",
    "Verdict",
    "check_seeds",
    "drawing",
    "fit_distribution",
    "judge",
    "measure",
    "measure_seeds",
    "recommend",
    "settings_text",
    "shape_of",
]
