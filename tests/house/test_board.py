"""What the board's files may not use: it must run on Safari 15.6, on plain http, under a strict policy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.house.source_tree import ROOT, name

BOARD = ROOT / "restohub/web/board"
FILES = sorted(path for path in BOARD.rglob("*") if path.is_file())
SCRIPTS, STYLES = ([path for path in FILES if path.suffix == suffix] for suffix in (".js", ".css"))
PAGES = [path for path in FILES if path.suffix in (".html", ".svg")]
LINES_MAX = 400

# Each rule: what is meant, its pattern, and a sample that it must find. The version is the first Safari that has it.
Rule = tuple[str, str, str]
IN_SCRIPTS: tuple[Rule, ...] = (
    ("array copies (16)", r"\.(?:toSorted|toReversed|toSpliced)\(|\.with\(\s*-?\w+\s*,", "list.toSorted()"),
    ("AbortSignal.timeout (16), .any (17.4)", r"\bAbortSignal\s*\.\s*(?:timeout|any)\b", "AbortSignal.timeout(5)"),
    ("import maps (16.4)", r"importmap", 'type = "importmap"'),
    ("adoptedStyleSheets (16.4)", r"adoptedStyleSheets|\bnew\s+CSSStyleSheet\b", "root.adoptedStyleSheets = []"),
    ("ElementInternals (16.4)", r"\battachInternals\b|\bElementInternals\b", "this.attachInternals()"),
    ("CSS.registerProperty (16.4)", r"\bCSS\s*\.\s*registerProperty\b", "CSS.registerProperty({})"),
    ("lookbehind (16.4)", r"\(\?<[=!]", "/(?<=a)b/"),
    ("static blocks (16.4)", r"\bstatic\s*\{", "static { this.a = 1 }"),
    ("top-level await", r"(?m)^(?!.*\basync\b)(?=\S).*\bawait\b", "const a = await b()"),
    ("import attributes (17.2)", r"""\bfrom\s*["'][^"']+["']\s*(?:with|assert)\s*\{""", 'import a from "./a" with {}'),
    ("import.meta.resolve (16.4)", r"\bimport\.meta\.resolve\b", "import.meta.resolve(a)"),
    ("popover (17)", r"\bpopover\b|\b(?:show|hide|toggle)Popover\b|popovertarget", "node.showPopover()"),
    ("dialog.requestClose (18.4)", r"\brequestClose\(|\bclosedby\b|\bCloseWatcher\b", "box.requestClose()"),
    ("View Transitions (18)", r"\bstartViewTransition\b", "document.startViewTransition(a)"),
    ("moveBefore", r"\.moveBefore\(", "a.moveBefore(b, c)"),
    ("groupBy (17.4)", r"\b(?:Object|Map)\s*\.\s*groupBy\b", "Object.groupBy(a, b)"),
    (
        "withResolvers (17.4), Promise.try (18.2)",
        r"\bPromise\s*\.\s*(?:withResolvers|try)\b",
        "Promise.withResolvers()",
    ),
    ("Array.fromAsync (16.4)", r"\bArray\s*\.\s*fromAsync\b", "Array.fromAsync(a)"),
    (
        "sets' arithmetic (17)",
        r"\.(?:intersection|symmetricDifference|isSubsetOf|isSupersetOf|isDisjointFrom)\(",
        "a.isSubsetOf(b)",
    ),
    (
        "iterator helpers (18.4)",
        r"\bIterator\s*\.\s*from\b|(?:\.(?:values|keys|entries)\(\)|\.matchAll\([^()]*\))\s*\."
        r"\s*(?:map|filter|reduce|toArray|some|every|find|forEach|take|drop|flatMap)\(",
        "map.values().map(a)",
    ),
    ("isWellFormed (16.4)", r"\.(?:isWellFormed|toWellFormed)\(", "text.isWellFormed()"),
    ("checkVisibility (17.4)", r"\.checkVisibility\(", "node.checkVisibility()"),
    ("Intl.DurationFormat (16.4)", r"\bIntl\s*\.\s*DurationFormat\b", "new Intl.DurationFormat(a)"),
    (
        "OffscreenCanvas, CompressionStream (16.4)",
        r"\bOffscreenCanvas\b|\bCompressionStream\b",
        "new OffscreenCanvas(1, 1)",
    ),
    ("scrollend (26)", r"\bscrollend\b", "on('scrollend')"),
    (
        "no Safari's",
        r"\brequestIdleCallback\b|\buserAgentData\b|\.vibrate\(|\bscheduler\s*\.",
        "requestIdleCallback(a)",
    ),
    ("no regular expression with the flag v (17)", r"/[dgimsuy]*v[dgimsuy]*\.(?:test|exec)\(", "/a/v.test(b)"),
    (
        "undefined on plain http",
        r"\brandomUUID\b|\bcrypto\s*\.\s*subtle\b|\bnavigator\s*\.\s*(?:locks|wakeLock|serviceWorker|clipboard|storage)\b",
        "crypto.randomUUID()",
    ),
    (
        "markup from text",
        r"\b(?:innerHTML|outerHTML|insertAdjacentHTML|srcdoc|setHTMLUnsafe|setHTML)\b|\bdocument\s*\.\s*write",
        "node.innerHTML = a",
    ),
    ("a style attribute", r"""setAttribute(?:NS\([^,]+,|\()\s*["'`]style["'`]""", 'node.setAttribute("style", a)'),
    ("code from text", r"\beval\(|\bnew\s+Function\b|\bset(?:Timeout|Interval)\(\s*[\"'`]", "eval(a)"),
)
IN_STYLES: tuple[Rule, ...] = (
    (
        "container queries (16)",
        r"@container\b|\bcontainer(?:-type|-name)?\s*:|\bcq(?:w|h|i|b|min|max)\b",
        "@container (a) {",
    ),
    ("color-mix (16.2)", r"\bcolor-mix\(", "color: color-mix(in srgb, red, blue)"),
    ("relative colours (16.4)", r"\b(?:rgba?|hsla?|hwb|lab|lch|oklab|oklch|color)\(\s*from\b", "oklch(from red l c h)"),
    ("@property (16.4)", r"@property\b", "@property --a {"),
    ("media ranges (16.4)", r"@media[^{]*[<>]", "@media (width >= 600px) {"),
    ("light-dark (17.5)", r"\blight-dark\(", "color: light-dark(red, blue)"),
    ("popover (17)", r":popover-open\b", ":popover-open {"),
    ("View Transitions (18)", r"view-transition", "view-transition-name: a"),
    ("@scope (17.4), @starting-style (17.5)", r"@scope\b|@starting-style\b", "@scope (a) {"),
    ("anchors (26)", r"(?<![\w-])anchor(?:-name|-size)?\s*[(:]|position-(?:anchor|area|try)", "anchor-name: --a"),
    ("subgrid (16)", r"\bsubgrid\b", "grid-template-rows: subgrid"),
    (":user-invalid (16.5)", r":user-(?:valid|invalid)\b", ":user-invalid {"),
    ("text-wrap (17.5), field-sizing (26)", r"\btext-wrap\b|\bfield-sizing\b", "text-wrap: balance"),
    (
        "transition-behavior (18), interpolate-size",
        r"\btransition-behavior\b|\binterpolate-size\b|\ballow-discrete\b",
        "x: allow-discrete",
    ),
    ("offset-path (16)", r"\boffset-(?:path|distance)\b", "offset-path: none"),
    ("linear() (17.2)", r"[\s:,]linear\(", "transition: a 1s linear(0, 1)"),
    ("another's server", r"@import\s|url\(\s*[\"']?(?:https?:)?//", "url(https://fonts.example/a)"),
)
IN_PAGES: tuple[Rule, ...] = (
    ("a style attribute", r"\sstyle\s*=", '<p style="color: red">'),
    ("a style sheet inside", r"<style\b", "<style>"),
    ("a script inside", r"<script\b(?![^>]*\bsrc=)", "<script>a()</script>"),
    ("a handler in markup", r"\son[a-z]+\s*=", '<p onclick="a()">'),
    ("import maps (16.4)", r"importmap", '<script type="importmap" src="a">'),
    ("popover (17)", r"\spopover(?:target)?\b", "<div popover>"),
    ("another's server", r"(?:src|href|action)\s*=\s*[\"']?(?:https?:)?//", '<link href="https://a.example">'),
)
# What Safari 15.6 has: none of the rules may find it.
ALLOWED = {
    "js": """import { apply } from "./floor.js"
export const read = async (answer) => await answer.json()
async function main() {
  const copy = structuredClone(await read(a))
  for (const one of copy.map.values()) list.push(one)
  Object.values(copy).map(String)
  node.style.setProperty("--x", `${x}px`)
  class Thing { #own = 1; static none = 0; has(other) { return #own in other } }
  return list.at(-1) ?? Object.hasOwn(copy, "a")
}
node.setAttribute("class", "style")
box.showModal()
""",
    "css": """@layer tokens, base;
@layer base {
  @media (min-width: 600px) and (prefers-color-scheme: dark) {
    main:has(> dialog[open]) > p { color: oklch(60% 0.1 200); height: 100dvh; inset: 0; contain: content }
  }
}
@keyframes turn { from { rotate: 0deg } to { rotate: 360deg } }
.a { background: linear-gradient(red, blue); transition: color 1s linear }
""",
    "html": """<script type="module" src="BOARD/boot.js"></script>
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0"/></svg>
<button data-action="once" class="style">Once</button>
""",
}
COMMENT = re.compile(r"/\*.*?\*/|(?<![:\"'`\\/\w])//[^\n]*|<!--.*?-->", re.DOTALL)
BLOCK = re.compile(r"([^{};]*)\{|\}")


def found(rules: tuple[Rule, ...], text: str) -> list[str]:
    """What the rules forbid of a text, each with the words that were found."""
    bare = COMMENT.sub("", text)
    return [f"{rule}: {hit[0].strip()[:60]}" for rule, pattern, _ in rules if (hit := re.search(pattern, bare))]


def nested(text: str) -> list[str]:
    """The rules of a style sheet that stand inside another rule (17.2)."""
    open_blocks: list[str] = []
    inside: list[str] = []
    for block in BLOCK.finditer(COMMENT.sub("", text)):
        if block[0] == "}":
            open_blocks.pop()
            continue
        if open_blocks and not open_blocks[-1].startswith("@"):
            inside.append(block[1].strip())
        open_blocks.append(block[1].strip())
    return inside


@pytest.mark.parametrize("path", SCRIPTS, ids=name)
def test_a_script_uses_nothing_newer_than_safari_15_6(path: Path) -> None:
    assert found(IN_SCRIPTS, path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", STYLES or [None], ids=str)
def test_a_style_sheet_uses_nothing_newer_than_safari_15_6(path: Path | None) -> None:
    text = path.read_text("utf-8") if path else ""
    assert found(IN_STYLES, text) == []
    assert nested(text) == []


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_a_page_has_nothing_that_its_policy_forbids(path: Path) -> None:
    assert found(IN_PAGES, path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_file_of_the_board_is_served_and_short(path: Path) -> None:
    assert path.suffix in {".css", ".html", ".js", ".json", ".png", ".svg"}
    texts = path.parent.name == "words"  # all of a language in one file
    assert path.suffix == ".png" or texts or len(path.read_text("utf-8").splitlines()) <= LINES_MAX


@pytest.mark.parametrize(
    ("rules", "rule"),
    [(rules, rule) for rules in (IN_SCRIPTS, IN_STYLES, IN_PAGES) for rule in rules],
    ids=lambda value: value[0] if isinstance(value[0], str) else "in",
)
def test_each_rule_finds_its_sample(rules: tuple[Rule, ...], rule: Rule) -> None:
    assert any(one.startswith(f"{rule[0]}: ") for one in found(rules, f"\n{rule[2]}\n"))


def test_no_rule_finds_what_safari_15_6_has() -> None:
    for rules, kind in ((IN_SCRIPTS, "js"), (IN_STYLES, "css"), (IN_PAGES, "html")):
        assert found(rules, ALLOWED[kind]) == []
    assert nested(ALLOWED["css"]) == []
    assert nested("@media print { .a { color: red; .b { color: blue } &:hover { color: red } } }") == [".b", "&:hover"]
