"""Unit tests of what the rules record of each fact: who speaks for an instance, and how long it is known what he said.

All facts of an instance go through the same few steps, so all are put through the same two hours:

* Both replicas poll `i` at first; then `b` loses its key for the operation that tells the fact, and goes on with others.
* `a` is not scraped from minute 70 to 100.
* `k`, and `i` of another project, are polled by `b` all the time, and lose the fact at minute 80; what `a` polls of
  `k` is another operation.
"""

import itertools

from cases import Cases
from exporter import FACTS, instance, project, seconds
from series import NOW

CASES = Cases({})

OPERATIONS = {
    "policy": ("supported", "enabled", "updated", "retention", "interval", "rpo", "slot", "created"),
    "backups": (
        "size",
        "duration",
        "attempt",
        "attempt_success",
        "failure",
        "restorable",
        "oldest_restorable",
        "oldest_in_progress",
        "code",
    ),
    "restores": ("restore_success", "restore_failure", "restore_in_progress", "restore_code"),
}
CODES = {"code": "dcs_backup_last_failure_info", "restore_code": "dcs_restore_last_failure_info"}
GONE = {0: 4, 80: None}


def told(word, value):
    """The fact, by the word that the tests use for it."""
    return {word: {"none": value} if word in CODES else value}


def only(operation, begin):
    """An operation is polled until a minute, the others all the time; and the other way round."""
    others = {other: NOW for other in OPERATIONS if other != operation}
    stopped = {other: {0: NOW, begin: begin} for other in others}
    return {operation: {0: NOW, begin: begin}, **others}, {operation: NOW, **stopped}


for operation, words in OPERATIONS.items():
    behind, ahead = only(operation, 10)
    # Often, so that the value before is near; and rarely, so that the one to be known is far.
    for word, (step, change) in itertools.product(words, ((5, 65), (10, 60))):
        metric = FACTS.get(word) or CODES[word]
        a = (
            project(),
            instance(polled=ahead, **told(word, {0: 9, change: 3})),
            instance(instance_id="k", polled=behind, **told(word, 4)),
        )
        b = (
            project(),
            project("q"),
            instance(polled=behind, **told(word, 7)),
            instance(instance_id="k", polled=ahead, **told(word, GONE)),
            instance("q", polled=NOW, **told(word, GONE)),
        )
        first, last, kept = (seconds(metric, {0: value})[0] for value in (9, 3, 4))
        labels = {"error_code": "none"} if word in CODES else {}
        expected = {
            minute: [
                ({**labels, "instance_id": "i", "project": "p"}, first if minute < change else last),
                *(
                    ({**labels, "instance_id": other, "project": of}, kept)
                    for of, other in (("p", "k"), ("q", "i"))
                    if minute < 80
                ),
            ]
            for minute in (0, 20, 50, 60, 70, 80, 90, 100, 110)
        }
        CASES.add(
            f"instance_id:{metric}:known",
            f"the newest poll tells it, and it is known until the next, every {step} minutes",
            expected,
            replicas={"a": a, "b": b},
            lost={"a": [(70, 100)]},
            step=step,
        )
