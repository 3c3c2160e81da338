"""The exported heads for the container. Needs a HeadFile from outside."""

from pathlib import Path
from typing import NewType

from dishka import Provider, Scope, provide

from waardhaven.adapters.outbound.audit_files.heads import FileHeadExport
from waardhaven.application.ports.head_export import HeadExport

HeadFile = NewType("HeadFile", Path)


class AuditFilesProvider(Provider):
    """One writer a process."""

    scope = Scope.APP

    @provide
    def heads(self, path: HeadFile) -> HeadExport:
        """Return the file of exported heads."""
        return FileHeadExport(path)
