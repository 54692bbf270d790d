"""The storage: what optuna reads of it, and each way in which it can fail, tried."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import tempfile
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import optuna
import pytest

from surrogate.search import Study, StudyError, databases, sqlite_files, study_names


@pytest.fixture
def file(tmp_path):
    return tmp_path / "studies.sqlite3"


@pytest.fixture
def begun(searching, file):
    """A study of which one generation was told, one asked."""
    study = searching.open(file, directions="minimize")
    asked = study.ask()
    study.tell(asked, [*(asked.u**2).sum(axis=1)[:7], float("nan")], [*[None] * 7, "it raised"])
    study.ask()
    return study


def contents(file, table: str) -> list[dict]:
    connection = sqlite3.connect(file)
    connection.row_factory = sqlite3.Row
    rows = [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]
    connection.close()
    return rows


# Optuna.


def test_optuna_reads_the_study(begun, file):
    study = optuna.load_study(study_name="study", storage=f"sqlite:///{file}")
    assert study.direction.name == "MINIMIZE"
    trials = study.get_trials()
    assert [trial.number for trial in trials] == list(range(16))
    assert [trial.state.name for trial in trials] == ["COMPLETE"] * 7 + ["FAIL"] + ["RUNNING"] * 8
    history = begun.history()
    for trial, u in zip(trials, history.u, strict=True):
        assert list(trial.params) == ["u1", "u2", "u3"]
        assert list(trial.params.values()) == u.tolist()
        assert trial.distributions["u2"] == optuna.distributions.FloatDistribution(0, 1)
        assert trial.datetime_start is not None
    assert [trial.value for trial in trials[:7]] == history.scores[:7, 0].tolist()
    assert trials[9].user_attrs == {"run": 0, "generation": 1, "index": 1, "population": 8, "label": "2.2"}
    assert trials[7].user_attrs["reason"] == "it raised"
    assert study.best_trial.number == begun.best.number


def test_rows_are_those_that_optuna_writes(begun, file, searching, tmp_path):
    """The same study made by optuna's own calls gives the same tables, but for times and our definition."""
    other = tmp_path / "optuna.sqlite3"
    shutil.copy(file, other)  # for its schema
    with sqlite3.connect(other) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for table in ("studies", "study_directions", "trials", "trial_params", "trial_values", "trial_user_attributes"):
            connection.execute(f"DELETE FROM {table}")
        connection.execute("DELETE FROM study_user_attributes")
    connection.close()
    study = optuna.create_study(storage=f"sqlite:///{other}", study_name="study", direction="minimize")
    history = begun.history()
    study.add_trials(
        [
            optuna.trial.create_trial(
                state=optuna.trial.TrialState.RUNNING,
                params={f"u{i + 1}": value for i, value in enumerate(u.tolist())},
                distributions={f"u{i + 1}": optuna.distributions.FloatDistribution(0, 1) for i in range(3)},
                user_attrs={
                    "run": 0,
                    "generation": row // 8,
                    "index": row % 8,
                    "population": 8,
                    "label": f"{row // 8 + 1}.{row % 8 + 1}",
                },
            )
            for row, u in enumerate(history.u)
        ]
    )
    for row in range(7):
        study.tell(row, history.scores[row, 0])
    study.tell(7, state=optuna.trial.TrialState.FAIL)
    for table, leave in (
        ("studies", ()),
        ("study_directions", ()),
        ("trials", ("datetime_start", "datetime_complete")),
        ("trial_params", ()),
        ("trial_values", ()),
    ):
        ours, theirs = (
            [{k: v for k, v in row.items() if k not in leave} for row in contents(f, table)] for f in (file, other)
        )
        assert ours == theirs, table
    assert all((row["datetime_complete"] is None) == (row["state"] == "RUNNING") for row in contents(file, "trials"))
    ours, theirs = (
        {(row["trial_id"], row["key"], row["value_json"]) for row in contents(f, "trial_user_attributes")}
        for f in (file, other)
    )
    assert ours - theirs == {(8, "reason", '"it raised"')} and not theirs - ours


def test_what_optuna_adds_is_known(begun, file, searching):
    study = optuna.load_study(study_name="study", storage=f"sqlite:///{file}")
    space = {f"u{i}": optuna.distributions.FloatDistribution(0, 1) for i in (1, 2, 3)}
    study.add_trial(
        optuna.trial.create_trial(params={"u1": 0.0, "u2": 1.0, "u3": 0.5}, distributions=space, value=-4.0)
    )
    trial = study.ask({"lr": optuna.distributions.FloatDistribution(0, 1)})
    study.tell(trial, 0.5)
    for _ in range(2):
        assert (begun.best.score, begun.best.label) == (-4.0, "point 16")
        assert begun.best.u.tolist() == [0.0, 1.0, 0.5]
        assert begun.report().evaluated == 8
        assert begun.history().state[17] == "failed"
        searching.forget()
    assert len(begun.ask()) == 8


