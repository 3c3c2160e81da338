"""The file store for the container. Needs a FileRoot from outside."""

from pathlib import Path
from typing import NewType

from dishka import Provider, Scope, provide

from waardhaven.adapters.outbound.files.store import DirectoryFileStore
from waardhaven.adapters.outbound.files.tables import PolarsTableWriter
from waardhaven.application.ports.file_store import FileStore
from waardhaven.application.ports.table_writer import TableWriter

FileRoot = NewType("FileRoot", Path)


class FilesProvider(Provider):
    """One directory a process."""

    scope = Scope.APP
    tables = provide(PolarsTableWriter, provides=TableWriter)

    @provide
    def files(self, root: FileRoot) -> FileStore:
        """Return the store."""
        return DirectoryFileStore(root)
