"""The pack's own Python environment."""

from __future__ import annotations

from dev.venv import torchaudio_for


def test_torchaudio_belongs_to_its_torch():
    torches = ("2.9.1+cu130", "2.11.0", "2.14.1", "3.0")
    assert [torchaudio_for(torch) for torch in torches] == [
        "torchaudio==2.9.*", "torchaudio==2.11.*", "torchaudio==2.11.*", "torchaudio==2.11.*"
    ]  # fmt: skip
