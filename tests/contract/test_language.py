"""Users and engineers read plain English: phrases that need a second reading are not in the tree.

`BANNED` lists each phrase with the words to use instead. The search covers every text file that git
tracks, and file names. A space in a phrase also matches an underscore, a hyphen or a line break, so
test names and wrapped comments are searched too.
"""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

BANNED = {
    # Name the subject.
    "whoever": "a caller who, a request that",
    "whatever": "any, every, regardless of",
    "nobody(?![\\s_-]+(is[\\s_-]+)?connected)": "no caller, no user; or say what is missing",
    "somebody": "another caller, a user, a client",
    "(every|any)body": "all callers, any caller",
    "who loses": "a request that loses",
    "what was made": "the created session",
    "none of the caller's business": "the caller has no access to it",
    "is yours": "you may",
    "not yours": "not allowed",
    # Verbs and nouns of the trade.
    "(is|are|was|were|being|be) told": "receives, is notified, knows",
    "look(s|ed|ing)? again": "retry",
    "others? (is|are|was|were) faster": "lost the race",
    "begin(s|ning)? anew": "restart",
    "not(e|ed|es|ing) down": "record",
    "writ(e|es|ten|ing) down": "record",
    "mend(s|ed|ing)?": "fix",
    "want of": "lack of",
    "made elsewhere": "existing",
    "set aside": "reserved",
    "gives? way": "fails first, is the bottleneck",
    "goes? by": "is keyed by, depends on",
    # One word per thing.
    "made ahead": "pre-created",
    "(stand|stands|stood) ready": "pooled, available",
    "stand ?ins?": "emulator; for a test double: fake or stub",
    "patience": "deadline, time budget",
    "spares?": "surplus session",
    "dated back": "backdated",
    "opentok rejected": "vendor_rejected",
    "opentok unavailable": "vendor_unavailable",
    "illegal ?combinations?": "invalid_combination",
    "promises\\.md": "guarantees.md",
    "held by": "verified by",
    "knows? nothing of": "is independent of",
    # Idioms.
    "also (when|while|if|after|although)": "even when",
    "as good as": "counts as",
    "in vain": "without effect, surplus",
    "anew": "again",
    "for ever": "forever",
    "some (ten|twenty|thirty|fifty|hundred|thousand|[0-9]+)": "about ten",
    "but for": "except",
    "(?<!_)blanks?": "space",
    "whole numbers?": "integer",
    "at once": "immediately; or: at the same time",
    "cannot be had": "not available",
    "(goes|go|went|going) with": "requires",
    "of (ours|yours|theirs)": "our",
    "at the vendor": "with the vendor, in the vendor's service",
    "sessions in numbers": "in volume",
}

#: Made by tools, or not text for readers.
GENERATED = re.compile(
    r"requirements[\w-]*\.txt$|peers/\w+\.txt$|package-lock\.json$|\.(svg|png|ico)$|^LICENSE$"
)
NOT_SEARCHED = ("tests/contract/test_language.py",)


def pattern(phrase: str) -> re.Pattern[str]:
    """Compiles a phrase; between words may stand a line break with a comment sign, `_` or `-`."""
    between = r"(?:[_-]|\s+(?:(?:#|//|\*|--)\s*)?)"
    words = phrase.replace(" ?", f"{between}?").replace(" ", between)
    return re.compile(f"(?<![A-Za-z])(?:{words})(?![A-Za-z])", re.IGNORECASE)


def hits(phrase: str, text: str) -> list[tuple[int, str]]:
    """Returns line number and wording of every occurrence of a phrase in a text."""
    return [
        (text.count("\n", 0, match.start()) + 1, match[0])
        for match in pattern(phrase).finditer(text)
    ]


@cache
def texts() -> dict[str, str]:
    """Returns name and content of every file that is searched; the name is the first line."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    names = [
        name
        for name in listed.stdout.split("\0")
        if name and not GENERATED.search(name) and name not in NOT_SEARCHED
    ]
    return {name: f"{name}\n{_content(ROOT / name)}" for name in names}


def _content(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError):  # binary, or deleted and not committed yet
        return ""
    if path.name == "CHANGELOG.md":  # names the old names in code spans
        return re.sub(r"`[^`\n]*`", "``", text)
    return text


@pytest.mark.parametrize("phrase", BANNED)
def test_a_banned_phrase_is_in_no_file(phrase: str) -> None:
    found = [
        f"{name}:{max(line - 1, 1)}: {wording!r}"
        for name, text in texts().items()
        for line, wording in hits(phrase, text)
    ]
    assert not found, f"use: {BANNED[phrase]}"


def test_files_of_every_kind_are_searched() -> None:
    suffixes = {Path(name).suffix for name in texts()}
    assert {".py", ".md", ".yaml", ".toml", ".html", ".js"} <= suffixes


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("whoever", "def test_whoever_calls_gets_in() -> None:"),
        ("for ever", "could block a caller for\n    # ever"),
        ("stand ?ins?", "the vendor's stand-in"),
        ("stand ?ins?", "tests/standin.py"),
        ("(goes|go|went|going) with", "It goes\nwith a room only."),
    ],
)
def test_a_phrase_is_found_in_names_and_across_lines(phrase: str, text: str) -> None:
    assert len(hits(phrase, text)) == 1


@pytest.mark.parametrize(
    ("phrase", "text"),
    [("mend(s|ed|ing)?", "recommended"), ("anew", "a new session"), ("spares?", "sparse")],
)
def test_part_of_another_word_is_no_occurrence(phrase: str, text: str) -> None:
    assert not hits(phrase, text)
