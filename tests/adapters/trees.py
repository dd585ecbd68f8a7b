"""Working trees to pack: a small application as composer and git leave it, with what belongs into no artifact."""

from __future__ import annotations

from pathlib import Path

COMMIT = "1f0c2d3e4b5a69788796a5b4c3d2e1f00f1e2d3c"
MIGRATIONS = ["2026_01_01_000000_create_notes", "2026_02_01_000000_add_colour"]
PACKED = {
    "artisan": "#!/usr/bin/env php\n<?php\n",
    "public/index.php": "<?php // served\n",
    "public/css/app.css": "body {}\n",
    "bootstrap/app.php": "<?php\n",
    "bootstrap/cache/.gitignore": "*\n!.gitignore\n",
    "composer.json": "{}\n",
    "composer.lock": '{"packages": []}\n',
    "package-lock.json": '{"lockfileVersion": 3}\n',
    "vendor/autoload.php": "<?php\n",
    "vendor/laravel/framework/tests/kept.php": "<?php // a package's own, not ours\n",
    "database/migrations/2026_01_01_000000_create_notes.php": "<?php\n",
    "database/migrations/2026_02_01_000000_add_colour.php": "<?php\n",
    ".env.example": "APP_KEY=\n",
    "näme with späce.txt": "ü\n",
    "deep/" + "d" * 120 + "/file.txt": "longer than a tar's own name field\n",
}
LEFT_OUT = {
    ".env": "DB_PASSWORD=hunter2\n",
    ".env.production": "DB_PASSWORD=hunter2\n",
    "config/.env": "DB_PASSWORD=hunter2\n",
    "auth.json": '{"http-basic": {"repo": {"password": "hunter2"}}}\n',
    ".git/config": "[remote]\n",
    "vendor/laravel/framework/.git/HEAD": "ref\n",
    ".github/workflows/ci.yml": "on: push\n",
    "node_modules/left-pad/index.js": "//\n",
    "packages/own/node_modules/x/index.js": "//\n",
    "tests/Feature/OrderTest.php": "<?php\n",
    "phpunit.xml": "<phpunit/>\n",
    "storage/logs/laravel.log": "hunter2\n",
    "storage/oauth-private.key": "hunter2\n",
    "bootstrap/cache/config.php": "<?php return ['password' => 'hunter2'];\n",
    "public/hot": "http://localhost:5173\n",
    "database/database.sqlite": "hunter2\n",
}


def tree(directory: Path, backwards: bool = False, **more: str) -> Path:
    """The application in that directory; `backwards` makes its files in the other order."""
    files = sorted({**PACKED, **LEFT_OUT, **more}.items(), reverse=backwards)
    for name, text in files:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (directory / "artisan").chmod(0o755)
    (directory / "public/storage").symlink_to(directory / "storage/app/public")
    (directory / "vendor/bin").mkdir()
    (directory / "vendor/bin/tool").symlink_to("../laravel/framework/tests/kept.php")
    (directory / "empty").mkdir()
    return directory
