"""Prices in files people have: CSV and Parquet, long and wide, read away from the event loop."""

from dataclasses import replace
from datetime import date

from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.compute_pool import ComputePool
from waardhaven.application.ports.price_files import ParsedFile, PriceFiles, UnreadableFile
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.market.imports import LARGEST_FILE, FileFormat, FileMapping

PARQUET = b"PAR1"
REFUSED = {
    b"PK\x03\x04": "The file is an archive or a workbook. Unpack it, or save it as CSV or Parquet.",
    b"\x1f\x8b": "The file is compressed by gzip. Unpack it first.",
    b"BZh": "The file is compressed by bzip2. Unpack it first.",
    b"\xfd7zXZ\x00": "The file is compressed by xz. Unpack it first.",
    b"\x28\xb5\x2f\xfd": "The file is compressed by zstd. Unpack it first.",
    b"\xd0\xcf\x11\xe0": "The file is an old workbook. Save it as CSV.",
    b"%PDF": "The file is a PDF. Prices are read from CSV and Parquet.",
    b"ARROW1": "The file is an Arrow file. Save it as Parquet.",
}


class FilePrices(PriceFiles):
    """Reads each file in the compute pool, whose bounds are the last line behind those of the readers."""

    def __init__(self, pool: ComputePool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def read(self, content: bytes, mapping: FileMapping) -> ParsedFile:
        """See PriceFiles. Days after today (UTC) are issues."""
        if len(content) > LARGEST_FILE:
            raise UnreadableFile(f"The file has more than {LARGEST_FILE >> 20} MiB. Cut it in parts.")
        return await self._pool.run(read_file, content, mapping, self._clock.now().date())


def read_file(content: bytes, mapping: FileMapping, today: date) -> ParsedFile:
    """Return what the file says; a pure function of its arguments. Raises UnreadableFile."""
    _check(mapping)
    chosen = replace(mapping, format=_format(content, mapping.format))
    if chosen.format is FileFormat.PARQUET:
        from waardhaven.adapters.outbound.market_data.file_prices.parquet_file import read_parquet

        return read_parquet(content, chosen, today)
    from waardhaven.adapters.outbound.market_data.file_prices.csv_file import read_csv

    return read_csv(content, chosen, today)


def _check(mapping: FileMapping) -> None:
    if mapping.adjustment not in list(Adjustment):
        known = ", ".join(Adjustment)
        raise UnreadableFile(f"adjustment must be one of {known}, not {mapping.adjustment[:40]!r}.")
    if mapping.delimiter is not None and mapping.delimiter not in {",", ";", "\t", "|"}:
        raise UnreadableFile("delimiter must be one of , ; | or a tab.")


def _format(content: bytes, wanted: FileFormat) -> FileFormat:
    """Decide by the first bytes; a name given must agree with them."""
    if not content or content.isspace():
        raise UnreadableFile("The file is empty.")
    for start, sentence in REFUSED.items():
        if content.startswith(start):
            raise UnreadableFile(sentence)
    found = FileFormat.PARQUET if content.startswith(PARQUET) else FileFormat.CSV
    if wanted not in {FileFormat.AUTO, found}:
        raise UnreadableFile(f"The file is no {wanted.value} file: its first bytes are of {found.value}.")
    return found
