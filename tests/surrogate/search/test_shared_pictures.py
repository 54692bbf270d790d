"""The pictures of a study in one place: what one computer keeps, the others see."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from surrogate.pictures import shared
from surrogate.search import Study, StudyError, drawing
from surrogate.search.picture_places import picture_place


def frames(shade: int, side: int = 64) -> np.ndarray:
    """A clip of one frame with a seam, so that a picture that was swapped or cut off is noticed."""
    picture = np.full((1, side, side, 3), shade, np.uint8)
    picture[:, : side // 2] //= 2
    return picture


def close(picture, shade: int) -> bool:
    return picture is not None and abs(int(picture[-1, -1, 0]) - shade) < 4


@pytest.fixture
def bucket(monkeypatch):
    """A bucket of a server of our own that speaks S3."""
    pytest.importorskip("boto3", reason="S3: pip install boto3 and moto[server]")
    server = pytest.importorskip("moto.server", reason="S3: pip install moto[server]").ThreadedMotoServer(port=0)
    import boto3

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    boto3.session.Session().client("s3", endpoint_url=url).create_bucket(Bucket="pictures")
    yield f"s3://pictures/of a search?endpoint_url={url}"
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql", "folder", "bucket"])
def place(request, tmp_path, monkeypatch):
    """A database and where it keeps pictures."""
    storage, drive = str(tmp_path / "studies.db"), tmp_path / "drive"
    drive.mkdir()
    monkeypatch.setenv("PICTURES_OF_TESTS", str(drive))
    if request.param == "postgresql":
        return request.getfixturevalue("postgres").database(), "database"
    if request.param == "bucket":
        return storage, request.getfixturevalue("bucket")
    return storage, "database" if request.param == "sqlite" else "${PICTURES_OF_TESTS}"


def test_another_computer_sees_the_pictures(place, searching, tmp_path):
    storage, setting = place
    study = searching.open(storage, pictures=setting)
    asked = study.ask()
    study.tell(asked, searching.bowl(asked.u))
    mine = study.album(tmp_path / "mine")
    for trial in asked.trials.tolist():
        mine.keep(trial, frames(20 * trial))
    for number in (3, 5):
        mine.keep_whole(number, frames(20 * number), {})

    other = Study.load(storage, "study")
    assert other.pictures == setting
    theirs = other.album(tmp_path / "theirs")
    assert all(close(theirs.small(trial), 20 * trial) for trial in asked.trials.tolist())
    assert theirs.small(99) is None
    assert np.array_equal(theirs.whole(5), frames(100))
    assert theirs.whole(3) is None, "of whole pictures a computer keeps one there"
    assert np.array_equal(mine.whole(3), frames(60))
    assert np.array_equal(*(drawing.best_sheet(other.history(), album) for album in (mine, theirs)))
    # They are at hand from now on.
    assert (tmp_path / "theirs" / study.identity / "000007.jpg").exists()

    # Another study of the same name has none of them.
    study.delete()
    again = searching.open(storage, pictures=setting)
    assert again.album(tmp_path / "third").small(3) is None
    if setting == "database":
        assert picture_place(setting, study._access.store, study.identity).read("000003.jpg") is None


def test_by_default_pictures_stay_here(searching, tmp_path):
    storage = str(tmp_path / "studies.db")
    study = searching.open(storage)
    study.album(tmp_path / "mine").keep(0, frames(50))
    assert study.pictures == "" and Study.load(storage, "study").album(tmp_path / "theirs").small(0) is None
    # The setting may change; what is not said stays.
    searching.open(storage, pictures="database").album(tmp_path / "mine").keep(1, frames(60))
    assert searching.open(storage).pictures == "database"
    assert close(Study.load(storage, "study").album(tmp_path / "theirs").small(1), 60)
    assert searching.open(storage, pictures="").pictures == ""


def test_a_place_that_is_away_is_waited_for(searching, tmp_path, monkeypatch):
    monkeypatch.setattr(shared, "PAUSE", 0.0)
    drive = tmp_path / "drive"
    drive.mkdir()
    study = searching.open(str(tmp_path / "studies.db"), pictures=str(drive))
    album = study.album(tmp_path / "mine")
    shutil.rmtree(drive)
    monkeypatch.setattr(shared, "PAUSE", 60.0)
    album.keep(0, frames(40))
    album.keep_whole(0, frames(40), {})
    album.keep(1, frames(80))
    assert close(album.small(1), 80), "what is here does not depend on it"
    assert album.small(2) is None
    drive.mkdir()
    album.shared._until = 0.0
    album.keep(2, frames(120))
    there = study.album(tmp_path / "theirs")
    assert [close(there.small(i), 40 * (i + 1)) for i in range(3)] == [True] * 3
    assert np.array_equal(there.whole(0), frames(40))


def test_large_files_stay_here(searching, tmp_path, monkeypatch):
    monkeypatch.setattr(shared, "LARGEST", 10_000)
    study = searching.open(str(tmp_path / "studies.db"), pictures="database")
    noise = np.random.default_rng(0).integers(0, 256, (1, 100, 100, 3), np.uint8)
    study.album(tmp_path / "mine").keep(0, frames(9))
    study.album(tmp_path / "mine").keep_whole(0, noise, {})
    assert np.array_equal(study.album(tmp_path / "mine").whole(0), noise)
    assert study.album(tmp_path / "theirs").whole(0) is None
    assert close(study.album(tmp_path / "theirs").small(0), 9)


@pytest.mark.parametrize(
    "setting, message",
    [
        ("/no/such/folder", "no folder on this computer: create it"),
        ("ftp://host/pictures", "expected a folder, database, or s3://bucket/folder"),
        ("s3://key:secret@bucket/folder", "AWS_ACCESS_KEY_ID"),
        ("${NO_SUCH_VARIABLE_OF_TESTS}", "NO_SUCH_VARIABLE_OF_TESTS is not set"),
    ],
)
def test_a_place_that_cannot_be(setting, message, searching, tmp_path):
    with pytest.raises(StudyError, match=message) as error:
        searching.open(str(tmp_path / "studies.db"), pictures=setting)
    assert "secret" not in str(error.value)


def test_a_computer_without_the_place_still_shows_its_own(searching, tmp_path, caplog):
    drive = tmp_path / "drive"
    drive.mkdir()
    storage = str(tmp_path / "studies.db")
    searching.open(storage, pictures=str(drive))
    drive.rmdir()
    album = Study.load(storage, "study").album(tmp_path / "mine")
    album.keep(0, frames(30))
    assert close(album.small(0), 30) and "Only pictures of this computer" in caplog.text
