"""Each way to fail has an exit code of its own, told in docs/operations.md, in both languages."""

import re

import pytest
from click.testing import CliRunner

from config.cli import failures, language
from config.cli.home import PROJECT
from config.cli.main import cli

KINDS = failures.Failure.__subclasses__()


@pytest.fixture(autouse=True)
def _chinese_again():
    yield
    language.speak("zh")


def test_exit_codes_differ():
    codes = [kind.exit_code for kind in KINDS]

    assert len(set(codes)) == len(codes)
    assert not {0, 1, 2} & set(codes)


def test_the_operations_page_lists_every_exit_code():
    page = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}

    assert listed == {kind.exit_code for kind in KINDS} | {1, 2, 130}


@pytest.mark.parametrize(("lang", "says"), [("zh", "错误：端口"), ("en", "Error: Port")])
def test_a_failure_is_told_in_the_chosen_language(capsys, lang, says):
    language.speak(lang)

    failures.PortTaken("端口 1 已被占用", "Port 1 is taken").show()

    assert says in capsys.readouterr().err


def test_a_failure_from_another_process_keeps_its_kind():
    assert type(failures.failure_of(13, "满", "full")) is failures.DiskFull
    assert type(failures.failure_of(99, "怪", "odd")) is failures.Failure


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_status_of_an_empty_home_says_so_and_exits_with_its_code(tmp_path, lang):
    said = CliRunner().invoke(cli, ["--home", str(tmp_path / "none"), "--lang", lang, "status"])

    assert said.exit_code == failures.NotRunning.exit_code
    assert ("not running" if lang == "en" else "没有在运行") in said.output


def test_down_of_an_empty_home_is_no_error(tmp_path):
    said = CliRunner().invoke(cli, ["--home", str(tmp_path / "none"), "down"])

    assert said.exit_code == 0
    assert not (tmp_path / "none").exists()
