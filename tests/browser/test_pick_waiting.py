"""Surrogate Pick while the run waits: two windows, Cancel, a reload; and pages of clips and of sounds."""

import contextlib

import pytest

from dev.browser import READY, SLOW, show

from .picking import Picking
from .test_frontend import needs_sound

WAIT = "wait here"
PERSIST = "on => app.extensionManager.setting.set('Comfy.Workflow.Persist', on)"
EMPTY = {"version": 0.4, "last_node_id": 0, "last_link_id": 0, "nodes": [], "links": [], "groups": [], "extra": {}}
# Kind -> what makes the model, the VAE and the latent, and the node that decodes.
SOUNDS = {
    "model": ["TestFamily", {"family": "Stable Audio"}],
    "vae": ["TestSoundVAE", {}],
    "latent": ["EmptyLatentAudio", {"seconds": 2.0}],
    "decode": ["VAEDecodeAudio", {}],
}
CLIPS = {
    "model": ["TestAnyModel", {"channels": 16, "video": True, "prompt": 0}],
    "vae": ["TestAnyVAE", {}],
    "latent": ["TestLatent", {"shape": "[1, 16, 3, 8, 8]"}],
    "decode": ["VAEDecode", {}],
}
REST = {
    "seeds": ["SurrogateSeedsFromIntegers", {"seeds": "12, 99"}],
    "space": ["SurrogateSpace", {}],
    "SurrogateStudy": ["SurrogateStudy", {}],
    "ask": ["SurrogateAsk", {}],
    "noise": ["SurrogateNoise", {}],
    "guider": ["BasicGuider", {}],
    "sampler": ["KSamplerSelect", {"sampler_name": "euler"}],
    "sigmas": ["BasicScheduler", {"scheduler": "simple", "steps": 1, "denoise": 1.0}],
    "sample": ["SamplerCustomAdvanced", {}],
    "pick": ["SurrogatePick", {}],
}
WIRES = [
    ["seeds", 0, "space", "seeds"], ["space", 0, "SurrogateStudy", "space"], ["latent", 0, "SurrogateStudy", "latent"],
    ["SurrogateStudy", 0, "ask", "study"], ["ask", 2, "noise", "space"], ["ask", 1, "noise", "points"],
    ["latent", 0, "noise", "latent"], ["model", 0, "guider", "model"], ["model", 1, "guider", "conditioning"],
    ["model", 0, "sigmas", "model"], ["noise", 0, "sample", "noise"], ["noise", 1, "sample", "latent_image"],
    ["guider", 0, "sample", "guider"], ["sampler", 0, "sample", "sampler"], ["sigmas", 0, "sample", "sigmas"],
    ["sample", 0, "decode", "samples"], ["vae", 0, "decode", "vae"], ["ask", 0, "pick", "study"],
    ["decode", 0, "pick", "images"],
]  # fmt: skip
BUILD = """([parts, wires]) => {
    const made = Object.fromEntries(Object.entries(parts).map(([name, [type, values]], i) => {
        const node = LiteGraph.createNode(type);
        node.pos = name === 'pick' ? [900, 100] : [1500 + 300 * (i % 3), 100 + 250 * Math.floor(i / 3)];
        app.graph.add(node);
        for (const widget of node.widgets ?? []) if (widget.name in values) widget.value = values[widget.name];
        return [name, node];
    }));
    for (const [from, output, to, input] of wires) {
        made[from].connect(output, made[to], made[to].inputs.findIndex(one => one.name === input));
    }
    app.canvas.ds.offset = [-700, 0];
    app.canvas.ds.scale = 1;
}"""


@pytest.fixture
def picking(client, page):
    return Picking(client, page)


def ready(page) -> None:
    page.wait_for_function(READY, timeout=SLOW)
    page.wait_for_timeout(2500)  # the frontend's own first graph


@contextlib.contextmanager
def another_window(picking):
    page = picking.page.context.new_page()
    try:
        page.goto(picking.client.url, timeout=SLOW)
        ready(page)
        yield Picking(picking.client, page)
    finally:
        page.close()


