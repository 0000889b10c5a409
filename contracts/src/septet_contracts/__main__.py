"""``python -m septet_contracts`` checks, freezes and prints the contracts."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from septet_contracts.asyncapi import asyncapi, load_parties, render
from septet_contracts.freeze import Finding, SchemaStore, check, default_folder, freeze
from septet_contracts.reference import topics_page
from septet_contracts.schema import dump, topic_schema
from septet_contracts.topics import topic

_EXAMPLES = """examples:
  python -m septet_contracts check               compare the models with the frozen schemas (exit 1 on a finding)
  python -m septet_contracts freeze              freeze the schemas of changed models
  python -m septet_contracts schema requests     print a topic's JSON Schema
  python -m septet_contracts asyncapi            print the AsyncAPI document of all services
  python -m septet_contracts asyncapi --write    write it, and the topics page, to docs/reference
"""


def main(argv: list[str] | None = None) -> int:
    """Run one command. Returns the exit code: 0 for success, 1 for findings, 2 for a usage error."""
    args = _parser().parse_args(argv)
    command: Callable[[argparse.Namespace], int] = args.run
    try:
        return command(args)
    except (KeyError, ValueError, ImportError, AttributeError, FileNotFoundError) as error:
        print(f"septet_contracts: {error.args[0] if error.args else error!r}", file=sys.stderr)
        return 2


def write_reference(folder: Path, names: list[str]) -> list[Path]:
    """Write the AsyncAPI document and the topics page into ``folder``; returns their paths."""
    parties = load_parties(names)
    folder.mkdir(parents=True, exist_ok=True)
    files = {"asyncapi.yaml": render(asyncapi(parties)), "topics.md": topics_page(parties)}
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    return [folder / name for name in files]


def _check(args: argparse.Namespace) -> int:
    return _report(check(SchemaStore(args.dir or default_folder())))


def _freeze(args: argparse.Namespace) -> int:
    written, findings = freeze(SchemaStore(args.dir or default_folder()))
    for path in written:
        print(f"wrote {path}")
    return _report(findings)


def _schema(args: argparse.Namespace) -> int:
    print(dump(topic_schema(topic(args.topic))), end="")
    return 0


def _asyncapi(args: argparse.Namespace) -> int:
    if not args.write:
        print(render(asyncapi(load_parties(args.spec))), end="")
        return 0
    folder = args.dir or default_folder().parents[1] / "docs" / "reference"
    for path in write_reference(folder, args.spec):
        print(f"wrote {path}")
    return 0


def _report(findings: list[Finding]) -> int:
    for finding in findings:
        print(finding, file=sys.stderr)
    print(f"contracts: {len(findings)} finding{'' if len(findings) == 1 else 's'}")
    return 1 if findings else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m septet_contracts",
        description="Check, freeze and print the contracts of Septet's topics.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, run, about in (
        ("check", _check, "compare each model with every frozen schema"),
        ("freeze", _freeze, "freeze the schema of each model that changed compatibly"),
    ):
        command = commands.add_parser(name, help=about, description=about)
        command.add_argument("--dir", type=Path, help="folder of frozen schemas (default: contracts/schemas)")
        command.set_defaults(run=run)
    schema = commands.add_parser("schema", help="print a topic's JSON Schema")
    schema.add_argument("topic", help="full or short name, such as requests")
    schema.set_defaults(run=_schema)
    document = commands.add_parser("asyncapi", help="print the AsyncAPI document, or write the reference")
    document.add_argument("spec", nargs="*", help="services, as septet_cache.app:SPEC (default: all)")
    document.add_argument("--write", action="store_true", help="write asyncapi.yaml and topics.md instead")
    document.add_argument("--dir", type=Path, help="where to write (default: docs/reference)")
    document.set_defaults(run=_asyncapi)
    return parser


if __name__ == "__main__":
    sys.exit(main())
