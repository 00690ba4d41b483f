"""What the stage is sent of a stack."""

import json
from itertools import chain

import pytest

from models.stack import read_stack
from models.stack.field import analyse
from tests.pages.test_transposed import rows_of
from viz.scenes.stack import scene

UNET = "c3p1-m2-c3p1-t2s2u3-c3p1"


@pytest.mark.parametrize("text", ["c5p2-c5p2-c5p2-c5p2", "c3p1s2-t3s2-c3", "c3p1-c3-c3p1r3c", UNET])
def test_its_windows_come_whole_and_in_few_bytes(text):
    field = analyse(read_stack(text, 2, 30, 16))
    drawn = scene(field, len(field.rows), field.middle())
    assert len(json.dumps(drawn)) < 40_000
    for link, reads in zip(drawn["links"], chain(*field.windows), strict=True):
        position, src, _ = rows_of(link | {"tap": []})
        assert (position.tolist(), src.tolist()) == (reads.rows.tolist(), reads.cols.tolist())
