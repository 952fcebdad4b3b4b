"""What a person did wrong, in one sentence: what, why, what to do."""

USAGE, NOT_FOUND = 2, 3


class PerfProblem(Exception):
    """`exit` is the exit code."""

    def __init__(self, sentence: str, exit: int = 1) -> None:
        super().__init__(sentence)
        self.exit = exit
