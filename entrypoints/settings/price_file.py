"""A price table as YAML, which ``PRICES_FILE`` names; ``deploy/prices.example.yaml`` is one.

Values are taken as they are written, so that decimals are exact.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import attrs

from domain.usage.price_table import PriceTable
from domain.usage.prices import Price, Rates
from entrypoints.settings.parsers import shown

if TYPE_CHECKING:
    from yaml import Node

MOST_BYTES: Final = 1_000_000

_RATES: Final = tuple(field.name for field in attrs.fields(Rates))
_KEYS: Final = ("model", "from", "until", *_RATES)
_AMOUNT: Final = re.compile(r"\d{1,9}(\.\d{1,12})?", re.ASCII)
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MODEL: Final = re.compile(r"[^\s/][^\s]*/[^\s]+|\*")


def parse_price_file(raw: str) -> PriceTable:
    """Return the price table in the file at this path.

    Raises ValueError with the end of a sentence that names the line and the key.
    """
    # Only a service with prices needs it.
    import yaml  # noqa: PLC0415

    path = Path(raw)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"names a file of more than {MOST_BYTES} bytes: '{shown(raw)}'.")
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except (OSError, UnicodeDecodeError):
        raise ValueError(f"names a file that cannot be read as text: '{shown(raw)}'.") from None
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = "" if mark is None else f", line {mark.line + 1}"
        raise ValueError(f"'{shown(raw)}'{line} is not valid YAML.") from None
    return _File(raw).table(root)


@attrs.frozen
class _File:
    """Reads the nodes of one file; ``path`` is for errors."""

    path: str

    def table(self, root: Node | None) -> PriceTable:
        """Return the table that the document is."""
        if root is None:
            raise ValueError(f"'{shown(self.path)}' is empty.")
        keys = self._keys(root, ("name", "currency", "prices"), "The file")
        for required in ("name", "currency", "prices"):
            if required not in keys:
                self._refuse(root, f"'{required}' is missing")
        name, currency = self._text(keys["name"], "name"), self._text(keys["currency"], "currency")
        if not (name.isprintable() and 1 <= len(name) <= 100):
            self._refuse(keys["name"], "'name' must be 1 to 100 printable characters")
        if not _CURRENCY.fullmatch(currency):
            self._refuse(keys["currency"], "'currency' must be an ISO 4217 code such as USD")
        entries = keys["prices"].value
        if not isinstance(entries, list) or _pairs(keys["prices"]) is not None:
            self._refuse(keys["prices"], "'prices' must be a list")
        return PriceTable(name=name, currency=currency, prices=self._prices(entries))

    def _prices(self, entries: list[Node]) -> list[Price]:
        prices: dict[str, list[Price]] = {}
        for entry in entries:
            price = self._price(entry)
            others = prices.setdefault(price.model, [])
            if any(price.overlaps(other) for other in others):
                self._refuse(entry, f"'{shown(price.model)}' has two prices for the same days")
            others.append(price)
        return [price for same in prices.values() for price in same]

    def _price(self, entry: Node) -> Price:
        keys = self._keys(entry, _KEYS, "A price")
        if "model" not in keys:
            self._refuse(entry, "'model' is missing")
        model = self._text(keys["model"], "model").lower()
        if not _MODEL.fullmatch(model):
            self._refuse(keys["model"], "'model' must be provider/model, such as openai/gpt-4o*")
        rates = {name: self._amount(keys[name], name) for name in _RATES if name in keys}
        if not rates:
            self._refuse(entry, f"'{shown(model)}' has no rate ({', '.join(_RATES)})")
        since, until = self._day(keys, "from"), self._day(keys, "until")
        if since is not None and until is not None and until <= since:
            self._refuse(keys["until"], "'until' must be after 'from'")
        return Price(model=model, rates=Rates(**rates), since=since, until=until)

    def _keys(self, node: Node, known: tuple[str, ...], what: str) -> dict[str, Node]:
        """Return the values of a mapping by their keys."""
        pairs = _pairs(node)
        if pairs is None:
            self._refuse(node, f"{what} must be a mapping of keys to values")
        found: dict[str, Node] = {}
        for key, value in pairs:
            name = self._text(key, "a key")
            if name not in known:
                self._refuse(key, f"'{shown(name)}' is unknown; there are {', '.join(known)}")
            if name in found:
                self._refuse(key, f"'{name}' occurs twice")
            found[name] = value
        return found

    def _amount(self, node: Node, name: str) -> Decimal:
        text = self._text(node, name)
        if not _AMOUNT.fullmatch(text):
            self._refuse(node, f"'{name}' must be a decimal such as 0.15, not '{shown(text)}'")
        return Decimal(text)

    def _day(self, keys: Mapping[str, Node], name: str) -> date | None:
        if name not in keys:
            return None
        text = self._text(keys[name], name)
        with suppress(ValueError):
            if _DAY.fullmatch(text):
                return date.fromisoformat(text)
        wanted = f"'{name}' must be a day such as 2026-01-31, not '{shown(text)}'"
        return self._refuse(keys[name], wanted)

    def _text(self, node: Node, name: str) -> str:
        if not isinstance(node.value, str):
            self._refuse(node, f"'{name}' must be a single value")
        return node.value

    def _refuse(self, node: Node, why: str) -> NoReturn:
        line = node.start_mark.line + 1 if node.start_mark is not None else 1
        raise ValueError(f"'{shown(self.path)}', line {line}: {why}.")


def _pairs(node: Node) -> list[tuple[Node, Node]] | None:
    """Return the keys and values of a mapping; None for another node."""
    pairs = node.value
    is_mapping = isinstance(pairs, list) and node.tag.endswith(":map")
    return pairs if is_mapping else None
