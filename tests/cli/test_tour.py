"""How the demo's tour prints requests and answers."""

import json
import socket

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from config.cli.failures import NoAnswer, StepFailed
from config.cli.hospital_client import Answer
from config.cli.tour import WIDTH, Tour, in_lines, shortened, taken

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


@given(values)
def test_lines_are_the_same_json(value):
    assert json.loads("\n".join(in_lines(value))) == value


def test_what_fits_stays_on_one_line():
    inner = {"system": "urn:oid:2.16.156.10011.1.5", "value": "x" * 40}
    lines = list(in_lines({"first": inner, "second": inner}))

    assert len(lines) == 4
    assert all(len(line) <= WIDTH for line in lines)


def test_long_lists_and_texts_are_cut():
    assert shortened({"a": [1, 2, 3, 4, 5], "b": "x" * 100}) == {
        "a": [1, 2, 3, "… +2"],
        "b": "x" * 70 + "…",
    }


def test_commands_can_be_pasted(capsys):
    tour = Tour({"HUB": "http://127.0.0.1:1"})
    tour.say(tour._typed(["curl", "http://127.0.0.1:1/a?b=c", "-d", '{"x": "y z"}']))

    assert capsys.readouterr().out == """$ curl "$HUB/a?b=c" -d '{"x": "y z"}'\n"""


@pytest.mark.parametrize("answer", [Answer(500, {}), Answer(200, "text"), Answer(404, None)])
def test_a_station_that_fails_ends_the_tour(answer):
    with pytest.raises(StepFailed):
        taken(answer)


def test_a_node_that_is_gone_ends_the_tour_in_words():
    with socket.create_server(("127.0.0.1", 0)) as taken_by_nobody:
        url = f"http://127.0.0.1:{taken_by_nobody.getsockname()[1]}"

    with pytest.raises(NoAnswer, match=url):
        Tour({}).get(url)


def test_answers_are_shown_with_their_status():
    runner = CliRunner()
    with runner.isolation() as (out, *_):
        Tour({}).show(Answer(200, {"a": "b"}))
        Tour({}).show(Answer(200, "第一行\n第二行"))
        text = out.getvalue().decode()

    assert text == '← HTTP 200\n  {"a": "b"}\n← HTTP 200\n  第一行\n  第二行\n'
