"""What a search shows, keeps and says: cards, reports, files, known scores, and that it notices another graph."""

import csv
import io
import json

import numpy as np
import pytest
from PIL import Image

from dev.client import ExecutionFailed
from surrogate import points, space_from_recipe
from surrogate.pictures.album import Album
from surrogate.search import Study

from .graph import Graph, Log, output
from .test_search import history, loop, names, saved, search, storage, study, wait_finished


def opened(comfy, file: dict) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(comfy.client.view(file))).convert("RGB"))


def cards(entry: dict) -> list[dict]:
    return [i for node in entry["outputs"].values() for i in node.get("images", []) if i["type"] == "temp"]


def album(comfy, name: str) -> Album:
    identity = Study.load(storage(comfy), name).identity
    return Album(comfy.server.base / "user" / "surrogate_pictures" / identity, identity)


def test_tell_shows_a_card_and_keeps_small_pictures(comfy):
    name = next(names)
    graph, _ = loop(comfy, name)
    (file,) = cards(graph.run())
    card = opened(comfy, file)
    assert card.shape[1] > 900 and card.std() > 20
    kept = album(comfy, name)
    assert [kept.small(i) is not None for i in range(5)] == [True] * 4 + [False]
    best = Study.load(storage(comfy), name).best
    whole = kept.whole(best.number)[0]
    small = np.asarray(Image.fromarray(whole).convert("RGB"), int)
    assert np.abs(small - kept.small(best.number)).mean() < 6  # JPEG
    assert whole.shape == (64, 64, 3)


def test_search_shows_its_card_while_it_runs_and_at_the_end(comfy):
    name = next(names)
    graph, _ = search(comfy, name, score_seeds=True)
    previews = []
    entry = comfy.client.run(
        graph.prompt, on_event=lambda kind, data: previews.append(data) if kind == "preview" else None
    )
    sizes = {Image.open(io.BytesIO(preview)).size[0] for preview in previews}
    assert max(sizes) > 900  # a card, among the pictures
    assert len(cards(entry)) == 1


def test_the_seeds_are_scored_first_once_and_beyond_the_budget(comfy):
    name = next(names)
    search(comfy, name, score_seeds=True, budget=8)[0].run()
    rows = history(comfy, name)
    assert rows.known.tolist() == [True] * 3 + [False] * 8
    space = space_from_recipe(Study.load(storage(comfy), name).definition.space)
    assert np.array_equal(rows.u[:3], points.vertices(space).u)
    assert np.isfinite(rows.scores).all() and rows.labels[:3] == ("seed 12", "seed 99", "seed 1024")
    assert Study.load(storage(comfy), name).report().evaluated == 8
    assert all(album(comfy, name).small(i) is not None for i in range(11))
    search(comfy, name, score_seeds=True, budget=12)[0].run()
    assert history(comfy, name).known.sum() == 3


def report(g: Graph, study, **settings):
    return g("SurrogateStudyReport", study=study, **settings)


def test_different_gives_the_best_and_others_that_differ_and_their_pictures(comfy):
    name = next(names)
    g, node = search(comfy, name, budget=12)
    node_inputs = g.prompt[node.number]["inputs"]
    node_inputs |= {"n_best": 2, "different": True}
    shown, noise = g.keep(node[2]), g("SurrogateNoise", space=node[7], points=node[3], latent=g.latent(1, 16, 16, 16))
    sheets = [g.keep(report(g, node[6], filename_prefix="", n_best=2, different=different)[3]) for different in (1, 0)]
    found = g.keep(noise[0], latent=noise[1])
    g.run()
    study = Study.load(storage(comfy), name)
    wanted, alike = study.n_best(2, different=True), study.n_best(2)
    assert [b.number for b in wanted] != [b.number for b in alike]
    space = space_from_recipe(study.definition.space)
    expected = space.latents(np.array([b.u for b in wanted]), (16, 16, 16))
    np.testing.assert_allclose(found.tensor.numpy(), expected.numpy(), atol=1e-5)
    for best, image in zip(wanted, 255 * shown.tensor.numpy(), strict=True):
        assert np.abs(image - album(comfy, name).small(best.number)).mean() < 6  # JPEG
    assert not np.array_equal(*(sheet.tensor.numpy() for sheet in sheets))


