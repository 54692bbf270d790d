"""Surrogate Pick in a real server: between runs and waiting, its answers over HTTP, and what may go wrong with them."""

import itertools
import json
import time
import urllib.error
import urllib.request

import pytest
import torch

from dev.client import ExecutionFailed, ExecutionInterrupted
from surrogate.search import Picks, Study

from .graph import Graph, Log, counted, needs_sound

names = (f"pick {i}" for i in itertools.count())
WAIT = "wait here"


class Search:
    """A study, and graphs in which a person picks."""

    def __init__(self, comfy, **settings):
        self.comfy, self.name = comfy, next(names)
        self.settings = {"name": self.name, "budget": 16, "population": 4, "random_seed": 5} | settings

    def graph(self, model: str = "TestAnyModel", **settings):
        g = Graph(self.comfy)
        model, conditioning = g("TestAnyModel", channels=4, video=False, prompt=0).outputs(2)
        latent = g.latent(1, 4, 8, 8)
        study = g("SurrogateStudy", space=g.space("12, 99, 1024"), latent=latent, **self.settings)
        ask = g("SurrogateAsk", study=study)
        noise = g("SurrogateNoise", space=ask[2], points=ask[1], latent=latent)
        sampler = g("KSamplerSelect", sampler_name="euler")
        samples = g(
            "SamplerCustomAdvanced",
            noise=noise,
            latent_image=noise[1],
            guider=g("BasicGuider", model=self.spoilt(g, model), conditioning=conditioning),
            sampler=g("TestCountedSampler", sampler=sampler, log=self.name),
            sigmas=g("BasicScheduler", model=model, scheduler="simple", steps=1, denoise=1.0),
        )
        images = g.decoded(samples, g("TestAnyVAE"))
        settings = {name: make(g) if callable(make) else make for name, make in settings.items()}
        return g, g("SurrogatePick", study=ask, images=images, **settings)

    def spoilt(self, g, model):
        return model

    def run(self, picks: str = "", **settings) -> dict:
        """The page that the node shows after a run."""
        g, pick = self.graph(picks=picks, **settings)
        return page_of(g.run(), pick)

    def queue(self, **settings) -> str:
        g, _ = self.graph(when=WAIT, **settings)
        return self.comfy.client.queue(g.prompt)

    def waiting(self) -> dict:
        """The page that a running prompt waits with."""
        for _ in range(600):
            if pages := self.comfy.client.get("/surrogate/pick")["pages"]:
                return pages[0]
            time.sleep(0.05)
        raise TimeoutError("no page waits for picks")

    @property
    def scores(self) -> list:
        (file,) = (self.comfy.server.base / "user").rglob("surrogate_studies.db")
        history = Study.load(file, self.name).history()
        return [
            state if state != "complete" else score for state, (score,) in zip(history.state, history.scores.tolist())
        ]

    @property
    def rendered(self) -> int:
        return sum(counted(self.comfy, self.name))


def page_of(entry: dict, pick) -> dict:
    (page,) = entry["outputs"][pick.number]["surrogate_pick"]
    return page


def picks(page: dict, *cells: int, do: str = "likes") -> str:
    return Picks.of_cells(do, cells, page["generation"]).text()


def answered(comfy, body, kind: str = "application/json", **headers) -> tuple[int, dict]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(f"{comfy.server.url}/surrogate/pick", data, {"Content-Type": kind, **headers})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        text = error.read()
        return error.code, json.loads(text) if text.startswith(b"{") else {}


def reply(page: dict, *cells: int, **more) -> dict:
    return {"node": page["node"], "prompt": page["prompt"], "of": page["generation"], "cells": list(cells), **more}


def test_between_runs(comfy):
    search = Search(comfy)
    first = search.run()
    assert (first["number"], len(first["cells"]), first["picks"], first["finished"]) == (1, 4, "", False)
    assert search.run() == first  # the same page, until the study is told
    assert search.rendered == 4  # and its images are not made again
    assert search.scores == ["running"] * 4

    g, pick = search.graph(picks=picks(first, 2, 0))
    kept = g.keep(pick[2])
    second = page_of(g.run(), pick)
    assert search.scores == [1, 0, 1, 0] + ["running"] * 4
    assert (second["number"], search.rendered) == (2, 8)
    assert second["generation"] != first["generation"]
    assert kept.tensor.shape == (2, 8, 8, 3)  # what was liked
    with urllib.request.urlopen(f"{comfy.server.url}/surrogate/explorer/{second['cells'][3]['key']}") as answer:
        assert answer.headers["Content-Type"] == "image/webp"

    # A queue of ten takes the same picks along: they were told, so nothing more happens.
    assert search.run(picks(first, 2, 0)) == second
    assert search.run(picks(first, 1)) == second  # nor if they changed since
    assert search.rendered == 8
    third = search.run(picks(second, 3, 1, do="ranking"))
    fourth = search.run(picks(third, do="none"))
    end = search.run(picks(fourth, do="skip"))
    assert search.scores[4:] == [0, 0.5, 0, 1, 0, 0, 0, 0, *["skipped"] * 4]
    assert end["finished"] and end["cells"] == []


