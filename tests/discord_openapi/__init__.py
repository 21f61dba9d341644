"""Discord's specification of its REST API, from https://github.com/discord/discord-api-spec, as it was published.

`LICENSE` beside it is Discord's. To bring it up to date: `gzip -n9 < openapi.json > openapi.json.gz`.
"""

import gc
import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

FILE = Path(__file__).with_name("openapi.json.gz")


@cache
def specification() -> Any:
    """Return the specification with one error corrected.

    It has integers for the codes inside `errors`, where Discord sends strings, as its documentation shows
    (https://docs.discord.com/developers/reference#error-messages).
    """
    document = json.loads(gzip.decompress(FILE.read_bytes()))
    error = {"type": "object", "required": ["code", "message"]}
    error["properties"] = {"code": {"type": "string"}, "message": {"type": "string"}}
    document["components"]["schemas"]["InnerErrors"]["properties"]["_errors"]["items"] = error
    gc.freeze()  # these are 600,000 objects that no garbage collection needs to look at
    return document


@cache
def _registry() -> Any:
    return Registry().with_resource("urn:discord", Resource(contents=specification(), specification=DRAFT202012))


@cache
def validator(*path: str) -> Draft202012Validator:
    """Return the validator of the schema at a path in the specification. Each is made once per process."""
    pointer = "/".join(part.replace("~", "~0").replace("/", "~1") for part in path)
    return Draft202012Validator({"$ref": f"urn:discord#/{pointer}"}, registry=_registry())
