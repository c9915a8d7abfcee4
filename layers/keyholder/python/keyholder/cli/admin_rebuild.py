"""`keyholder admin rebuild`: tables and views made again from the journal, with credentials of AWS and no token."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import click

from keyholder.canonical import JsonObject, JsonValue
from keyholder.cli.session import NotConfigured, Session
from keyholder.cli.trouble import Exit, Stop

Function = Callable[[JsonObject], JsonObject]


def function_of(name: str) -> Function:
    """Whatever answers under this name. Raises `NotConfigured` where boto3 is not installed."""
    try:
        from keyholder.adapters.rebuild_function import RebuildFunction, rebuild_client
    except ImportError as missing:
        raise NotConfigured("This command calls AWS: install boto3 beside it.") from missing
    return RebuildFunction(rebuild_client(), name)


@click.command("rebuild")
@click.option(
    "--function",
    "name",
    required=True,
    envvar="KEYHOLDER_REBUILD_FUNCTION",
    help="The function's name: the stack's output RebuildFunction.",
)
@click.option("--apply", "plan", metavar="PLAN", help="Do what this command showed before under this plan.")
@click.option(
    "--drop-pending",
    is_flag=True,
    help="Although steps wait for the ledger: take them away. They have had no effect, and their callers were told so.",
)
@click.pass_obj
def rebuild(session: Session, *, name: str, plan: str | None, drop_pending: bool) -> None:
    """Compare tables and views with the journal; with --apply, make them again from it.

    Without --apply nothing is changed. The ledger is verified from its first batch first. While tables change, nothing
    is recorded and callers get 503; a rebuild that is cut short is gone on with by the same command. Keyholder writes
    down that it began and that it ended.
    """
    function = function_of(name)
    if plan is None:
        _show(session, _asked(session, function, {}))
        return
    wish: JsonObject = {"apply": plan, "drop_pending": drop_pending}
    while (done := _asked(session, function, wish)).get("more"):
        session.say(f"{done.get('changed')} entries so far; going on.")
    views = done.get("views")
    if isinstance(views, Mapping) and views.get("batches") != views.get("of"):
        session.say(f"The views have {views.get('batches')} of {views.get('of')} batches; the sweeper makes the rest.")
    session.show(done)


def _show(session: Session, plan: JsonObject) -> None:
    """What is wrong on stdout, what to do about it in words."""
    keys = plan.get("keys")
    if isinstance(keys, Mapping) and (keys.get("lost") or keys.get("digest_lost")):
        session.say("Keys are lost: no rebuild brings them back. Restore the keys table from a backup.")
    if plan.get("table"):
        session.say(f"Nothing was changed. To do it: keyholder admin rebuild --apply {plan.get('plan')}")
    else:
        session.say("The steps table is what the journal says. --apply would make the views anew.")
    session.show(plan)


def _asked(session: Session, function: Function, wish: JsonObject) -> JsonObject:
    from keyholder.adapters.rebuild_function import FunctionFailedError

    try:
        answer = function(wish)
    except FunctionFailedError as failed:
        session.say(f"keyholder: the function failed ({failed}); its log says where (RBD004). Call again to go on.")
        raise Stop(Exit.FAILED) from failed
    refused: JsonValue = answer.get("refused")
    if isinstance(refused, Mapping):
        session.say(f"keyholder: {refused.get('code')}: {refused.get('advice')}")
        raise Stop(Exit.REFUSED)
    if "not_whole" in answer:
        session.say(f"keyholder: the ledger is not whole, and nothing was changed: {answer['not_whole']}")
        raise Stop(Exit.NOT_VERIFIED)
    return answer