def test_picks_of_another_study_are_not_told(comfy):
    other = Search(comfy).run()
    search = Search(comfy)
    first = search.run(picks(other, 1))
    assert search.scores == ["running"] * 4
    assert search.run(picks(other, 1)) == first


def test_a_changed_graph_makes_the_images_again(comfy):
    search = Search(comfy)
    first = search.run()
    g, pick = search.graph()
    latent = next(node for node in g.prompt.values() if node["class_type"] == "SurrogateNoise")
    latent["inputs"]["noise_seed"] = 7
    second = page_of(g.run(), pick)
    assert second["generation"] == first["generation"]
    assert search.rendered == 8


@pytest.mark.parametrize("text", ["{", '{"do": "love"}'])
def test_picks_that_cannot_be_read_are_named(comfy, text):
    with pytest.raises(ExecutionFailed, match="picks"):
        Search(comfy).run(text)


def test_likes_as_a_text_of_another_node(comfy):
    search = Search(comfy)
    said = search.run(likes="4, 2", clicks="ranking")
    assert Picks.parse(said["picks"]).cells == (3, 1)
    assert search.run(likes=lambda g: g("PrimitiveString", value="skip"))["number"] == 2
    with pytest.raises(ExecutionFailed, match="Picture 5 was picked, but there are 4"):
        search.run(likes="5")
    assert search.run(likes=" ")["picks"] == ""  # nothing was said
    assert search.scores == [0, 0.5, 0, 1, *["skipped"] * 4, *["running"] * 4]


def test_several_scores_are_refused_before_anything_is_rendered(comfy):
    search = Search(comfy, more_directions="minimize", optimiser="nsga-ii")
    with pytest.raises(ExecutionFailed, match="has 2 directions"):
        search.run()
    assert search.rendered == 0


def test_it_needs_an_ask(comfy):
    search = Search(comfy)
    g, pick = search.graph()
    study = next(number for number, node in g.prompt.items() if node["class_type"] == "SurrogateStudy")
    g.prompt[pick.number]["inputs"]["study"] = [study, 0]
    with pytest.raises(ExecutionFailed, match="put Surrogate Ask between"):
        g.run()


def test_sounds(comfy):
    """A page of sounds: they are kept with what they show, can be played, and come out as they came in."""
    needs_sound(comfy)
    name = next(names)

    def graph(chosen: str = ""):
        g = Graph(comfy)
        model, conditioning = g("TestFamily", family="Stable Audio").outputs(2)
        latent = g("EmptyLatentAudio", seconds=1.0)
        study = g("SurrogateStudy", space=g.space("12, 99"), latent=latent, name=name, budget=4, population=2)
        ask = g("SurrogateAsk", study=study)
        noise, batch = g("SurrogateNoise", space=ask[2], points=ask[1], latent=latent).outputs(2)
        sounds = g("VAEDecodeAudio", samples=g.custom(model, conditioning, noise, batch), vae=g("TestSoundVAE"))
        return g, g("SurrogatePick", study=ask, images=sounds, picks=chosen), sounds

    g, pick, sounds = graph()
    came = g.keep(sounds)
    first = page_of(g.run(), pick)
    assert [cell["sound"] for cell in first["cells"]] == [True, True]
    with urllib.request.urlopen(f"{comfy.server.url}/surrogate/explorer/{first['cells'][1]['key']}?sound") as answer:
        assert answer.headers["Content-Type"] == "audio/mpeg"
    g, pick, _ = graph(picks(first, 1))
    liked, seen = g.keep(pick[6]), g.keep(pick[2])
    assert page_of(g.run(), pick)["number"] == 2
    assert torch.equal(liked.tensor, came.tensor[1:])
    assert seen.tensor.shape[0] == 1  # its waveform


def test_as_many_sounds_as_points(comfy):
    search = Search(comfy)
    g, pick = search.graph()
    g.prompt[pick.number]["inputs"]["images"] = [
        g("TestSounds", sounds='[[[3, 1, 999], 44100, "noise"]]').number,
        0,
    ]
    with pytest.raises(ExecutionFailed, match="images: expected the 4 sounds of this generation"):
        g.run()


class Spoilt(Search):
    """Its model makes a picture of NaN in the second place of each batch."""

    def spoilt(self, g, model):
        path = self.comfy.server.base / "output" / f"{self.name}.json"
        path.write_text(json.dumps({"nan": [1]}))
        return g("TestNaNModel", model=model, name=self.name)