def test_a_report_shows_the_search_and_writes_files_that_rebuild_the_best(comfy):
    name = next(names)
    g, node = search(comfy, name, score_seeds=True, budget=8)
    prefix = f"report {abs(hash(name))}"
    page = report(g, node[6], filename_prefix=f"surrogate/{prefix}", n_best=3)
    kept = [g.keep(page[i]) for i in range(6)]
    points_kept = g("SurrogateNoise", space=g.space("12, 99, 1024"), points=page[6], latent=g.latent(1, 16, 16, 16))
    best = g.keep(node[1])
    noise = g.keep(points_kept[0], latent=points_kept[1])
    g.run()
    whole, course, where, sheet, generations, best_whole = (k.tensor[0].numpy() for k in kept)
    assert course.shape == (420, 960, 3) and where.shape[1] > 600
    assert whole.shape[0] > course.shape[0] + where.shape[0] + sheet.shape[0]
    assert min(sheet.std(), generations.std()) > 0.05
    assert noise.tensor.shape == (3, 16, 16, 16)
    assert np.array_equal(best_whole, best.tensor[0].numpy())

    folder = output(comfy) / "surrogate"
    (table,), (tree,) = folder.glob(f"{prefix}*.csv"), folder.glob(f"{prefix}*.json")
    rows = list(csv.DictReader(io.StringIO(table.read_text("utf-8"))))
    told = json.loads(tree.read_text("utf-8"))
    assert len(rows) == len(told["points"]) == 11
    line = max((row for row in rows if row["score"]), key=lambda row: float(row["score"]))

    # One line of the table is enough.
    again = Graph(comfy)
    model, vae, conditioning, latent = again.demo()
    space = again.space(", ".join(json.loads(line["space"])["seeds"]))
    point = again("SurrogatePoint", space=space, coordinates=f"{line['u1']} {line['u2']}")
    made = again("SurrogateNoise", space=space, points=point, latent=latent)
    image = again.keep(again.decoded(again.custom(model, conditioning, made[0], made[1], steps=1), vae))
    again.run()
    # The search rendered it in a batch, this is one alone: float rounding, then 8 bit.
    assert float((image.tensor - best.tensor).abs().max()) <= 2.01 / 255


def test_a_report_of_nothing_says_what_to_do(comfy):
    g = Graph(comfy)
    latent = g.demo()[3]
    report(g, study(g, latent, next(names)))
    with pytest.raises(ExecutionFailed, match=r"has no scores yet: 0 of 12 images.* Run Surrogate Search"):
        g.run()


@pytest.mark.parametrize("prefix", ["../../outside", "/tmp/outside"])
def test_a_report_writes_nothing_outside_the_output_folder(comfy, prefix):
    name = next(names)
    g, node = search(comfy, name, budget=4)
    report(g, node[6], filename_prefix=prefix)
    with pytest.raises(ExecutionFailed, match="outside"):
        g.run()


def test_behind_until_finished_the_report_runs_once(comfy):
    name = next(names)
    g, tell = loop(comfy, name, until_finished=True)
    page = report(g, tell[0], filename_prefix="")
    g("SaveImage", images=page[0], filename_prefix=f"once/{abs(hash(name))}")
    assert saved(g.run()) == []
    wait_finished(comfy, name)
    while any(comfy.client.get("/queue").values()):
        pass
    assert len(list((output(comfy) / "once").glob(f"{abs(hash(name))}_*"))) == 1


def test_a_report_without_pictures_still_has_its_plots(comfy):
    """Tell without images: no sheets, and what follows them does not break."""
    name = next(names)
    g = Graph(comfy)
    latent = g.demo()[3]
    ask = g("SurrogateAsk", study=study(g, latent, name))
    tell = g("SurrogateTell", study=ask, scores=g("TestNumbers", numbers="[0.1, 0.4, 0.2, 0.3]"))
    page = report(g, tell[0], filename_prefix="")
    course, sheet = g.keep(page[1]), g.keep(page[3])
    g.run()
    assert course.tensor.shape == (1, 420, 960, 3)
    assert sheet.tensor.shape == (1, 1, 1, 3)


