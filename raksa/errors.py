"""The one kind of error that is meant to be read by people."""

from __future__ import annotations


class RaksaError(Exception):
    """Something the person can mend: what was found, what was expected, where, and the next step, in one sentence.

    The command line prints the sentence and exits with 1; anything else that is raised is a fault of ours and keeps
    its traceback.
    """
