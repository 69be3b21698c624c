"""The steps of a report from draft to accepted. Pure.

Nothing that is not signed by all three is ever submitted; who reviews it returns it and changes
nothing (shared facts: practice, "Energy statistics").
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Final

from registry.refusal import RefusedError


class State(enum.StrEnum):
    """Where a revision stands."""

    DRAFT = "draft"
    HANDED_IN = "handed in"
    SIGNED = "signed"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    RETURNED = "returned"


class Step(enum.StrEnum):
    """What is done with a revision."""

    SIGN = "sign"
    """The first to sign hands it in: from then on it is frozen."""
    TAKE_BACK = "take back"
    SUBMIT = "submit"
    ACCEPT = "accept"
    RETURN = "return"
    REVISE = "revise"
    """Another revision begins; this one stays as it is."""


class Role(enum.StrEnum):
    """Who signs; in this order."""

    FILLER = "filler"
    LEAD = "lead"
    HEAD = "head"


STATES: Final[Mapping[State, str]] = {
    State.DRAFT: "草稿",
    State.HANDED_IN: "待签",
    State.SIGNED: "已签",
    State.SUBMITTED: "已报送",
    State.ACCEPTED: "已通过",
    State.RETURNED: "已退回",
}
STEPS: Final[Mapping[Step, str]] = {
    Step.SIGN: "签字",
    Step.TAKE_BACK: "撤回",
    Step.SUBMIT: "报送",
    Step.ACCEPT: "审核通过",
    Step.RETURN: "退回",
    Step.REVISE: "修订",
}
ROLES: Final[Mapping[Role, str]] = {
    Role.FILLER: "填表人",
    Role.LEAD: "统计负责人",
    Role.HEAD: "单位负责人",
}
_FROM: Final[Mapping[Step, tuple[State, ...]]] = {
    Step.SIGN: (State.DRAFT, State.HANDED_IN),
    Step.TAKE_BACK: (State.HANDED_IN,),
    Step.SUBMIT: (State.SIGNED,),
    Step.ACCEPT: (State.SUBMITTED,),
    Step.RETURN: (State.SUBMITTED, State.ACCEPTED),
    Step.REVISE: (State.SIGNED, State.ACCEPTED, State.RETURNED),
}
_TO: Final[Mapping[Step, State]] = {
    Step.TAKE_BACK: State.DRAFT,
    Step.SUBMIT: State.SUBMITTED,
    Step.ACCEPT: State.ACCEPTED,
    Step.RETURN: State.RETURNED,
}
_SAYS_WHY: Final = (Step.TAKE_BACK, Step.RETURN, Step.REVISE)


def after(state: State, step: Step, words: str) -> State:
    """Return where a revision stands after a step that is no signature.

    Raises:
        RefusedError: the step does not follow, or nobody says why.
    """
    _refuse_unless(state, step)
    if step in _SAYS_WHY and not words.strip():
        raise RefusedError(f"{STEPS[step]}须说明原因")
    return _TO.get(step, state)


def after_signature(state: State, role: Role, signed: Sequence[Role]) -> State:
    """Return where a revision stands after somebody signed it.

    Args:
        state: before.
        role: of who signs.
        signed: who has signed it since it was last a draft, in order.

    Raises:
        RefusedError: it is not to be signed, or it is somebody else's turn.
    """
    _refuse_unless(state, Step.SIGN)
    turn = [*Role][len(signed)]
    if role is not turn:
        done = "已签" if role in signed else f"须待{ROLES[turn]}签字之后"
        raise RefusedError(f"{ROLES[role]}{done}：现由{ROLES[turn]}签字")
    return State.SIGNED if turn is Role.HEAD else State.HANDED_IN


def _refuse_unless(state: State, step: Step) -> None:
    if state not in _FROM[step]:
        allowed = "、".join(STATES[one] for one in _FROM[step])
        raise RefusedError(f"报表{STATES[state]}，不能{STEPS[step]}：只有{allowed}的报表可以")
