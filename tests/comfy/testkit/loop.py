"""A stand-in for core's Start Loop and End Loop (ComfyUI 0.37 and newer), for a ComfyUI that has not got them.

The ids, the names and the order of the inputs and outputs are core's, so the API form of a workflow is the same. So is
what a loop is:

- the body is every node behind Start Loop, and all of it leads to End Loop; the nodes before it run once
- each iteration is a copy of the body; the body itself never runs
- `current_iteration_value` is `initial_iteration_value` first, then what the iteration before gave to
  `next_iteration_value`
- an iteration begins when the one before has given its value and its output
- `outputs` is the last iteration's `output_value`, or with `accumulate` the list of all of them
- with `cache_iterations` off, each run executes each iteration anew

What differs: the mode is always "simple", `num_iterations` is a number and not a link, there are no terminations and no
loops in loops; End Loop makes the copies, not Start Loop; a loop that cannot be is refused when it runs, not when it is
queued; and where a blocked value reaches End Loop, what follows is skipped. (Core 0.37 waits for ever in that case, so a
test that sees End Loop's output has seen that nothing was blocked.)
"""

from comfy_api.latest import io
from comfy_execution.graph_utils import ExecutionBlocker, GraphBuilder, is_link

import nodes

MOST = 64  # iterations


class StartLoop(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="StartLoop",
            display_name="Start Loop",
            category="test",
            inputs=[
                io.Combo.Input("mode", options=["simple"], default="simple"),
                io.Int.Input("mode.num_iterations", default=4, min=0, max=MOST),
                io.Boolean.Input("cache_iterations", default=False),
                io.Int.Input("parent_iteration", optional=True, force_input=True),
                io.AnyType.Input("initial_iteration_value", optional=True),
            ],
            outputs=[
                io.Int.Output(display_name="iteration_index"),
                io.Boolean.Output(display_name="is_first"),
                io.Boolean.Output(display_name="is_last"),
                io.AnyType.Output(display_name="list_item"),
                io.AnyType.Output(display_name="current_iteration_value"),
            ],
        )

    @classmethod
    def execute(cls, **_):
        # The body itself, of which End Loop runs copies, stands still.
        return io.NodeOutput(*(ExecutionBlocker(None) for _ in range(5)))


class EndLoop(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="EndLoop",
            display_name="End Loop",
            category="test",
            inputs=[
                io.AnyType.Input("output_value", optional=True, lazy=True),
                io.AnyType.Input("next_iteration_value", optional=True, lazy=True),
                io.Boolean.Input("accumulate", default=False),
            ],
            outputs=[io.AnyType.Output(display_name="outputs", is_output_list=True)],
            hidden=[io.Hidden.dynprompt, io.Hidden.unique_id],
            enable_expand=True,
        )

    @classmethod
    def fingerprint_inputs(cls, **_):
        return float("nan")

    @classmethod
    def check_lazy_status(cls, **_):
        return []  # the values come from the copies

    @classmethod
    def execute(cls, accumulate, **_):
        prompt, end = cls.hidden.dynprompt.get_original_prompt(), cls.hidden.unique_id
        start, body = loop_of(prompt, end)
        begin, finish = prompt[start]["inputs"], prompt[end]["inputs"]
        count = begin["mode.num_iterations"]
        graph = GraphBuilder()
        carried, before, outputs = begin.get("initial_iteration_value"), None, []
        for i in range(count):
            iteration = graph.node("TestLoopIteration", f"iteration_{i}", iteration_index=i, is_last=i == count - 1)
            iteration.set_input("reuse_cache", begin.get("cache_iterations", False))
            iteration.set_input("current_iteration_value", carried)
            iteration.set_input("after", before)
            copies = {id: graph.node(prompt[id]["class_type"], f"{i}_{id}") for id in sorted(body)}
            inside = {start: iteration, **copies}
            for id, copy in copies.items():
                copy.set_override_display_id(id)
                for name, value in prompt[id]["inputs"].items():
                    copy.set_input(name, _from(inside, value))
            before = _from(inside, finish.get("output_value"))
            carried = _from(inside, finish.get("next_iteration_value")) or carried
            outputs.append(before)
        result = graph.node("TestLoopResult", "result")
        for i, value in enumerate(outputs if accumulate else outputs[-1:]):
            result.set_input(f"output_{i}", value)
        result.set_input("after", carried)
        return io.NodeOutput(result.out(0), expand=graph.finalize())


