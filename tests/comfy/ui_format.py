"""From the format that the browser saves to the one that the server runs."""

VIRTUAL = ("Note", "MarkdownNote")
WIDGETS = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")


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
        inputs = {}
        for name, (kind, *options) in {**description.get("required", {}), **description.get("optional", {})}.items():
            options = options[0] if options else {}
            if options.get("forceInput") or not (isinstance(kind, list) or kind in WIDGETS):
                continue
            inputs[name] = next(values)
            # The browser puts "fixed, increment, …" behind such a number; two names get it by themselves.
            if kind == "INT" and options.get("control_after_generate", name in ("seed", "noise_seed")):
                next(values)
        left = list(values)
        if left:
            raise ValueError(f"{node['type']} {node['id']} has more widget values than widgets: {left}.")
        for entry in node["inputs"]:
            if entry["link"] is not None:
                _, source, slot, *_ = links[entry["link"]]
                inputs[entry["name"]] = [str(source), slot]
        prompt[str(node["id"])] = {"class_type": node["type"], "inputs": inputs}
    return prompt
