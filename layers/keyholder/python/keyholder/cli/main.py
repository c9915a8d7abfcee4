"""The `keyholder` command. Sub-commands are imported when they are used, so that `--help` is quick.

Data goes to stdout and words to stderr. Exit codes: 0 done, 1 failed, 2 usage, 3 refused, 4 sign in, 5 changed by
somebody else, 6 verification failed, 7 not yet.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping

import click

from keyholder.cli.session import Session
from keyholder.cli.trouble import reported

COMMANDS: Mapping[str, tuple[str, str]] = {
    "pseudonymise": ("keyholder.cli.pseudonymise:pseudonymise", "Turn a clear extract into a pseudonymised one."),
    "rekey": ("keyholder.cli.rekey:rekey", "Bring the pseudonyms of an extract to the newest key version."),
    "standing": ("keyholder.cli.standing:standing", "Standing approvals: ask, list, show, approve, end."),
    "delegation": (
        "keyholder.cli.delegating:delegation",
        "Somebody decides in your place: name, list, confirm, withdraw.",
    ),
    "linkage": ("keyholder.cli.linkage:linkage", "Agree on linkage: propose, list, show, approve, end."),
    "translate": ("keyholder.cli.linkage:translate", "Translate the pseudonyms of an extract for another domain."),
    "request": ("keyholder.cli.request:request", "Ask for identifiers: check, new, show, submit, release, collect."),
    "review": ("keyholder.cli.review:review", "Decide on requests: list, approve, reject."),
    "terms": ("keyholder.cli.terms:terms", "Read the terms of use in force, and accept them."),
    "emergency": ("keyholder.cli.emergency:emergency", "Open a few records at once for care; review that."),
    "audit": ("keyholder.cli.audit:audit", "Read the ledger, ask about a person, download, verify offline."),
    "admin": (
        "keyholder.cli.admin:admin",
        "Register people, projects, domains; keys; policy; opt-outs, consents; rebuild tables.",
    ),
    "policy": ("keyholder.cli.policy:policy", "Evaluate policy case files, and explain them."),
    "dev": ("keyholder.cli.dev:dev", "The whole service on this machine."),
    "version": ("keyholder.cli.version:version", "The version of this command."),
}
"""Name to where the command is, and what it does in one line."""


class LazyGroup(click.Group):
    """Imports a sub-command when it is used, and turns what went wrong into words and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), name)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}:{name} is not a command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        with reported(ctx.ensure_object(Session)):
            return super().invoke(ctx)


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--json", "as_json", is_flag=True, help="Data on stdout as JSON; problems on stderr as JSON.")
@click.pass_context
def cli(ctx: click.Context, *, as_json: bool) -> None:
    """Keyholder: re-identification of pseudonymised health data, only where it is right, and never unseen.

    KEYHOLDER_URL says where; KEYHOLDER_TOKEN or KEYHOLDER_TOKEN_FILE who you are; KEYHOLDER_CA_BUNDLE, where needed,
    which certificates to trust.
    """
    session = ctx.ensure_object(Session)
    session.as_json = session.as_json or as_json


def main() -> None:
    """The console script."""
    try:
        cli.main(prog_name="keyholder")
    except KeyboardInterrupt:
        sys.exit(130)
