"""chom-bot pack --advisories: what composer and npm print is read whole, listed, and known to the bot."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from actions.engine.artifacts import artifacts
from actions.engine.artifacts.packing.audits import Unreadable, audit_of
from actions.engine.contents.advisories import Advisory, Audit
from tests.adapters.packing import chom_bot, packed, pipeline, steps_of
from tests.adapters.trees import COMMIT, tree

PSR7 = Advisory("guzzlehttp/psr7", "CVE-2023-29197", "high")
FRAMEWORK = Advisory("laravel/framework", "PKSA-365x-2zjk-pt47", "unknown")
VUE, BRACES = Advisory("vue", "GHSA-5j4c-8p2g-v4jx", "low"), Advisory("braces", "npm:1098094", "high")


def of_composer(package: str, id_: str, cve: str | None = None, **more: str) -> dict[str, Any]:
    told = {"advisoryId": id_, "packageName": package, "affectedVersions": "<1.9.1|>=2.0,<2.4.5", "cve": cve}
    return told | {"title": "Improper header parsing", "reportedAt": "2023-04-17T16:00:00+00:00", "sources": []} | more


COMPOSER = {
    "advisories": {
        "guzzlehttp/psr7": [of_composer("guzzlehttp/psr7", "PKSA-1", "CVE-2023-29197", severity="high")],
        "laravel/framework": {"1": of_composer("laravel/framework", "PKSA-365x-2zjk-pt47")},
    },
    "abandoned": {"swiftmailer/swiftmailer": "symfony/mailer"},
}
NPM = {
    "auditReportVersion": 2,
    "vulnerabilities": {
        "vue": {
            "name": "vue",
            "severity": "low",
            "via": [
                {
                    "source": 1_100_238,
                    "name": "vue",
                    "url": "https://github.com/advisories/GHSA-5j4c-8p2g-v4jx",
                    "severity": "low",
                    "range": ">=2.0.0 <3.0.0",
                }
            ],
            "nodes": ["node_modules/vue"],
        },
        "micromatch": {"name": "micromatch", "severity": "high", "via": ["braces"], "nodes": []},
        "braces": {"severity": "high", "via": [{"source": 1_098_094, "name": "braces", "severity": "High"}]},
    },
    "metadata": {"vulnerabilities": {"total": 3}},
}
NONE: tuple[dict[str, Any], dict[str, Any]] = (
    {"advisories": [], "abandoned": []},
    {"auditReportVersion": 2, "vulnerabilities": {}, "metadata": {}},
)


def written(at: Path, *said: Any) -> list[Path]:
    files = [at / f"{number}.json" for number in range(len(said))]
    at.mkdir(exist_ok=True)
    for file, one in zip(files, said, strict=True):
        file.write_text(one if isinstance(one, str) else json.dumps(one))
    return files


def test_what_both_print_is_read_and_what_the_version_before_had_is_fixed(tmp_path: Path) -> None:
    both = written(tmp_path / "both", COMPOSER, NPM)
    assert audit_of(both, ()) == Audit((BRACES, PSR7, FRAMEWORK, VUE))
    now = written(tmp_path / "now", {"advisories": {"vue": []}, "ignored-advisories": COMPOSER["advisories"]}, NONE[1])
    assert audit_of(now, both) == Audit((PSR7, FRAMEWORK), (BRACES, VUE)), "what composer.json ignores is there still"
    assert audit_of(written(tmp_path / "none", *NONE), both) == Audit((), (BRACES, PSR7, FRAMEWORK, VUE))
    assert audit_of((), ()) is None, "that nobody looked is not that nothing was found"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", "is no JSON; it has to be what `composer audit --format=json` or `npm audit --json` (npm 7 or newer)"),
        ("Found 2 security vulnerability advisories", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ([], "is something else; it has to be what `composer"),
        ({"auditReportVersion": 1, "vulnerabilities": {}}, "is something else; it has to be what `composer"),
        ({"advisories": {"755": {"module_name": "handlebars"}}}, "is something else; it has to be what `composer"),
        ({"advisories": {"acme/pay": 3}}, "is something else; it has to be what `composer"),
        (
            {"auditReportVersion": 2, "vulnerabilities": {"vue": {"via": "x"}}},
            "is something else; it has to be what `composer",
        ),
        (
            {"error": {"code": "ENOLOCK", "summary": "This command requires a lock."}},
            "holds npm's error: This command requ",
        ),
        ({"advisories": [], "unreachable-repositories": ["https://repo.acme"]}, "could not reach https://repo.acme."),
        ({"advisories": {"acme/pay": [of_composer("acme/pay", "a b")]}}, "names an advisory whose id is 'a b'"),
        ({"advisories": {"<!here>": [of_composer("x", "PKSA-1")]}}, "names an advisory whose package is '<!here>'"),
    ],
)
def test_what_is_no_audit_is_a_sentence(tmp_path: Path, said: Any, why: str) -> None:
    good, bad = written(tmp_path / "audits", NONE[0], said)
    for now, before in (([good, bad], []), ([good], [bad])):
        with pytest.raises(Unreadable) as unreadable:
            audit_of(now, before)
        (fault,) = unreadable.value.faults
        assert fault.startswith(f"{bad} ") and why in fault and fault.endswith(".")


def test_every_file_that_is_of_no_use_is_named_and_nothing_is_packed(tmp_path: Path) -> None:
    (bad,) = written(tmp_path / "audits", "?")
    words = (tree(tmp_path / "app"), "--version", "v1.2", "--commit", COMMIT, "--out", tmp_path / "out")
    gone = tmp_path / "gone.json"
    process = chom_bot(*words, "--advisories", bad, "--advisories-before", gone)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1 and not (tmp_path / "out").exists()
    assert f"{bad} is no JSON; " in said and f"{gone} cannot be read: No such file or directory.\n" in said
    assert said.endswith("Nothing was packed.\n")
    with pytest.raises(Unreadable, match="say --advisories for this one too"):
        audit_of((), written(tmp_path / "before", NONE[0]))


async def test_the_manifest_and_the_list_name_them_and_the_bot_knows_them(tmp_path: Path) -> None:
    app, out, audit = tree(tmp_path / "app"), tmp_path / "out", Audit((PSR7,), (VUE,))
    first = packed(app, out)
    kept = artifacts(str(out), tmp_path / "cache")
    assert (await kept.contents(first.entry.sha256)).audit is None
    again = packed(app, out, audit=audit)
    assert again.fresh and again.entry.sha256 == first.entry.sha256, "the same bytes, audited anew"
    assert not packed(app, out).fresh, "what is known is not forgotten"
    told = {"package": "guzzlehttp/psr7", "id": "CVE-2023-29197", "severity": "high"}
    for file in ("chom-v1.2.json", "index.json"):
        said = json.loads((out / file).read_text())
        assert said.get("releases", [said])[0]["audit"]["found"] == [told]
    await kept.resolve("v1.2")
    assert (await kept.contents(first.entry.sha256)).audit == audit


def test_the_example_of_a_pipeline_audits_this_version_and_the_tag_before(tmp_path: Path) -> None:
    """Its own lines, with a composer and an npm that print what the real ones do, and end as they do."""
    steps = steps_of(pipeline())
    app, tools = tree(tmp_path / "app", **{"package.json": "{}\n"}), tmp_path / "tools"
    now, before = ({"advisories": {"vue": []}}, NONE[1]), (COMPOSER, NPM)
    for name, pair in zip(("composer", "npm"), zip(now, before, strict=True), strict=True):
        for tag, said in zip(("v1.2", "v1.1"), pair, strict=True):
            (tmp_path / f"{name}-{tag}").write_text(json.dumps(said))
        tool = tools / name
        tools.mkdir(exist_ok=True)
        tool.write_text(f'#!/bin/sh\necho noise >&2\ncat "{tmp_path}/{name}-$(cat composer.json)"\nexit 1\n')
        tool.chmod(0o755)
    env = os.environ | {"VERSION": "v1.2", "GITHUB_SHA": COMMIT, "RUNNER_TEMP": str(tmp_path / "temp")}
    env["PATH"] = f"{tools}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    (tmp_path / "temp").mkdir()
    git = ["git", "-C", str(app), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    for tag in ("v1.1", "v1.2"):
        (app / "composer.json").write_text(tag)
        for words in (("add", "-Af"), ("commit", "-qm", tag), ("tag", tag)):
            subprocess.run([*git, *words], check=True)
    for step in ("Known faults of packages, in this version and in the tag before", "Pack"):
        subprocess.run(["bash", "-euc", steps[step]], cwd=app, env=env, check=True, capture_output=True)
    said = json.loads((app / "dist/chom-v1.2.json").read_text())["audit"]
    assert said["found"] == []
    assert [one["package"] for one in said["fixed"]] == ["braces", "guzzlehttp/psr7", "laravel/framework", "vue"]
