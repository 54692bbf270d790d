"""The pads of Surrogate Weights and Surrogate Point: what they write is what the library reads, by mouse and by keyboard."""

import random

import numpy as np
import pytest

from dev.browser import NODES, SLOW, show
from dev.workflow_files import read
from surrogate import CHARTS, Seeds, SurrogateSpace, points
from surrogate.points import acts, parse_numbers

THREE = SurrogateSpace(Seeds.from_range(1, 3))
WEIGHTS = "app.graph.nodes.find(n => n.type === 'SurrogateWeights')"
MIX = "await import('/extensions/ComfyUI-Surrogate/pads/mix.js')"
TEXT = "await import('/extensions/ComfyUI-Surrogate/pads/text.js')"


def open_pad(page, nodes: str, text: str, seeds: str = "12, 99, 1024, 7") -> None:
    """The workflow of variations with this text in Weights, the pad unfolded and in sight."""
    page.set_viewport_size({"width": 1500, "height": 1200})
    show(page, read("demo_variations"), NODES[nodes])
    page.evaluate(
        f"""([text, seeds]) => {{
            const value = (type, index, given) => {{
                const widget = app.graph.nodes.find(n => n.type === type).widgets[index];
                widget.value = given;
                widget.callback?.(given);
            }};
            value('SurrogateSeedsFromIntegers', 0, seeds);
            value('SurrogateWeights', 0, text);
            const [x, y] = {WEIGHTS}.pos;
            app.canvas.ds.scale = 1.2;
            app.canvas.ds.offset = [120 - x, 130 - y];
            app.canvas.setDirty(true, true);
        }}""",
        [text, seeds],
    )
    page.wait_for_timeout(400)
    if page.locator(".surrogate-pad .bar").get_attribute("aria-expanded") == "false":
        page.locator(".surrogate-pad .bar").click()
    page.wait_for_timeout(400)


def typed(page) -> list[list[float]]:
    return parse_numbers(page.evaluate(f"() => {WEIGHTS}.widgets[0].value"), "weights")


def shares(row) -> list[float]:
    return (points.from_weights(SurrogateSpace(Seeds.from_range(1, len(row))), [row]).w[0] ** 2).tolist()


@pytest.mark.parametrize("nodes", NODES)
def test_a_triangle_for_three_seeds(page, nodes):
    open_pad(page, nodes, "1, 0, 0\n0, 1, 0", "12, 99, 1024")
    triangle = page.locator(".surrogate-pad .triangle")
    assert triangle.is_visible() and not page.locator(".surrogate-pad .sliders").is_visible()
    box = page.locator(".surrogate-pad polygon").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] * 2 / 3)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 4)
    page.mouse.down()
    page.mouse.move(*middle, steps=4)
    page.mouse.up()
    first, second = typed(page)
    assert shares(first) == pytest.approx([1 / 3] * 3, abs=0.02)
    assert np.linalg.norm(first) == pytest.approx(1, abs=1e-5)
    assert second == [0, 1, 0]  # the other point stays

    page.keyboard.press("ArrowDown")
    assert shares(typed(page)[0])[0] == pytest.approx(shares(first)[0] - 0.02, abs=1e-4)
    page.locator(".surrogate-pad .lines button").last.click()
    page.mouse.click(box["x"] + box["width"] + 60, box["y"] + box["height"] + 10)  # beyond a corner, and off the pad
    triangle.focus()
    for _ in range(12):
        page.keyboard.press("Shift+ArrowRight")
    assert typed(page)[1] == pytest.approx([0, 0, 1], abs=1e-3)


