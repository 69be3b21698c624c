"""What officers are told when something of theirs is refused."""

from __future__ import annotations

from collections.abc import Sequence


class PlanError(ValueError):
    """What was entered cannot stand; the message says what to do, in Chinese."""


class SheetError(PlanError):
    """A workbook was refused as a whole.

    Attributes:
        problems: each begins with its sheet and cell.
    """

    def __init__(self, name: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        lines = "\n".join(f"  {problem}" for problem in self.problems)
        super().__init__(
            f"{name}：发现 {len(self.problems)} 处错误，整个文件未导入。改正后重新导入：\n{lines}"
        )
