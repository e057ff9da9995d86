"""What runs in the validator's child process: judges the templates that come by standard input.

A line in is `{"text": …}`, a line out the list of the errors found, each as rule, logical id,
property path and message, or null where the engine fails on the template. Run by its path: it
imports nothing of this package.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from queue import SimpleQueue


def main() -> None:
    """Serve until standard input ends, also while the engine does not come back."""
    requests: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=_work, args=(requests,), daemon=True).start()
    for line in sys.stdin:
        requests.put(line)
    os._exit(0)  # who asked is gone; the engine may never come back by itself


def _work(requests: SimpleQueue[str]) -> None:
    import cloudformation_validate  # type: ignore[import-untyped]

    engine = cloudformation_validate.CelEngine()
    severe = ("ERROR", "FATAL")
    _answer("ready")
    while True:
        text = json.loads(requests.get())["text"]
        try:
            report = engine.validate_template(text.encode())
        except Exception:  # noqa: BLE001 - whatever it is, there is no judgement on this template
            _answer(None)
            continue
        found = [each for each in report.diagnostics if each.severity.name in severe]
        names = [each.entity.logical_id if each.entity else None for each in found]
        _answer(
            [
                [each.rule_id, name or "", each.property_path or "", each.message]
                for each, name in zip(found, names, strict=True)
            ]
        )


def _answer(answer: object) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
