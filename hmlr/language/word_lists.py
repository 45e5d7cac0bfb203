"""Word lists are written as running text: easier to read, sort and extend than quoted literals."""


def words(text: str) -> tuple[str, ...]:
    """Return the words of ``text``, parted by white space, in order."""
    return tuple(text.split())
