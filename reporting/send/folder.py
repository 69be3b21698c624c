"""A folder for each signed revision: Excel, CSV, JSON, and a manifest with the hash of each.

A folder appears under its name when it is whole. Its name is the key of the revision, the same
whenever it is written: to write it again changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Final

from registry.refusal import RefusedError
from reporting.life.life import STATES, State
from reporting.sheets.excel import write_excel
from reporting.sheets.paper import Paper
from reporting.sheets.plain import write_csv, write_json

MANIFEST: Final = "manifest.json"
SIGNED: Final = (State.SIGNED, State.SUBMITTED, State.ACCEPTED)
"""What may leave: what is returned is not what the institution stands by."""
_WRITERS: Final = {"report.xlsx": write_excel, "report.csv": write_csv, "report.json": write_json}


def key_of(paper: Paper) -> str:
    """Return the key of a revision: institution, period, number, and the hash of what is signed.

    It is a name of a folder anywhere: what is no letter, digit, hyphen or underscore is one.
    """
    draft = paper.draft
    parts = draft.institution, draft.period.code, f"r{draft.number}", paper.sha256[:16]
    return re.sub(r"[^\w-]", "_", "_".join(parts))


def write_folder(directory: Path, paper: Paper) -> Path:
    """Write a signed revision into a folder of its own; one that is there already stays.

    Args:
        directory: in which the folder is made; it must be there.
        paper: the revision.

    Returns:
        The folder.

    Raises:
        RefusedError: it is not signed by all three, the directory is missing, or a folder of this
            name holds something else.
        OSError: it cannot be written.
    """
    draft = paper.draft
    if draft.state not in SIGNED:
        name = f"{draft.institution} {draft.period.name}报表"
        raise RefusedError(f"{name}{STATES[draft.state]}：三人签字后才能导出报送文件夹")
    if not directory.is_dir():
        raise RefusedError(f"{directory} 不是目录：请先建立")
    folder = directory / key_of(paper)
    if folder.exists():
        _refuse_other(folder, paper)
        return folder
    part = Path(tempfile.mkdtemp(prefix=".", dir=directory))
    try:
        _fill(part, paper)
        part.chmod(0o755)
        part.rename(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return folder


def _fill(folder: Path, paper: Paper) -> None:
    for name, write in _WRITERS.items():
        write(folder / name, paper)
    draft = paper.draft
    told = {
        "key": key_of(paper),
        "institution": draft.institution,
        "credit_code": paper.credit_code,
        "period": draft.period.code,
        "edition": draft.edition,
        "revision": draft.number,
        "signed_sha256": paper.sha256,
        "signatures": {
            role.value: {"name": one.name, "day": one.day.isoformat()}
            for role, one in paper.signatures.items()
        },
        "files": {name: _sha256(folder / name) for name in _WRITERS},
    }
    text = json.dumps(told, ensure_ascii=False, indent=1)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def _refuse_other(folder: Path, paper: Paper) -> None:
    """A folder is another's when its manifest, or a file that it names, says something else."""
    try:
        told = json.loads((folder / MANIFEST).read_text("utf-8"))
        same = told["signed_sha256"] == paper.sha256 and all(
            _sha256(folder / name) == told["files"][name] for name in _WRITERS
        )
    except (OSError, ValueError, KeyError, TypeError):
        same = False
    if not same:
        raise RefusedError(f"{folder} 已有其他内容：请移走后重新导出")


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
