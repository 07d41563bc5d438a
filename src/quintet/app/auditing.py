"""What people do to a desk is written into the audit log of the workspace, under their name."""

import getpass
import os
import socket

from quintet.storage.audit_log import AuditRecord, Deed, append, audit_path
from quintet.storage.workspace import workspace


def who() -> str:
    """User and machine, `ann@desk-1`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in some containers
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def record(what: str, target: str = "", why: str = "", **facts: object) -> AuditRecord:
    """Write a deed down; it is on the disk when this returns. Raises what `storage.audit_log.append` raises."""
    from quintet.app.wiring import clock

    told = {name: str(value) for name, value in facts.items()}
    deed = Deed(clock().isoformat(timespec="milliseconds"), who(), what, target, why, told)
    return append(audit_path(workspace().root), deed)
