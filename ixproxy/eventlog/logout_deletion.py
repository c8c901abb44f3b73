"""
Triggers that delete the rows of an agent from `rpt_agent` when the agent has logged out.

In its original form the first logout deletes all that was logged about the agent until
then, of all nodes, though the agent may be logged in on others still. The other form
waits: once no login of the agent's session is without its logout, it deletes the rows of
the session, and with them those that name no session.
"""

from __future__ import annotations

from ixproxy.eventlog.settings import Deleting

AT_FIRST, AFTER_LAST = "rpt_agent_at_first_logout", "rpt_agent_after_last_logout"
LOCKS = 0x49584C31
"""The first of the two keys of PostgreSQL's advisory locks."""

_OF_AGENT = "tenant_id = NEW.tenant_id AND agent_id = NEW.agent_id"
_DELETE_AT_FIRST = f"DELETE FROM rpt_agent WHERE {_OF_AGENT} AND event_time <= NEW.event_time"


def _delete_after_last(same: str) -> str:
    def of_session(alias: str) -> str:
        return (
            f"{alias}.tenant_id = NEW.tenant_id AND {alias}.agent_id = NEW.agent_id "
            f"AND {alias}.agent_session_number {same} NEW.agent_session_number "
            f"AND {alias}.agent_session_dbid {same} NEW.agent_session_dbid"
        )

    return f"""DELETE FROM rpt_agent WHERE {_OF_AGENT}
    AND (agent_session_number {same} NEW.agent_session_number
            AND agent_session_dbid {same} NEW.agent_session_dbid
        OR agent_session_number IS NULL AND event_time <= NEW.event_time)
    AND NOT EXISTS (SELECT 1 FROM rpt_agent i
        WHERE i.event = 'EventAgentLogin' AND {of_session("i")}
        AND NOT EXISTS (SELECT 1 FROM rpt_agent o
            WHERE o.event = 'EventAgentLogout' AND o.dbid = i.dbid AND {of_session("o")}
            AND (o.epoch, o.event_number) > (i.epoch, i.event_number)))"""


def sqlite_triggers(deleting: Deleting) -> dict[str, str]:
    """The triggers that there must be on SQLite: name to the statement that makes it."""
    if deleting is Deleting.NEVER:
        return {}
    at_first = deleting is Deleting.AT_FIRST
    name = AT_FIRST if at_first else AFTER_LAST
    delete = _DELETE_AT_FIRST if at_first else _delete_after_last("IS")
    return {
        name: f"CREATE TRIGGER {name} AFTER INSERT ON rpt_agent\n"
        f"WHEN NEW.event = 'EventAgentLogout' BEGIN\n{delete};\nEND"
    }


def postgresql_triggers(deleting: Deleting) -> dict[str, str]:
    """
    The same on PostgreSQL, each with the function that it calls, which has its name.

    One session after another deletes: two that each see only the logout of their own node
    would both leave all to the other.
    """
    if deleting is Deleting.NEVER:
        return {}
    at_first = deleting is Deleting.AT_FIRST
    name = AT_FIRST if at_first else AFTER_LAST
    delete = _DELETE_AT_FIRST if at_first else _delete_after_last("IS NOT DISTINCT FROM")
    return {
        name: f"""CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
PERFORM pg_advisory_xact_lock({LOCKS}, hashtext('logouts ' || current_schema()));
{delete};
RETURN NULL;
END $$;
CREATE TRIGGER {name} AFTER INSERT ON rpt_agent FOR EACH ROW
WHEN (NEW.event = 'EventAgentLogout') EXECUTE FUNCTION {name}()"""
    }
