"""A plugin: functions that an application calls by name, with bytes."""

import isopod


@isopod.function
def upper(text: str) -> str:
    """The text in capitals."""
    return text.upper()


@isopod.function
def count_words(text: str) -> int:
    """How many words the text has."""
    words = text.split()
    if not words:
        raise isopod.InvalidInput("the text has no words")
    return len(words)
