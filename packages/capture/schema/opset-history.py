"""Writes src/upgrade/opset-history.generated.ts: when each standard operator changed, and which changes break old nodes.

Provenance: the operator schemas that the `onnx` package (Apache-2.0, PyPI, 1.23.2) registers, read with
`onnx.defs.get_all_schemas_with_history()`. To renew it:

    python3 -m venv venv && venv/bin/pip install onnx==1.23.2
    venv/bin/python packages/capture/schema/opset-history.py > packages/capture/src/upgrade/opset-history.generated.ts

A change is breaking when a node that is valid before it may be invalid, or read differently, after it: an attribute that
went away, became required or changed its type or default; an input or output that went away or became required; an
element type that is no longer allowed; a deprecation. Changes of meaning that leave the signature alone can't be seen
here: they are in the hand-written table of adapters.
"""

from collections import defaultdict

import onnx
from onnx import defs

REQUIRED = defs.OpSchema.FormalParameterOption.Single
STANDARD_DOMAIN = ""


def allowed_types(schema, parameter):
    for constraint in schema.type_constraints:
        if constraint.type_param_str == parameter.type_str:
            return set(constraint.allowed_type_strs)
    return {parameter.type_str}


def default_of(attribute):
    return attribute.default_value.SerializeToString() if attribute.default_value.ByteSize() else None


def parameters_break(old, new, kind):
    before, after = list(getattr(old, kind)), list(getattr(new, kind))
    if len(before) > len(after):
        return True
    if any(parameter.option == REQUIRED for parameter in after[len(before):]):
        return True
    for a, b in zip(before, after):
        if a.option != b.option and not (kind == "inputs" and a.option == REQUIRED) and b.option != defs.OpSchema.FormalParameterOption.Optional:
            return True
        if allowed_types(old, a) - allowed_types(new, b):
            return True
    return False


def attributes_break(old, new):
    for name, b in new.attributes.items():
        a = old.attributes.get(name)
        if a is None and b.required:
            return True
        if a is not None and (a.type != b.type or (b.required and not a.required) or (default_of(a) != default_of(b) and not a.required)):
            return True
    return any(name not in new.attributes for name in old.attributes)


def is_breaking(old, new):
    return (
        new.deprecated
        or parameters_break(old, new, "inputs")
        or parameters_break(old, new, "outputs")
        or attributes_break(old, new)
    )


def main():
    by_name = defaultdict(list)
    for schema in defs.get_all_schemas_with_history():
        if schema.domain == STANDARD_DOMAIN:
            by_name[schema.name].append(schema)
    print(f"// Made by schema/opset-history.py from onnx {onnx.__version__} (opset {defs.onnx_opset_version()}). Do not edit.")
    print()
    print("/** When an operator of the standard domain changed, and which of these changes break nodes of before. */")
    print("export interface OperatorHistory {")
    print("  readonly versions: readonly number[];")
    print("  readonly breaking: readonly number[];")
    print("}")
    print()
    print("/** The history of every operator of ai.onnx by name. */")
    print("export const OPSET_HISTORY: Readonly<Record<string, OperatorHistory>> = {")
    for name in sorted(by_name):
        schemas = sorted(by_name[name], key=lambda schema: schema.since_version)
        versions = [schema.since_version for schema in schemas]
        breaking = [new.since_version for old, new in zip(schemas, schemas[1:]) if is_breaking(old, new)]
        print(f"  {name}: {{ versions: {versions}, breaking: {breaking} }},")
    print("};")


main()
