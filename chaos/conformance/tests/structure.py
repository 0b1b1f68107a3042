"""Says, as JSON, how Python's email package understands each of the files named on standard input."""
import email.parser
import email.policy
import email.utils
import json
import re
import sys


def flat(value):
    return None if value is None else "".join(str(value).splitlines()).strip()


def defects(part):
    own = len(part.defects)
    children = part.get_payload() if part.is_multipart() else []
    return own + sum(defects(child) for child in children)


def charset(part):
    value = part.get_param("charset", "us-ascii")
    return email.utils.collapse_rfc2231_value(value).lower()


def tree(part):
    multipart = part.get_content_maintype() == "multipart"
    text = part.get_content_maintype() == "text"
    # Python splits a delivery report into header blocks; IMAP knows parts inside multipart and message/rfc822 only.
    inside = part.is_multipart() and (multipart or part.get_content_type() == "message/rfc822")
    return {
        "type": part.get_content_type(),
        "charset": charset(part) if text else "",
        # RFC 2045 has a token here; what follows the first one is dropped.
        "encoding": "" if multipart else re.split("[/; ]", flat(part.get("content-transfer-encoding", "7bit")))[0].lower(),
        "id": "" if multipart else flat(part.get("content-id", "")),
        "children": [tree(child) for child in part.get_payload()] if inside else [],
    }


for path in sys.stdin.read().splitlines():
    with open(path, "rb") as file:
        message = email.parser.BytesParser(policy=email.policy.compat32).parse(file)
    print(json.dumps({
        "defects": defects(message),
        "tree": tree(message),
        "subject": flat(message.get("subject", "")),
        "message_id": flat(message.get("message-id", "")),
        "in_reply_to": flat(message.get("in-reply-to", "")),
        "date": flat(message.get("date", "")),
    }))
