"""From a question to a reply in the documents' own words, and the faces that show it."""
