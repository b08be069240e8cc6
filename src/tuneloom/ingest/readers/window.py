"""The part of a document's text that is in memory: it moves on over the file, and grows for one long element only."""

import codecs
import io
import re
from typing import BinaryIO, cast

from tuneloom.ingest.readers.line import LONGEST, SHOWN
from tuneloom.ingest.readers.opening import FAULTS

_CHUNK = 1 << 20
_BLANKS = re.compile(r"[ \t\r\n]*")
_COMMA = re.compile(r"[ \t\r\n]*,[ \t\r\n]*")
_UNQUOTED, _QUOTED = re.compile(r'["\[\]{},]'), re.compile(r'"|\\.', re.DOTALL)


class Window:
    """`text` from `position` on is what was not read yet; offsets count from `position`.

    Bytes that are no UTF-8 stand in it as lone surrogates ("surrogateescape"), so that `raw` gives them back.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self.text, self.position = "", 0
        self._stream, self._ended = cast(io.BufferedReader, stream), False
        self._fault: Exception | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
        self.grow()

    def grow(self) -> bool:
        """Reads as much again as lies ahead, so that reading an element anew each time costs twice its length in all.

        False at the file's end. A fault of the stream is raised once all that came before it was asked for.
        """
        if self._fault:
            raise self._fault
        if self._ended:
            return False
        pieces = [self.text[self.position :]]
        self.position, wanted = 0, max(_CHUNK, len(pieces[0]))
        try:
            while wanted > 0 and not self._ended:
                data = self._stream.read1(wanted)
                self._ended, wanted = not data, wanted - len(data)
                pieces.append(self._decoder.decode(data, self._ended))
        except FAULTS as fault:
            self._fault = fault
        self.text = "".join(pieces)
        return True

    def full(self, longest: int = LONGEST) -> bool:
        """Whether more lies ahead than one row may have."""
        return len(self.text) - self.position > longest

    def letter(self, offset: int) -> str:
        """The letter there, "" at the file's end."""
        return self.text[self.position + offset : self.position + offset + 1]

    def after_blanks(self, offset: int) -> int:
        """The offset of the next letter that is no blank, or of the file's end."""
        while True:
            blanks = _BLANKS.match(self.text, self.position + offset)
            offset = (blanks.end() if blanks else self.position + offset) - self.position
            if self.letter(offset) or not self.grow():
                return offset

    def pass_comma(self, offset: int) -> bool:
        """Moves past the comma that follows and the blanks around it; False, and stays, where none does."""
        comma = _COMMA.match(self.text, self.position + offset)
        if comma and comma.end() < len(self.text):  # as a rule: the window goes on after it
            self.position = comma.end()
            return True
        offset = self.after_blanks(offset)
        if self.letter(offset) != ",":
            return False
        self.skip_blanks(offset + 1)
        return True

    def skip_blanks(self, offset: int) -> None:
        """Moves on to the next letter from `offset` that is no blank."""
        offset = self.after_blanks(offset)
        self.position += offset

    def end_of_element(self) -> int | None:
        """Where an element that does not parse ends, by its quotes and brackets; None where it does not close.

        '{"a": tru}, {"b": 1}]' -> 10
        """
        offset, depth, quoted = 0, 0, False
        while True:
            found = (_QUOTED if quoted else _UNQUOTED).search(self.text, self.position + offset)
            if not found:
                half = quoted and self.text.endswith("\\", self.position + offset)  # of an escape
                offset = len(self.text) - self.position - half
                if self.full() or not self.grow():
                    return None
                continue
            offset, mark = found.end() - self.position, found[0]
            if quoted or mark == '"':
                quoted = quoted != (mark == '"')
            elif mark in "[{":
                depth += 1
            elif depth == 0:
                return offset - 1
            elif mark in "]}":
                depth -= 1
                if depth == 0:
                    return offset

    def ahead(self, end: int) -> str:
        """The text from here to an offset."""
        return self.text[self.position : self.position + end]

    def rest(self) -> tuple[bytes, int]:
        """The bytes from here to the file's end and their number; of more than LONGEST the first SHOWN only."""
        left = bytearray(self.text[self.position :].encode("utf-8", "surrogateescape"))
        size = len(left)
        try:
            while data := self._stream.read1(_CHUNK):
                size += len(data)
                if size <= LONGEST:
                    left += data
        except FAULTS as fault:
            self._fault = self._fault or fault
        self.text, self.position, self._ended = "", 0, True
        return bytes(left if size <= LONGEST else left[:SHOWN]), size

    def finish(self) -> None:
        """Raises the fault of the stream that `rest` met."""
        if self._fault:
            raise self._fault
