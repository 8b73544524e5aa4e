"""A neighbourhood as a picture: what bears on a claim stands at its left, what it bears on at its right."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from api.drawing.svg import Picture, curve, percent, wrapped
from graph.database.sessions import Unit
from graph.errors import NotFoundError
from graph.ledger.claim_history import ClaimHistory, load_histories
from graph.ledger.claim_state import ClaimState
from graph.model.kinds import ClaimStatus
from graph.model.relations import EXPOSURE_SIGNS, INFLUENCE_KINDS
from graph.model.subjects import CLAIM, CLAIM_SUBJECTS
from graph.reading.neighborhood import NeighborhoodQuery, find_neighborhood
from graph.reading.tree import TYPE, NodePlan

MARGIN: Final = 20
CARD_WIDTH: Final = 250
COLUMN_GAP: Final = 70
ROW_GAP: Final = 14
PADDING: Final = 12
TITLE_SIZE: Final = 13
TITLE_LINE: Final = 17
MOST_TITLE_LINES: Final = 3
BAR_HEIGHT: Final = 20
NOTE_LINE: Final = 17
MAX_NODES: Final = 60

_COLOURS: Final = {"Prediction": "blue", "Scenario": "teal", "Killer": "red", "Ticker": "amber"}
_EDGE_COLOURS: Final = {
    "PREREQUISITE_OF": "green",
    "KILLS": "red",
    "CORRELATES_WITH": "soft",
    "BENEFITS": "green",
    "HARMS": "red",
}
_EDGE_DASHES: Final = {"KILLS": "6 4", "HARMS": "6 4", "CORRELATES_WITH": "2 4"}
_OUTCOMES: Final = {
    ClaimStatus.RESOLVED_TRUE: "came true",
    ClaimStatus.RESOLVED_FALSE: "did not come true by",
    ClaimStatus.ANNULLED: "annulled",
}

Identity = tuple[str, str]
"""A node's subject and id."""


@dataclass(frozen=True, slots=True)
class Card:
    """
    A node as it is drawn.

    Attributes:
        subject: Prediction, Scenario, Killer or Ticker.
        title: Its title or name.
        probability: The belief; None for a ticker, with an outcome, and where no probability was stated.
        outcome: The outcome in words; None while the claim is open.
        note: What the edge that it was reached by says.
    """

    subject: str
    title: str
    probability: float | None = None
    outcome: str | None = None
    note: str | None = None

    @property
    def lines(self) -> list[str]:
        """The title in lines."""
        return wrapped(self.title, CARD_WIDTH - 2 * PADDING, TITLE_SIZE, max_lines=MOST_TITLE_LINES)

    @property
    def height(self) -> int:
        """The height in pixels."""
        parts = TITLE_LINE * len(self.lines)
        parts += BAR_HEIGHT if self.probability is not None else 0
        parts += NOTE_LINE * ((self.outcome is not None) + (self.note is not None))
        return 2 * PADDING + parts


async def draw_neighborhood(unit: Unit, claim_id: str, *, depth: int, moment: datetime) -> str:
    """
    Draw the claims and tickers within some steps of a claim, as SVG.

    Args:
        unit: The transaction to read in.
        claim_id: The id of the claim in the middle.
        depth: The most steps from it.
        moment: The moment of the beliefs.

    Raises:
        NotFoundError: No claim has the id.
    """
    kinds = (*INFLUENCE_KINDS, *EXPOSURE_SIGNS)
    query = NeighborhoodQuery(depth=depth, kinds=kinds, goes_out=True, goes_in=True, limit=MAX_NODES)
    plan = NodePlan(properties=("id", "symbol", "title", "name"))
    found = await find_neighborhood(unit, CLAIM, claim_id, query, plan)
    if found is None:
        message = f"no claim has the id {claim_id!r}"
        raise NotFoundError(message)
    nodes = {_identity(node): node for node in found["nodes"]}
    histories = await load_histories(unit, [key for subject, key in nodes if subject in CLAIM_SUBJECTS])
    columns, notes = _arrange(next(iter(nodes)), found["edges"])
    cards = {
        identity: _card(node, histories.get(identity[1]), notes.get(identity), moment)
        for identity, node in nodes.items()
    }
    return _draw(cards, columns, found["edges"])


def _card(node: Mapping[str, Any], history: ClaimHistory | None, note: str | None, moment: datetime) -> Card:
    subject = node[TYPE]
    if subject == "Ticker":
        return Card(subject, f"{node['symbol']} {node['name'] or ''}".strip(), note=note)
    if history is None:
        return Card(subject, node["title"], note=note)
    outcome = _outcome(history.state, moment)
    probability = history.belief_at(moment) if outcome is None else None
    return Card(subject, node["title"], probability, outcome, note)


def _outcome(state: ClaimState, moment: datetime) -> str | None:
    if state.resolved_at is None or state.resolved_at > moment:
        return None
    return f"{_OUTCOMES[state.status]} {state.resolved_at:%Y-%m-%d}"


