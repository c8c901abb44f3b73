"""What is wrong outside, in the log: once, and once more when it is over."""

from __future__ import annotations

from twisted.logger import Logger


class Complaint:
    """
    One thing that may be wrong for a while.

    :param name: of whoever complains, and `kind` what it is.
    :ivar text: what is wrong; "": nothing.
    :ivar times: how often it was so.
    """

    def __init__(self, log: Logger, name: str, kind: str = "Capture point") -> None:
        self._log = log
        self._name = name
        self._kind = kind
        self._key = ""
        self.text = ""
        self.times = 0

    def about(self, text: str, key: str = "") -> None:
        """
        It is so, perhaps still.

        :param key: what tells one thing that is wrong from another, where texts may vary.
        """
        self.times += 1
        self.text = text[:300]
        if (key or text) != self._key:
            self._key = key or text
            self._log.warn("{kind} {name}: {text}", kind=self._kind, name=self._name, text=text)

    def over(self) -> None:
        """It is not so, or no longer."""
        if self.text:
            self._log.info("{kind} {name}: works again", kind=self._kind, name=self._name)
        self.text, self._key, self.times = "", "", 0
