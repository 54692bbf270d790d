"""The page counts what is liked as the library does: both follow pictures that pages take over from earlier ones."""

import random

from surrogate.explore import ACTS, Session

COUNTED = """async texts => {
    const { countOf, liked, parse } = await import('/extensions/ComfyUI-Surrogate/explorer/session.js');
    return texts.map(parse).map(session => [countOf(session, 9), liked(session)]);
}"""


def some_session(chance: random.Random) -> Session:
    session = Session()
    for _ in range(chance.randrange(1, 12)):
        count = session.pages[session.shown].count
        session = session.like(*chance.sample(range(count), chance.randrange(min(count, 3) + 1)))
        acts = [act for act in ACTS if act != "finish" or session.liked()]
        session = session.then(chance.choice(acts), chance.randrange(1, 10), at=chance.randrange(count))
        if chance.random() < 0.3:
            session = Session(session.pages, chance.randrange(len(session.pages)))
    return session


def test_the_page_and_the_library_agree(page):
    chance = random.Random(7)
    sessions = [some_session(chance) for _ in range(300)]
    assert {p.act for session in sessions for p in session.pages} == set(ACTS)
    counted = page.evaluate(COUNTED, [session.text() for session in sessions])
    for session, (count, liked) in zip(sessions, counted, strict=True):
        assert count == session.pages[session.shown].count
        assert liked == [f"{number}:{cell}" for number, cell in session.liked()]
