"""
Scripts about what agents do most: log in and out, and change their media and states.

As in `ixproxy.testing.agent_scripts` each agent is touched by one of its connections in
a round; but nearly every round changes agents, so that what nodes know and log
of them gets long. Some have interactions in hand, which come back when they leave.
"""

from __future__ import annotations

from random import Random

from ixproxy import messages as m
from ixproxy.messages.message import Reason
from ixproxy.testing.agent_scripts import AGENTS, CLIENTS, DELIVERING, MAIL, OPTIONS, REPORTERS
from ixproxy.testing.agent_steps import MEDIA, AgentSteps
from ixproxy.testing.steps import TENANT, Action, Ask, Lose, PullAll, Renew, Script, Vanish, Wait

_ANNAS = (1, 4)
_SINGLE = (2, 3)


def state_script(seed: int, rounds: int = 32) -> Script:
    """The script of a seed."""
    random = Random(f"states {seed}")
    options = {name: random.choice(values) for name, values in OPTIONS.items()}
    options["delivering_timeout"] = DELIVERING
    writer = _Writer(random, one_by_one=options["agent_seats"] is not None)
    written = tuple(writer.round(number) for number in range(rounds))
    return Script(seed, CLIENTS, written, tuple(options.items()))


class _Writer:
    """
    Writes one script.

    :param one_by_one: no two agents are changed in one round.
    """

    def __init__(self, random: Random, *, one_by_one: bool) -> None:
        self._random = random
        self._one_by_one = one_by_one
        self._step = 0
        self._submitted = 0
        self._agents = AgentSteps(random, self._reason, one_by_one=one_by_one)

    def round(self, number: int) -> tuple[Action, ...]:
        """The steps of the next round."""
        random = self._random
        if number == 0:
            return (Ask(REPORTERS[0], m.RequestStartPlaceAgentStateReportingAll()),)
        chance = random.random()
        if number > 3 and chance < 0.1:
            return (self._accident(),)
        if number in (2, 12) or chance < 0.15:
            return tuple(self._submit() for _ in range(random.randrange(2, 5)))
        if chance < 0.25:
            client = self._agents.at(random.choice(AGENTS))
            if client is not None:
                return (PullAll(client, "In/All", 2),)
        some = [random.choice(_ANNAS), *_SINGLE]
        several = 1 if self._one_by_one else random.randrange(1, 4)
        return tuple(self._agents.ask(client) for client in random.sample(some, several))

    def _reason(self) -> Reason:
        self._step += 1
        return Reason(reason_system_name="step", reason=self._step)

    def _accident(self) -> Action:
        """A connection breaks, a client comes anew, or time passes."""
        random = self._random
        client = random.choice((*_ANNAS, *_SINGLE))
        match random.randrange(4):
            case 0:
                return Lose(client)
            case 1:
                self._agents.gone(client)
                return Renew(client)
            case 2:
                self._agents.gone(client)
                return Vanish((client,), random.choice([10.0, 45.0, 101.0]))
        return Wait(random.choice([1.3, 17.7, 71.1]))

    def _submit(self) -> Ask:
        label = f"L{self._submitted}"
        self._submitted += 1
        request = m.RequestSubmit(
            tenant_id=TENANT,
            media_type=self._random.choice(MEDIA),
            queue="In",
            user_data={"label": label},
            reason=self._reason(),
        )
        return Ask(MAIL, request, (label,))
