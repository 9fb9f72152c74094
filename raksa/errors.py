"""The one kind of error that is meant to be read by people."""

from __future__ import annotations


class RaksaError(Exception):
    """Something the person can mend: what was found, what was expected, where, and the next step, in one sentence.

    The command line prints the sentence and exits with 1; anything else that is raised is a fault of ours and keeps
    its traceback. A sentence with {places} and their values can be said again in another language
    (dashboard.language.refusal); where a page shows it, it is written so.

    >>> str(RaksaError("There is no account {username}.", username="noi"))
    'There is no account noi.'
    """

    def __init__(self, sentence: str, **values: object) -> None:
        super().__init__(sentence.format(**values) if values else sentence)
        self.sentence, self.values = sentence, values
