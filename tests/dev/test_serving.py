"""A fresh user's page opens the first template; a used one is left as it is."""

import json

from dev.serving import welcome
from dev.workflow_files import WORKFLOWS


def test_only_a_fresh_user_is_welcomed(tmp_path, root):
    settings = tmp_path / "user" / "default" / "comfy.settings.json"
    welcome(tmp_path, root)
    assert json.loads(settings.read_text("utf-8"))["Surrogate.OpenTemplate"] == WORKFLOWS["demo_explore"].stem
    settings.write_text("{}", "utf-8")
    welcome(tmp_path, root)
    assert settings.read_text("utf-8") == "{}"
