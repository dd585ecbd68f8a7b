"""The versions of the lab's application, the good, the broken and the slow, and what each migration leaves behind."""

from __future__ import annotations

from tests.lab.laravel import APP, Build, migration
from tests.lab.site import DB_PASSWORD

SUBTITLE = "2026_02_01_000000_add_subtitle"
SUMMARY = "2026_03_01_000000_add_summary"
DOOMED = "2026_03_02_000000_add_doomed"
SLOW = "2026_04_01_000000_add_slow"
CUT = "2026_05_01_000000_add_cut"
RESTARTED = "2026_06_01_000000_add_restarted"
AWAY = "2026_07_01_000000_add_away"
POWER = "2026_08_01_000000_add_power"
LEAK = f"the server refused chom with the password {DB_PASSWORD}"
"""What a careless driver says when it fails: none of it may be logged, posted or stored with the password."""


def _slow(version: str, seconds: int) -> str:
    """A migration's first half: leaves a note, so that it can be counted how often it began, and takes its time."""
    note = f"\\Illuminate\\Support\\Facades\\DB::table('notes')->insert(['text' => 'migrated by {version}']);"
    return f'{note} echo "{version} is migrating\\n"; for ($i = 0; $i < {seconds * 10}; $i++) {{ usleep(100000); }}'


def _file(name: str, text: str) -> dict[str, str]:
    return {f"database/migrations/{name}.php": text}


_V11 = _file(SUBTITLE, migration("subtitle"))
_V13 = _V11 | _file(SUMMARY, migration("summary"))
_V14 = _V13 | _file(SLOW, migration("slow", _slow("v1.4", 6)))
_V15 = _V14 | _file(CUT, migration("cut", _slow("v1.5", 12)))
_V16 = _V15 | _file(RESTARTED, migration("restarted", _slow("v1.6", 4)))


def _slow_to_copy(seconds: int) -> dict[str, str]:
    """Its caches take their time: each command that builds one reads the configuration, once or twice."""
    wait = f"if (PHP_SAPI === 'cli') {{ for ($i = 0; $i < {seconds * 10}; $i++) {{ usleep(100000); }} }}"
    return {"config/slow.php": f"<?php\n{wait}\nreturn [];\n"}


_V21 = _V13 | _file(AWAY, migration("away", _slow("v2.1", 5)))
_V23 = _V21 | _file(POWER, migration("power", _slow("v2.3", 5)))

_PAGES = (APP / "app/Http/Pages.php").read_text()
_ILL_ON_APP2 = {"app/Http/Pages.php": _PAGES.replace("is_file(base_path('broken'))", "PHP_VERSION_ID >= 80400")}


def _slow_in_maintenance(seconds: int) -> dict[str, str]:
    """Its health check takes its time while users are told to come back, and only then."""
    begins = "public function health()\n    {\n"
    slow = f"for ($i = is_file(storage_path('framework/down')) ? {seconds * 10} : 0; $i; $i--) {{ usleep(100000); }}"
    assert begins in _PAGES
    return {"app/Http/Pages.php": _PAGES.replace(begins, f"{begins}        {slow}\n")}


BUILDS = [
    Build("v1.0"),
    Build("v1.1", _V11),
    Build("v1.2", _V11 | {"broken": "yes\n"}),
    Build("v1.3", _V13 | _file(DOOMED, migration("doomed", f'throw new \\RuntimeException("{LEAK}");'))),
    Build("v1.4", _V14),
    Build("v1.5", _V15),
    Build("v1.6", _V16),
    Build("v1.7", _V16 | {"public/robots.txt": "User-agent: *\n"}),
    Build("v1.8", _V16),
    Build("v2.0", _V13),
    Build("v2.1", _V21),
    Build("v2.2", _V21 | _slow_to_copy(3)),
    Build("v2.3", _V23),
    Build("v2.4", _V23 | _slow_to_copy(3)),
    Build("v2.5", _V23 | _slow_to_copy(3)),
    Build("v3.0", _V23),
    Build("v3.1", _V23),
    Build("v6.0", _V23),
    Build("v6.1", _V23 | _slow_in_maintenance(8)),
    Build("v6.2", _V23 | _ILL_ON_APP2),
    Build("v6.3", _V23 | _slow_in_maintenance(8)),
]
