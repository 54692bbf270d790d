"""The SQL of a study's storage, over Optuna's tables. Built once: building costs more than executing."""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any

from .values import COMPLETE, FAILED, RUNNING, SKIPPED

__all__ = ["sql"]

DEFINITION, STATE = "surrogate:definition", "surrogate:state"


@functools.cache
def sql() -> SimpleNamespace:
    """The statements by name, and `states`, `directions`, `finite`: Optuna's words for ours."""
    from optuna.distributions import FloatDistribution, distribution_to_json
    from optuna.storages._rdb import models
    from optuna.study import StudyDirection
    from optuna.trial import TrialState
    from sqlalchemy import bindparam, select, text

    t = models.BaseModel.metadata.tables
    studies, marks, trials = t["studies"], t["study_user_attributes"], t["trials"]
    notes = t["trial_user_attributes"]
    mine = trials.c.study_id == bindparam("study")
    new = mine & (trials.c.trial_id > bindparam("last"))
    chosen = trials.c.trial_id.in_(bindparam("ids", expanding=True))
    back = chosen & (trials.c.state != TrialState.RUNNING)

    def of(name: str, which, *columns: str) -> Any:
        """Columns of a table about trials, for the trials `which`."""
        table = t[name]
        joined = table.join(trials, trials.c.trial_id == table.c.trial_id)
        return select(table.c.trial_id, *(table.c[column] for column in columns)).select_from(joined).where(which)

    def about(which) -> SimpleNamespace:
        return SimpleNamespace(
            trials=select(trials.c.trial_id, trials.c.number, trials.c.state).where(which).order_by(trials.c.number),
            u=of("trial_params", which, "param_name", "param_value"),
            notes=of("trial_user_attributes", which, "key", "value_json"),
            attributes=of("trial_system_attributes", which, "key", "value_json"),
            scores=of("trial_values", which, "objective", "value"),
        )

    about_trials = (
        "trial_params",
        "trial_values",
        "trial_user_attributes",
        "trial_system_attributes",
        "trial_intermediate_values",
        "trial_heartbeats",
    )
    about_studies = ("trials", "study_directions", "study_user_attributes", "study_system_attributes", "studies")
    return SimpleNamespace(
        states={
            RUNNING: TrialState.RUNNING,
            COMPLETE: TrialState.COMPLETE,
            FAILED: TrialState.FAIL,
            SKIPPED: TrialState.PRUNED,
        },
        directions={d.name.lower(): d for d in StudyDirection},
        finite=models.TrialValueModel.TrialValueType.FINITE,
        coordinate=distribution_to_json(FloatDistribution(0.0, 1.0)),
        clocks={
            "postgresql": text("SELECT extract(epoch from clock_timestamp())"),
            "mysql": text("SELECT unix_timestamp(sysdate(6))"),
            "mariadb": text("SELECT unix_timestamp(sysdate(6))"),
        },
        # Studies.
        lock=select(studies.c.study_id).where(studies.c.study_id == bindparam("study")).with_for_update(),
        names=select(studies.c.study_name)
        .join(marks, marks.c.study_id == studies.c.study_id)
        .where(marks.c.key == DEFINITION)
        .order_by(studies.c.study_id),
        find=select(studies.c.study_id).where(studies.c.study_name == bindparam("name")),
        marks=select(marks.c.key, marks.c.value_json).where(
            marks.c.study_id == bindparam("study"), marks.c.key.in_([DEFINITION, STATE])
        ),
        state=select(marks.c.value_json).where(marks.c.study_id == bindparam("study"), marks.c.key == STATE),
        set_state=marks.update()
        .where(marks.c.study_id == bindparam("study"), marks.c.key == STATE)
        .values(value_json=bindparam("value")),
        add_study=studies.insert(),
        add_direction=t["study_directions"].insert(),
        add_mark=marks.insert(),
        delete=[t[n].delete().where(t[n].c.trial_id.in_(select(trials.c.trial_id).where(mine))) for n in about_trials]
        + [t[n].delete().where(t[n].c.study_id == bindparam("study")) for n in about_studies],
        # Points.
        new=about(new),
        back=about(back),
        ids=select(trials.c.trial_id).where(new).order_by(trials.c.number),
        add_trial=trials.insert(),
        add_u=t["trial_params"].insert(),
        add_note=t["trial_user_attributes"].insert(),
        drop_note=notes.delete().where(
            notes.c.trial_id.in_(bindparam("ids", expanding=True)), notes.c.key == bindparam("key")
        ),
        drop_scores=t["trial_values"]
        .delete()
        .where(t["trial_values"].c.trial_id.in_(bindparam("ids", expanding=True))),
        add_attribute=t["trial_system_attributes"].insert(),
        add_score=t["trial_values"].insert(),
        finish=trials.update()
        .where(trials.c.trial_id == bindparam("id"))
        .values(state=bindparam("new"), datetime_complete=bindparam("now")),
    )
