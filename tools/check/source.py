# SPDX-License-Identifier: Apache-2.0
"""What the checks share: the files, and C text without what is not code."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def files(*patterns):
    """Files that fit the patterns, with paths relative to the root, sorted."""
    found = set()
    for pattern in patterns:
        found.update(path for path in ROOT.glob(pattern) if path.is_file())
    return [str(path.relative_to(ROOT)) for path in sorted(found)]


def read(path):
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def code(text):
    """The text with comments and the inside of literals made blank; line numbers stay."""

    def blank(match):
        token = match.group(0)
        if token[0] == "/":
            return re.sub(r"[^\n]", " ", token)
        return token[0] + " " * (len(token) - 2) + token[-1]

    return TOKEN.sub(blank, text)


def plain(text):
    """Code without preprocessor lines (and what continues them)."""
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group(0)), code(text), flags=re.M)


def top_level(text):
    """Yields (head, first line, last line, is_function) for each thing at file level: its text up to `{`, `=` or `;`, and its lines."""
    line = start = 1
    depth = 0
    head = []
    body = None  # head of the braces that are open
    for char in plain(text):
        if char == "\n":
            line += 1
        if depth == 0 and not "".join(head).strip() and not char.isspace():
            start, head = line, []
        if char == "{":
            if depth == 0:
                body = "".join(head)
                if re.search(r'extern\s+"\s*"?', body) or 'extern "' in body:  # extern "C" { is no body
                    head, body = [], None
                    continue
            depth += 1
        elif char == "}":
            if depth == 0:
                continue  # the end of extern "C"
            depth -= 1
            if depth == 0:
                if body is not None and is_function(body):
                    yield " ".join(body.split()), start, line, True
                    head = []
                else:
                    head = list((body or "") + " {} ")
        elif depth == 0:
            if char == ";":
                yield " ".join("".join(head).split()), start, line, False
                head = []
            else:
                head.append(char)


def is_function(head):
    return bool(re.search(r"\w\s*\([^{}]*\)\s*(__attribute__\s*\(\(.*\)\)\s*)?$", head, re.S)) and "=" not in head


def function_name(head):
    """Name of the function that a head declares or defines, or None."""
    head = re.sub(r"__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)", " ", head)
    head = re.sub(r"_Static_assert\s*\(.*", " ", head, flags=re.S)
    if re.match(r"\s*typedef\b", head):
        return None
    match = re.search(r"(?<![\w.>])([A-Za-z_]\w*)\s*\(", head.split("{")[0].split("=")[0])
    return match.group(1) if match else None
