"""What is kept between calls is bounded, and what was used last stays."""

import doctest
import threading

from surrogate import recent
from surrogate.recent import Recent


def test_the_one_that_was_used_longest_ago_is_forgotten():
    kept = Recent(3)
    for key in "abc":
        kept.keep(key, key.upper())
    assert kept.get("a") == "A"  # used, so b is the oldest now
    kept.keep("d", "D")
    assert kept.get("b") is None
    assert kept.values() == ["C", "A", "D"]


def test_a_new_value_replaces_the_old_one_and_counts_as_use():
    kept = Recent(2)
    kept.keep("a", 1)
    kept.keep("b", 2)
    kept.keep("a", 3)
    kept.keep("c", 4)
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == (3, None, 4)


def test_a_value_is_made_once_while_it_is_kept():
    kept, made = Recent(2), []

    def make():
        made.append(object())
        return made[-1]

    assert kept.get_or_make("a", make) is kept.get_or_make("a", make) is made[0]
    kept.forget("a")
    kept.forget("never there")
    assert kept.get_or_make("a", make) is made[1]
    kept.clear()
    assert kept.values() == []


def test_none_is_a_value():
    kept, made = Recent(2), []
    kept.keep("a", None)
    assert kept.get_or_make("a", lambda: made.append("again")) is None
    assert made == []


def test_threads_share_it():
    kept, made, start = Recent(4), [], threading.Barrier(8)

    def make():
        made.append(1)
        return "made"

    def work():
        start.wait()
        for i in range(300):
            assert kept.get_or_make(i % 3, make) == "made"
            kept.keep(("other", i % 2), "kept")
            assert len(kept.values()) <= 4

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) >= 3


def test_the_example_in_its_documentation():
    assert doctest.testmod(recent).failed == 0
