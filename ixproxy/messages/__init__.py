"""Every request and event of the catalogue as one frozen class each."""

from __future__ import annotations

from ixproxy.messages.agents import *  # noqa: F403
from ixproxy.messages.answers import *  # noqa: F403
from ixproxy.messages.delivery import *  # noqa: F403
from ixproxy.messages.interactions import *  # noqa: F403
from ixproxy.messages.internal import *  # noqa: F403
from ixproxy.messages.message import KeyValues as KeyValues
from ixproxy.messages.message import Message as Message
from ixproxy.messages.message import Reason as Reason
from ixproxy.messages.message import Workbin as Workbin
from ixproxy.messages.registration import *  # noqa: F403
from ixproxy.messages.reporting import *  # noqa: F403
from ixproxy.messages.status import *  # noqa: F403
