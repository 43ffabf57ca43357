"""What a resident reads and hears at the bin. A display that is slow or gone never delays a session.

The display is any controller that speaks this line protocol of OUR OWN (no common one exists), 9600 8N1, UTF-8:

    gateway → display   D text CR    show the text until the next one; without text: blank
                        V text CR    say the text, after what is being said

Texts are one line of at most 160 bytes. The display need not answer; what it says is thrown away.
"""

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from gateways.config import DisplayConfig
from gateways.devices.ports import SerialPort
from gateways.messages import Lang

_LONGEST_BYTES: Final = 160
_TURN_S: Final = 3.0  # how long each language stands before the other one follows
_SHOWN_S: Final = 12.0  # the next resident shall not read the weight of the one before

Texts = Mapping[Lang, str]


class Display(Protocol):
    """Shows texts. Nothing here blocks or raises."""

    def show(self, texts: Texts) -> None:
        """Show and say a text, given in each language, instead of the one before."""

    def poll(self, at: float) -> None:
        """Reopen the port, change languages, blank an old text; `at` is monotonic seconds."""

    def close(self) -> None:
        """Release the port."""


class NullDisplay:
    """No display."""

    def show(self, texts: Texts) -> None:
        """Show nothing."""

    def poll(self, at: float) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class SerialDisplay:
    """The display behind this module's line protocol. Several `languages` take turns; all are spoken, in order."""

    def __init__(self, port: SerialPort, languages: tuple[Lang, ...]) -> None:
        self.port = port
        self._languages = languages
        self._texts: list[str] = []
        self._turn = 0
        self._turn_at = self._blank_at = 0.0

    def show(self, texts: Texts) -> None:
        """Send the text; if the display is gone it shows up late or never."""
        now = self.port.mono()
        self._texts = [texts[language] for language in self._languages]
        self._turn = 0
        self._turn_at, self._blank_at = now + _TURN_S, now + _SHOWN_S
        self.port.write(b"".join([_line(b"D", self._texts[0]), *(_line(b"V", text) for text in self._texts)]))

    def poll(self, at: float) -> None:
        """Keep the port open and what it shows up to date."""
        if self.port.poll():
            self.port.write(_line(b"D", self._texts[self._turn] if self._texts else ""))
        self.port.read()
        if self._texts and at >= self._blank_at:
            self._texts = []
            self.port.write(_line(b"D", ""))
        elif len(self._texts) > 1 and at >= self._turn_at:
            self._turn = (self._turn + 1) % len(self._texts)
            self._turn_at = at + _TURN_S
            self.port.write(_line(b"D", self._texts[self._turn]))

    def close(self) -> None:
        """Release the port."""
        self.port.close()


def make_display(config: DisplayConfig, mono: Callable[[], float]) -> Display:
    """Return the display of the settings."""
    if not config.port:
        return NullDisplay()
    languages: tuple[Lang, ...] = ("ko", "en") if config.language == "both" else (config.language,)
    return SerialDisplay(SerialPort(config.port, mono), languages)


def _line(verb: bytes, text: str) -> bytes:
    # Cut between characters: half a Hangul syllable would show as rubbish.
    words = " ".join(text.split()).encode()[:_LONGEST_BYTES].decode(errors="ignore").encode()
    return (verb + b" " + words if words else verb) + b"\r"
