"""A session: its JSON is read as it was written, and what is wrong with one is named."""

import json

import pytest

from surrogate.explore import ACTS, Page, Session


def session():
    liked = Session((Page(count=4),)).like(2, 0)
    return liked.then("more", 6, turn=80).like(5).then("near", 3, at=5).then("finish")


def test_a_session_is_read_as_it_was_written():
    assert Session.parse(session().text()) == session()
    assert Session.parse(Session().text()) == Session()


def test_an_empty_text_is_a_first_page():
    assert Session.parse(" ", 12) == Session((Page(count=12),), 0)


def test_what_a_person_would_write_by_hand_is_enough():
    text = '{"pages": [{"n": 9, "likes": [1, 4]}, {"do": "more", "n": 9}]}'
    assert Session.parse(text) == Session((Page(likes=(1, 4)), Page("more", 0, liked=(1, 4))), 1)


def test_the_text_is_small_and_holds_integers_alone():
    text = session().text()
    assert len(text) < 200
    assert "." not in text


def test_what_was_liked_on_the_way_in_the_order_of_the_clicks():
    assert session().liked() == [(0, 2), (0, 0), (1, 5)]
    assert session().liked(0) == [(0, 2), (0, 0)]


def test_going_back_makes_a_branch_and_loses_nothing():
    back = Session(session().pages, 0).like(3).then("more")
    assert back.pages[1:4] == session().pages[1:]
    assert back.chain(4) == [0, 4]
    assert back.liked() == [(0, 3)]
    assert back.chain(3) == [0, 1, 2, 3]


def test_a_picture_that_stays_on_the_next_pages_counts_once():
    made = Session().like(2).then("more").like(0).then("more").like(0, 3).then("near", at=0).like(0).then("finish")
    assert made.liked() == [(2, 3), (0, 2)]
    assert made.pages[-1].count == 2
    assert made.like(1).liked() == [(2, 3), (0, 2)]


def test_what_is_liked_later_changes_no_page_that_is_there():
    made = session()
    later = Session(made.pages, 0).like(1)
    assert [later.led_to(i) for i in range(4)] == [made.led_to(i) for i in range(4)]
    assert later.liked() == [(0, 1)]
    again = Session.parse(later.text())
    assert again == later
    assert again.led_to(3) == made.led_to(3)


def test_a_page_of_one_picture_shows_a_new_one_not_what_was_liked_last():
    assert Session().like(2).then("more", 1).like(0).liked() == [(0, 2), (1, 0)]


def test_every_branch_of_a_long_session_is_read_as_it_was_written():
    """No number of a page is taken for the one that is left out."""
    made = Session()
    for _ in range(20):
        made = made.then("more")
    for page in range(20):
        branch = Session(made.pages, page).like(1).then("mix")
        assert Session.parse(branch.text()) == branch


def test_finish_has_as_many_pictures_as_were_liked():
    assert session().pages[-1].count == 3


def test_nothing_liked_is_nothing_to_finish():
    with pytest.raises(ValueError, match="like a picture first"):
        Session().then("finish")


def first(**entry):
    return json.dumps({"pages": [entry]})


def second(**entry):
    return json.dumps({"pages": [{"n": 4}, entry]})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "session is not JSON"),
        ("[" * 100_000, "session is not JSON"),
        ("[]", "session must be JSON of the form"),
        ('{"pages": []}', "session must be JSON of the form"),
        ('{"pages": {}}', "session must be JSON of the form"),
        ('{"v": 2, "pages": [{}]}', "version 2"),
        (json.dumps({"pages": [{}] * 1001}), "1001 pages"),
        (json.dumps({"pages": [{}], "page": 1}), "session's page must be a whole number from 0 to 0, got 1"),
        ('{"pages": [3]}', "page 0 of the session is '3', expected an object"),
        (first(n=0), "n on page 0 of the session must be a whole number from 1 to 16, got 0"),
        (first(n=17), "from 1 to 16, got 17"),
        (first(n=True), "from 1 to 16, got True"),
        (first(n=2.5), "from 1 to 16, got 2.5"),
        (first(n=9, likes=[9]), "likes on page 0 of the session must be a whole number from 0 to 8, got 9"),
        (first(n=9, likes=[-1]), "from 0 to 8, got -1"),
        (first(n=9, likes="1"), "must be a list of numbers"),
        (first(do="more"), "needs a page before it"),
        (first(of=0), "of on page 0 of the session"),
        (second(do="sell"), "do on page 1 of the session must be one of new, more"),
        (second(do=["more"]), "do on page 1"),
        (second(do="finish"), "nothing was liked before it"),
        (second(of=1), "of on page 1 of the session must be a whole number from -1 to 0, got 1"),
        (second(do="near", at=4), "at on page 1 of the session must be a whole number from 0 to 3, got 4"),
        (second(liked=[4]), "liked on page 1 of the session must be a whole number from 0 to 3, got 4"),
        (second(turn=101), "turn on page 1 of the session must be a whole number from 0 to 100, got 101"),
        (json.dumps({"pages": [{"n": 9, "x": "y" * 2_000_000}]}), "longest that is read"),
    ],
)
def test_what_is_wrong_is_named(text, said):
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        Session.parse(text)


def test_every_act_can_be_written_and_read():
    for act in ACTS:
        made = Session().like(0).then(act)
        assert Session.parse(made.text()) == made