@pytest.mark.parametrize("nodes", NODES)
def test_sliders_for_more_seeds(client, page, nodes):
    """The rest makes room; a locked seed keeps its share; what is typed by hand is shown, with the seeds' names after a run."""
    open_pad(page, nodes, "1, 1, 1, 1")
    rows = page.locator(".surrogate-pad .row")
    assert rows.count() == 4
    area, last = page.locator(".surrogate-pad .area").bounding_box(), rows.last.bounding_box()
    assert last["y"] + last["height"] <= area["y"] + area["height"] + 1  # none is cut off
    rows.nth(1).locator(".lock").click()
    rows.nth(0).locator("input").fill("0.6")
    assert shares(typed(page)[0]) == pytest.approx([0.6, 0.25, 0.075, 0.075], abs=1e-4)
    rows.nth(0).locator("input").fill("0.9")  # more than the lock leaves
    assert shares(typed(page)[0]) == pytest.approx([0.75, 0.25, 0, 0], abs=1e-4)
    assert rows.nth(1).locator("input").is_disabled()
    rows.nth(0).locator("input").focus()
    page.keyboard.press("ArrowLeft")
    assert shares(typed(page)[0]) == pytest.approx([0.745, 0.25, 0.0025, 0.0025], abs=1e-4)

    text = {"classic": "0 0 2 2", "Nodes 2.0": "0 0 3 3"}[nodes]  # what was run before is not run again
    page.evaluate(f"text => {{ const w = {WEIGHTS}.widgets[0]; w.value = text; w.callback?.(text); }}", text)
    assert [float(rows.nth(i).locator("input").input_value()) for i in range(4)] == [0, 0, 0.5, 0.5]
    with page.expect_response(lambda answer: answer.url.endswith("/prompt")) as response:
        page.evaluate("""() => {
            app.graph.nodes.find(n => n.type === 'BasicScheduler').widgets.find(w => w.name === 'steps').value = 1;
            app.graph.nodes.find(n => n.type === 'SurrogateNeighbours').widgets.find(w => w.name === 'count').value = 1;
            app.queuePrompt(0);
        }""")
    client.wait(response.value.json()["prompt_id"], timeout=SLOW / 1000)
    page.wait_for_function("() => document.querySelector('.surrogate-pad .name').textContent === '12'", timeout=SLOW)
    assert rows.locator(".name").all_inner_texts() == ["12", "99", "1024", "7"]


def test_undo_takes_a_drag_back(page):
    open_pad(page, "classic", "1, 0, 0", "12, 99, 1024")
    page.evaluate("() => app.extensionManager.workflow.activeWorkflow.changeTracker.checkState()")
    page.locator(".surrogate-pad .triangle").focus()
    page.keyboard.press("ArrowDown")
    assert typed(page)[0] != [1, 0, 0]
    page.evaluate("() => app.extensionManager.workflow.activeWorkflow.changeTracker.undo()")
    page.wait_for_timeout(1000)
    assert typed(page)[0] == [1, 0, 0]


def test_weights_and_shares_are_the_library_s(page):
    rng = np.random.default_rng(1)
    rows = [rng.exponential(size=rng.integers(2, 9)).tolist() for _ in range(60)]
    found = page.evaluate(
        f"async rows => {{ const m = {MIX}; return rows.map(row => [m.shares(row), m.weights(m.shares(row))]); }}", rows
    )
    for row, (parts, weights) in zip(rows, found, strict=True):
        assert parts == pytest.approx(shares(row), abs=1e-14)
        assert weights == pytest.approx((np.array(row) / np.linalg.norm(row)).tolist(), abs=1e-14)


@pytest.mark.parametrize("chart", CHARTS)
def test_coordinates_of_three_seeds_are_the_chart_s(page, chart):
    rng = np.random.default_rng(2)
    u = np.concatenate([rng.random((60, 2)), [[0, 0.3], [1, 0], [1, 1], [0.5, 0], [0.5, 1]]])
    parts, back = page.evaluate(
        f"""async ([rows, chart]) => {{
            const m = {MIX};
            const parts = rows.map(row => m.sharesOfCoordinates(row, chart));
            return [parts, parts.map(part => m.coordinatesOfShares(part, chart))];
        }}""",
        [u.tolist(), chart],
    )
    w = CHARTS[chart].weights(u)
    assert np.abs(np.array(parts) - w**2).max() < 1e-12
    assert np.abs(np.array(back) - CHARTS[chart].coordinates(w)).max() < 1e-7


def test_a_place_in_the_triangle_is_its_shares(page):
    rng = np.random.default_rng(3)
    parts = rng.dirichlet([1, 1, 1], 60)
    back = page.evaluate(
        f"async rows => {{ const m = {MIX}; return rows.map(row => m.sharesAt(m.position(row))); }}", parts.tolist()
    )
    assert np.abs(np.array(back) - parts).max() < 1e-12


