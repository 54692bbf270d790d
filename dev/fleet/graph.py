"""What each server is to run of a workflow, and which studies it is about."""

from __future__ import annotations

from typing import Any

__all__ = ["NotAWorkflow", "check", "for_one_round", "same", "studies_of"]

Prompt = dict[str, dict[str, Any]]
"""A workflow in API format: node id -> {"class_type": …, "inputs": …}."""
OPENING = ("SurrogateStudy", "SurrogateScout")


class NotAWorkflow(ValueError):
    """What was given is no workflow in the API's format, or none that searches."""


def check(prompt: Any) -> Prompt:
    """`prompt`, if it is a workflow in API format. Raises NotAWorkflow."""
    if isinstance(prompt, dict) and "nodes" in prompt and "links" in prompt:
        raise NotAWorkflow(
            "This is a workflow as the browser saves it: export it with Workflow > Export (API), and give that file."
        )
    whole = isinstance(prompt, dict) and all(
        isinstance(node, dict) and "class_type" in node and isinstance(node.get("inputs"), dict)
        for node in prompt.values()
    )
    if not whole or not prompt:
        raise NotAWorkflow(
            "This is no workflow in the API's format: expected nodes by their ids, each with a class_type."
        )
    return prompt


def studies_of(prompt: Prompt) -> list[str]:
    """The names of the studies that the workflow opens. Raises NotAWorkflow if it opens none, or a name is not typed."""
    nodes = [node for node in prompt.values() if node["class_type"] in OPENING]
    names = [node["inputs"].get("name") for node in nodes]
    if not names:
        raise NotAWorkflow("The workflow has no Surrogate Study and no Surrogate Scout: there is nothing to search.")
    if not all(isinstance(name, str) and name.strip() for name in names):
        raise NotAWorkflow("The name of a study comes from another node: type it into Surrogate Study.")
    return list(dict.fromkeys(names))


def for_one_round(prompt: Prompt) -> Prompt:
    """A copy that does one generation: Tell does not repeat it, and what follows such a Tell is left for the end."""
    tells = {
        id
        for id, node in prompt.items()
        if node["class_type"] == "SurrogateTell" and node["inputs"].get("until_finished") is True
    }
    kept = prompt.keys() - _below(prompt, tells)
    return {
        id: {**node, "inputs": {**node["inputs"], **({"until_finished": False} if id in tells else {})}}
        for id, node in prompt.items()
        if id in kept
    }


def same(one: Any, other: Any) -> bool:
    """Whether two prompts do the same; `is_changed` is what the server notes in them."""
    return _plain(one) == _plain(other)


def _plain(prompt: Any) -> Any:
    if not isinstance(prompt, dict):
        return None
    return {id: (node.get("class_type"), node.get("inputs")) for id, node in prompt.items() if isinstance(node, dict)}


def _below(prompt: Prompt, above: set[str]) -> set[str]:
    """All nodes that need one of `above`, directly or through others."""
    found: set[str] = set()
    while True:
        more = {id for id, node in prompt.items() if id not in found and not _sources(node).isdisjoint(above | found)}
        if not more:
            return found - above
        found |= more


def _sources(node: dict[str, Any]) -> set[str]:
    return {str(value[0]) for value in node["inputs"].values() if isinstance(value, list) and len(value) == 2}
