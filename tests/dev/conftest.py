"""Wheels that are all that pip can see."""

import pytest

from .made import pip_settings, use


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    """A folder that is all that pip can see in this test."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    use(monkeypatch, pip_settings(wheels=folder))
    return folder
