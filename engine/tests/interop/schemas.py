"""Checks a request against the types of the provider's own Python package, unknown keys included."""

import functools

import jsonschema
import pydantic


@functools.cache
def openai_schema():
    from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
    return strict(pydantic.TypeAdapter(CompletionCreateParamsNonStreaming).json_schema())


@functools.cache
def anthropic_schema():
    from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
    return strict(pydantic.TypeAdapter(MessageCreateParamsNonStreaming).json_schema())


def strict(schema):
    """The schema with every object closed that names its properties."""
    if isinstance(schema, dict):
        closed = {key: strict(value) for key, value in schema.items()}
        if closed.get("type") == "object" and "properties" in closed:
            closed.setdefault("additionalProperties", False)
        return closed
    return [strict(item) for item in schema] if isinstance(schema, list) else schema


def problems(dialect, request):
    body = request["body"]
    if dialect == "gemini":
        return gemini_problems(body)
    schema = openai_schema() if dialect == "openai" else anthropic_schema()
    if dialect == "openai":
        # What a server thought goes back in keys of its own, which OpenAI's types do not know.
        body = {**body, "messages": [without_thoughts(message) for message in body["messages"]]}
    found = jsonschema.Draft202012Validator(schema).iter_errors(body)
    return [f"{dialect}: {'/'.join(map(str, error.path))}: {jsonschema.exceptions.best_match([error]).message[:300]}" for error in found]


def without_thoughts(message):
    own = ("reasoning", "reasoning_content", "reasoning_details", "thinking_blocks")
    message = {key: value for key, value in message.items() if key not in own}
    if "tool_calls" in message:
        extra = ("extra_content", "provider_specific_fields")
        message["tool_calls"] = [{key: value for key, value in call.items() if key not in extra} for call in message["tool_calls"]]
    return message


def gemini_problems(body):
    from google.genai import types
    parts = {"contents": types.Content, "tools": types.Tool, "systemInstruction": types.Content, "generationConfig": types.GenerationConfig}
    found = [f"gemini: unknown key {key}" for key in body if key not in parts]
    for key, kind in parts.items():
        values = body.get(key, [])
        for value in values if isinstance(values, list) else [values]:
            try:
                kind.model_validate(value)
            except pydantic.ValidationError as error:
                found.append(f"gemini: {key}: {error.errors()[0]['loc']}: {error.errors()[0]['msg']}")
    return found
