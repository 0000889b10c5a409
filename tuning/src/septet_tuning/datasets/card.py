"""``card.md``: what a version contains, for readers."""

from __future__ import annotations

from collections.abc import Mapping

from septet_tuning.datasets.manifest import Manifest, SplitBalance

_BAR = 24


def render_card(manifest: Manifest) -> str:
    """The card of a version, in Markdown."""
    parts = [
        f"# {manifest.name}, version {manifest.version}",
        f"{manifest.train.rows} training rows and {manifest.held_out.rows} held-out rows of kind `{manifest.kind}`.",
        f"- digest: `{manifest.digest}`\n- built: {manifest.created_at or 'unknown'}",
        _settings(manifest),
    ]
    for title, split in (("Training rows", manifest.train), ("Held-out rows", manifest.held_out)):
        parts.append(f"## {title}\n\n{_balance(split)}")
    if manifest.refused:
        parts.append("## Refused\n\n" + _table("reason", "rows", dict(sorted(manifest.refused.items()))))
    if manifest.warnings:
        parts.append("## Warnings\n\n" + "\n".join(f"- {each}" for each in manifest.warnings))
    return "\n\n".join(part for part in parts if part) + "\n"


def _settings(manifest: Manifest) -> str:
    if not manifest.settings:
        return ""
    rows = {
        name: ", ".join(value) if isinstance(value, list) else value
        for name, value in manifest.settings.items()
    }
    return "## Settings\n\n" + _table("setting", "value", rows)


def _balance(split: SplitBalance) -> str:
    counts = {
        f"{group}: {name}": count
        for group, found in (
            ("class", split.classes),
            ("language", split.languages),
            ("characters", split.lengths),
        )
        for name, count in found.items()
    }
    lines = ["| | rows | |", "| --- | ---: | --- |"]
    for name, count in counts.items():
        bar = "█" * max(1, round(_BAR * count / max(1, split.rows)))
        lines.append(f"| {_cell(name)} | {count} | {bar} |")
    return "\n".join(lines)


def _table(first: str, second: str, rows: Mapping[str, object]) -> str:
    lines = [f"| {first} | {second} |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| {_cell(name)} | {_cell(str(value))} |" for name, value in rows.items())])


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
