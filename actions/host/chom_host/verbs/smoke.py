"""After a switch: does the application reach its database, and does a queue worker do what is put in the queue?"""

from __future__ import annotations

from ..arguments import RELEASE, many, number, text
from ..base import Failed
from ..files import write_whole
from ..server import version_of, whole_release
from ..work import Command, Verb, Work

CHECKS = {"database": "the database answers", "queue": "a queue worker does its work"}
_SCRIPT = r"""<?php
// chom-host's smoke test: php smoke.php RELEASE CHECK TOKEN SECONDS. Status 0 where all is well, else a line says why.
[, $root, $check, $token, $seconds] = $argv;
require "$root/vendor/autoload.php";
$app = require "$root/bootstrap/app.php";
$app->make(Illuminate\Contracts\Console\Kernel::class)->bootstrap();
$connection = $app['config']->get('queue.default');
$driver = $app['config']->get("queue.connections.$connection.driver");
$store = $app['config']->get('cache.stores.' . $app['config']->get('cache.default') . '.driver');
if ($check === 'database') {
    $app['db']->connection()->select('select 1');
    exit("the database answers\n");
}
if ($driver === 'sync') {
    exit("the queue is “sync”: jobs are done at once, and there are no workers\n");
}
if (in_array($driver, [null, 'null'], true) || in_array($store, [null, 'null', 'array'], true)) {
    echo "the queue cannot be checked: its driver is “{$driver}”, and the cache's is “{$store}”\n";
    exit(1);
}
$key = "chom-smoke-$token";
$app['queue']->push(Illuminate\Queue\CallQueuedClosure::create(function () use ($key) {
    Illuminate\Support\Facades\Cache::put($key, 'done', 300);
}));
$until = microtime(true) + (int) $seconds;
while ($app['cache']->get($key) !== 'done') {
    if (microtime(true) > $until) {
        echo "a job was put in the queue “{$connection}”, and no worker did it within $seconds s\n";
        exit(1);
    }
    usleep(100000);
}
$app['cache']->forget($key);
echo "a queue worker did a job\n";
"""


def smoke(work: Work, release: str, checks: list[str], seconds: int) -> str:
    target, script = whole_release(work, release), work.directory / "smoke.php"
    write_whole(script, _SCRIPT.encode())
    said: list[str] = []
    for check in checks:
        argv = [work.settings.php, str(script), str(target), check, work.claim["token"], str(seconds)]
        heard: list[str] = []
        try:
            work.run(Command(f"the {check} check", argv, target), on_line=heard.append)
        except Failed as failed:
            why = next((line.strip() for line in reversed(heard) if line.strip()), "")
            raise Failed(f"{why[:300] or failed} ({version_of(work.settings, release)})") from None
        said.append(CHECKS[check])
    return ", ".join(said) or "nothing was to be checked"


VERBS = {
    "smoke": Verb(
        {
            "release": RELEASE,
            "checks": many(text("|".join(CHECKS), " or ".join(f"“{name}”" for name in CHECKS))),
            "seconds": number(1, 600),
        },
        smoke,
    )
}
