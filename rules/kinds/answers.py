"""Whether those who are asked answer. Whether they log in, nobody knows: there are no accounts."""

from __future__ import annotations

from typing import Final

from rules.kinds.model import Kind, Parameter, RespondentLayer, Sort, Values
from rules.timeline.overlay import Pieces
from rules.timeline.truth import Truth, known


def _unanswered(pieces: Pieces, values: Values) -> Truth:
    waiting = pieces.column(RespondentLayer.UNANSWERED)
    return known(waiting >= values["least"], waiting)


KINDS: Final = (
    Kind(
        "doubts.unanswered",
        "多项疑点长期未说明",
        (RespondentLayer.UNANSWERED,),
        (),
        {"least": Parameter(3.0, "项", 1.0, 1000.0, "同时待说明的疑点至少")},
        False,
        _unanswered,
        "始终有 {least:g} 项以上疑点待说明，期间没有收到一项说明：可能通知没有送达，或经办人员"
        "有变动。请联系该单位确认由谁接收，再逐项说明。",
        sort=Sort.RESPONDENT,
    ),
)
