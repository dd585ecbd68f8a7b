"""What an operator stores is read strictly, encrypted before it leaves the process, and opened with its key alone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from actions.engine.fleet import CannotPlan, Environment
from actions.engine.plan import Probe
from bot.checking.configs import configs
from bot.config import Settings
from bot.configs import BadKey, Vault, edits_of, fresh_key, keys_of
from bot.configs.written import NotWritten, read, template
from bot.store import Store
from tests.store.conftest import MakeStore

ENVIRONMENT = Environment("production", ("app1",), "app1", (Probe("https://x.example/"),))
MARKER = "Tr0ub4dor-and-3"
AT = datetime(2026, 11, 23, 22, 21, 51, tzinfo=UTC)


@pytest.fixture
def store(make_store: MakeStore) -> Store:
    return make_store()


def test_what_is_written_is_read() -> None:
    written = read("# mail\nMAIL_HOST=mail.example.com # new\nexport A='x # y'\nB=\"two\nlines\"\n  unset OLD_KEY \n")
    assert dict(written.sets) == {"MAIL_HOST": "mail.example.com", "A": "'x # y'", "B": '"two\nlines"'}
    assert written.unset == ("OLD_KEY",)
    assert written.keys == ("A", "B", "MAIL_HOST", "OLD_KEY")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"A={MARKER}\nA={MARKER}\n", "line 2: A is there twice."),
        (f"\nA=two {MARKER}\n", "line 2: A: a value with spaces has to stand in quotes."),
        (f"A='{MARKER}\n", "line 1: A: a quotation is not closed, or something stands behind it."),
        (f"A={MARKER}\nunset A\n", "A is set and unset; write one of them."),
        (f"A=1\n{MARKER}\n", "line 2 is neither NAME=value, `unset NAME` nor a comment."),
        ("# nothing\n", "It changes nothing: write NAME=value, or `unset NAME`, one a line."),
    ],
)
def test_what_cannot_be_read_is_said_by_line_and_never_by_value(text: str, said: str) -> None:
    with pytest.raises(NotWritten) as faults:
        read(text)
    assert said in faults.value.faults
    assert MARKER not in str(faults.value)


def test_an_editor_is_shown_names_and_no_change() -> None:
    text = template("production", {"app1": ("A", "B"), "app2": ("A",)})
    assert "#A=\n" in text and "#B=    (only on app1)\n" in text
    with pytest.raises(NotWritten):
        read(text)
    assert read(text.replace("#A=", "A=1")).sets == {"A": "1"}


async def test_nothing_but_ciphertext_is_in_the_store(store: Store) -> None:
    vault = Vault(store, keys_of(fresh_key()))
    stored = await vault.put("production", "ops", edits_of({"DB_PASSWORD": MARKER}, ["OLD"]), AT)
    for key in await store.link.ask("KEYS", "*"):
        if "config" in key and ":cfg-" in key:
            sealed = await store.link.ask("GET", key)
            assert MARKER not in sealed and "DB_PASSWORD" not in sealed
            assert await store.link.ask("TTL", key) > 0
    assert MARKER not in repr(stored)
    assert await vault.revision("production") == stored == await vault.open(stored.id)
    assert stored.keys == ("DB_PASSWORD", "OLD") and json.loads(stored.edits)["set"] == {"DB_PASSWORD": MARKER}
    assert edits_of({"A": "1"}, []) != edits_of({"A": "1"}, []), "no sha256 tells that two values are one"


async def test_the_newest_is_meant_where_none_is_named_and_each_belongs_to_its_environment(store: Store) -> None:
    vault = Vault(store, keys_of(fresh_key()))
    with pytest.raises(CannotPlan, match="No change of the configuration of production is stored"):
        await vault.revision("production")
    first = await vault.put("production", "ops", edits_of({"A": "1"}, []), AT)
    second = await vault.put("production", "ops", edits_of({"A": "2"}, []), AT.replace(minute=30))
    assert (await vault.revision("production")).id == second.id
    assert (await vault.revision("production", first.id)).id == first.id
    with pytest.raises(CannotPlan, match="was stored for production, not for staging"):
        await vault.revision("staging", first.id)
    await store.drop_config("production", second.id)
    assert (await vault.revision("production")).id == first.id


async def test_a_key_is_replaced_without_losing_anything(store: Store) -> None:
    old, new = fresh_key(), fresh_key()
    stored = await Vault(store, keys_of(old)).put("production", "ops", edits_of({"A": MARKER}, []), AT)
    with pytest.raises(CannotPlan, match="another CHOM_CONFIG_KEY") as refused:
        await Vault(store, keys_of(new)).open(stored.id)
    assert MARKER not in str(refused.value)
    both = Vault(store, keys_of(f"{new},{old}"))
    assert await both.open(stored.id) == stored
    assert await both.renew("production") == 1
    assert await Vault(store, keys_of(new)).open(stored.id) == stored


async def test_one_cannot_be_put_in_the_place_of_another(store: Store) -> None:
    vault = Vault(store, keys_of(fresh_key()))
    one = await vault.put("production", "ops", edits_of({"A": "1"}, []), AT)
    other = await vault.put("production", "ops", edits_of({"A": "2"}, []), AT)
    sealed = await store.config(other.id)
    assert sealed is not None
    await store.put_config("production", one.id, AT.timestamp(), sealed)
    with pytest.raises(CannotPlan, match="is another one; it is not used"):
        await vault.open(one.id)


async def test_without_a_key_nothing_is_stored_and_a_bad_one_is_not_repeated(store: Store) -> None:
    with pytest.raises(CannotPlan, match="CHOM_CONFIG_KEY is not set"):
        await Vault(store, keys_of("")).put("production", "ops", edits_of({"A": "1"}, []), AT)
    with pytest.raises(BadKey) as bad:
        keys_of(MARKER)
    assert MARKER not in str(bad.value)


async def test_a_key_that_is_missing_or_wrong_is_said_by_check_with_what_to_do(store: Store) -> None:
    bare = Settings({"production": ENVIRONMENT}, "production", {}, {}, "/srv", None, redis_url=store.link.url)
    old, other = fresh_key(), fresh_key()
    (note,) = (await configs(bare)).notes
    assert note.startswith("CHOM_CONFIG_KEY is not set") and "`chom-bot config key` makes one" in note
    (bad,) = (await configs(replace(bare, config_key="hunter2"))).faults
    assert bad.endswith("chom-bot serve does not start with it.") and "hunter2" not in bad
    assert (await configs(replace(bare, redis_url="", config_key=old), ask=False)).faults == ()

    stored = await Vault(store, keys_of(old)).put("production", "ops", edits_of({"DB_PASSWORD": MARKER}, []), AT)
    lost, wrong = await configs(bare), await configs(replace(bare, config_key=other))
    assert f"1 change of the environment file is stored with one ({stored.id})" in lost.faults[0] and not lost.notes
    assert f"{stored.id} was stored with another CHOM_CONFIG_KEY" in wrong.faults[0]
    assert wrong.faults[0].endswith(f"Or forget it: `chom-bot config drop {stored.id}`.")
    well = await configs(replace(bare, config_key=f"{other},{old}"))
    assert (well.faults, well.notes) == ((), ()) and "1 change" in well.well
