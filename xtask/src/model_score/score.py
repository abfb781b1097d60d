"""Compares inferred OpenAPI documents with the one that a server publishes.

`python score.py EXCHANGES.jsonl PUBLISHED NAME=INFERRED…`: EXCHANGES are lines of `egret http --json`. What is counted:

* operations: method and template, names of path parameters aside; only published ones that were called with success;
* parameters: place, name (for those of paths: position), type, whether required; of operations that both have;
* statuses: of operations that both have;
* properties: of bodies of requests and of successful responses, where both have them, by their path through objects,
  arrays (`[]`) and maps (`{}`), with type and whether required; those of errors are counted apart, because what servers
  publish about errors is seldom what they send.

Null is left out of types: `integer or null` that was never null in the traffic is `integer`.

`all published` counts every property that is published. The aim is held against `properties`, where only that is asked
for which the traffic, read here by itself, can decide; the same for every tool:

* a published property that no body had, or that was null in all of them, is not asked for, as operations that were not
  called are not;
* where the document lets anything be (`{}`, an object whose fields it does not name), nothing is compared: neither the
  type there nor what is below it;
* whether a property is required: where the document says that it may be left out, and nobody ever left it out, nothing
  is compared. Of responses pydantic's documents say so of every field with a default, though it is always sent; of
  requests nobody but the server knows what it would do without. Where it was left out once, or the document requires
  it, it counts.
"""

import json
import re
import sys
from collections import Counter
from urllib.parse import parse_qsl

import yaml

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


def load(path):
    with open(path) as file:
        return yaml.safe_load(file)


def plain(path):
    return re.sub(r"\{[^}]*\}", "{}", path)


def operations(document):
    found = {}
    # Where the document says that its paths begin.
    servers = document.get("servers") or [{}]
    base = re.sub(r"^[a-z]+://[^/]*", "", servers[0].get("url", "")).rstrip("/")
    for path, item in (document.get("paths") or {}).items():
        if path == "/openapi.json" or path.startswith("ignore:"):
            continue
        for method, operation in item.items():
            if method in METHODS:
                shared = item.get("parameters", [])
                found[(method.upper(), plain(base + path))] = (base + path, operation, shared)
    return found


class Schemas:
    def __init__(self, document):
        self.document = document

    def resolve(self, schema):
        for _ in range(20):
            if not isinstance(schema, dict) or "$ref" not in schema:
                return schema if isinstance(schema, dict) else {}
            node = self.document
            for part in schema["$ref"].lstrip("#/").split("/"):
                node = node.get(part.replace("~1", "/").replace("~0", "~"), {})
            schema = node
        return {}

    def variants(self, schema):
        schema = self.resolve(schema)
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return [v for part in schema[word] for v in self.variants(part)]
        if "allOf" in schema and len(schema["allOf"]) == 1:
            return self.variants(schema["allOf"][0])
        return [schema]

    def types(self, schema):
        found = set()
        for variant in self.variants(schema):
            kind = variant.get("type")
            kinds = kind if isinstance(kind, list) else [kind] if kind else []
            if not kinds and ("enum" in variant or "const" in variant):
                kinds = ["string"]
            if not kinds and "properties" in variant:
                kinds = ["object"]
            found.update(kinds)
        found.discard("null")
        if "number" in found:
            found.discard("integer")
        return "|".join(sorted(found)) or "any"

    def open_places(self, schema, at="", depth=0):
        """The places where anything may be."""
        variants = [v for v in self.variants(schema) if v.get("type") != "null"]
        known = ("type", "enum", "const", "properties", "items", "additionalProperties")
        if depth > 8 or any(not any(word in v for word in known) for v in variants):
            yield at
            return
        for variant in variants:
            fields = variant.get("properties") or {}
            if variant.get("type") == "object" and not fields and variant.get("additionalProperties", True) in (True, {}):
                yield f"{at}."
                yield f"{at}{{}}"
            for name, part in fields.items():
                yield from self.open_places(part, f"{at}.{name}", depth + 1)
            if variant.get("type") == "array":
                yield from self.open_places(variant.get("items", {}), f"{at}[]", depth + 1)
            if isinstance(variant.get("additionalProperties"), dict):
                yield from self.open_places(variant["additionalProperties"], f"{at}{{}}", depth + 1)

    def properties(self, schema, at="", depth=0):
        if depth > 8:
            return
        variants = [v for v in self.variants(schema) if v.get("type") != "null"]
        objects = [v for v in variants if v.get("properties")]
        names = sorted({name for v in objects for name in v["properties"]})
        for name in names:
            holders = [v for v in objects if name in v["properties"]]
            required = all(name in v.get("required", []) for v in objects)
            parts = {"anyOf": [v["properties"][name] for v in holders]}
            yield (f"{at}.{name}", self.types(parts), required)
            yield from self.properties(parts, f"{at}.{name}", depth + 1)
        for variant in variants:
            if isinstance(variant.get("items"), dict):
                yield (f"{at}[]", self.types(variant["items"]), True)
                yield from self.properties(variant["items"], f"{at}[]", depth + 1)
            if isinstance(variant.get("additionalProperties"), dict) and variant["additionalProperties"]:
                yield (f"{at}{{}}", self.types(variant["additionalProperties"]), True)
                yield from self.properties(variant["additionalProperties"], f"{at}{{}}", depth + 1)


