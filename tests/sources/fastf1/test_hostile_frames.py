"""Whatever stands in a cell of FastF1's frames: it is read as ours or refused; nothing of pandas gets out."""

from __future__ import annotations

import copy
import json
from datetime import datetime, timedelta
from enum import Enum

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from f1graph.races.calendar import SessionKind
from f1graph.races.results import ClassificationKind, Status
from f1graph.sources.fastf1.child import _plain
from f1graph.sources.fastf1.reading import read_session
from tests.sources.fastf1.hand_made import KNOWN, NOW, RACE, an_answer, results
from tests.sources.fastf1.test_recorded_sessions import leaves

OURS = (str, int, float, bool, datetime, timedelta)
CELLS = st.one_of(
    st.sampled_from(
        [
            pd.NaT,
            pd.NA,
            None,
            float("nan"),
            float("inf"),
            np.float64("nan"),
            np.float32(3.5),
            np.int64(3),
            np.bool_(True),
            pd.Timestamp("2030-06-02 13:00"),
            pd.Timestamp("2030-06-02 13:00", tz="America/Los_Angeles"),
            pd.Timedelta("1min 30s"),
            pd.Timedelta("-1 days"),
            datetime(2030, 6, 2, 13),  # noqa: DTZ001 - as FastF1 gives them
            "nan",
            "NaT",
            "",
            -1,
            10**30,
        ]
    ),
    st.integers(-5, 60),
    st.floats(),
    st.text(max_size=8),
)


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_no_naive_time_and_nothing_of_pandas_leaves_a_frame(data: st.DataObject) -> None:
    """S11: frames hold naive times, NaT, NaN and numpy's scalars."""
    answer = an_answer()
    frames = copy.deepcopy(answer.body["frames"])
    columns = frames[data.draw(st.sampled_from(sorted(frames)))]
    cells = columns[data.draw(st.sampled_from(sorted(columns)))]
    # As the child writes it: what JSON cannot hold would end it.
    cell = json.loads(json.dumps(_plain(data.draw(CELLS)), allow_nan=False))
    cells[data.draw(st.integers(0, len(cells) - 1))] = cell

    read = read_session(an_answer(**frames), RACE, SessionKind.RACE, known=KNOWN, now=NOW)

    for leaf in leaves(read.facts):
        assert leaf is None or isinstance(leaf, Enum) or type(leaf) in OURS, leaf
        assert leaf == leaf, "NaN is unequal to itself"
        assert not isinstance(leaf, datetime) or leaf.utcoffset() == timedelta(0)


@pytest.mark.parametrize(("published", "reason"), [("Engine", "Engine"), ("Retired", None)])
def test_a_car_that_stopped_without_a_published_cause_is_a_retirement_of_unknown_cause(
    published: str, reason: str | None
) -> None:
    """S12: from 2025 every one of them is only "Retired"."""
    statuses = [*results()["Status"][:-1], published]

    read = read_session(
        an_answer(results=results(Status=statuses)), RACE, SessionKind.RACE, known=KNOWN, now=NOW
    )

    (race,) = [one for one in read.facts.classifications if one.kind is ClassificationKind.RACE]
    stopped = race.rows[-1]
    assert (stopped.status, stopped.retired, stopped.reason_retired) == (Status.DID_NOT_FINISH, True, reason)
