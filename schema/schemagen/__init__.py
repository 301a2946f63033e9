"""Generator of the XML formats: parse (text to items), check (rules), model (C layout and
descriptors), and one module per output (header, tables, rng, reference)."""
