"""chom.toml: every fault at once, each with its line, before anything starts."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.engine.analysis import Limits
from actions.engine.located_toml import TomlFault, parse
from bot.config import BrokenConfig, Settings, load
from bot.config.servers import CanarySettings
from bot.hosts.targets import targets
from policies.change import Account, Role
from policies.rules import SHIPPED
from policies.rules import load as load_rules

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUkdvTNn3ixt8VNtsTCqEOpXEkt+jbCQDmnT4mRWvhk"
ENV = {
    "CHOM_REDIS_URL": "redis://:pw@127.0.0.1/0",
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_APP_TOKEN": "xapp-1",
    "SLACK_SIGNING_SECRET": "s",
}
GOOD = f"""
[bot]
listen = "127.0.0.1:8080"
[slack]
team = "T1"
channel = "C1"
[artifacts]
source = "/srv/artifacts"
[environments.production]
hosts = ["app1", "app2"]
migrate_on = "app2"
probes = [{{url = "https://chom.example/health", contains = "{{version}}"}}]
[environments.staging]
hosts = ["stage1"]
probes = [{{url = "https://staging.chom.example/health"}}]
[hosts.app1]
address = "10.0.0.1"
host_key = "{KEY}"
[hosts.app2]
address = "10.0.0.2"
host_key = "{KEY} root@app2"
[hosts.stage1]
address = "10.0.0.3"
host_key = "{KEY}"
port = 2222
[people.lena]
name = "Lena"
roles = ["tech-lead"]
slack = ["T1:U1", "T1:U9"]
unix = ["lena"]
"""


def read(tmp_path: Path, text: str, env: dict[str, str] = ENV) -> Settings:
    path = tmp_path / "chom.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, env)


def faults(tmp_path: Path, text: str, env: dict[str, str] = ENV) -> tuple[str, ...]:
    with pytest.raises(BrokenConfig) as broken:
        read(tmp_path, text, env)
    return broken.value.faults


def test_a_good_file_becomes_settings(tmp_path: Path) -> None:
    settings = read(tmp_path, GOOD)
    assert settings.default_environment == "production"
    assert settings.environments["production"].migrate_on == "app2"
    assert settings.environments["staging"].migrate_on == "stage1"
    assert settings.hosts["app2"].host_key == KEY
    assert settings.hosts["stage1"].port == 2222
    lena = settings.people["lena"]
    assert lena.roles == {Role.TECH_LEAD}
    assert lena.accounts == (Account("T1", "U1"), Account("T1", "U9"))


def test_the_mark_that_some_editors_begin_a_file_with_is_no_fault(tmp_path: Path) -> None:
    assert read(tmp_path, "\ufeff" + GOOD) == read(tmp_path, GOOD)
    (tmp_path / "rules.toml").write_text("\ufeff" + SHIPPED.read_text(encoding="utf-8"), encoding="utf-8")
    assert load_rules(tmp_path / "rules.toml").sha256 == load_rules().sha256


def test_braces_that_are_no_word_are_what_a_page_has(tmp_path: Path) -> None:
    text = GOOD.replace('contains = "{version}"', """contains = '{"status": {"version": "{version}"}}'""")
    assert read(tmp_path, text).environments["production"].probes[0].contains.startswith('{"status": {"')


def test_a_server_that_is_laid_out_otherwise(tmp_path: Path) -> None:
    more = 'port = 2222\ngroup = "http"\nphp = "8.4"\nlayout = { www = "/srv/www", caches = ["config:cache"] }\n'
    host = read(tmp_path, GOOD.replace("port = 2222\n", more)).hosts["stage1"]
    assert (host.group, host.php) == ("http", "8.4")
    assert host.layout == {"www": "/srv/www", "caches": ["config:cache"]}


def test_a_server_with_a_canary_pool(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD).hosts["stage1"].canary is None
    table = '\n[hosts.stage1.canary]\nprometheus = ["10.0.0.12"]\nslow = 1.5\nsite = "http://127.0.0.1:81"\n'
    host = read(tmp_path, GOOD + table).hosts["stage1"]
    assert host.canary == CanarySettings("www", (), ("10.0.0.12",), 9254, 1.5, "http://127.0.0.1:81")
    key = tmp_path / "bot.pub"
    key.write_text(KEY)
    (installed,) = targets(tmp_path / "chom.toml", ["stage1"], "root", [], key)
    assert (installed.places.canary, installed.places.site) == ("chom_canary", "http://127.0.0.1:81")


def test_what_a_canary_may_do_and_how_often_it_is_looked_at(tmp_path: Path) -> None:
    usual = read(tmp_path, GOOD).environments["staging"]
    assert (usual.canary, usual.look_every) == (Limits(), 5)
    pool = "\n[hosts.stage1.canary]\nslow = 1.5\n"
    table = "\n[environments.staging.canary]\nstage = 20\nlook_every = 2\nleast = 100\n"
    told = read(tmp_path, GOOD + pool + table).environments["staging"]
    assert (told.canary, told.look_every) == (Limits(slow=1.5, stage=20, least=100), 2)


@pytest.mark.parametrize(
    ("table", "line", "said"),
    [
        ("stage = 14", 31, "takes 3 looks, so 15 s or more"),
        ("healthy = 0.07", 31, "0 < healthy < share < 1 is needed, and they are 0.07 and 0.05."),
        ("steady = 500", 31, "1 <= steady <= evidence is needed"),
        ("hiccups = 5", 32, "environments.production.canary.hiccups has to be at most 4; it is 5."),
        ("look_every = 0", 32, "has to be at least 0.5; it is 0."),
        ("slow = 1", 32, "environments.production.canary.slow is not a setting"),
        ("[hosts.app1.canary]\n[hosts.app2.canary]\nslow = 1.0", 33, "app2 counts as slow what takes 1.0 s, and app1"),
    ],
)
def test_limits_of_a_canary_that_cannot_be_kept(tmp_path: Path, table: str, line: int, said: str) -> None:
    (fault,) = faults(tmp_path, f"{GOOD}[environments.production.canary]\n{table}\n")
    assert fault.startswith(f"chom.toml:{line}: ")
    assert said in fault


def test_secrets_are_not_in_the_settings_repr(tmp_path: Path) -> None:
    shown = repr(read(tmp_path, GOOD, {**ENV, "SLACK_BOT_TOKEN": "xoxb-hush-hush"}))
    assert "hush" not in shown
    assert ":pw@" not in shown


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ('listen = "127.0.0.1:8080"', 'listen = "here"', 3, "an address and a port"),
        ('team = "T1"', 'team = "T1"\ncolour = 1', 6, "not a setting; `chom-bot init` writes"),
        ('hosts = ["app1", "app2"]', 'hosts = ["app1", "app2", "app1"]', 10, "names the host 'app1' twice"),
        ('team = "T1"', "", 4, "team is missing in [slack]"),
        ('hosts = ["app1", "app2"]', 'hosts = ["app1", "app2", "app7"]', 10, "no [hosts.app7]"),
        ('migrate_on = "app2"', 'migrate_on = "stage1"', 11, "not one of production's hosts"),
        ('hosts = ["stage1"]', 'hosts = ["app1"]', 14, "in two environments"),
        (f'host_key = "{KEY}"\nport', 'host_key = "AAAA"\nport', 24, "ssh-keyscan"),
        ('roles = ["tech-lead"]', 'roles = ["boss"]', 28, "tech-lead"),
        ('"T1:U9"', '"lena"', 29, '"TEAM:USER"'),
        ("port = 2222", 'port = "2222"', 25, "hosts.stage1.port has to be a whole number, without quotes."),
        ("port = 2222", "port = 0", 25, "hosts.stage1.port has to be at least 1; it is 0."),
        ('channel = "C1"', 'channel = "#deploys"', 6, "the channel's id, not its name"),
        (
            'channel = "C1"',
            'channel = "C1"\nmode = "smoke"',
            7,
            "slack.mode is 'smoke'; it has to be 'socket' or 'http'.",
        ),
        ('hosts = ["stage1"]', "hosts = []", 14, "environments.staging.hosts is empty; it has to name at least one."),
        ('contains = "{version}"', 'contains = "{versio}"', 12, """and probably meant where "{versio}" stands."""),
        ('contains = "{version}"', 'contains = "{release}"', 12, """"{version}" is the only word in braces."""),
        ("/health", "/{version}", 12, """"{version}" is filled in nowhere but in contains."""),
        (
            "port = 2222",
            'layout = { linc = "shop" }',
            25,
            "hosts.stage1.layout: 'linc' is no setting; there are backups,",
        ),
        ("port = 2222", 'layout = { linc = "shop" }', 25, "www. Did you mean link?"),
        ("port = 2222", "layout.www = true", 25, "hosts.stage1.layout: www has to be an absolute path, not True."),
        ('listen = "127.0.0.1:8080"', "listen = here", 3, "listen = here: this is not TOML"),
        ('[artifacts]\nsource = "/srv/artifacts"', "", 1, "there is no [artifacts]."),
        ('address = "10.0.0.2"', 'address = "10.0.0.1"', 19, "same server as 'app1'"),
        ('source = "/srv/artifacts"', 'source = "ftp://x"', 8, "s3://"),
        ('"T1:U9"', '"T2:U9"', 29, "'T2:U9' is of another workspace than slack.team (T1)"),
        ('channel = "C1"', 'channel = "C1"\ngroups = { boss = "S1" }', 7, "'tech-lead'"),
        (
            'channel = "C1"',
            'channel = "C1"\n[slack.groups]\ntech-lead = "@leads"',
            8,
            "a user group's id, not its name",
        ),
    ],
)
def test_a_fault_is_said_with_its_line(tmp_path: Path, old: str, new: str, line: int, said: str) -> None:
    assert old in GOOD
    (fault,) = faults(tmp_path, GOOD.replace(old, new, 1))
    assert fault.startswith(f"chom.toml:{line}: ")
    assert said in fault


def test_a_role_is_tied_to_a_user_group(tmp_path: Path) -> None:
    slack = read(tmp_path, GOOD.replace('channel = "C1"', 'channel = "C1"\n[slack.groups]\ntech-lead = "S1"')).slack
    assert slack is not None and slack.groups == {Role.TECH_LEAD: "S1"}


def test_who_could_never_have_their_role_is_named_with_the_line(tmp_path: Path) -> None:
    text = GOOD.replace('channel = "C1"', 'channel = "C1"\n[slack.groups]\ntech-lead = "S1"')
    text += '[people.night]\nname = "Night"\nroles = ["on-call", "tech-lead"]\nunix = ["night"]\n'
    (fault,) = faults(tmp_path, text)
    line = text[: text.index('roles = ["on-call"')].count("\n") + 1
    assert fault.startswith(f"chom.toml:{line}: night is never a tech-lead: slack.groups wants a Slack account for it")


def test_every_fault_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    text = GOOD.replace("127.0.0.1:8080", "x").replace('"app2"]', '"app7"]').replace('["tech-lead"]', '["boss"]')
    text += '[people.twin]\nname = "Twin"\nslack = ["T1:U1"]\n'
    said = faults(tmp_path, text, {})
    lines = [int(fault.split(":")[1]) for fault in said if fault.startswith("chom.toml:")]
    assert len(lines) == 5
    assert lines == sorted(lines)
    assert sum("is not set" in fault for fault in said) == 3
    assert any("belongs to both lena and twin" in fault for fault in said)


def test_what_is_not_toml_is_said_with_its_line(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, '[bot]\nlisten = "a\n')
    assert fault.startswith("chom.toml:2: ")


def test_what_is_no_settings_file_at_all_is_said(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(GOOD.replace('"Lena"', '"L\xe9na"').encode("latin-1"))
    (tmp_path / "loop.toml").symlink_to("loop.toml")
    for path, said in (
        (tmp_path, "is a directory; name the file in it"),
        (tmp_path / "latin.toml", "latin.toml:27: this is not UTF-8"),
        (Path("/dev/null"), "/dev/null holds no settings"),
        (tmp_path / "loop.toml", "loop.toml cannot be read: "),
    ):
        with pytest.raises(BrokenConfig) as broken:
            load(path, ENV)
        assert said in broken.value.faults[0]


def test_an_address_that_is_no_redis_is_told_by_the_variables_name(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, GOOD, {**ENV, "CHOM_REDIS_URL": "localhost:6379:hush"})
    assert fault.startswith("CHOM_REDIS_URL is no address of a Redis")
    assert "hush" not in fault


def test_signed_http_needs_the_signing_secret_and_no_app_token(tmp_path: Path) -> None:
    text = GOOD.replace('channel = "C1"', 'channel = "C1"\nmode = "http"')
    assert read(tmp_path, text, {**ENV, "SLACK_APP_TOKEN": ""}).slack is not None
    (fault,) = faults(tmp_path, text, {**ENV, "SLACK_SIGNING_SECRET": ""})
    assert "SLACK_SIGNING_SECRET" in fault


WORD = st.text("abcdef", min_size=1, max_size=4)
VALUE = st.sampled_from(['"x"', "1", '"""a\n[no]\nb = 1"""', "[1,\n 2] # [ hm", "{a = 1}", "'[t]'", "'''\nq = 2\n'''"])


@given(st.dictionaries(WORD, st.dictionaries(WORD, VALUE, max_size=4), max_size=5))
def test_each_key_is_found_on_its_own_line(tables: dict[str, dict[str, str]]) -> None:
    text, expected = "", {}
    for table, values in tables.items():
        text += f"[{table}]\n"
        expected[(table,)] = text.count("\n")
        for key, value in values.items():
            expected[(table, key)] = text.count("\n") + 1
            text += f"{key} = {value}\n"
    located = parse(text)
    assert located.data == tomllib.loads(text)
    assert {path: located.line(path) for path in expected} == expected


@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        located = parse(text)
    except TomlFault as fault:
        assert fault.line >= 1
    else:
        assert all(line >= 1 for line in located.lines.values())
