"""Says, as JSON, how Python's email package understands each of the files named on standard input."""
import email.parser
import email.policy
import json
import sys


def flat(value):
    return None if value is None else "".join(str(value).splitlines()).strip()


def defects(part):
    own = len(part.defects)
    children = part.get_payload() if part.is_multipart() else []
    return own + sum(defects(child) for child in children)


def tree(part):
    multipart = part.get_content_maintype() == "multipart"
    text = part.get_content_maintype() == "text"
    return {
        "type": part.get_content_type(),
        "charset": str(part.get_param("charset", "us-ascii")).lower() if text else "",
        "encoding": "" if multipart else flat(part.get("content-transfer-encoding", "7bit")).lower(),
        "id": "" if multipart else flat(part.get("content-id", "")),
        "children": [tree(child) for child in part.get_payload()] if part.is_multipart() else [],
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