def test_a_study_of_another_program_is_left_alone(file, searching):
    searching.open(file, name="mine")
    optuna.create_study(storage=f"sqlite:///{file}", study_name="theirs")
    with pytest.raises(ValueError, match=r"'theirs' .* made by another program"):
        searching.open(file, name="theirs")
    with pytest.raises(StudyError, match="made by another program"):
        Study.load(file, "theirs")
    assert searching.open(file, name="theirs", on_mismatch="new").name == "theirs (2)"
    assert study_names(file) == ["mine", "theirs (2)"]


def test_deleting_leaves_nothing_behind(begun, file):
    begun.add_known([[0.5, 0.5, 0.5]], [1.0])
    begun.delete()
    tables = [row["name"] for row in contents(file, "sqlite_master") if row["type"] == "table"]
    left = {table: len(contents(file, table)) for table in tables}
    assert {table for table, rows in left.items() if rows} == {"alembic_version", "version_info"}


# Faults.


def test_a_file_that_another_program_writes_to(begun, file, monkeypatch):
    monkeypatch.setattr(sqlite_files, "PATIENCE", 0.2)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    asked = begun.history().u
    for use in (begun.ask, begun.heartbeat, begun.delete):
        with pytest.raises(StudyError, match=r"is used by another program, which did not let go within 0.2 seconds"):
            use()
    assert begun.report().evaluated == 8  # reading goes on
    other.execute("ROLLBACK")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StudyError, match="used by another program"):
        begun.report()
    other.execute("ROLLBACK")
    other.close()
    np.testing.assert_array_equal(begun.ask().u, asked[8:])


def test_who_looks_does_not_wait_with_who_waits_for_the_file(begun, file):
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    asked, expected = [], begun.history().u[8:]
    asking = threading.Thread(target=lambda: asked.append(begun.ask()))
    asking.start()
    for _ in range(5):
        time.sleep(0.05)
        assert begun.report().open == 8
        assert begun.exists()
    assert asking.is_alive()
    other.execute("ROLLBACK")
    other.close()
    asking.join(60)
    np.testing.assert_array_equal(asked[0].u, expected)


def test_a_file_that_is_read_only(begun, file, searching):
    # The administrator may write to anything: be somebody else for a moment.
    folder = Path(tempfile.mkdtemp())
    try:
        copy = folder / file.name
        shutil.copy(file, copy)
        copy.chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
        folder.chmod(0o555)
        admin = hasattr(os, "geteuid") and os.geteuid() == 0
        if admin:
            os.seteuid(65534)
        try:
            study = Study.load(copy, "study")
            assert study.progress.startswith("8 of 32")
            assert searching.open(copy, directions="minimize").progress.startswith("8 of 32")
            with pytest.raises(StudyError, match="read-only"):
                study.ask()
            with pytest.raises(StudyError, match="read-only"):
                searching.open(copy, directions="minimize", budget=64)
            with pytest.raises(StudyError, match=r"cannot be created: .* Choose a folder you may write to"):
                searching.open(folder / "new.sqlite3")
        finally:
            if admin:
                os.seteuid(0)
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_a_file_that_may_not_be_read(begun, file):
    if not hasattr(os, "geteuid"):
        pytest.skip("no permissions here")
    folder = Path(tempfile.mkdtemp())
    try:
        copy = folder / file.name
        shutil.copy(file, copy)
        folder.chmod(0o755)
        copy.chmod(0)
        admin = os.geteuid() == 0
        if admin:
            os.seteuid(65534)
        try:
            with pytest.raises(StudyError, match="cannot be opened: look at the permissions"):
                Study.load(copy, "study")
        finally:
            if admin:
                os.seteuid(0)
    finally:
        shutil.rmtree(folder)


def test_a_file_that_is_no_database(file, searching):
    file.write_text("my holiday in Greece " * 1000)
    with pytest.raises(StudyError, match="is not a database of studies: choose another file"):
        searching.open(file)
    assert file.read_text().startswith("my holiday")


def test_a_database_of_another_program(file, searching):
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE recipes (name)")
    connection.close()
    with pytest.raises(StudyError, match="is a database of another program"):
        searching.open(file)
    assert [row["name"] for row in contents(file, "sqlite_master")] == ["recipes"]


def test_a_damaged_file(begun, file, searching):
    pages = bytearray(file.read_bytes())
    pages[4096:] = b"\xa5" * (len(pages) - 4096)
    file.write_bytes(pages)
    searching.forget()
    with pytest.raises(StudyError, match=r"is damaged. Restore a copy of it|database"):
        begun.ask()
    with pytest.raises(StudyError):
        Study.load(file, "study")


def test_a_truncated_file(begun, file, searching):
    file.write_bytes(file.read_bytes()[:20000])
    searching.forget()
    with pytest.raises(StudyError, match=r"is damaged|not a database"):
        begun.ask()


