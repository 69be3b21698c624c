"""The life of a doubt: which step follows which, and what must be said."""

from __future__ import annotations

import pytest

from registry.refusal import RefusedError
from rules.cases.life import (
    STATES,
    STEPS,
    VERDICTS,
    Conclusion,
    Deed,
    State,
    Step,
    Verdict,
    after,
)

CONCLUSION = Conclusion(Verdict.WASTE, "下班未关", "加装定时")


def test_the_way_from_the_question_to_the_conclusion() -> None:
    state = State.ASKED
    for deed, then in (
        (Deed(Step.EXPLAIN, "加班"), State.EXPLAINED),
        (Deed(Step.CHECK, "查看了值班表"), State.CHECKED),
        (Deed(Step.CONCLUDE, conclusion=CONCLUSION), State.CONCLUDED),
        (Deed(Step.REOPEN, "又发现"), State.ASKED),
    ):
        state = after(state, deed)
        assert state is then


def test_nobody_concludes_before_the_unit_has_explained() -> None:
    with pytest.raises(RefusedError, match=r"疑点现为“待说明”，不能“办结”；只有已说明、已核实的"):
        after(State.ASKED, Deed(Step.CONCLUDE, conclusion=CONCLUSION))


@pytest.mark.parametrize(
    "conclusion",
    [None, Conclusion(Verdict.WASTE, " ", "加装定时"), Conclusion(Verdict.WASTE, "下班未关", "")],
)
def test_a_conclusion_says_why_and_what_is_done(conclusion: Conclusion | None) -> None:
    with pytest.raises(RefusedError, match="原因和措施"):
        after(State.EXPLAINED, Deed(Step.CONCLUDE, conclusion=conclusion))


@pytest.mark.parametrize("step", [s for s in Step if s is not Step.CONCLUDE])
def test_every_other_step_needs_words(step: Step) -> None:
    froms = [state for state in State if _leads(state, step)]
    assert froms
    for state in froms:
        with pytest.raises(RefusedError, match="请写明"):
            after(state, Deed(step, "  "))


def test_what_people_did_is_never_taken_back_by_data() -> None:
    assert not _leads(State.CONCLUDED, Step.WITHDRAW)
    assert not _leads(State.EXEMPT, Step.WITHDRAW)


def test_every_word_has_its_chinese_and_none_accuses() -> None:
    assert set(STATES) == set(State)
    assert set(STEPS) == set(Step)
    assert set(VERDICTS) == set(Verdict)
    words = [*STATES.values(), *STEPS.values(), *VERDICTS.values()]
    assert not [word for word in words if "违" in word or "骗" in word]


def _leads(state: State, step: Step) -> bool:
    conclusion = CONCLUSION if step is Step.CONCLUDE else None
    try:
        after(state, Deed(step, "x", conclusion))
    except RefusedError:
        return False
    return True