class Iteration(io.ComfyNode):
    """What Start Loop gives in one iteration."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestLoopIteration",
            category="test",
            inputs=[
                io.Int.Input("iteration_index"),
                io.Boolean.Input("is_last"),
                io.Boolean.Input("reuse_cache", default=False),
                io.AnyType.Input("current_iteration_value", optional=True),
                io.AnyType.Input("after", optional=True, tooltip="Waits for it."),
            ],
            outputs=[
                io.Int.Output(),
                io.Boolean.Output(),
                io.Boolean.Output(),
                io.AnyType.Output(),
                io.AnyType.Output(is_output_list=True),
            ],
            is_input_list=True,
        )

    @classmethod
    def fingerprint_inputs(cls, reuse_cache, **_):
        return None if reuse_cache[0] else float("nan")

    @classmethod
    def execute(cls, iteration_index, is_last, reuse_cache, current_iteration_value=(None,), after=None):
        index = iteration_index[0]
        return io.NodeOutput(index, index == 0, is_last[0], None, list(current_iteration_value))


class Result(io.ComfyNode):
    """All that the iterations gave, in one value: End Loop makes the list of it."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestLoopResult",
            category="test",
            inputs=[
                *(io.AnyType.Input(f"output_{i}", optional=True) for i in range(MOST)),
                io.AnyType.Input("after", optional=True, tooltip="Waits for it."),
            ],
            outputs=[io.AnyType.Output()],
            is_input_list=True,
        )

    @classmethod
    def execute(cls, after=None, **outputs):
        ordered = sorted(outputs, key=lambda name: int(name.removeprefix("output_")))
        return io.NodeOutput([value for name in ordered for value in outputs[name]])


def loop_of(prompt: dict, end: str) -> tuple[str, set[str]]:
    """The Start Loop that belongs to End Loop `end`, and the nodes between them."""
    sources = {id: {v[0] for v in node["inputs"].values() if is_link(v)} for id, node in prompt.items()}
    starts = [id for id in _closure({end}, sources) if prompt[id]["class_type"] == "StartLoop"]
    if len(starts) != 1:
        raise ValueError(f"End Loop {end} wants one Start Loop before it, but there are {len(starts)}.")
    if "parent_iteration" in prompt[starts[0]]["inputs"]:
        raise ValueError("The stand-in has no loops in loops: leave parent_iteration open.")
    consumers = {id: {other for other in prompt if id in sources[other]} for id in prompt}
    consumers[end] = set()
    body = _closure({starts[0]}, consumers) - {starts[0], end}
    loose = sorted(id for id in body if not consumers[id])
    if loose:
        raise ValueError(f"Start Loop {starts[0]} reaches {', '.join(loose)} without passing through End Loop {end}.")
    return starts[0], body


def _from(inside: dict, value):
    """An input's value in an iteration: a link to a node that is `inside` leads to its copy."""
    return inside[value[0]].out(value[1]) if is_link(value) and value[0] in inside else value


def _closure(found: set[str], edges: dict[str, set[str]]) -> set[str]:
    todo = list(found)
    while todo:
        new = edges[todo.pop()] - found
        found = found | new
        todo += new
    return found


def stand_ins() -> list:
    """The nodes above, or none where core has its own."""
    return [] if "StartLoop" in nodes.NODE_CLASS_MAPPINGS else [StartLoop, EndLoop, Iteration, Result]
