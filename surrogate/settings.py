"""Settings as people write them: a JSON object in a text."""

from __future__ import annotations

import json

__all__ = ["json_settings"]


def json_settings(text: str, name: str) -> dict:
    """Settings by name from the text of the input `name`; an empty dict if it is empty.

    Raises ValueError if it is not a JSON object, or has an entry "name", which is an input of its own.
    """
    if not text.strip():
        return {}
    try:
        settings = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f'{name} is not JSON ({error}); write for example {{"scale": 1.2}}.') from None
    if not isinstance(settings, dict) or "name" in settings:
        raise ValueError(f'{name} must be settings by name, such as {{"scale": 1.2}}, got {text.strip()}.')
    return settings
