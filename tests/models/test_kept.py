"""A class asks the same thing at the same time: it is computed once, at once or step by step."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import pytest
from cachetools.func import lru_cache as once

from models.kept import Kept


def test_many_who_ask_at_once_share_one_answer():
    calls = []

    @once(4)
    def slow(n):
        calls.append(n)
        time.sleep(0.05)
        return [n]

    found = []
    threads = [threading.Thread(target=lambda n=n: found.append(slow(n % 2))) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(calls) == [0, 1]
    assert len(found) == 12
    assert slow(0) is slow(0)


def test_an_answer_larger_than_all_that_is_kept_is_given_all_the_same():
    kept = Kept(3, len)
    assert kept.put("small", "abc") == "abc"
    assert kept.put("large", "abcd") == "abcd"
    assert (kept.get("small"), kept.get("large")) == ("abc", None)


def test_the_latest_are_kept():
    calls = []

    @once(2)
    def double(n):
        calls.append(n)
        return 2 * n

    assert [double(n) for n in (1, 2, 1, 3, 1, 2)] == [2, 4, 2, 6, 2, 4]
    assert calls == [1, 2, 3, 2]
    double.cache_clear()
    assert (double(1), calls[-1]) == (2, 1)


def test_an_error_reaches_who_asked_and_is_not_kept():
    fails = [True]

    @once(2)
    def half(n):
        if fails.pop() if fails else False:
            raise ValueError("no")
        return n / 2

    with pytest.raises(ValueError, match="no"):
        half(4)
    assert half(4) == 2


def test_steps_are_made_once_for_all_who_follow_them():
    kept, made = Kept(4), []

    def steps(question):
        for n in range(1, 6):
            made.append((question, n))
            time.sleep(0.01)
            yield n

    with ThreadPoolExecutor(12) as hall:
        seen = list(hall.map(lambda n: list(kept.follow(n % 2, lambda: steps(n % 2))), range(12)))
    assert sorted(made) == [(question, n) for question in (0, 1) for n in range(1, 6)]
    # Nobody sees a step twice or one before the last that was seen; each sees the answer.
    assert all(one == sorted(set(one)) and one[-1] == 5 for one in seen)
    assert kept.get(0) == kept.get(1) == 5
    assert list(kept.follow(0, lambda: pytest.fail("made again"))) == [5]


def test_who_leaves_takes_nothing_from_who_stays():
    kept = Kept(4)
    leaves, stays = (kept.follow("", lambda: iter((1, 2, 3))) for _ in range(2))
    assert [*islice(leaves, 2)] == [1, 2]
    assert next(stays) == 2
    leaves.close()
    assert [*stays] == [3]
    # Who comes when all have left begins anew.
    alone = kept.follow("other", lambda: iter((1, 2)))
    next(alone)
    alone.close()
    assert kept.get("other") is None
    assert [*kept.follow("other", lambda: iter((7, 8)))] == [7, 8]


def test_a_step_that_fails_fails_for_all_and_is_not_kept():
    kept = Kept(4)

    def fails():
        yield 1
        raise ValueError("no")

    first, second = (kept.follow("", fails) for _ in range(2))
    assert next(first) == next(second) == 1
    for one in (first, second):
        with pytest.raises(ValueError, match="no"):
            next(one)
    assert [*kept.follow("", lambda: iter((2,)))] == [2]
