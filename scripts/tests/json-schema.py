#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
Is what `ecachectl --json` printed as Documentation/schema/ecachectl.json has it? json-schema.py DEFINITION < OUTPUT

Stricter than the schema, which lets later versions add members: here one that the schema does not name is a mistake. Standard input holds one
value or several, one after the other.
"""
import json
import os
import sys

import jsonschema

SCHEMA = os.path.join(os.path.dirname(__file__), "../../Documentation/schema/ecachectl.json")


def strict(node):
    """The schema in which every object that names its members has no others."""
    if isinstance(node, list):
        return [strict(n) for n in node]
    if not isinstance(node, dict):
        return node
    node = {k: strict(v) for k, v in node.items()}
    if node.get("type") == "object" and "properties" in node:
        node.setdefault("additionalProperties", False)
    return node


def values(text):
    decoder, at = json.JSONDecoder(), 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        value, at = decoder.raw_decode(text, at)
        yield value


def main():
    name = sys.argv[1]
    with open(SCHEMA, encoding="utf-8") as f:
        schema = json.load(f)
    jsonschema.Draft202012Validator.check_schema(schema)
    if name not in schema["$defs"]:
        sys.exit(f"the schema has no definition {name}")
    schema = strict(schema)
    del schema["anyOf"]
    schema["$ref"] = f"#/$defs/{name}"
    validator, nr = jsonschema.Draft202012Validator(schema), 0
    for value in values(sys.stdin.read()):
        nr += 1
        for error in validator.iter_errors(value):
            print(f"{name}: {'/'.join(map(str, error.absolute_path))}: {error.message}")
            nr = -1000000
    if nr < 1:
        sys.exit(f"{name}: not as documented" if nr < 0 else f"{name}: nothing was printed")


main()
