"""E-mail messages (EML)."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage

from septet_readers.content import Content
from septet_readers.limits import Limits

_SHOWN = ("from", "to", "cc", "date", "subject")


def read_email(data: bytes, name: str, limits: Limits) -> Content:
    """Headers and the body of a message. Attachments are named in the warnings and not read."""
    message = message_from_bytes(data, EmailMessage, policy=policy.default)
    headers = [f"{field.title()}: {value}" for field in _SHOWN if (value := str(message.get(field, "")))]
    body = message.get_body(("plain", "html"))
    text = body.get_content() if body is not None else ""
    is_html = body is not None and body.get_content_subtype() == "html"
    attached = [part.get_filename() or part.get_content_type() for part in message.iter_attachments()]
    warnings = (f"its attachments are not read: {', '.join(attached)}",) if attached else ()
    head = "".join(f"<p>{line}</p>" for line in headers) if is_html else "\n".join(headers) + "\n\n"
    date = message.get("date")
    return Content(
        head + text,
        "text/html" if is_html else "text/plain",
        "email",
        str(message.get("subject", "")),
        str(message.get("from", "")),
        date.datetime.isoformat() if date is not None and getattr(date, "datetime", None) else "",
        warnings=warnings,
    )