def test_a_file_that_another_process_made_a_moment_ago_is_kept(file, searching, monkeypatch):
    fill, others = sqlite_files.fill, []

    def slowly(database):
        if not others:
            others.append(None)
            others[0] = searching.open(file)  # while we are still making ours
        fill(database)

    monkeypatch.setattr(sqlite_files, "fill", slowly)
    assert searching.open(file).identity == others[0].identity
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_an_empty_file_is_a_new_one(file, searching):
    file.touch()
    assert len(searching.open(file).ask()) == 8


def test_a_file_from_a_newer_optuna(begun, file, searching):
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'v9.0.0.a'")
        connection.execute("UPDATE version_info SET library_version = '9.0.0'")
    connection.close()
    sqlite_files._checked.clear()
    with pytest.raises(StudyError, match=r"written by another version of optuna.*9.0.0.*updating optuna"):
        Study.load(file, "study")


def test_a_study_from_a_newer_version_of_this_pack(begun, file, searching):
    with sqlite3.connect(file) as connection:
        connection.execute(
            """UPDATE study_user_attributes SET value_json = replace(value_json, '"format": 1', '"format": 2')"""
        )
    connection.close()
    with pytest.raises(StudyError, match=r"newer version of this pack \(format 2, this one reads 1\)"):
        Study.load(file, "study")
    with pytest.raises(ValueError, match="newer version of this pack"):
        searching.open(file, directions="minimize")
    assert searching.open(file, directions="minimize", on_mismatch="new").name == "study (2)"


def test_a_path_that_is_a_folder_or_in_none(tmp_path, searching):
    with pytest.raises(StudyError, match="is a folder: name a file in it"):
        searching.open(tmp_path)
    with pytest.raises(StudyError, match=r"folder .*nowhere does not exist"):
        searching.open(tmp_path / "nowhere" / "studies.sqlite3")
    with pytest.raises(StudyError, match="There is no file"):
        Study.load(tmp_path / "nothing.sqlite3", "study")
    assert study_names(tmp_path / "nothing.sqlite3") == []
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_not_there(begun, file):
    with pytest.raises(StudyError, match="There is no study 'other' in"):
        Study.load(file, "other")


def test_a_file_deleted_while_the_search_runs(begun, file, searching):
    asked = begun.ask()
    file.unlink()
    for use in (begun.ask, lambda: begun.tell(asked, [0.0] * 8), begun.report):
        with pytest.raises(StudyError, match=r"is gone: .* deleted or moved while the search was running"):
            use()
    assert not file.exists()
    # Another study of that name in a new file is another study.
    again = searching.open(file, directions="minimize")
    with pytest.raises(StudyError, match="was deleted"):
        begun.ask()
    assert again.progress.startswith("0 of 32")


def test_a_file_replaced_by_an_older_copy_goes_on_from_there(begun, file, searching, tmp_path):
    copy = tmp_path / "copy.sqlite3"
    shutil.copy(file, copy)
    expected = begun.ask().u
    begun.tell(begun.ask(), [0.0] * 8)
    os.replace(copy, file)
    searching.forget()
    np.testing.assert_array_equal(begun.ask().u, expected)


def test_a_full_disk(begun, file, searching, monkeypatch):
    asked = begun.ask()
    connect = sqlite_files.connect

    def limited(*arguments):
        # SQLite's own limit of pages: the error of a full disk, without filling one.
        connection = connect(*arguments)
        connection.execute("PRAGMA max_page_count = 1")  # that is: none more than there are
        return connection

    evaluated = []
    with monkeypatch.context() as full:
        full.setattr(databases, "connect", limited)
        with pytest.raises(StudyError, match=r"the disk is full. What was recorded is kept"):
            for _ in range(20):
                evaluated.append(begun.tell(asked, searching.bowl(asked.u)).evaluated)
                asked = begun.ask()
    searching.forget()
    assert begun.report().evaluated == (evaluated or [8])[-1]
    begun.tell(begun.ask(), searching.bowl(begun.ask().u))
    assert len(begun.ask()) == 8


@pytest.mark.parametrize("name", ["with space", "ünï 🎨", "per%20cent", "q?mark=1&x#y", "{brace}", "it's"])
def test_any_path_will_do(name, tmp_path, searching):
    folder = tmp_path / name
    folder.mkdir()
    file = folder / f"{name}.sqlite3"
    study = searching.open(file)
    study.tell(study.ask(), [0.0] * 8)
    searching.forget()
    assert Study.load(str(file), "study").progress.startswith("8 of 32")
    assert [path.name for path in folder.iterdir()] == [file.name]


def test_a_sqlite_url_is_its_file(begun, file):
    assert Study.load(f"sqlite:///{file}", "study").identity == begun.identity


def test_nothing_is_written_but_the_file(begun, file, tmp_path):
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_no_warning_comes_out(searching, file):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("cma-es", "sobol", "tpe"):
            study = searching.open(file, name=name, optimiser=name, budget=24)
            while len(asked := study.ask()):
                study.tell(asked, searching.bowl(asked.u))
