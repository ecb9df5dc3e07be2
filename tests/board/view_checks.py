"""What is looked at in every view of the board: axe's rules, how large what is pressed is, whether words have room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

TAP = 44  # px each way: WCAG 2.5.5, and Apple's own measure
AXE = Axe().axe_script
# By itself it would be read anew for each view, and tell all that it found nothing wrong with.
RUN_AXE = """async (part) => {
  const options = { resultTypes: ['violations'], preload: false, selectors: false, elementRef: false };
  const { violations } = await axe.run(part || document, options);
  return violations;
}"""

# What can be pressed, each as large as it is for a finger: a label stands for the small box in it, a table is its face.
PRESSED = """() => {
  const open = document.querySelector('dialog[open]');
  const all = [...(open || document).querySelectorAll('button, a[href], input, select, textarea, [role=button]')];
  const shown = (node) => node.getClientRects().length && getComputedStyle(node).visibility === 'visible';
  return all.filter((node) => shown(node) && !node.closest('[aria-hidden=true]')).map((node) => {
    const part = node.closest('label') || node.querySelector('.face, .hit') || node;
    const { width, height } = part.getBoundingClientRect();
    const what = node.getAttribute('aria-label') || node.textContent.trim() || node.outerHTML.slice(0, 80);
    return { what, width, height };
  });
}"""
# What of the shown page is cut, and which buttons lie on each other. What a guest or host wrote may end in an ellipsis.
LAID_OUT = """(written) => {
  const open = document.querySelector('dialog[open]') || document.body;
  const shown = (node) => node.getClientRects().length > 0 && getComputedStyle(node).visibility === 'visible'
    && !node.matches('.vh, .vh *');
  const told = (node) => node.textContent.trim() || node.outerHTML.slice(0, 60);
  const says = (node) => node.matches('button')
    || [...node.childNodes].some((one) => one.nodeType === 3 && one.textContent.trim());
  const cut = [...open.querySelectorAll('*')]
    .filter((node) => shown(node) && says(node) && !node.closest('svg') && !written.includes(told(node)))
    .filter((node) => node.clientWidth > 0 && node.scrollWidth > node.clientWidth + 1)
    .map((node) => `${told(node)} (${node.scrollWidth} > ${node.clientWidth})`);
  const wide = open.scrollWidth > innerWidth ? [`${open.tagName} is ${open.scrollWidth} wide`] : [];
  const spilt = [...open.querySelectorAll('#plan .table')].flatMap((table) => {
    const face = table.querySelector('.face').getBoundingClientRect();
    const words = [...table.querySelectorAll(':scope > text')];
    return words.filter((text) => text.getBoundingClientRect().width > face.width + 2).map(told);
  });
  // What of a button is in view: its box within all that scroll around it.
  const box = (node) => {
    let { left, right, top, bottom } = node.getBoundingClientRect();
    for (let up = node.parentElement; up; up = up.parentElement) {
      const { overflowX, overflowY } = getComputedStyle(up);
      if (overflowX === 'visible' && overflowY === 'visible') continue;
      const clip = up.getBoundingClientRect();
      [left, right] = [Math.max(left, clip.left), Math.min(right, clip.right)];
      [top, bottom] = [Math.max(top, clip.top), Math.min(bottom, clip.bottom)];
    }
    return { node, left, right, top, bottom };
  };
  const buttons = [...open.querySelectorAll('button, a[href], input, select, textarea')].filter(shown).map(box)
    .filter((one) => one.right - one.left > 1 && one.bottom - one.top > 1);
  const meet = (one, two) => !one.node.contains(two.node) && !two.node.contains(one.node)
    && Math.min(one.right, two.right) - Math.max(one.left, two.left) > 1
    && Math.min(one.bottom, two.bottom) - Math.max(one.top, two.top) > 1;
  const on = buttons.flatMap((one, at) => buttons.slice(at + 1).filter((two) => meet(one, two))
    .map((two) => `${told(one.node)} on ${told(two.node)}`));
  return [...cut, ...wide, ...spilt, ...on];
}"""


def violations(page: Page, part: str | None = None) -> list[str]:
    """What axe finds on a page, or in a part of it, by rule and place."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found = page.evaluate(RUN_AXE, part)
    return [
        f"{one['id']}: {node['html'][:120]} {node['failureSummary'][:300]}" for one in found for node in one["nodes"]
    ]


def too_small(page: Page) -> list[dict[str, Any]]:
    """What can be pressed there and is smaller than a finger."""
    targets = page.evaluate(PRESSED)
    assert len(targets) >= 2
    # Half a pixel is what the browser rounds.
    return [one for one in targets if min(one["width"], one["height"]) < TAP - 0.5]


def crowded(page: Page, written: Sequence[str]) -> list[str]:
    """Which words are cut and which buttons lie on each other; what people have `written` may be cut."""
    found: list[str] = page.evaluate(LAID_OUT, [*written])
    return found
