"""The readers of the formats: bytes in, a Draft out.

Each knows one format and the library that parses it; they run in a child process, and raise
UnreadableDocument with what to do where a file has no text to give (see ``index.extracting``).
"""
