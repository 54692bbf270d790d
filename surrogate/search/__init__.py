"""Search of a surrogate space: a study asks for points, is told their scores, and remembers.

    study        what was searched, asked and told; in a SQLite file, a database or memory   study.py
    scouting     a study of random noises, of which the best become the seeds of another       scouting.py
    optimiser    proposes the next generation from a history                                optimisers/
    utility      what each seed contributes                                                  utility/
    generation   the points to score now                                                     values.py
    phases       an open study with its space, and what follows a scouting                   phases.py
    loop         the whole search: pictures, scores, until the budget is spent               loop.py
    drafts       cheap looks at what a picture will be: what they are worth, and when              drafts/
    drafting_loop   the same loop with drafts                                               drafting_loop.py
    drafting_rounds   a generation of drafts, of which the best are finished, to ask and tell  drafting_rounds.py
    picks        what a person picked of a generation, as scores                              picks.py
    patience     a database server that restarts is waited for                              patience.py
    explored     a session of the Explorer as a study                                       explored.py
    faults       pictures that are of no use, and so get no score                            faults.py
    report       how a study stands; its best points, its history                            values.py

Within a study: it is found or made (opening), read and written by one at a time (access) in its store (store, statements,
sqlite_files, addresses); its state says who works on what (state, turns); results are checked (results), and summed up (standing).

>>> from surrogate import Seeds, SurrogateSpace
>>> from surrogate.search import Study
>>> space = SurrogateSpace(Seeds.from_text("12, 99, 1024, 7"))
>>> study = Study.open(None, "bowl", space, budget=64, directions="minimize")
>>> while len(generation := study.ask()):
...     report = study.tell(generation, ((generation.u - 0.3) ** 2).sum(axis=1))
>>> report.finished, report.best.score < 0.05
(True, True)

Optuna (the storage's format, and samplers) and pycma are imported when a study is opened, not before.
"""

from .addresses import password_remark
from .definition import DIRECTIONS, Definition
from .description import describe_study
from .drafting_loop import DraftingLoop
from .drafting_rounds import DraftsTold, tell_drafts_of
from .explored import record_course
from .faults import NoUsablePictures, faults_in, named_faults, reasons_of, without_faulty
from .loop import Judged, Judging, Loop, Picture, answered, score_each
from .opened import OpenedStudies
from .optimisers import OPTIMISERS, Optimiser, Proposal, make_optimiser
from .patience import while_waiting
from .phases import OpenStudy, Successor
from .picks import VERDICTS, Picks, check_takes_picks, generation_name, last_picked, pick_scores, tell_picks
from .scouting import Scouting, scouting_name
from .study import Study, study_names
from .values import (
    COMPLETE,
    FAILED,
    RUNNING,
    SKIPPED,
    Best,
    Generation,
    History,
    OtherStudy,
    Report,
    StudyError,
    UnknownStudy,
)

__all__ = [
    "COMPLETE",
    "DIRECTIONS",
    "FAILED",
    "OPTIMISERS",
    "RUNNING",
    "SKIPPED",
    "VERDICTS",
    "Best",
    "Definition",
    "DraftingLoop",
    "DraftsTold",
    "Generation",
    "History",
    "Judged",
    "Judging",
    "Loop",
    "NoUsablePictures",
    "OpenStudy",
    "OpenedStudies",
    "Optimiser",
    "OtherStudy",
    "Picks",
    "Picture",
    "Proposal",
    "Report",
    "Scouting",
    "Study",
    "StudyError",
    "Successor",
    "UnknownStudy",
    "answered",
    "check_takes_picks",
    "describe_study",
    "faults_in",
    "generation_name",
    "last_picked",
    "make_optimiser",
    "named_faults",
    "password_remark",
    "pick_scores",
    "reasons_of",
    "record_course",
    "score_each",
    "scouting_name",
    "study_names",
    "tell_drafts_of",
    "tell_picks",
    "while_waiting",
    "without_faulty",
]
