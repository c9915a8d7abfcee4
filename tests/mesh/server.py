"""NHS Digital's MESH server (mesh-sandbox) with the opt-out service behind one of its mailboxes. Runs in its own
environment, which has nothing of Keyholder: `python server.py CERTIFICATE KEY CLIENT_AUTHORITY`.

Prints the port of 127.0.0.1 it listens on, and lives as long as its standard input stays open. `POST /plan` says how
the service answers from now on.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import sys
import threading
from typing import Any, ClassVar
from uuid import uuid4

os.environ |= {"STORE_MODE": "memory", "AUTH_MODE": "full", "SHARED_KEY": "TestKey"}

import uvicorn
from fastapi import BackgroundTasks, Request
from mesh_sandbox.api import app
from mesh_sandbox.dependencies import get_messaging, get_store
from mesh_sandbox.models.mailbox import Mailbox
from mesh_sandbox.models.message import (
    Message,
    MessageEvent,
    MessageMetadata,
    MessageParty,
    MessageStatus,
    MessageType,
)

OURS, SERVICE, OTHER = "X26KH0001", "X26HC999", "X26OT999"
WORKFLOW = "SPINE_NTT_UPHOLDING"
ERROR_LINE = b"The file contains one or more invalid NHS Numbers."
PLAN: dict[str, Any] = {}


def party(mailbox: str) -> MessageParty:
    """How a message names a mailbox."""
    return MessageParty(
        mailbox_id=mailbox, mailbox_name=mailbox, ods_code="X26", org_code="X26", org_name="", billing_entity="England"
    )


async def put(body: bytes, local_id: str, subject: str = "", sender: str = SERVICE, workflow: str = WORKFLOW) -> str:
    """A message into our inbox."""
    message = Message(
        events=[MessageEvent(status=MessageStatus.ACCEPTED)],
        message_id=uuid4().hex.upper(),
        sender=party(sender),
        recipient=party(OURS),
        total_chunks=1,
        message_type=MessageType.DATA,
        workflow_id=workflow,
        metadata=MessageMetadata(
            subject=subject,
            content_type="application/octet-stream",
            content_encoding="",
            file_name="reply.dat",
            local_id=local_id,
            partner_id="",
            checksum="",
            encrypted=False,
            compressed=False,
        ),
    )
    await get_messaging().send_message(message=message, body=body, background_tasks=BackgroundTasks())
    return message.message_id


class OptOutResponderPlugin:
    """Answers lists as the Check for National Data Opt-outs service does: job created, then the cleaned list."""

    triggers: ClassVar = ["after_accept_message"]

    async def on_event(self, event: str, event_args: dict[str, Any], exception: Exception | None = None) -> None:
        message = event_args["message"]
        if message.recipient.mailbox_id != SERVICE or message.workflow_id != WORKFLOW:
            return
        body = await get_messaging().get_chunk(message, 1)
        await acknowledged(message)
        for reply, subject in replies((body or b"").decode(), message.metadata.local_id):
            for _ in range(PLAN.get("copies", 1)):
                await put(reply, message.metadata.local_id, subject)


async def acknowledged(message: Message) -> None:
    """The service has collected its list."""
    await get_messaging().acknowledge_message(message=message, background_tasks=BackgroundTasks())


def replies(asked: str, local_id: str) -> list[tuple[bytes, str]]:
    """What the service answers, in order, as `PLAN` says."""
    if PLAN.get("silent"):
        return []
    created = {
        "status": "pending",
        "dataset_id": "mesh_to_pos",
        "metadata": {"request": {"extra": {"local_id": local_id}}},
    }
    if PLAN.get("refuse"):
        return [(ERROR_LINE, "")]
    opted_out = set(PLAN.get("opted_out", ()))
    clear = [line for line in asked.split("\n") if line and line.rstrip(",") not in opted_out]
    cleaned = "".join(f"{line}\n" for line in clear).encode()
    cut = PLAN.get("cut", 0)
    return [(json.dumps(created).encode(), "SUCCESS"), (cleaned[: len(cleaned) - cut], "")]


@app.post("/plan")
async def plan(request: Request) -> dict[str, str]:
    """Everything anew: empty mailboxes, and how the service answers from now on."""
    store = get_store()
    await get_messaging().reset()
    for name in (OURS, SERVICE, OTHER):
        store.mailboxes[name] = Mailbox(
            mailbox_id=name, mailbox_name=name, ods_code="X26", org_code="X26", password="password"
        )
        await store.reset_mailbox(name)
    PLAN.clear()
    PLAN.update(await request.json())
    return {}


@app.post("/put")
async def put_in(request: Request) -> list[str]:
    """Messages straight into our inbox: `count` of the same."""
    asked = await request.json()
    count, body = asked.pop("count", 1), asked.pop("body").encode()
    return [await put(body, **asked) for _ in range(count)]


@app.get("/sent")
async def sent() -> list[dict[str, Any]]:
    """What we have sent, oldest first."""
    messages = reversed(await get_messaging().get_outbox(OURS))
    return [
        {
            "message_id": message.message_id,
            "to": message.recipient.mailbox_id,
            "workflow": message.workflow_id,
            "local_id": message.metadata.local_id,
            "file_name": message.metadata.file_name,
            "subject": message.metadata.subject,
            "body": (await get_messaging().get_chunk(message, 1) or b"").decode(),
        }
        for message in messages
    ]


def end_with_parent() -> None:
    """Stop this process once its standard input ends."""
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    """Serve until told to stop."""
    certificate, key, client_authority = sys.argv[1:]
    get_messaging().register_plugin(OptOutResponderPlugin)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(64)
    config = uvicorn.Config(
        app,
        log_level="warning",
        ssl_certfile=certificate,
        ssl_keyfile=key,
        ssl_ca_certs=client_authority,
        ssl_cert_reqs=ssl.CERT_REQUIRED,
    )
    threading.Thread(target=end_with_parent, daemon=True).start()
    sys.stdout.write(f"{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
