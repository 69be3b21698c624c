"""The life of a doubt (疑点): asked, explained, checked, concluded. Pure.

The unit explains before anybody concludes; whoever concludes says what it was, why, and what is
done about it (shared facts: practice, "Waste on site"). Nothing here says violation.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from registry.refusal import RefusedError


class State(enum.StrEnum):
    """Where a doubt stands."""

    ASKED = "asked"
    EXPLAINED = "explained"
    CHECKED = "checked"
    CONCLUDED = "concluded"
    SHELVED = "shelved"
    EXEMPT = "exempt"
    WITHDRAWN = "withdrawn"
    """What was measured does not show it any more."""


class Step(enum.StrEnum):
    """What is done with a doubt."""

    EXPLAIN = "explain"
    RETURN = "return"
    CHECK = "check"
    CONCLUDE = "conclude"
    SHELVE = "shelve"
    EXEMPT = "exempt"
    REOPEN = "reopen"
    ESCALATE = "escalate"
    """By the program alone: nobody explained it in time, and who stands higher is told."""
    WITHDRAW = "withdraw"
    """By the program alone: the episode is gone."""
    FIND_AGAIN = "find again"
    """By the program alone: it is back."""


class Verdict(enum.StrEnum):
    """What it was."""

    WASTE = "waste"
    NOT_WASTE = "not-waste"
    DATA_FAULT = "data-fault"


STATES: Final[Mapping[State, str]] = {
    State.ASKED: "待说明",
    State.EXPLAINED: "已说明",
    State.CHECKED: "已核实",
    State.CONCLUDED: "已办结",
    State.SHELVED: "已搁置",
    State.EXEMPT: "已豁免",
    State.WITHDRAWN: "已撤销（数据不再支持）",
}
STEPS: Final[Mapping[Step, str]] = {
    Step.EXPLAIN: "说明",
    Step.RETURN: "退回再说明",
    Step.CHECK: "核实",
    Step.CONCLUDE: "办结",
    Step.SHELVE: "搁置",
    Step.EXEMPT: "豁免",
    Step.REOPEN: "重新打开",
    Step.ESCALATE: "逾期告知上级",
    Step.WITHDRAW: "撤销",
    Step.FIND_AGAIN: "再次出现",
}
VERDICTS: Final[Mapping[Verdict, str]] = {
    Verdict.WASTE: "属于浪费",
    Verdict.NOT_WASTE: "不属于浪费",
    Verdict.DATA_FAULT: "数据有误",
}

_OPEN: Final = (State.ASKED, State.EXPLAINED, State.CHECKED, State.SHELVED)
_LEADS: Final[Mapping[Step, tuple[tuple[State, ...], State]]] = {
    Step.EXPLAIN: ((State.ASKED, State.EXPLAINED), State.EXPLAINED),
    Step.RETURN: ((State.EXPLAINED, State.CHECKED), State.ASKED),
    Step.CHECK: ((State.EXPLAINED,), State.CHECKED),
    Step.CONCLUDE: ((State.EXPLAINED, State.CHECKED), State.CONCLUDED),
    Step.SHELVE: ((State.ASKED, State.EXPLAINED, State.CHECKED), State.SHELVED),
    Step.EXEMPT: (_OPEN, State.EXEMPT),
    Step.REOPEN: ((State.CONCLUDED, State.SHELVED, State.EXEMPT), State.ASKED),
    Step.ESCALATE: ((State.ASKED,), State.ASKED),
    Step.WITHDRAW: (_OPEN, State.WITHDRAWN),
    Step.FIND_AGAIN: ((State.WITHDRAWN,), State.ASKED),
}


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What a doubt turned out to be.

    Attributes:
        verdict: waste, not waste, or a fault of the data.
        cause: why.
        measure: what is done about it.
    """

    verdict: Verdict
    cause: str
    measure: str


@dataclass(frozen=True, slots=True)
class Deed:
    """A step with what was said.

    Attributes:
        step: what is done.
        words: what is said with it; the explanation, what was found on checking, the reason.
        conclusion: of a conclusion.
    """

    step: Step
    words: str = ""
    conclusion: Conclusion | None = field(default=None)


def possible(state: State, step: Step) -> bool:
    """Tell whether a step can follow a state."""
    return state in _LEADS[step][0]


def after(state: State, deed: Deed) -> State:
    """Return where a doubt stands after a deed.

    Raises:
        RefusedError: the step does not follow, or something is not said.
    """
    allowed, then = _LEADS[deed.step]
    if state not in allowed:
        from_ = "、".join(STATES[one] for one in allowed)
        raise RefusedError(
            f"疑点现为“{STATES[state]}”，不能“{STEPS[deed.step]}”；只有{from_}的疑点可以。"
        )
    if deed.step is Step.CONCLUDE:
        _check_conclusion(deed.conclusion)
    elif not deed.words.strip():
        raise RefusedError(f"请写明{STEPS[deed.step]}的内容或理由。")
    return then


def _check_conclusion(conclusion: Conclusion | None) -> None:
    if conclusion is None or not conclusion.cause.strip() or not conclusion.measure.strip():
        raise RefusedError("办结须写明结论、原因和措施；不需要措施的，请写“无需措施”及理由。")
