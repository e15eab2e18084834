"""What training refuses."""


class WrongInput(Exception):
    """A file or folder that was given doesn't fit the others; the message names it."""
