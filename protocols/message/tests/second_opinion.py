"""Says what Python's email package (policy compat32) sees in each message of a folder.

For each file a line `F<TAB>name`, then for each part in the order of the bytes a line of fields joined by tabs:
depth, media type, boundary known, charset, file name, octets and CRC-32 of the decoded body.
Rules that make the two readings comparable are documented in second_opinion.rs beside this file.
"""
import email
import email.policy
import email.utils
import os
import re
import sys
import zlib

sys.setrecursionlimit(20000)
TOKEN = r"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+"
TYPE = re.compile(rf"\s*({TOKEN})/({TOKEN})")
BASE64 = re.compile(rb"[A-Za-z0-9+/]*={0,2}\Z")


def media_type(part):
    if part.get("content-type") is None:
        return part.get_default_type()
    found = TYPE.match(str(part.get("content-type")))
    return (found.group(1) + "/" + found.group(2)).lower() if found else "text/plain"


def normalise(body):
    return re.sub(rb"[ \t\r]+\n", b"\n", body).rstrip()


def body_of(part, kind):
    payload = part._payload  # get_payload() replaces 8-bit octets
    if not isinstance(payload, str):
        return "?"
    raw = payload.encode("ascii", "surrogateescape")
    encoding = str(part.get("content-transfer-encoding", "")).lower()
    if encoding != encoding.strip():
        return "?"
    if part.get_content_maintype() == "multipart" and (part.epilogue is not None or not raw):
        return "?"
    if kind == "text/plain" and part.get_content_maintype() == "multipart" and not part.is_multipart():
        decoded = raw if encoding not in ("base64", "quoted-printable") else None
    elif encoding in ("", "7bit", "8bit", "binary"):
        decoded = raw
    elif encoding == "quoted-printable":
        decoded = part.get_payload(decode=True)
    elif encoding == "base64":
        packed = b"".join(raw.split())
        decoded = part.get_payload(decode=True) if len(packed) % 4 == 0 and BASE64.match(packed) else None
    else:
        decoded = None
    if decoded is None:
        return "?"
    decoded = normalise(decoded)
    return f"{len(decoded)}:{zlib.crc32(decoded):08x}"


def parameter(get):
    try:
        value = get()
    except Exception:
        return "?"
    if value is None:
        return "-"
    value = str(value)
    return value if re.fullmatch(r"[!-~]+", value) else "?"


def show(part, depth, out):
    kind = media_type(part)
    is_container = part.is_multipart() and (kind.startswith("multipart/") or kind in ("message/rfc822", "message/global"))
    if kind.startswith("multipart/") and not part.is_multipart():
        kind = "text/plain"
    is_other_message = kind.startswith("message/") and not is_container
    body = "?" if is_container or is_other_message else body_of(part, kind)
    charset = parameter(lambda: part.get_param("charset") and part.get_content_charset())
    name = parameter(part.get_filename)
    out.append("\t".join((str(depth), kind, charset, name, body)))
    if is_container:
        for child in part.get_payload():
            show(child, depth + 1, out)


def main(folder):
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".eml"):
            continue
        with open(os.path.join(folder, name), "rb") as file:
            data = re.sub(rb"\r(?!\n)", b" ", file.read())
        lines = ["F\t" + name]
        try:
            header = re.split(rb"\r?\n\r?\n", data, maxsplit=1)[0]
            if re.search(rb"(?m)^[!-9;-~]+[ \t]+:", header):
                raise ValueError("white space before a colon")
            message = email.message_from_bytes(data, policy=email.policy.compat32)
            if any("\n" in (part.get_boundary() or "") for part in message.walk()):
                raise ValueError("folded boundary")
            text = str(message.get("date", ""))
            date = email.utils.parsedate_tz(text)
            if date and (date[3] > 24 or re.search(r"\b[AP]M\b|\(.*\).", text)):
                date = None
            lines.append("D\t" + (str(email.utils.mktime_tz(date)) if date else "-"))
            show(message, 0, lines)
        except Exception as error:
            lines = ["F\t" + name, "E\t" + type(error).__name__]
        sys.stdout.write("\n".join(lines).encode("utf-8", "replace").decode() + "\n")


main(sys.argv[1])
