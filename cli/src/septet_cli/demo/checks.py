"""Records and prints the checks of the demo."""

from __future__ import annotations

from dataclasses import dataclass, field

from rich.console import Console
from rich.text import Text


@dataclass
class Checks:
    """Counts passed and failed checks and prints each of them."""

    console: Console
    passed: int = 0
    failures: list[str] = field(default_factory=list)

    def that(self, name: str, ok: bool, *, expected: str, got: object) -> bool:
        """Record a check; print *expected* and *got* if it failed."""
        if ok:
            self.passed += 1
            self.console.print(Text.assemble(("  PASS ", "bold green"), name))
            return True
        self.failures.append(name)
        self.console.print(Text.assemble(("  FAIL ", "bold red"), name))
        self.console.print(Text(f"       expected {expected}; got {got}", style="red"), soft_wrap=True)
        return False

    @property
    def line(self) -> str:
        """The last line of the demo, which scripts parse."""
        return f"demo: {self.passed} passed, {len(self.failures)} failed"
