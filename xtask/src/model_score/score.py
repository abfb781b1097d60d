"""Compares inferred OpenAPI documents with the one that a server publishes.

`python score.py EXCHANGES.jsonl PUBLISHED NAME=INFERRED…`: EXCHANGES are lines of `egret http --json`. What is counted:

* operations: method and template, names of path parameters aside; only published ones that were called with success;
* parameters: place, name (for those of paths: position), type, whether required; of operations that both have;
* statuses: of operations that both have;
* properties: of bodies of requests and of successful responses, where both have them, by their path through objects,
  arrays (`[]`) and maps (`{}`), with type and whether required; those of errors are counted apart, because what servers
  publish about errors is seldom what they send.

Null is left out of types: `integer or null` that was never null in the traffic is `integer`.
"""

import json
import re
import sys

import yaml

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


def load(path):
    with open(path) as file:
        return yaml.safe_load(file)


def plain(path):
    return re.sub(r"\{[^}]*\}", "{}", path)


def operations(document):
    found = {}
    for path, item in (document.get("paths") or {}).items():
        if path == "/openapi.json" or path.startswith("ignore:"):
            continue
        for method, operation in item.items():
            if method in METHODS:
                shared = item.get("parameters", [])
                found[(method.upper(), plain(path))] = (path, operation, shared)
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


def bodies(document, operation):
    schemas = Schemas(document)
    found = {}
    body = schemas.resolve(operation.get("requestBody") or {})
    for media, content in (body.get("content") or {}).items():
        if "schema" in (content or {}):
            found[("request", media.split(";")[0])] = set(schemas.properties(content["schema"]))
    for status, response in (operation.get("responses") or {}).items():
        response = schemas.resolve(response)
        for media, content in (response.get("content") or {}).items():
            if "schema" in (content or {}):
                found[(str(status), media.split(";")[0])] = set(schemas.properties(content["schema"]))
    return found


def called(lines, published):
    """The published operations that were called with success, and how often each answered what."""
    templates = []
    for (method, path), (full, _, _) in published.items():
        pattern = re.compile("^" + re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(full)) + "$")
        templates.append((full.count("{"), method, path, pattern))
    templates.sort(key=lambda template: template[0])
    found = set()
    for line in lines:
        exchange = json.loads(line)
        request, response = exchange.get("request"), exchange.get("response")
        if not request or not response or not 200 <= response.get("status", 0) < 400:
            continue
        target = request["target"].split("?")[0]
        for _, method, path, pattern in templates:
            if method == request["method"] and pattern.match(target):
                found.add((method, path))
                break
    return found


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


def compare(published, inferred, exercised):
    true, claimed = operations(published), operations(inferred)
    scores = {name: Score() for name in ("operations", "parameters", "statuses", "properties", "names alone", "errors")}
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
        for place in sorted(set(ours) | set(theirs)):
            if place[0] != "request" and place[0] not in statuses(claimed[key]):
                continue
            if place not in theirs:
                continue
            at = f"{where} {' '.join(place)}"
            name = lambda properties: {path for path, _, _ in properties}
            mine = ours.get(place, set())
            if place[0][0] in "45":
                scores["errors"].add(mine, theirs[place], at)
            else:
                scores["properties"].add(mine, theirs[place], at)
                scores["names alone"].add(name(mine), name(theirs[place]), at)
    return scores


def main():
    lines, published, *others = sys.argv[1:]
    published = load(published)
    with open(lines) as file:
        exercised = called(file, operations(published))
    print(f"{len(exercised)} of {len(operations(published))} published operations were called with success")
    print(f"{'':20} {'':20} {'precision':>10} {'recall':>10} {'F1':>10}")
    failed = False
    for other in others:
        name, path = other.split("=", 1)
        scores = compare(published, load(path), exercised)
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
                if what in ("statuses", "errors", "names alone"):
                    continue
                for where, thing in score.wrong:
                    print(f"  {what}: claimed, not published: {where} {thing}")
                for where, thing in score.missed:
                    print(f"  {what}: published, not claimed: {where} {thing}")
    sys.exit(failed)


main()
