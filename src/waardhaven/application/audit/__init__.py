"""The trail of what was done and refused: recording denials, sealing, reading, verifying."""

from waardhaven.application.audit.queries import ListAudit, ReadAuditHead
from waardhaven.application.audit.record_denials import RecordDenials
from waardhaven.application.audit.seal_audit import SealAudit
from waardhaven.application.audit.verify_audit import VerifyAudit

__all__ = ["USE_CASES"]

USE_CASES = (ListAudit, ReadAuditHead, RecordDenials, SealAudit, VerifyAudit)