def test_an_unusable_picture_is_not_shown(comfy):
    search = Spoilt(comfy)
    first = search.run()
    assert len(first["cells"]) == 3
    assert search.scores == ["running", "failed", "running", "running"]
    assert search.run() == first
    search.run(picks(first, 1))
    assert search.scores[:4] == [0, "failed", 1, 0]
    other = Spoilt(comfy)
    other.run(likes="2, 4")  # a text of another node counts all images that it has seen
    assert other.scores == [0, "failed", 0, 1]


def test_waiting_for_an_answer_over_http(comfy):
    search = Search(comfy)
    prompt = search.queue()
    page = search.waiting()
    assert (page["prompt"], page["number"], len(page["cells"]), page["workflow"]) == (prompt, 1, 4, "")
    assert 590 < page["seconds"] <= 600
    # What fits no open page changes nothing.
    assert answered(comfy, reply(page, 1) | {"of": "another"})[0] == 409
    assert answered(comfy, reply(page, 1) | {"prompt": "another"})[0] == 409
    assert answered(comfy, reply(page, 4)) == (400, {"error": "Picture 5 was picked, but there are 4 pictures."})
    assert answered(comfy, reply(page, 1, do="love"))[0] == 400
    status, said = answered(comfy, reply(page, 1, 3, do="ranking"))
    assert (status, Picks.parse(said["picks"]).cells) == (200, (1, 3))
    comfy.client.wait(prompt)
    assert search.scores == [0, 1, 0, 0.5]
    assert answered(comfy, reply(page, 2))[0] == 409  # too late
    assert search.scores == [0, 1, 0, 0.5]


def test_of_two_clients_the_first_counts_and_the_other_sees_it(comfy):
    search, seen, answers = Search(comfy), [], []
    g, pick = search.graph(when=WAIT)

    def listen(kind: str, data) -> None:
        if kind.startswith("surrogate.pick."):
            seen.append((kind, data))
        if kind == "surrogate.pick.shown":
            answers.extend(answered(comfy, reply(data, cell)) for cell in (2, 0))

    workflow = {"id": "a workflow", "nodes": []}
    entry = comfy.client.run(g.prompt, workflow, on_event=listen, timeout=120)
    (one, said), (two, _) = answers
    assert (one, two) == (200, 409)
    assert Picks.parse(said["picks"]).cells == (2,)
    (_, page), (done, how) = seen
    assert done == "surrogate.pick.done"
    assert how == {name: page[name] for name in ("node", "prompt", "workflow", "generation")} | {"picks": said["picks"]}
    assert page["workflow"] == "a workflow"
    assert page_of(entry, pick)["picks"] == said["picks"]
    assert search.scores == [0, 0, 1, 0]


@pytest.mark.parametrize(
    ("then", "scores"), [("skip", ["skipped"] * 4), ("stop", ["running"] * 4), ("take the first", [1, 0, 0, 0])]
)
def test_nobody_answers_in_time(comfy, then, scores):
    search = Search(comfy)
    prompt = search.queue(minutes=0.01, if_nobody_answers=then)
    if then == "stop":
        with pytest.raises(ExecutionInterrupted):
            comfy.client.wait(prompt)
    else:
        comfy.client.wait(prompt)
    assert search.scores == scores
    assert comfy.client.get("/surrogate/pick") == {"pages": []}
    search.run()
    assert search.rendered == (4 if then == "stop" else 8)


def test_cancel_loses_nothing(comfy):
    search = Search(comfy)
    prompt = search.queue()
    page = search.waiting()
    comfy.client.interrupt()
    with pytest.raises(ExecutionInterrupted):
        comfy.client.wait(prompt)
    assert answered(comfy, reply(page, 1))[0] == 409
    assert search.scores == ["running"] * 4
    again = search.run()
    assert again["generation"] == page["generation"]
    assert again["cells"] == page["cells"]
    assert search.rendered == 4


def test_without_a_browser_it_does_not_wait(comfy):
    search, log = Search(comfy), Log(comfy)
    began = time.monotonic()
    comfy.client.wait(search.queue(minutes=60))
    assert time.monotonic() - began < 60
    assert log.wait_for("no browser is connected that could answer")
    assert search.scores == ["skipped"] * 4


def test_answers_that_are_refused(comfy):
    good = {"node": "1", "prompt": "x", "of": "y", "cells": []}
    assert answered(comfy, good)[0] == 409
    assert answered(comfy, good, Origin="http://example.com")[0] == 403  # by ComfyUI itself
    assert answered(comfy, good, kind="text/plain")[0] == 415
    assert answered(comfy, good | {"cells": [1] * 9000})[0] == 413
    for body in (b"{", b"[]", b"\xff", b"[" * 9000, {}, good | {"node": 1}, good | {"of": None}, good | {"prompt": []}):
        assert answered(comfy, body)[0] == 400, body