def parameters(document, entry):
    path, operation, shared = entry
    schemas = Schemas(document)
    order = re.findall(r"\{([^}]*)\}", path)
    found = set()
    for parameter in list(shared) + list(operation.get("parameters", [])):
        parameter = schemas.resolve(parameter)
        name, place = parameter.get("name"), parameter.get("in")
        if place is None:
            # Described in another document, on the network.
            found.add(("elsewhere",))
            continue
        if place == "path":
            name = f"#{order.index(name)}" if name in order else name
        elif place == "header":
            name = name.lower()
        kind = schemas.types(parameter.get("schema", {}))
        found.add((place, name, kind, bool(parameter.get("required"))))
    return found


def bodies(document, operation, read=lambda schemas, schema: set(schemas.properties(schema))):
    schemas = Schemas(document)
    found = {}
    body = schemas.resolve(operation.get("requestBody") or {})
    for media, content in (body.get("content") or {}).items():
        if "schema" in (content or {}):
            found[("request", media.split(";")[0])] = read(schemas, content["schema"])
    for status, response in (operation.get("responses") or {}).items():
        response = schemas.resolve(response)
        for media, content in (response.get("content") or {}).items():
            if "schema" in (content or {}):
                found[(str(status), media.split(";")[0])] = read(schemas, content["schema"])
    return found


class Traffic:
    """The published operations that were called with success, and what their bodies held."""

    def __init__(self, lines, published, document):
        self.called = set()
        self.had, self.objects = Counter(), Counter()
        templates = []
        for (method, path), (full, operation, _) in published.items():
            pattern = re.compile("^" + re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(full)) + "$")
            maps = bodies(document, operation, lambda schemas, schema: frozenset(
                name for name, _, _ in schemas.properties(schema) if name.endswith("{}")))
            templates.append((full.count("{"), method, path, pattern, maps))
        templates.sort(key=lambda template: template[0])
        for line in lines:
            exchange = json.loads(line)
            request, response = exchange.get("request"), exchange.get("response")
            if not request or not response or not 100 <= response.get("status", 0) < 600:
                continue
            target = request["target"].split("?")[0]
            for _, method, path, pattern, maps in templates:
                if method == request["method"] and pattern.match(target):
                    status = response["status"]
                    if 200 <= status < 400:
                        self.called.add((method, path))
                    if not 400 <= status < 500:
                        self.read((method, path), "request", request, maps)
                    self.read((method, path), str(status), response, maps)
                    break

    def read(self, operation, part, message, maps):
        media = next((value for name, value in message["headers"] if name.lower() == "content-type"), "")
        media = media.split(";")[0]
        text = (message.get("body") or {}).get("text")
        try:
            if media == "application/x-www-form-urlencoded":
                body = dict(parse_qsl(text or ""))
            elif media == "multipart/form-data":
                body = dict.fromkeys(re.findall(r'[; ]name="([^"]*)"', text or ""), "")
            else:
                body = json.loads(text)
        except (TypeError, ValueError):
            return
        place = (part, media)
        self.walk((operation, place), body, "", maps.get(place, frozenset()))

    def walk(self, where, value, at, maps):
        if value is not None:
            self.had[(where, at)] += 1
        if isinstance(value, dict):
            self.objects[(where, at)] += 1
            for name, inner in value.items():
                place = f"{at}{{}}" if f"{at}{{}}" in maps else f"{at}.{name}"
                self.objects[(where, place, "named")] += 1
                self.walk(where, inner, place, maps)
        elif isinstance(value, list):
            for inner in value:
                self.walk(where, inner, f"{at}[]", maps)

    def decidable(self, where, mine, theirs, anything):
        """What of two sets of properties the traffic can decide."""

        def asked(name):
            return self.had[(where, name)] > 0

        def free(name):
            return any(name == place or name.startswith((f"{place}.", f"{place}[", f"{place}{{")) or
                       place[-1:] in (".", "}") and name.startswith(place) for place in anything)

        true = {name: (kind, required) for name, kind, required in theirs}
        def settled(name, kind, required):
            if name not in true:
                return name, kind, required
            published, must = true[name]
            parent = re.sub(r"(\.[^.\[{]*|\[\]|\{\})$", "", name)
            always = self.objects[(where, name, "named")] == self.objects[(where, parent)]
            if not must and always:
                required = must
            return name, kind, required

        mine = {settled(*one) for one in mine if not free(one[0]) and (one[0] not in true or asked(one[0]))}
        theirs = {one for one in theirs if asked(one[0]) and not free(one[0])}
        return mine, theirs