def test_the_rest_keeps_its_ratios(page):
    chance = random.Random(4)
    cases = []
    for _ in range(80):
        k = chance.randrange(2, 9)
        parts = [chance.random() for _ in range(k)]
        locked = [chance.random() < 0.25 for _ in range(k)]
        i = chance.randrange(k)
        locked[i] = False
        cases.append([[part / sum(parts) for part in parts], i, chance.random(), locked])
    found = page.evaluate(
        f"async cases => {{ const m = {MIX}; return cases.map(given => m.withShare(...given)); }}", cases
    )
    for (parts, i, share, locked), after in zip(cases, found, strict=True):
        assert sum(after) == pytest.approx(1, abs=1e-12)
        kept = [j for j in range(len(parts)) if locked[j]]
        free = [j for j in range(len(parts)) if not locked[j] and j != i]
        assert [after[j] for j in kept] == [parts[j] for j in kept]
        if free:
            assert after[i] == pytest.approx(min(share, 1 - sum(parts[j] for j in kept)), abs=1e-12)
            ratio = sum(after[j] for j in free) / sum(parts[j] for j in free)
            assert [after[j] for j in free] == pytest.approx([parts[j] * ratio for j in free], abs=1e-12)


def test_the_page_reads_and_writes_numbers_as_the_node_does(page):
    chance = random.Random(5)
    texts = [
        "".join(
            chance.choices(["1", " 0.5", ", ", "; ", "\n", "1e-3 ", "x", "-2 ", ",,", "\n\n"], k=chance.randrange(1, 7))
        )
        for _ in range(300)
    ]
    found = page.evaluate(
        f"async texts => {{ const t = {TEXT}; return texts.map(text => t.numbersOf(text, 0) ?? null); }}", texts
    )

    def read_by_the_node(text):
        try:
            return parse_numbers(text.strip().split("\n")[0], "weights")[0]
        except ValueError:
            return None

    expected = [read_by_the_node(text) for text in texts]
    assert 30 < sum(one is None for one in expected) < 270
    assert found == expected
    rows = [[0.123456789, 0, 1], [1e-9, 0.5, 0.25]]
    lines = page.evaluate(
        f"async rows => {{ const t = {TEXT}; return rows.map(row => t.withNumbers('1 1 1\\n\\n2 2 2', 1, row)); }}",
        rows,
    )
    assert lines == ["1 1 1\n\n0.123457, 0, 1", "1 1 1\n\n0, 0.5, 0.25"]
    assert len(acts.weights(THREE, lines[1])) == 2


def test_what_was_rendered_is_on_the_triangle_and_a_click_goes_there(client, page):
    open_pad(page, "classic", "3, 1, 1", "12, 99, 1024")
    page.evaluate("""() => {
        app.graph.nodes.find(n => n.type === 'SurrogateNeighbours').widgets.find(w => w.name === 'count').value = 3;
        app.graph.nodes.find(n => n.type === 'BasicScheduler').widgets.find(w => w.name === 'steps').value = 1;
    }""")
    pictures = page.locator(".surrogate-pad .picture")
    assert pictures.count() == 0
    with page.expect_response(lambda answer: answer.url.endswith("/prompt")) as response:
        page.evaluate("() => app.queuePrompt(0)")
    client.wait(response.value.json()["prompt_id"], timeout=SLOW / 1000)
    page.wait_for_function("() => document.querySelectorAll('.surrogate-pad .picture').length === 4", timeout=SLOW)
    shown = page.evaluate(
        "() => app.graph.nodes.find(n => n.type === 'SurrogateContactSheet').properties.surrogate_sheet.shown"
    )
    assert page.evaluate(
        "async () => (await fetch(document.querySelector('.surrogate-pad image').getAttribute('href'))).ok"
    )
    pictures.nth(2).dispatch_event("pointerdown", {"button": 0})
    assert typed(page)[0] == pytest.approx([float(n) for n in shown["weights"][2].split(",")], abs=1e-5)


def test_scores_are_colours_from_the_lowest_to_the_highest(page):
    colours = page.evaluate("""async () => {
        const { Triangle } = await import('/extensions/ComfyUI-Surrogate/pads/triangle.js');
        const triangle = new Triangle(() => {});
        const picture = { address: 'x', size: [10, 10], box: [0, 0, 5, 5] };
        const seen = [0, 0.5, 1, undefined].map(score => ({ parts: [1, 0, 0], label: '', score, picture }));
        triangle.show([1, 0, 0], ['a', 'b', 'c'], '', seen);
        return [...triangle.element.querySelectorAll('.picture rect')].map(rect => rect.style.stroke);
    }""")
    assert colours == ["rgb(68, 1, 84)", "rgb(33, 145, 140)", "rgb(253, 231, 37)", "rgb(255, 255, 255)"]
