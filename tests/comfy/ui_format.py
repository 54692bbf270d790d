"""From the format that the browser saves to the one that the server runs."""

from collections.abc import Iterator

VIRTUAL = ("Note", "MarkdownNote")
WIDGETS = (
    "INT",
    "FLOAT",
    "STRING",
    "BOOLEAN",
    "COMBO",
    "SURROGATE_SESSION",
    "SURROGATE_PICKS",
)  # the last two are the pages of our Explorer and Pick


def to_prompt(workflow: dict, object_info: dict) -> dict:
    """What the browser's Run button would send for `workflow`: node id -> {"class_type", "inputs"}.

    Covers what our workflows use: no subgraphs, reroutes, primitives, bypassed or muted nodes.
    """
    links = {link[0]: link for link in workflow["links"]}
    prompt = {}
    for node in workflow["nodes"]:
        if node["type"] in VIRTUAL:
            continue
        description = object_info[node["type"]]["input"]
        values = iter(node.get("widgets_values") or [])
        inputs = _from_widgets(description, values)
        left = list(values)
        if left:
            raise ValueError(f"{node['type']} {node['id']} has more widget values than widgets: {left}.")
        for entry in node["inputs"]:
            if entry["link"] is not None:
                _, source, slot, *_ = links[entry["link"]]
                inputs[entry["name"]] = [str(source), slot]
        prompt[str(node["id"])] = {"class_type": node["type"], "inputs": inputs}
    return prompt


def _from_widgets(description: dict, values: Iterator, prefix: str = "") -> dict:
    """The inputs that a node's widgets hold; a dynamic combo is followed by the widgets of its choice.

    Widgets that core added after the file was saved are left out: they have their defaults.
    """
    inputs = {}
    for name, (kind, *options) in {**description.get("required", {}), **description.get("optional", {})}.items():
        name, options = prefix + name, options[0] if options else {}
        dynamic = kind == "COMFY_DYNAMICCOMBO_V3"
        if (
            options.get("forceInput")
            or options.get("hidden")
            or not (dynamic or isinstance(kind, list) or options.get("widgetType", kind) in WIDGETS)
        ):
            continue
        value = next(values, None)
        if value is None:
            continue
        inputs[name] = value
        if dynamic:
            cases = {option["key"]: option["inputs"] for option in options["options"]}
            inputs |= _from_widgets(cases[value], values, f"{name}.")
        # The browser puts "fixed, increment, …" behind such a number; two names get it by themselves.
        elif kind == "INT" and options.get("control_after_generate", name in ("seed", "noise_seed")):
            next(values)
    return inputs


def undotted(prompt: dict) -> dict:
    """The prompt with inputs that came to belong to a dynamic combo (format.codec) named as before (codec)."""
    return {
        number: {**node, "inputs": {name.rpartition(".")[2]: value for name, value in node["inputs"].items()}}
        for number, node in prompt.items()
    }