def test_of_two_windows_the_first_answers_and_both_show_it(picking):
    with another_window(picking) as other:
        other.open(when=WAIT)  # the same template in another session
        picking.open(when=WAIT)
        picking.run()
        picking.at(1)
        assert other.cells.count() == 0
        other.says("Run to see the first images")
        show(other.page, picking.saved)  # now it is the same workflow, as after opening its file
        other.at(1)
        other.cells.nth(2).click()
        picking.cells.nth(0).click()
        assert (picking.liked, other.liked) == ([0], [2])
        other.press("go")
        other.says("The study has your picks")
        picking.says("Answered in another window")
        assert picking.liked == other.liked == [2]
        assert picking.value == other.value == ""
        picking.idle()
        assert picking.told["best"]["number"] == 2
        picking.run()  # either of them continues
        picking.at(2)
        other.at(2)
        picking.press("skip")
        picking.says("The study has your picks")
        other.says("Answered in another window")
        picking.idle()
        assert (picking.told["evaluated"], picking.told["skipped"]) == (8, 4)


def test_cancel_while_it_waits_loses_no_image(picking):
    picking.open(when=WAIT)
    picking.run()
    picking.at(1)
    shown = picking.sources
    picking.cells.nth(1).click()
    picking.client.interrupt()
    picking.says("The run does not wait any more")
    assert picking.page.locator(".surrogate-pick .buttons button:enabled").count() == 0
    assert picking.sources == shown
    picking.run()
    picking.at(1)
    assert picking.sources == shown
    picking.cells.nth(3).click()
    picking.press("go")
    picking.says("The study has your picks")
    picking.idle()
    assert (picking.told["evaluated"], picking.told["best"]["number"]) == (4, 3)


def test_a_reload_while_it_waits_loses_no_click(picking):
    """As ComfyUI is set up for people: the page opens with the workflow that it had."""
    page = picking.page
    page.evaluate(PERSIST, True)
    try:
        picking.open(when=WAIT)
        picking.run()
        picking.at(1)
        picking.cells.nth(3).click()
        page.wait_for_timeout(1500)  # the page keeps its workflow a moment after a change
        page.reload(timeout=SLOW)
        ready(page)
        picking.at(1)
        assert picking.liked == [3]
        picking.press("go")
        picking.says("The study has your picks")
        picking.idle()
        assert picking.told["best"]["number"] == 3
    finally:
        page.evaluate(PERSIST, False)


def built(picking, parts: dict) -> Picking:
    """A workflow for other models than the template's."""
    show(picking.page, EMPTY)
    picking.page.evaluate(BUILD, [parts | REST, WIRES])
    picking.page.wait_for_timeout(500)
    picking.name = f"browser {parts['vae'][0]}"
    picking.quick()
    return picking


def test_a_page_of_sounds_can_be_heard(picking):
    needs_sound(picking.client)
    built(picking, SOUNDS).run()
    picking.at(1)
    plays = picking.page.locator(".surrogate-pick .play:visible")
    assert plays.count() == 4
    plays.nth(0).click()
    picking.page.wait_for_function("() => parseFloat(document.querySelector('.surrogate-pick .at').style.left) > 5")
    assert picking.liked == []
    picking.cells.nth(2).focus()
    picking.page.keyboard.press("p")
    assert picking.page.locator(".surrogate-pick .at:visible").count() == 1
    assert "Sound 3" in picking.cells.nth(2).get_attribute("aria-label")
    picking.page.keyboard.press("Space")
    picking.run()
    picking.at(2)
    assert picking.page.locator(".surrogate-pick .at:visible").count() == 0  # the next page is silent
    assert picking.told["best"]["number"] == 2


def test_a_page_of_clips_moves(picking):
    built(picking, CLIPS).run()
    picking.at(1)
    picking.page.mouse.move(5, 5)
    assert not any(source.endswith("?moving") for source in picking.sources)
    picking.cells.nth(1).hover()
    assert [source.endswith("?moving") for source in picking.sources] == [False, True, False, False]
    assert picking.page.evaluate("async address => (await fetch(address)).ok", picking.sources[1])
