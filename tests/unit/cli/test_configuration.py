"""Configurations in files: what `export` writes is what `plan` reads, in TOML and in JSON."""

from __future__ import annotations

import io
import json
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kit.configs import configs
from tests.kit.fakedaemon import FakeDaemon
from tests.unit.cli.conftest import Vswitch
from vswitch import toml
from vswitch.cli import settings_page
from vswitch.reconcile import plan, settle
from vswitch.schema import Bridge, Config, Port

CONFIG = Config((Bridge("br0", dpid=1, ports=(Port("eth1", number=1, tag=10),)), Bridge("br1")))


@given(configs())
def test_toml_says_what_json_says(config: Config) -> None:
    document = tomllib.loads("\n".join(toml.lines(config.to_json())))
    assert Config.from_json(document) == config


@given(configs(open=False))
def test_what_is_exported_is_what_there_is(config: Config) -> None:
    document = tomllib.loads("\n".join(toml.lines(config.to_json())))
    assert plan(settle(Config.from_json(document), config, {}), config, {}) == []


@given(st.dictionaries(st.text(), st.text() | st.booleans() | st.integers(-(2**63), 2**63 - 1)))
def test_any_text_and_key_comes_back_as_it_was(document: dict[str, object]) -> None:
    assert tomllib.loads("\n".join(toml.lines({"a": [{"b": [document]}]}))) == {
        "a": [{"b": [document]}]
    }


@pytest.mark.parametrize("form", [(), ("-o", "json"), ("-o", "toml")])
def test_what_export_prints_is_planned_as_it_was_stored(
    vswitch: Vswitch, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch, form: tuple[str, ...]
) -> None:
    daemon.answers["export"] = CONFIG.to_json()
    exported = vswitch("export", *form)
    assert (exported.code, exported.err) == (0, "")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(exported.out.encode())))
    assert vswitch("plan", "-f", "-").code == 0
    assert daemon.calls[-1] == ("plan", {"desired": CONFIG})


def test_export_looks_as_a_person_would_write_it(vswitch: Vswitch, daemon: FakeDaemon) -> None:
    daemon.answers["export"] = Config(CONFIG.bridges[:1]).to_json()
    assert vswitch("export", "br0").out == (
        "# bridge br0 alone: `apply` would remove all others\n"
        "\n"
        "[[bridges]]\n"
        'name = "br0"\n'
        'dpid = "0000000000000001"\n'
        'fail_mode = "secure"\n'
        'protocols = ["OpenFlow13"]\n'
        "mac_age = 300\n"
        "mac_limit = 8192\n"
        "flood_rate = 1000\n"
        "\n"
        "[[bridges.ports]]\n"
        'name = "eth1"\n'
        "number = 1\n"
        'kind = "auto"\n'
        'vlan_mode = "auto"\n'
        "tag = 10\n"
    )


def test_no_other_command_prints_toml(vswitch: Vswitch, daemon: FakeDaemon) -> None:
    for words in (("port", "ls"), ("ps",)):
        ended = vswitch(*words, "-o", "toml")
        assert (ended.code, ended.out, daemon.calls) == (2, "", [])
        assert "option -o toml: only export prints it; use table, wide, name, json or" in ended.err


def test_a_host_without_bridges_exports_that_there_are_none(
    vswitch: Vswitch, daemon: FakeDaemon, tmp_path: Path
) -> None:
    exported = vswitch("export")
    assert exported.out == "bridges = []\n"
    (tmp_path / "none").write_text(exported.out)
    assert vswitch("plan", "-f", str(tmp_path / "none")).code == 0
    assert json.loads(vswitch("export", "-o", "json").out) == {"bridges": []}


PAGE = Path(__file__).parents[3] / "vswitch/CONFIGURATION.md"


def test_the_page_about_the_file_is_as_the_schema_says() -> None:
    said = "run `python -m vswitch.cli.settings_page > vswitch/CONFIGURATION.md`"
    assert PAGE.read_text() == settings_page.page(), said


def test_the_page_s_example_is_a_configuration() -> None:
    example = settings_page.page().split("```toml\n")[1].split("```")[0]
    assert Config.from_json(tomllib.loads(example)).bridges[0].ports[1].netns == "/run/netns/c1"
