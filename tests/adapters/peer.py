"""Stands where chom-host stands and misbehaves on demand: what a broken, old or replaced one would say.

Run as a script: `peer.py FILE`, where FILE holds the mode, read anew for each session. "well" follows the protocol as
far as these tests need it; the other modes break it in one way each.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

MODE = Path(sys.argv[1]).read_text()
LOCK = threading.Lock()


def say(message: object) -> None:
    with LOCK:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()


def raw(text: str) -> None:
    with LOCK:
        sys.stdout.write(text)
        sys.stdout.flush()


def hello(args: dict[str, Any]) -> dict[str, Any]:
    sha = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    return {
        "protocol": 2 if MODE == "protocol 2" else 1,
        "agent": "0" * 64 if MODE == "wrong agent" else sha,
        "host": "peer",
        "boot": "b",
        "fence": 0,
    }


ODD: dict[str, str] = {
    "not json": "Last login: Mon Nov 23\n",
    "no object": "[1, 2]\n",
    "no id": '{"result": {}}\n',
    "unknown id": '{"id": 99999, "result": {}}\n',
    "id of another kind": '{"id": true, "result": {}}\n',
    "result is a list": '{"id": ID, "result": []}\n',
    "error without code": '{"id": ID, "error": {"message": "x"}}\n',
    "error is a word": '{"id": ID, "error": "no"}\n',
    "line without offset": '{"id": ID, "line": "x"}\n',
    "endless line": "x" * (1 << 21),
    "wrong shape": '{"id": ID, "result": {"state": "asleep", "fence": "7", "holds": "yes", "current": 3}}\n',
    "fenced without current": '{"id": ID, "error": {"code": "fenced", "message": "a higher fence was seen"}}\n',
}


def answer(request: dict[str, Any]) -> None:
    id_, verb, args = request["id"], request["verb"], request["args"]
    if verb == "hello":
        say({"id": id_, "result": hello(args)})
    elif MODE in ODD:
        raw(ODD[MODE].replace("ID", str(id_)))
    elif MODE == "dies":
        sys.stderr.write("out of memory\n")
        sys.stderr.flush()
        os._exit(9)
    elif verb == "fence":
        time.sleep((args["fence"] % 7) / 1000)
        say({"id": id_, "result": {"fence": args["fence"]}})
    elif verb == "holds":
        say({"id": id_, "result": {"holds": False}})
    elif verb == "begin":
        say({"id": id_, "result": {"state": "lost" if MODE == "lost" else "running"}})
    elif verb == "follow":
        follow(id_, args)


def follow(id_: int, args: dict[str, Any]) -> None:
    if MODE == "odd follow":
        say({"id": id_, "error": {"code": "unknown job", "message": "no such job"}})
    elif MODE == "flood":
        text, offset = "x" * 1000, 0
        for _ in range(100_000):
            offset += 1001
            say({"id": id_, "line": text, "offset": offset})
        say(
            {
                "id": id_,
                "result": {"state": "ended", "ok": True, "summary": "flooded", "lines": [text] * 50, "applied": []},
            }
        )
    elif MODE == "mute":
        return


def main() -> None:
    asked = os.environ["SSH_ORIGINAL_COMMAND"]
    if MODE == "missing":
        sys.stderr.write("sh: 1: /usr/local/lib/chom/chom-host: not found\n")
        sys.exit(127)
    if asked != "channel":
        put(asked)
        return
    for line in sys.stdin:
        threading.Thread(target=answer, args=(json.loads(line),), daemon=True).start()


def put(asked: str) -> None:
    if MODE == "put refuses early":
        say({"error": {"code": "disk full", "message": "3 bytes are free and 9 are needed"}})
    elif MODE == "put dies":
        sys.stdin.buffer.read(100_000)
        os._exit(1)
    elif MODE == "put says nonsense":
        sys.stdin.buffer.read()
        raw("thank you\n")


if __name__ == "__main__":
    main()
