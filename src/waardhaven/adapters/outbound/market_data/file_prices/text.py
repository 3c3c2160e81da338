"""From bytes to UTF-8 text with plain line ends: which encoding a file of text is in."""

import re

import numpy as np

from waardhaven.application.ports.price_files import UnreadableFile

ENCODINGS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "utf-8-sig": "utf-8",
    "utf-16": "utf-16",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "cp1252": "cp1252",
    "windows-1252": "cp1252",
    "latin-1": "latin-1",
    "iso-8859-1": "latin-1",
    "iso-8859-15": "iso-8859-15",
}
"""Names people give, and Python's."""
_CONTROLS = re.compile(rb"[\x01-\x08\x0e-\x1f\x7f]")
_SAMPLE = 4096


def to_text(content: bytes, encoding: str | None) -> tuple[bytes, str]:
    r"""Return the text as UTF-8 with ``\n`` line ends and no BOM, and the encoding it was in.

    Raises UnreadableFile for binary content and for text that is not in the encoding named.
    """
    name = _named(encoding) if encoding else _found(content)
    text = _decoded(content, name)
    if b"\0" in text or _CONTROLS.search(text):
        raise UnreadableFile("The file is no text: it holds control characters. Save it as CSV or Parquet.")
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return text, name


def _named(encoding: str) -> str:
    name = ENCODINGS.get(encoding.strip().lower().replace("_", "-"))
    if name is None:
        raise UnreadableFile(f"encoding must be one of {', '.join(ENCODINGS)}, not {encoding[:40]!r}.")
    return name


def _found(content: bytes) -> str:
    """Find the encoding by its mark, by where zero bytes stand, or by what decodes."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    head = np.frombuffer(content[:_SAMPLE], dtype=np.uint8)
    zeros = [float((head[start::2] == 0).mean()) if len(head) > start else 0.0 for start in (0, 1)]
    if max(zeros) > 0.4 and min(zeros) < 0.1:
        return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _decoded(content: bytes, name: str) -> bytes:
    try:
        text = content.decode(name)
    except UnicodeDecodeError as error:
        raise UnreadableFile(
            f"The file is not {name} text (byte {error.start} can not be read so). Name its encoding, "
            "or save it as UTF-8."
        ) from error
    if name == "utf-8":
        return content.removeprefix(b"\xef\xbb\xbf")
    return text.removeprefix("\ufeff").encode()
