"""What the checks of the analysis scripts share."""

import sys
from pathlib import Path

sys.dont_write_bytecode = True
ANALYSIS = Path(__file__).resolve().parents[3] / "data" / "analysis"
sys.path.insert(0, str(ANALYSIS))


class Checks:
    """Counts what does not hold; `done` ends the program with it."""

    def __init__(self):
        self.failures = self.passed = 0

    def that(self, good, what):
        if good:
            self.passed += 1
        else:
            self.failures += 1
            print("FAILED:", what, file=sys.stderr)

    def near(self, got, wanted, what, tolerance=1e-9):
        good = got is not None and wanted is not None and abs(got - wanted) <= tolerance * max(1, abs(wanted))
        self.that(good, f"{what}: {got}, not {wanted}")

    def done(self):
        print(f"{Path(sys.argv[0]).name}: {self.passed} checks hold, {self.failures} do not")
        sys.exit(self.failures > 0)
