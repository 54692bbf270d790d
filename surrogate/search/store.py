"""Studies as rows of a database: Optuna's tables, written and read a generation at a time.

Rows are written straight into Optuna's tables, a whole generation in one transaction: Optuna's own calls commit each
trial several times (measured: 300 ms instead of 10 for a generation of 8), and a process that dies between two
commits would leave half a generation. Optuna and its dashboard read the result as any other study.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import NamedTuple

import numpy as np

from .databases import Database
from .ledger import Ledger
from .packing import pack_coordinates, pack_glimpse, unpack_coordinates, unpack_glimpse
from .results import NOT_JUDGED, Result
from .state import State
from .statements import DEFINITION, STATE, sql
from .values import COMPLETE, FAILED, RUNNING, SKIPPED, Draft

__all__ = ["Store", "Stored"]

# Databases limit how many values a statement can name.
AT_ONCE = 500
# Rows of an answer that are held at once.
ROWS = 1000
# Coordinates that are rows of Optuna's own; points of more are packed into one note, or a thousand points of a thousand
# coordinates would be a million rows.
MOST_ROWS = 64
PACKED, GLIMPSE, DRAFT = "u", "glimpse", "draft"


class Stored(NamedTuple):
    """A study in the store: its number there, its definition as JSON, and its state."""

    study_id: int
    definition: dict | None
    state: State | None


class Store(Database):
    """The studies of a database."""

    def names(self) -> list[str]:
        """The names of all studies here that this package made, oldest first."""
        with self.reading() as connection:
            return [name for (name,) in connection.execute(sql().names)]

    def find(self, connection, name: str) -> Stored | None:
        """The study `name`, or None. A study of other programs has no definition and no state."""
        study_id = connection.execute(sql().find, {"name": name}).scalar()
        if study_id is None:
            return None
        marks = {key: json.loads(value) for key, value in connection.execute(sql().marks, {"study": study_id})}
        state = marks.get(STATE)
        return Stored(study_id, marks.get(DEFINITION), None if state is None else State.from_json(state))

    def create(self, connection, name: str, directions: Sequence[str], definition: dict, state: State) -> int:
        """A new study; its id."""
        study_id = connection.execute(sql().add_study, {"study_name": name}).inserted_primary_key[0]
        connection.execute(
            sql().add_direction,
            [
                {"study_id": study_id, "objective": i, "direction": sql().directions[d]}
                for i, d in enumerate(directions)
            ],
        )
        connection.execute(
            sql().add_mark,
            [
                {"study_id": study_id, "key": key, "value_json": json.dumps(value)}
                for key, value in ((DEFINITION, definition), (STATE, state.to_json()))
            ],
        )
        return study_id

    def state(self, connection, study_id: int) -> State | None:
        """What changes while a study runs; None if the study is gone."""
        value = connection.execute(sql().state, {"study": study_id}).scalar()
        return None if value is None else State.from_json(json.loads(value))

    def set_state(self, connection, study_id: int, state: State) -> None:
        connection.execute(sql().set_state, {"study": study_id, "value": json.dumps(state.to_json())})

    def delete(self, connection, study_id: int) -> None:
        """Remove a study and all its points."""
        for statement in sql().delete:
            connection.execute(statement, {"study": study_id})

    # Points.

    def read(self, connection, study_id: int, ledger: Ledger) -> None:
        """Bring `ledger` up to date: points that were open and came back, then new ones."""
        waiting = [ledger.ids[row] for row in sorted(ledger.open)]
        for start in range(0, len(waiting), AT_ONCE):
            self._read(connection, ledger, sql().back, {"ids": waiting[start : start + AT_ONCE]})
        self._read(connection, ledger, sql().new, {"study": study_id, "last": ledger.last_id})

    def _read(self, connection, ledger: Ledger, about, which: dict) -> None:
        ids, numbers, states = [], [], []
        for trial_id, number, state in _rows(connection, about.trials, which):
            ids.append(trial_id)
            numbers.append(number)
            states.append(state)
        if not ids:
            return
        place = {trial_id: i for i, trial_id in enumerate(ids)}
        notes = _by_trial(place, _rows(connection, about.notes, which))
        if about is sql().new:
            u = _coordinates(place, ledger.dimension, _rows(connection, about.u, which))
            for i, entry in enumerate(notes):
                if PACKED in entry:
                    u[i] = unpack_coordinates(entry[PACKED], ledger.dimension)
            attributes = _by_trial(place, _rows(connection, about.attributes, which))
            ledger.extend(ids, numbers, u, notes, attributes)
        scores = np.full((len(ids), len(ledger.directions)), np.nan)
        for trial_id, objective, value in _rows(connection, about.scores, which):
            if trial_id in place and value is not None and objective < scores.shape[1]:
                scores[place[trial_id], objective] = value
        ours = {state: name for name, state in sql().states.items()}
        names = [ours.get(state, FAILED) for state in states]
        back = [i for i, name in enumerate(names) if name != RUNNING]
        ledger.finish(
            [numbers[i] for i in back],
            [names[i] for i in back],
            scores[back],
            [str(notes[i].get("reason", "")) for i in back],
            [unpack_glimpse(notes[i].get(GLIMPSE)) for i in back],
            [Draft.from_json(notes[i][DRAFT]) if DRAFT in notes[i] else None for i in back],
        )

    def add(
        self,
        connection,
        study_id: int,
        ledger: Ledger,
        u: np.ndarray,
        notes: Sequence[Mapping],
        attributes: Sequence[Mapping],
    ) -> list[int]:
        """New running points after those of `ledger`: u (n, k-1), and what to remember of each. Their ids."""
        started = {"study_id": study_id, "state": sql().states[RUNNING], "datetime_start": _now()}
        connection.execute(sql().add_trial, [{"number": len(ledger) + i, **started} for i in range(len(u))])
        ids = connection.execute(sql().ids, {"study": study_id, "last": ledger.last_id}).scalars().all()
        if ledger.dimension > MOST_ROWS:
            notes = [{**entry, PACKED: pack_coordinates(row)} for entry, row in zip(notes, u, strict=True)]
        else:
            connection.execute(
                sql().add_u,
                [
                    {
                        "trial_id": trial_id,
                        "param_name": f"u{j + 1}",
                        "param_value": value,
                        "distribution_json": sql().coordinate,
                    }
                    for trial_id, row in zip(ids, u.tolist(), strict=True)
                    for j, value in enumerate(row)
                ],
            )
        for statement, entries in ((sql().add_note, notes), (sql().add_attribute, attributes)):
            rows = [
                {"trial_id": trial_id, "key": key, "value_json": json.dumps(value)}
                for trial_id, entry in zip(ids, entries, strict=True)
                for key, value in entry.items()
            ]
            if rows:
                connection.execute(statement, rows)
        return ids

    def finish(
        self,
        connection,
        ids: Sequence[int],
        results: Sequence[Result],
        glimpses: Sequence[np.ndarray | None] = (),
        drafts: Sequence[Draft | None] = (),
    ) -> None:
        """Points came back: with scores, with a sentence that says why there are none, or not judged; and with what was seen."""
        now = _now()
        updates, scores = [], []
        notes = [
            {"trial_id": trial_id, "key": GLIMPSE, "value_json": json.dumps(pack_glimpse(seen))}
            for trial_id, seen in zip(ids, glimpses)
            if seen is not None
        ]
        notes += [
            {"trial_id": trial_id, "key": DRAFT, "value_json": json.dumps(draft.to_json())}
            for trial_id, draft in zip(ids, drafts)
            if draft is not None
        ]
        for trial_id, result in zip(ids, results, strict=True):
            state = SKIPPED if result == NOT_JUDGED else FAILED if isinstance(result, str) else COMPLETE
            updates.append({"id": trial_id, "new": sql().states[state], "now": now})
            if state == FAILED:
                notes.append({"trial_id": trial_id, "key": "reason", "value_json": json.dumps(result)})
                continue
            for j, value in enumerate(result):
                scores.append({"trial_id": trial_id, "objective": j, "value": value, "value_type": sql().finite})
        for statement, rows in ((sql().finish, updates), (sql().add_score, scores), (sql().add_note, notes)):
            if rows:
                connection.execute(statement, rows)

    def rescore(self, connection, ids: Sequence[int], results) -> None:
        """Points that had scores, or reasons for having none, get these `results` instead; what was seen of them stays."""
        for start in range(0, len(ids), AT_ONCE):
            some = list(ids[start : start + AT_ONCE])
            connection.execute(sql().drop_scores, {"ids": some})
            connection.execute(sql().drop_note, {"ids": some, "key": "reason"})
        self.finish(connection, ids, results)

    def retell(self, connection, ids: Sequence[int], results, glimpses, drafts: Sequence[Draft | None] = ()) -> None:
        """As `finish`, for points that had come back without scores: the reasons and drafts of that time go."""
        for start in range(0, len(ids), AT_ONCE):
            for key in ("reason", GLIMPSE, DRAFT):
                connection.execute(sql().drop_note, {"ids": list(ids[start : start + AT_ONCE]), "key": key})
        self.finish(connection, ids, results, glimpses, drafts)


def _rows(connection, statement, which: dict) -> Iterator:
    """What a query finds, row by row. Of a long study only a part is held at once: Python's garbage collection, which
    looks at all rows again and again, would take most of the time."""
    for part in connection.execute(statement, which).partitions(ROWS):
        yield from part


def _by_trial(place: Mapping[int, int], rows: Iterable) -> list[dict]:
    """What is noted, as rows (trial id, key, JSON), of the trials with a `place`.

    Others are left for the next time: another program may have added them since the trials were read.
    """
    found: list[dict] = [{} for _ in place]
    where, keys, texts = [], [], []
    for trial_id, key, text in rows:
        if trial_id in place:
            where.append(place[trial_id])
            keys.append(key)
            texts.append(text)
    # Parsed as one text: a hundred thousand short ones take ten times as long.
    for i, key, value in zip(where, keys, json.loads(f"[{','.join(texts)}]"), strict=True):
        found[i][key] = value
    return found


def _coordinates(place: Mapping[int, int], dimension: int, rows: Iterable) -> np.ndarray:
    """u (n, dimension) of rows (trial id, name, value); NaN where there is none."""
    column = {f"u{i + 1}": i for i in range(dimension)}
    u = np.full((len(place), dimension), np.nan)
    row, columns, values = [], [], []
    for trial_id, name, value in rows:
        if trial_id in place and name in column:
            row.append(place[trial_id])
            columns.append(column[name])
            values.append(value)
    u[row, columns] = values
    return u


def _now() -> datetime:
    # As optuna stores it: UTC without saying so.
    return datetime.now(timezone.utc).replace(tzinfo=None)