class Score:
    def __init__(self):
        self.right = self.claimed = self.true = 0
        self.wrong, self.missed = [], []

    def add(self, claimed, true, where=""):
        self.right += len(claimed & true)
        self.claimed += len(claimed)
        self.true += len(true)
        self.wrong += [(where, thing) for thing in sorted(claimed - true, key=str)]
        self.missed += [(where, thing) for thing in sorted(true - claimed, key=str)]

    def row(self):
        precision = self.right / self.claimed if self.claimed else 0.0
        recall = self.right / self.true if self.true else 0.0
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        return precision, recall, f1


def compare(published, inferred, traffic):
    exercised = traffic.called
    true, claimed = operations(published), operations(inferred)
    scores = {name: Score() for name in ("operations", "parameters", "statuses", "properties", "all published", "errors")}
    scores["operations"].add(set(claimed), {key for key in true if key in exercised})
    for key in sorted(set(claimed) & exercised):
        where = " ".join(key)
        mine, theirs = parameters(inferred, claimed[key]), parameters(published, true[key])
        if ("elsewhere",) in theirs:
            # What is not known cannot be compared: of the rest, what both have.
            mine = {one for one in mine if any(one[:2] == other[:2] for other in theirs)}
            theirs = {other for other in theirs if any(one[:2] == other[:2] for one in mine)}
        scores["parameters"].add(mine, theirs, where)
        statuses = lambda entry: {str(status) for status in entry[1].get("responses", {})}
        scores["statuses"].add(statuses(claimed[key]), statuses(true[key]), where)
        ours, theirs = bodies(inferred, claimed[key][1]), bodies(published, true[key][1])
        anything = bodies(published, true[key][1], lambda schemas, schema: set(schemas.open_places(schema)))
        for place in sorted(set(ours) | set(theirs)):
            if place[0] != "request" and place[0] not in statuses(claimed[key]):
                continue
            if place not in theirs:
                continue
            at = f"{where} {' '.join(place)}"
            mine = ours.get(place, set())
            if place[0][0] in "45":
                scores["errors"].add(mine, theirs[place], at)
            else:
                scores["all published"].add(mine, theirs[place], at)
                scores["properties"].add(*traffic.decidable((key, place), mine, theirs[place], anything[place]), at)
    return scores


def main():
    lines, published, *others = sys.argv[1:]
    published = load(published)
    with open(lines) as file:
        traffic = Traffic(file, operations(published), published)
    print(f"{len(traffic.called)} of {len(operations(published))} published operations were called with success")
    print(f"{'':20} {'':20} {'precision':>10} {'recall':>10} {'F1':>10}")
    failed = False
    for other in others:
        name, path = other.split("=", 1)
        scores = compare(published, load(path), traffic)
        for what, score in scores.items():
            precision, recall, f1 = score.row()
            if score.true == 0 and what != "operations":
                print(f"{name:20} {what:20} {'nothing is published':>32}")
                continue
            print(f"{name:20} {what:20} {precision:10.3f} {recall:10.3f} {f1:10.3f}")
            aim = {"operations": 0.98, "properties": 0.95}.get(what)
            failed |= name == "egret" and aim is not None and score.true > 0 and f1 < aim
        if name == "egret":
            for what, score in scores.items():
                if what in ("statuses", "errors", "all published"):
                    continue
                for where, thing in score.wrong:
                    print(f"  {what}: claimed, not published: {where} {thing}")
                for where, thing in score.missed:
                    print(f"  {what}: published, not claimed: {where} {thing}")
    sys.exit(failed)


main()
