"""Several visitors' code is parsed at once."""

import sys
from concurrent.futures import ThreadPoolExecutor

from models.syntax import parse


def test_threads_that_parse_at_once_do_not_disturb_each_other():
    deep = "x = " + "(" * 40 + "1 + 2" + " + 3)" * 40
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            trees = list(pool.map(parse, [deep] * 400))
    finally:
        sys.setswitchinterval(before)
    assert len({len(tree.body) for tree in trees}) == 1