def _identity(node: Mapping[str, Any]) -> Identity:
    return node[TYPE], node["symbol"] if node[TYPE] == "Ticker" else node["id"]


def _arrange(start: Identity, edges: Sequence[Mapping[str, Any]]) -> tuple[dict[Identity, int], dict[Identity, str]]:
    """Give each node its column, 0 for the start, and the note of the edge that it was reached by."""
    columns = {start: 0}
    notes: dict[Identity, str] = {}
    for edge in edges:  # in the order of the walk, so that one end of each is known
        tail, head = edge["from"], edge["to"]
        known, new, step = (tail, head, 1) if tail in columns else (head, tail, -1)
        if new not in columns:
            columns[new] = columns[known] + step
            if (note := _note(edge, is_outgoing=new == head)) is not None:
                notes[new] = note
    return columns, notes


def _note(edge: Mapping[str, Any], *, is_outgoing: bool) -> str | None:
    """Tell the figures of an edge on the card at its end, or at its start."""
    if edge["kind"] in EXPOSURE_SIGNS:
        return None if edge["impact"] is None else f"{edge['impact']:+.0%} then"
    if edge["p_if_true"] is None:
        return None
    if_true, if_false = percent(edge["p_if_true"]), percent(edge["p_if_false"])
    return f"{if_true} then, {if_false} otherwise" if is_outgoing else f"if true → {if_true}, if false → {if_false}"


def _draw(cards: Mapping[Identity, Card], columns: Mapping[Identity, int], edges: Sequence[Mapping[str, Any]]) -> str:
    stacks: dict[int, list[Identity]] = defaultdict(list)
    for identity in cards:
        stacks[columns[identity]].append(identity)
    heights = {
        column: sum(cards[identity].height for identity in stack) + ROW_GAP * (len(stack) - 1)
        for column, stack in stacks.items()
    }
    first = min(stacks)
    height = max(heights.values()) + 2 * MARGIN
    width = (max(stacks) - first + 1) * (CARD_WIDTH + COLUMN_GAP) - COLUMN_GAP + 2 * MARGIN
    start = next(iter(cards))
    picture = Picture(width, height, f"What bears on “{cards[start].title}”, and what it bears on")
    corners: dict[Identity, tuple[int, int]] = {}
    for column, stack in stacks.items():
        y = (height - heights[column]) // 2
        for identity in stack:
            corners[identity] = (MARGIN + (column - first) * (CARD_WIDTH + COLUMN_GAP), y)
            y += cards[identity].height + ROW_GAP
    for edge in edges:
        _draw_edge(picture, edge, corners, cards)
    for identity, (x, y) in corners.items():
        _draw_card(picture, cards[identity], x, y, is_start=identity == start)
    return picture.render()


def _draw_edge(
    picture: Picture,
    edge: Mapping[str, Any],
    corners: Mapping[Identity, tuple[int, int]],
    cards: Mapping[Identity, Card],
) -> None:
    (from_x, from_y), (to_x, to_y) = corners[edge["from"]], corners[edge["to"]]
    start = (from_x + CARD_WIDTH, from_y + cards[edge["from"]].height / 2)
    # Within a column a line leaves and enters at the right, and so does one that runs back.
    end = (to_x if to_x > from_x else to_x + CARD_WIDTH, to_y + cards[edge["to"]].height / 2)
    kind = edge["kind"]
    picture.line(curve(start, end), stroke=_EDGE_COLOURS[kind], width=2, dashes=_EDGE_DASHES.get(kind, ""))


def _draw_card(picture: Picture, card: Card, x: int, y: int, *, is_start: bool) -> None:
    colour = _COLOURS[card.subject]
    picture.box(x, y, CARD_WIDTH, card.height, fill="card", stroke=colour if is_start else "line", radius=6)
    picture.box(x, y, 4, card.height, fill=colour, radius=2)
    baseline = y + PADDING + TITLE_SIZE - 1
    for line in card.lines:
        picture.text(x + PADDING, baseline, line, size=TITLE_SIZE, bold=True)
        baseline += TITLE_LINE
    if card.probability is not None:
        _draw_bar(picture, x + PADDING, baseline - 3, card.probability, colour)
        baseline += BAR_HEIGHT
    if card.outcome is not None:
        picture.text(x + PADDING, baseline, card.outcome, size=12, fill=colour, bold=True)
        baseline += NOTE_LINE
    if card.note is not None:
        picture.text(x + PADDING, baseline, card.note, size=12, fill="soft")


def _draw_bar(picture: Picture, x: int, y: int, probability: float, colour: str) -> None:
    width = CARD_WIDTH - 2 * PADDING - 52
    picture.box(x, y - 3, width, 6, fill="line", radius=3)
    picture.box(x, y - 3, width * probability, 6, fill=colour, radius=3)
    picture.text(x + width + 52, y + 4, percent(probability), size=12, fill=colour, anchor="end", bold=True)
