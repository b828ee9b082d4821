"""`player.config` and its reader: the example, mistakes that name file, key and remedy, and the environment."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from player.cms import KINDS, SERVERS
from player.cms.adcast.keys import Keys
from player.config import Config, ConfigFile, Section, TriggerConfig, TriggerSourceConfig
from player.config_kinds import Kinds
from player.config_reader import find_file, is_private, load
from player.dirs import resolve_dirs
from player.errors import ConfigError
from player.sizes import parse_size

EXAMPLE = Path(__file__).parent.parent / "config.example.toml"


def write(folder: Path, text: str) -> str:
    path = folder / "config.toml"
    path.write_text(text)
    return str(path)


def keys() -> set[str]:
    """Every key of every table, those of the kinds of servers among them."""
    tables = {table.name: table.type for table in msgspec.structs.fields(ConfigFile)} | KINDS.tables()
    tables["trigger"] = TriggerConfig
    return {f"{name}.{key.name}" for name, table in tables.items() for key in msgspec.structs.fields(table)}


def test_the_example_loads_and_is_the_defaults() -> None:
    assert load(str(EXAMPLE), KINDS, {}) == Config()


def test_the_example_shows_every_key_with_a_word_about_it() -> None:
    shown, table = set(), ""
    for line in EXAMPLE.read_text().splitlines():
        if header := re.match(r"(?:# )?\[+(\w+)\]", line):
            table = header[1]
        elif entry := re.match(r"(?:# )?(\w+) = (.+?)  +# (\w|\"|http).+", line.replace('"#', '"')):
            shown.add(f"{table}.{entry[1]}")
        elif line.startswith("# size = "):
            assert "#" in line[2:]
            shown.add(f"{table}.size")
    assert shown == keys()


def test_the_readme_names_every_key() -> None:
    _, _, table = (EXAMPLE.parent / "README.md").read_text().partition("\n| key | default | |\n")
    rows = [line.split(" | ")[0] for line in table.partition("\n\n")[0].splitlines()[1:]]
    assert {name for row in rows for name in re.findall(r"`([\w.]+)`", row)} == keys()


def test_every_line_of_the_example_that_is_commented_out_is_valid_too(tmp_path: Path) -> None:
    text = re.sub(r"^# (\w+ = |\[\[)", r"\1", EXAMPLE.read_text(), flags=re.MULTILINE)
    assert load(write(tmp_path, text), KINDS, {}).stage.size == "1920x1080"
    assert [one.name for one in load(write(tmp_path, text), KINDS, {}).triggers] == ["coffee"]
    assert tomllib.loads(text)


@pytest.mark.parametrize(
    ("text", "key", "problem"),
    [
        ("[cms]\nurll = 'x'", "cms.urll", "there is no such key; did you mean cms.url?"),
        ("[stages]\n", "stages", "there is no such key; did you mean stage?"),
        ("[cms]\nqqqqqq = 1", "cms.qqqqqq", "there is no such key"),
        ("[stage]\nbackend = 'x11'", "stage.backend", 'expected "auto", "sway", "headless", "single" or "none", found "x11"'),
        (
            "[stage]\nbackend = 'swai'",
            "stage.backend",
            'expected "auto", "sway", "headless", "single" or "none", found "swai"; did you mean "sway"?',
        ),
        ("[cms]\nheartbeat_interval = 0", "cms.heartbeat_interval", "expected `float` > 0.0"),
        ("[cms]\nheartbeat_interval = 'often'", "cms.heartbeat_interval", "expected `float`, got `str`"),
        ("[stage]\nsize = '1920'", "stage.size", "expected `str` matching regex"),
        ("[storage]\ncache_limit = '8 gigs'", "storage.cache_limit", 'expected a size such as "512MiB", found "8 gigs"'),
        ("[control]\nlisten = '8770'", "control.listen", 'expected HOST:PORT, found "8770"'),
        (
            "[time]\ncountry = 'Austria'",
            "time.country",
            'expected two letters such as "AT", or with a part of the country "DE-BY", found "Austria"',
        ),
        ("[time]\nzone = 'Middle/Earth'", "time.zone", 'expected an IANA name such as "Europe/Berlin", found "Middle/Earth"'),
        ("[cms]\nurl = 'cms.example.com'", "cms.url", 'expected an address such as "https://cms.example.com"'),
        ("[cms]\nurl = 'http://cms.example.com'", "cms.url", "plain http is allowed for loopback and private addresses only"),
        ("[trigger]\nname = 'x'", "trigger", "each trigger is a table of its own, below [[trigger]]"),
        (
            "[[trigger]]\nname = 'x'\nshow = 'file:a.png'\nbrnd = ['y']",
            "trigger[0].brnd",
            "there is no such key; did you mean trigger[0].brand?",
        ),
        ("[[trigger]]\nname = 'x'\nshow = 'a.png'", "trigger[0].show", "expected `str` matching regex"),
        (2 * "[[trigger]]\nname = 'x'\nshow = 'file:a.png'\n", "trigger[0].name", 'two triggers are called "x"'),
        ("[spotwatch]\nurl = 'https://api.example'", "spotwatch.key", "Spotwatch cannot be asked without it"),
        (
            "[spotwatch]\nurl = 'https://api.example'\nkey = 'k'\nreceive = 'webhook'",
            "control.public_url",
            'spotwatch.receive = "webhook" needs the address at which Spotwatch reaches this box',
        ),
        ("[spotwatch]\nurl = 'https://api.example'\nkey = 'k'\nzone = 'Mars'", "spotwatch.zone", "expected an IANA name"),
        ("[proof]\nkeep_days = 0", "proof.keep_days", "expected `int` >= 1"),
    ],
)
def test_a_mistake_names_file_key_and_what_was_expected(tmp_path: Path, text: str, key: str, problem: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as raised:
        load(path, KINDS, {})
    assert raised.value.key == key
    assert str(raised.value).startswith(f"{path}: {key}: {problem}")


class PushKeys(Section, frozen=True):
    """What a kind that needs a token may have of its own."""

    push_url: str = ""
    spread: float = 1.0


@dataclass(frozen=True)
class PushKind:
    needs: tuple[str, ...] = ("url", "token")

    def keys(self) -> type[Section]:
        return PushKeys


class RadioKeys(TriggerSourceConfig, frozen=True):
    """What a source of triggers may have that wants nothing."""

    station: str = ""


class RadioKind:
    def keys(self) -> type[TriggerSourceConfig]:
        return RadioKeys


BOTH = Kinds({"adcast": SERVERS["adcast"], "push": PushKind()}, {"radio": RadioKind(), **KINDS.trigger_sources})
PUSH = "[cms]\nkind = 'push'\nurl = 'https://cms.example.com'\ntoken = 't'\n"


@pytest.mark.parametrize(
    ("text", "key", "problem"),
    [
        ("[cms]\nkind = 'adcats'", "cms.kind", 'this version does not speak "adcats"; did you mean "adcast"?'),
        ("[cms]\nkind = 'zzz'", "cms.kind", 'this version does not speak "zzz"; it speaks "adcast", "push"'),
        ("[cms]\nkind = 'push'\ntoken = 't'", "cms.url", 'a server of the kind "push" cannot be without it'),
        ("[cms]\nkind = 'push'\nurl = 'https://x.example'", "cms.token", 'a server of the kind "push" cannot be without it'),
        (PUSH + "[push]\npush_ur = 'x'", "push.push_ur", "there is no such key; did you mean push.push_url?"),
        (PUSH + "[push]\nspread = 'x'", "push.spread", "expected `float`, got `str`"),
        (PUSH + "[pusch]\n", "pusch", "there is no such key"),
        ("[cms]\nurl = 'https://x.example'\n[adcast]\nx = 1", "adcast.x", "there is no such key"),
        ("[server]\n", "server", "there is no such key"),
    ],
)
def test_a_mistake_about_the_server_names_file_key_and_what_is_there(tmp_path: Path, text: str, key: str, problem: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as raised:
        load(path, BOTH, {})
    assert raised.value.key == key
    assert str(raised.value).startswith(f"{path}: {key}: {problem}")


def test_the_own_table_of_the_kind_that_is_used_is_read_and_others_are_let_be(tmp_path: Path) -> None:
    path = write(tmp_path, PUSH + "[push]\npush_url = 'wss://x'\n[adcast]\nwhatever = 1")
    assert load(path, BOTH, {}).server == PushKeys(push_url="wss://x")
    assert load(path, BOTH, {"SIGNAGE__PUSH__SPREAD": "2.5"}).server == PushKeys(push_url="wss://x", spread=2.5)
    with pytest.raises(ConfigError, match=r"variable SIGNAGE__PUSH__SPREAD: push\.spread: expected `float`"):
        load(path, BOTH, {"SIGNAGE__PUSH__SPREAD": "wide"})


def test_a_token_may_be_in_a_file_and_without_a_url_there_is_no_server(tmp_path: Path) -> None:
    push = PUSH.replace("token = 't'", "token_file = '/x'")
    assert load(write(tmp_path, push), BOTH, {}).server == PushKeys()
    assert load(write(tmp_path, "[adcast]\nx = 1"), BOTH, {}).server is None
    assert load(write(tmp_path, "[cms]\nurl = 'https://x.example'"), BOTH, {}).server == Keys()


def test_the_source_of_triggers_that_has_an_address_is_used_and_of_two_none(tmp_path: Path) -> None:
    radio = "[radio]\nurl = 'https://radio.example'\nstation = 'one'\n"
    found = load(write(tmp_path, "[spotwatch]\nzone = 'UTC'\n" + radio), BOTH, {})
    assert (found.trigger_kind, found.trigger_source) == ("radio", RadioKeys(url="https://radio.example", station="one"))
    none = load(write(tmp_path, "[radio]\nstation = 'one'"), BOTH, {})
    assert (none.trigger_kind, none.trigger_source) == ("", None)
    with pytest.raises(
        ConfigError, match=r"spotwatch\.url: the player listens to one source of triggers, and radio\.url names one"
    ):
        load(write(tmp_path, radio + "[spotwatch]\nurl = 'https://x.example'\nkey = 'k'"), BOTH, {})
    with pytest.raises(ConfigError, match=r"radio\.url: plain http is allowed for loopback"):
        load(write(tmp_path, "[radio]\nurl = 'http://radio.example'"), BOTH, {})
    with pytest.raises(ConfigError, match=r"radio\.statoin: there is no such key; did you mean radio\.station\?"):
        load(write(tmp_path, "[radio]\nstatoin = 'one'"), BOTH, {})


def test_what_is_not_toml_or_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"config\.toml: is not TOML: "):
        load(write(tmp_path, "[cms"), KINDS, {})
    with pytest.raises(ConfigError, match=r"absent\.toml: cannot be read: No such file"):
        load(str(tmp_path / "absent.toml"), KINDS, {})


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [
        ("SIGNAGE__CMS__URL", "http://10.0.0.5:8000", "http://10.0.0.5:8000"),
        ("SIGNAGE__CMS__HEARTBEAT_INTERVAL", "5", 5.0),
        ("SIGNAGE__CMS__ALLOW_PLAIN_HTTP", "yes", True),
        ("SIGNAGE__PROOF__KEEP_DAYS", "7", 7),
        ("SIGNAGE__STAGE__YOUTUBE_HOSTS", "a.example, b.example", ("a.example", "b.example")),
        ("SIGNAGE__STAGE__SIZE", "640x480", "640x480"),
    ],
)
def test_the_environment_goes_before_the_file(tmp_path: Path, variable: str, text: str, value: Any) -> None:
    path = write(tmp_path, "[cms]\nurl = 'https://cms.example.com'\n[proof]\nkeep_days = 30")
    config = load(path, KINDS, {variable: text})
    _, table, key = variable.lower().split("__")
    assert getattr(getattr(config, table), key) == value


def test_a_mistake_in_the_environment_names_the_variable() -> None:
    with pytest.raises(ConfigError, match=r"the environment variable SIGNAGE__CMS__HEARTBEAT_INTERVAL: cms\.heartbeat_interval: "):
        load(None, KINDS, {"SIGNAGE__CMS__HEARTBEAT_INTERVAL": "often", "HOME": "/nonexistent"})
    with pytest.raises(ConfigError, match=r"SIGNAGE__CMS__URLL: cms\.urll: there is no such key; did you mean cms\.url\?"):
        load(None, KINDS, {"SIGNAGE__CMS__URLL": "x", "HOME": "/nonexistent"})


def test_the_file_is_found_in_order(tmp_path: Path) -> None:
    user = tmp_path / ".config" / "signage-player" / "config.toml"
    user.parent.mkdir(parents=True)
    user.write_text("")
    home = {"HOME": str(tmp_path)}
    assert find_file("/given.toml", home | {"SIGNAGE_CONFIG": "/env.toml"}) == Path("/given.toml")
    assert find_file(None, home | {"SIGNAGE_CONFIG": "/env.toml"}) == Path("/env.toml")
    assert find_file(None, home) in (user, Path("/etc/signage-player/config.toml"))


def test_folders_are_as_configured(tmp_path: Path) -> None:
    text = f"[storage]\nstate_dir = '{tmp_path}/state'\nruntime_dir = '{tmp_path}/run'\n"
    dirs = resolve_dirs(load(write(tmp_path, text), KINDS, {}), {})
    assert dirs.cache == tmp_path / "state" / "cache"
    assert dirs.stage_runtime == dirs.runtime == tmp_path / "run"
    assert dirs.control_socket == tmp_path / "run" / "control.sock"


def test_a_secret_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("abc\n")
    config = load(write(tmp_path, f"[cms]\nlicense_key = 'no'\nlicense_key_file = '{tmp_path}/key'\ntoken = 't'"), KINDS, {})
    assert config.cms.secret("license_key") == "abc"
    assert config.cms.secret("token") == "t"
    absent = load(write(tmp_path, "[cms]\ntoken_file = '/nonexistent/token'"), KINDS, {})
    with pytest.raises(ConfigError, match=r"/nonexistent/token: cms\.token_file: cannot be read"):
        absent.cms.secret("token")


def test_sizes_and_private_addresses() -> None:
    assert (parse_size("1000"), parse_size("1.5KiB"), parse_size("2 MB")) == (1000, 1536, 2_000_000)
    assert [is_private(host) for host in ("localhost", "127.0.0.1", "::1", "192.168.1.2")] == [True] * 4
    assert not any(is_private(host) for host in ("example.com", "8.8.8.8", "localhost.example.com"))
