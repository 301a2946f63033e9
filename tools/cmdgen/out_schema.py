# SPDX-License-Identifier: LGPL-2.1-or-later
"""JSON Schema of all that `--format json` prints: PROGRAM-json.schema.json. Under $defs one entry for each command."""
import json


def generate(groups, program, shapes):
    commands = {c.name: {"$ref": f"#/$defs/{c.json}", "description": c.summary}
                for g in groups for c in g.commands if c.json}
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Output of {program.replace('_', '-')} --format json",
        "description": "A document of a command is valid against commands/NAME.",
        "commands": commands,
        "$defs": {name: schema(shape) for name, shape in shapes.items()},
    }
    return {f"{program}-json.schema.json": json.dumps(document, indent=2) + "\n"}


def schema(shape):
    """A shape in the standard's words: what isn't optional is required, what isn't listed is forbidden."""
    made = {k: v for k, v in shape.items() if k in ("type", "description")}
    if "items" in shape:
        made["items"] = schema(shape["items"])
    if "properties" in shape:
        made["properties"] = {name: schema(sub) for name, sub in shape["properties"].items()}
        made["required"] = [name for name, sub in shape["properties"].items() if not sub.get("optional")]
        made["additionalProperties"] = schema(shape["additional"]) if "additional" in shape else False
    return made
