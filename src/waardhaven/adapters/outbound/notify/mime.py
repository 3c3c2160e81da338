"""A message in the form mail has (RFC 5322)."""

from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from waardhaven.application.ports.notifier import Message, NotDelivered


def mime(message: Message, sender: str, at: datetime) -> EmailMessage:
    """Return the mail; raise NotDelivered for an address or subject no header can hold."""
    mail = EmailMessage(policy=SMTP)
    try:
        mail["From"], mail["To"], mail["Subject"] = sender, message.to, message.subject
        mail["Date"] = format_datetime(at)
        mail["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2].rstrip(">") or None)
        mail["Auto-Submitted"] = "auto-generated"
    except ValueError as error:
        raise NotDelivered("The message has an address no header can hold.") from error
    mail.set_content(message.text)
    return mail
