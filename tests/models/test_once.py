"""A class asks the same thing at the same time: it is computed once, by the decorator that keeps it."""

import threading
import time

import pytest
from cachetools.func import lru_cache as once


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