def test_known_scores_start_the_search_and_do_not_count(comfy):
    name = next(names)
    g = Graph(comfy)
    model, vae, conditioning, latent = g.demo()
    space = g.space("12, 99, 1024")
    liked = g("SurrogateWeights", space=space, weights="8 2 2\n2 8 2\n1 0 0")
    noise = g("SurrogateNoise", space=space, points=liked, latent=latent)
    images = g.decoded(g.custom(model, conditioning, noise[0], noise[1], steps=1), vae)
    scores = g("TestNumbers", numbers="[0.1, 0.2, 0.3]")
    opened = g(
        "SurrogateStudy", space=space, latent=latent, name=name, budget=4, population=4, optimiser="between the seeds"
    )
    known = g("SurrogateKnownScores", study=opened, points=liked, scores=scores, images=images)
    ask = g("SurrogateAsk", study=known)
    g("SurrogateTell", study=ask, scores=g("TestNumbers", numbers="[0.1, 0.4, 0.2, 0.3]"))
    g.run()
    rows = history(comfy, name)
    assert rows.known.tolist() == [True] * 3 + [False] * 4
    assert Study.load(storage(comfy), name).report().evaluated == 4
    assert all(album(comfy, name).small(i) is not None for i in range(3))
    # The search began at the best blend: the best of all is a seed, which is no place to start from.
    distances = np.abs(rows.u[3:].mean(axis=0) - rows.u[:3]).mean(axis=1)
    assert distances.argmin() == 1


def test_one_known_score_for_many_points_is_an_error(comfy):
    g = Graph(comfy)
    latent = g.demo()[3]
    space = g.space("12, 99, 1024")
    opened = g("SurrogateStudy", space=space, latent=latent, name=next(names))
    known = g("SurrogateKnownScores", study=opened, points=g.vertices(space, 3), scores=g("PrimitiveFloat", value=1.0))
    g("SurrogateTell", study=g("SurrogateAsk", study=known), scores=g("TestNumbers", numbers="[0, 0, 0, 0]"))
    with pytest.raises(ExecutionFailed, match="one number for 3"):
        g.run()


def test_another_graph_under_the_same_study_is_noticed(comfy):
    name = next(names)
    loop(comfy, name, budget=12)[0].run()
    log = Log(comfy)
    loop(comfy, name, budget=16)[0].run()  # the budget does not change what scores mean
    assert "has changed since" not in log.text()
    loop(comfy, name, budget=16, statistic="brightness")[0].run()
    assert log.wait_for("has changed since this study was last run")
    log = Log(comfy)
    search(comfy, name, budget=20)[0].run()
    assert log.wait_for("has changed since")


def test_a_study_that_was_deleted_begins_anew(comfy):
    name = next(names)
    loop(comfy, name)[0].run()
    Study.load(storage(comfy), name).delete()
    loop(comfy, name)[0].run()
    assert len(history(comfy, name)) == 4
    loop(comfy, name)[0].run()
    assert len(history(comfy, name)) == 8


def test_a_picture_to_find_is_the_one_that_was_described(comfy):
    g = Graph(comfy)
    made = {
        "night": g.keep(g("SurrogateDemoPicture", time="night", place="sea", number=4)),
        "again": g.keep(g("SurrogateDemoPicture", time="night", place="sea", number=4, size=128)),
        "other": g.keep(g("SurrogateDemoPicture", time="night", place="sea", number=5)),
        "day": g.keep(g("SurrogateDemoPicture", time="day", place="desert", number=4)),
        "large": g.keep(g("SurrogateDemoPicture", time="any", place="any", number=4, size=256)),
    }
    g.run()
    pictures = {name: kept.tensor for name, kept in made.items()}
    assert pictures["night"].shape == (1, 128, 128, 3) and pictures["large"].shape == (1, 256, 256, 3)
    assert (pictures["night"] == pictures["again"]).all() and (pictures["night"] != pictures["other"]).any()
    assert pictures["night"].mean() + 0.2 < pictures["day"].mean()
    assert 0 <= pictures["day"].min() and pictures["day"].max() <= 1
