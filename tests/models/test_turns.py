"""Who waits for whom, and that nobody waits for ever."""

import threading

from models.turns import Turns, Waiting


def my_turn(turns: Turns):
    """Somebody whose turn has come."""
    mine = turns.wait(0.01)
    assert [one.ahead for one in (next(mine),)] == [0]
    return mine


def test_each_waits_for_those_who_came_before():
    turns = Turns()
    first, second, third = my_turn(turns), turns.wait(0.01), turns.wait(0.01)
    assert (next(second), next(third)) == (Waiting(1), Waiting(2))
    first.close()
    assert (next(second), next(third)) == (Waiting(0), Waiting(1))
    second.close()
    assert next(third) == Waiting(0)


def test_who_gives_up_waiting_holds_nobody_up():
    turns = Turns()
    first, second, third = my_turn(turns), turns.wait(0.01), turns.wait(0.01)
    assert (next(second), next(third)) == (Waiting(1), Waiting(2))
    second.close()
    assert next(third) == Waiting(1)
    first.close()
    assert next(third) == Waiting(0)


def test_a_turn_that_ends_wakes_who_waits_in_another_thread():
    turns, came = Turns(), []
    first = my_turn(turns)

    def wait():
        for one in turns.wait(30):
            came.append(one.ahead)
            if not one.ahead:
                break

    other = threading.Thread(target=wait)
    other.start()
    first.close()
    other.join(20)
    assert came[-1] == 0


def test_so_many_at_a_time():
    turns = Turns(places=2)
    first, second, third = my_turn(turns), my_turn(turns), turns.wait(0.01)
    assert next(third) == Waiting(1)
    second.close()
    assert next(third) == Waiting(0)
    first.close()


def test_who_takes_long_leaves_the_place_to_the_next():
    turns = Turns(longest=0.05)
    slow, entered = my_turn(turns), []

    def enter(name):
        with turns.turn():
            entered.append(name)

    for name in ("one", "two"):
        enter(name)
    slow.close()
    with turns.turn():
        entered.append("three")
    assert entered == ["one", "two", "three"]


def test_a_turn_that_ends_by_an_exception_is_given_back():
    turns = Turns()
    try:
        with turns.turn():
            raise KeyError
    except KeyError:
        my_turn(turns)
