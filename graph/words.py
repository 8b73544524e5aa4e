"""What messages say of numbers and of names."""


def counted(number: int, word: str) -> str:
    """A number of things in words: `1 item`, `2 items`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def input_name(name: str) -> str:
    """A property's name as clients say it: `predictor_id` is `predictor` there, and `observed_at` is `observedAt`."""
    first, *rest = name.removesuffix("_id").split("_")
    return "".join([first, *(part.capitalize() for part in rest)])
